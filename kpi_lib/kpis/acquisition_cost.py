"""Acquisition cost: what was spent in sales and marketing for each new customer."""

from __future__ import annotations

from typing import Literal

import ibis.expr.types as ir

from kpi_lib.customers.money import business_rules
from kpi_lib.customers.sales import (
    acquisition_moves,
    acquisition_parts,
    acquisition_rules,
)
from kpi_lib.customers.sales.acquisition import VARIANTS, Variant
from kpi_lib.customers.sales.acquisition_shown import PARTS, WHO
from kpi_lib.kpi import (
    Better,
    Cadence,
    CheapMove,
    Estimator,
    Family,
    FitRule,
    Kpi,
    KpiParams,
    Role,
    Unit,
    parameter,
)
from kpi_lib.schema import Tables
from kpi_lib.stats.cost_per_unit import CostPerUnit

# CLV:CAC, its joint interval and the chance that it exceeds 3 are a composite over this card and
# customer_lifetime_value: no KPI imports another. It reads spend and customers of the part `year`.


class Params(KpiParams):
    """What may be chosen about acquisition cost."""

    period: Literal["month", "quarter"] = parameter(
        "quarter", meaning="length of one period: month, quarter"
    )
    variant: Variant = parameter(
        "all",
        meaning="which spend counts: all of sales and marketing, acquisition (without retention), "
        "lagged (acquisition, spread over the sales cycle), loaded (all, with support)",
        fair=VARIANTS,
    )
    marketing_months: int = parameter(
        12,
        ge=1,
        le=36,
        unit="months",
        meaning="over how many months marketing spend brings customers, for lagged",
        fair=(6, 12, 18),
    )
    sales_months: int = parameter(
        6,
        ge=1,
        le=36,
        unit="months",
        meaning="over how many months sales spend brings customers, for lagged",
        fair=(3, 6, 12),
    )
    gross_margin: float | None = parameter(
        None,
        gt=0,
        le=1,
        unit="share",
        meaning="what is left of revenue after goods and service; empty means from the costs",
    )
    min_customers: int = parameter(
        10, ge=2, unit="customers", meaning="below so many a channel gets no figure"
    )


def observe(tables: Tables, params: Params) -> ir.Table:
    """One row per new customer; value is its equal share of the money of the period it came in.

    `weight` is 1. A period in which money was spent and nobody came has one row of weight 0 that
    carries the money. Value is null where the spend is not known.

    A company spends 4,000 in the first quarter, in which Ann and Bob come (Cem comes back, which is
    no acquisition), and 500 in the second, in which nobody does:

    >>> from datetime import date
    >>> from kpi_lib.example import small_company
    >>> paid = [("ann", date(2026, 1, 5)), ("bob", date(2026, 3, 1)), ("cem", date(2025, 1, 1)),
    ...         ("cem", date(2026, 2, 1))]
    >>> money = [(1, "marketing", 2500.0), (2, "sales", 1500.0), (2, "support", 900.0),
    ...          (6, "sales", 500.0)]
    >>> company = small_company(date(2026, 6, 30),
    ...     subscriptions=[dict(account_id=who, started_on=day, monthly_amount=100.0)
    ...                    for who, day in paid],
    ...     spend=[dict(month=date(2026, month, 1), department=who, amount=amount)
    ...            for month, who, amount in money])
    >>> rows = observe(company, Params(periods=2)).order_by("period", "unit_id")
    >>> print(rows.select("unit_id", "period", "value", "weight").execute().to_string(index=False))
    unit_id     period  value  weight
        ann 2026-01-01 2000.0     1.0
        bob 2026-01-01 2000.0     1.0
     nobody 2026-04-01  500.0     0.0
    """
    return acquisition_parts.observed(tables, params)


def estimator(params: Params) -> Estimator:
    """Money over customers, the customers a Poisson count."""
    del params
    return CostPerUnit()


CHEAP_MOVES = (
    CheapMove(
        name="sales booked as support",
        meaning="What sales spends without a channel is booked as support.",
        edit=acquisition_moves.sales_booked_as_support,
        given_away_by="support_share: support grows by what sales no longer costs",
    ),
    CheapMove(
        name="pilots counted as customers",
        meaning="Every customer brings a second account that pays next to nothing.",
        edit=acquisition_moves.pilots_counted,
        given_away_by="first_amount: what a new customer pays falls as much",
    ),
)

