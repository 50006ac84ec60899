"""CLV to CAC: how many times its cost a new customer brings back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kpi_lib.composite import Composite, CompositeParams
from kpi_lib.customers.sales.acquisition import VARIANTS, Variant
from kpi_lib.kpi import Better, Cadence, Family, Unit, parameter

CLV, CAC = "customer_lifetime_value", "acquisition_cost"


class Params(CompositeParams):
    """What may be chosen about CLV to CAC."""

    window_periods: int = parameter(
        4,
        ge=1,
        le=24,
        unit="periods",
        meaning="over how many periods new customers and what was spent on them are counted",
    )
    threshold: float | None = parameter(
        3.0, gt=0, meaning="the ratio to exceed: its chance is told, and the objective asks for it"
    )
    variant: Variant = parameter(
        "all",
        meaning="which spend counts: all of sales and marketing, acquisition (without retention), "
        "lagged (acquisition, spread over the sales cycle), loaded (all, with support)",
        fair=VARIANTS,
    )
    horizon_years: int = parameter(
        0,
        ge=0,
        le=50,
        unit="years",
        meaning="years of a customer that count, 0 for the whole life",
        fair=(0, 5),
    )


def combine(values: Mapping[str, Any]) -> Any:
    """Lifetime value over acquisition cost, place by place.

    A customer that brings 60,000 and costs 20,000 brings three times its cost back. In a draw in
    which nobody came the cost has no end, and the ratio is 0:

    >>> import numpy as np
    >>> values = {"customer_lifetime_value": np.array([60_000.0, 60_000.0]),
    ...           "acquisition_cost": np.array([20_000.0, np.inf])}
    >>> combine(values).tolist()
    [3.0, 0.0]
    """
    return values[CLV] / values[CAC]


def settings(params: Params) -> Mapping[str, Mapping[str, Any]]:
    """Which money counts, and how many years."""
    return {CAC: {"variant": params.variant}, CLV: {"horizon_years": params.horizon_years}}


FORMULA = r"""
$$\text{CLV:CAC}_p = \frac{\text{CLV}_p}{\text{CAC}_p}$$

- $\text{CLV}_p$: margin that a new customer brings over its life, discounted, as the histories of
  all customers known by the end of period $p$ say (money per customer)
- $\text{CAC}_p$: spend over new customers of the `window_periods` that end with $p$ (money per
  customer); `variant` says which spend
- interval: accounts are drawn with replacement, the same ones for both (a Poisson number of times
  each); in each draw both figures are made anew and divided
- chance: share of the draws above `threshold`
"""

KPI = Composite(
    name="clv_to_cac",
    title="CLV to CAC",
    question="How many times its cost does a new customer bring back?",
    unit=Unit.RATIO,
    better=Better.HIGHER,
    cadence=Cadence.QUARTERLY,
    owner="finance",
    family=Family.SAAS,
    source="B2B sales metrics",
    formula=FORMULA.strip(),
    Params=Params,
    parts=(CLV, CAC),
    combine=combine,
    settings=settings,
    noun="new customer",
    cheap_moves={
        "departures hidden": "inactive_customers",
        "list price booked": "gross_revenue",
        "sales booked as support": "acquisition_cost.support_share: support grows by what sales no longer costs",
    },
    cautions=(
        "It divides a forecast by a mean over few customers: with 30 to 50 new customers a year "
        "the interval is wide, and a quarter moves it by chance alone.",
        "The value is that of all customers so far, the cost that of the newest: where the new ones "
        "are of another kind, the two do not belong together.",
        "A ratio far above 3 can mean that too little is spent, and that growth is left to others.",
        "It says nothing about cash: two companies with the same ratio can wait one year or three "
        "for their money. Read payback beside it.",
        "Both parts are open to argument, and the ratio takes over the arguments of both; read it "
        "under the other definitions before it is quoted.",
    ),
    okr="Keep CLV to CAC at {threshold} or above, from {value} today, with a chance of at least four "
    "in five that it is above.",
    okr_target=lambda params, value: params.threshold or value,
    references=(
        "Skok, D. (2010). SaaS metrics: a guide to measuring and improving what matters. For "
        "Entrepreneurs.",
        "Hanley, J. and MacGibbon, B. (2006). Creating non-parametric bootstrap samples using "
        "Poisson frequencies. Computer Methods and Programs in Biomedicine 83, 57-62.",
        "Davison, A. and Hinkley, D. (1997). Bootstrap methods and their application. Cambridge.",
    ),
)