FIT_RULES = (
    business_rules.OPENED_BY_SALES,
    FitRule(
        name="few customers",
        meaning="With 50 new customers a year or fewer, the figure of a quarter is mostly chance.",
        check=acquisition_rules.few_customers,
        severe=False,
    ),
    FitRule(
        name="channels too small",
        meaning="Channels with few customers get no figure of their own.",
        check=acquisition_rules.channels_too_small,
        severe=False,
    ),
    FitRule(
        name="cycle longer than a period",
        meaning="Customers come long after the money was spent on them.",
        check=acquisition_rules.cycle_longer_than_a_period,
        severe=False,
    ),
)

FORMULA = r"""
$$\text{CAC}_p = \frac{\sum_{d} \sum_{m} s_{dm} \, \pi_{dmp}}{N_p}, \qquad
\text{payback} = \frac{\text{CAC}}{\text{ARPA} \times \text{gross margin}}$$

- $N_p$: accounts that paid for the first time in period $p$ (customers)
- $s_{dm}$: spend of department $d$ in month $m$ (money): marketing and sales; with `variant`
  loaded also support; with acquisition and lagged without what is spent to keep customers
- $\pi_{dmp}$: the part of it that belongs to $p$ (share): 1 within $p$; with lagged, $1/L$ for each
  month of $p$ among the $L$ months that begin with $m$ ($L$: `marketing_months`, `sales_months`)
- interval: the spend over the exact limits of a Poisson count $N_p$ (money per customer)
- ARPA: mean amount of the accounts paying on the last day (money per month)
- gross margin: 1 - costs of goods and service / amounts paid, over 12 months (share)
- payback (months)
"""

KPI = Kpi(
    name="acquisition_cost",
    title="Acquisition cost",
    question="What do we spend in sales and marketing for each new customer?",
    unit=Unit.MONEY,
    better=Better.LOWER,
    role=Role.OUTCOME,
    cadence=Cadence.QUARTERLY,
    owner="finance",
    family=Family.SAAS,
    source="B2B sales metrics",
    formula=FORMULA.strip(),
    needs={
        "spend": ("month", "department", "channel", "purpose", "amount"),
        "subscriptions": (
            "subscription_id",
            "account_id",
            "started_on",
            "ended_on",
            "monthly_amount",
        ),
    },
    optional={
        "accounts": ("account_id", "name", "owner", "signed_on"),
        "leads": (
            *("lead_id", "account_id", "created_on", "source", "campaign", "segment", "is_ideal"),
            *("won_on", "lost_on"),
        ),
        "costs": ("account_id", "month", "kind", "amount"),
    },
    Params=Params,
    observe=observe,
    estimator=estimator,
    has_account_level=False,
    noun="new customer",
    parts=PARTS,
    who=WHO,
    cheap_moves=CHEAP_MOVES,
    fit_rules=FIT_RULES,
    cautions=(
        "It is a mean over few customers: with 30 to 50 a year a quarter is mostly chance.",
        "The customers of a quarter were paid for in the quarters before: while spend grows, the "
        "figure without lag is too high, and too low after a cut.",
        "Spend on existing customers is no acquisition, and a salary that does both is split by "
        "somebody's guess.",
        "Per channel it leaves out what names no channel, the salaries of sales first of all.",
        "Large and small customers cost alike here; look at the list before you judge a segment.",
        "A low cost is no success where the customers leave before they have paid it back.",
    ),
    okr="Bring acquisition cost from {value} down over four quarters, with no fewer new customers "
    "and no longer payback.",
    references=(
        "Garwood, F. (1936). Fiducial limits for the Poisson distribution. Biometrika 28, 437-442.",
        "Przyborowski, J. and Wilenski, H. (1940). Homogeneity of results in testing samples from "
        "Poisson series. Biometrika 31, 313-323.",
        "Zou, G. Y. and Donner, A. (2008). Construction of confidence limits about effect measures: "
        "a general approach. Statistics in Medicine 27, 1693-1702.",
    ),
)
