"""Lift: what accounts exposed to a lever bring more than comparable ones, in money."""

from __future__ import annotations

from typing import Literal

import ibis.expr.types as ir

from kpi_lib.customers.growth import lift_rules, lift_shown
from kpi_lib.customers.growth.lever_paths import LeverBy
from kpi_lib.customers.growth.lift import in_periods, matched, units
from kpi_lib.customers.growth.states import STATES
from kpi_lib.customers.subscribed import with_segment
from kpi_lib.kpi import (
    Better,
    Cadence,
    Estimator,
    Family,
    Kpi,
    KpiParams,
    Role,
    Unit,
    parameter,
)
from kpi_lib.periods import complete_periods
from kpi_lib.schema import Tables
from kpi_lib.stats.ratio import Ratio

OWN_SEGMENTS = ("lever", "state", "fit")


class Params(KpiParams):
    """What may be chosen about lift."""

    segment: str = parameter(
        "", meaning="lever, state, fit (ideal customer), a column of accounts, or empty"
    )
    lever_by: LeverBy = parameter(
        "name", meaning="column of interactions that names the lever: lever, name, channel, track"
    )
    lever: str = parameter("", meaning="the lever judged in the headline; empty means all of them")
    states: tuple[str, ...] = parameter(STATES, meaning="demand states in their order")
    horizon_days: int = parameter(
        365,
        ge=1,
        le=1_825,
        unit="days",
        meaning="how long after the landmark money is counted as seen",
        fair=(365, 548),
    )
    counts: Literal["observed", "whole"] = parameter(
        "observed",
        meaning="which money counts: observed (seen in the window), whole (and expected after it)",
        fair=("observed", "whole"),
    )
    adjust: Literal["money before", "nothing"] = parameter(
        "money before",
        meaning="what is held equal besides the stratum: money before, nothing",
        fair=("money before", "nothing"),
    )
    landmark_share: float = parameter(
        0.95,
        gt=0,
        le=1,
        unit="share",
        meaning="the landmark is the day by which so many of the touched had their first touch",
    )
    discount_rate: float = parameter(
        0.1, ge=0.01, le=1, unit="share per year", meaning="what a year of waiting costs"
    )
    margin_share: float = parameter(
        0.8,
        gt=0,
        le=1,
        unit="share",
        meaning="margin of projected money where no costs are recorded",
    )
    placebo_level: float = parameter(
        0.99, gt=0.5, lt=1, unit="share", meaning="confidence that something differed before"
    )
    draws: int = parameter(
        200, ge=20, le=5_000, unit="resamples", meaning="how often accounts are drawn anew"
    )


def observe(tables: Tables, params: Params) -> ir.Table:
    """One row per account in a state on a lever's landmark day; sum of value over sum of weight is the lift.

    Exposed accounts weigh 1 and bring their profit less the mean of the comparable ones; these weigh 0 and
    carry the uncertainty of that mean. A row belongs to the period in which its stratum's windows closed.

    Forty prospects stand in one state from 1 January. Twenty get a guide (10) on the 3rd and sign for 100 a
    month on the 11th; of the others one in two does. In the 60 days from the 4th that is 53 days paid, less the
    guide, against half of 53 days:

    >>> from datetime import date
    >>> from kpi_lib.example import small_company
    >>> start, names = date(2026, 1, 1), [f"a{i:02}" for i in range(40)]
    >>> sign = [who for place, who in enumerate(names) if place < 20 or place % 2]
    >>> company = small_company(
    ...     date(2026, 6, 30),
    ...     states=[dict(account_id=who, state="engaged", entered_at=start) for who in names],
    ...     interactions=[dict(interaction_id=who, account_id=who, at=date(2026, 1, 3), lever="content",
    ...                        name="guide", cost=10.0) for who in names[:20]],
    ...     subscriptions=[dict(subscription_id=who, account_id=who, started_on=date(2026, 1, 11),
    ...                         monthly_amount=100.0) for who in sign])
    >>> rows = observe(company, Params(horizon_days=60, periods=2)).execute()
    >>> seen = rows["value"].sum() / rows["weight"].sum()
    >>> print(round(seen, 2), round(100 / (365.25 / 12) * 53 / 2 - 10, 2))
    77.06 77.06
    """
    rows = matched(units(tables, params), params.counts, params.adjust)
    if params.lever:
        rows = rows.filter(rows["lever"] == params.lever)
    start = tables.quarter_starts_in
    rows = in_periods(rows, complete_periods(tables.as_of, params.period, params.periods, start))
    rows = rows.mutate(fit=rows["ideal"], unit_id=rows["lever"] + "/" + rows["stay"])
    shown = ("unit_id", "account_id", "period", "value", "weight")
    if params.segment in OWN_SEGMENTS:
        own = rows[params.segment]
        return rows.select(*shown, segment=own.replace("_", " "))
    return with_segment(tables, rows.select(*shown), params.segment)


def estimator(params: Params) -> Estimator:
    """Money more per exposed account, accounts as clusters."""
    del params
    return Ratio()


FORMULA = r"""
$$\text{lift} = \frac{1}{n_1} \sum_{i \text{ exposed}} \left( y_i - \bar y_{0,s(i)}
- \hat\beta \, (x_i - \bar x_{0,s(i)}) \right)$$

- $y_i$: profit of the account (money): what it paid in the `horizon_days` from the landmark on, less goods and
  service, less all touches since it entered the state; with `counts` whole, plus what is expected after
- $s(i)$: stratum: same lever, demand state, quarter of entering it, segment and fit with the ideal customer
- $\bar y_{0,s}$: mean of the comparable accounts of the stratum, in the state on the landmark day and not yet
  exposed; accounts without comparable ones are left out
- $x_i$: profit in as many days before entering the state (money); $\hat\beta$: its slope among comparable
  accounts of the lever and state, within strata
- expected after: money per month at the end of the window, times the margin share, times the discounted months
  still to come by the retention model (shifted-beta-geometric)
- $n_1$: exposed accounts that have comparable ones, one per lever and stay in a state
"""

KPI = Kpi(
    name="lift",
    title="Lift",
    question="How much more do accounts bring that were exposed to a lever, against comparable ones that were not?",
    unit=Unit.MONEY,
    better=Better.HIGHER,
    role=Role.OUTCOME,
    cadence=Cadence.QUARTERLY,
    owner="growth",
    family=Family.GROWTH,
    source="Converged growth KPI system",
    formula=FORMULA.strip(),
    needs={
        "interactions": (
            *("interaction_id", "account_id", "contact_id", "at", "lever", "name", "channel"),
            *("track", "cost"),
        ),
        "states": (
            *("account_id", "contact_id", "state", "entered_at", "left_at", "opportunity_id"),
            "amount",
        ),
    },
    one_of={
        "subscriptions": (
            *("subscription_id", "account_id", "started_on", "ended_on", "cancelled_on"),
            *("monthly_amount", "currency"),
        ),
        "orders": ("order_id", "account_id", "ordered_at", "cancelled_on", "returned_on"),
    },
    optional={
        "order_lines": ("order_id", "quantity", "unit_price"),
        "costs": ("account_id", "month", "kind", "amount"),
        "accounts": ("account_id", "name", "owner", "segment", "is_ideal"),
        "contacts": ("contact_id", "account_id", "role"),
        "leads": ("account_id", "contact_id", "segment", "is_ideal"),
    },
    Params=Params,
    observe=observe,
    estimator=estimator,
    has_account_level=False,
    segments=OWN_SEGMENTS,
    noun="exposure",
    is_scoreboard=True,
    parts=lift_shown.PARTS,
    who=lift_shown.WHO,
    cheap_moves=lift_rules.MOVES,
    fit_rules=lift_rules.FIT_RULES,
    cautions=(
        "Association, not cause: accounts are alike in what is written down, and may differ in what is not. The "
        "test that shows cause: draw lots in a state, expose one half, and compare.",
        "A lever sent to those who would pay anyway shows lift. The placebo gives it away where there was a time "
        "before to compare; where there was none, it may still be so.",
        "The projected part is a forecast by tenure. It knows nothing of the lever.",
        "Only exposures whose window has closed count, so the headline speaks of levers pulled a year ago or more.",
        "An account in several states, or exposed to several levers, stands in several comparisons. Lifts of "
        "levers do not add up.",
        "Service and goods are those booked to the account; what is booked to nobody is in no profit.",
    ),
    okr="Raise the lift per exposure from {value} by drawing lots for the most promising lever and moving its "
    "spend where it shows.",
    references=(
        "Anderson, J. R., Cain, K. C. and Gelber, R. D. (1983). Analysis of survival by tumor response "
        "(the landmark method). Journal of Clinical Oncology 1, 710-719.",
        "Imbens, G. W. and Rubin, D. B. (2015). Causal inference for statistics, social, and biomedical sciences. "
        "Chapters 17-18 (strata), 21 (placebo outcomes).",
        "Cameron, A. C. and Miller, D. L. (2015). A practitioner's guide to cluster-robust inference. "
        "Journal of Human Resources 50, 317-372.",
        "Fader, P. and Hardie, B. (2010). Customer-base valuation in a contractual setting: the perils of ignoring "
        "heterogeneity. Marketing Science 29(1), 85-93.",
        "Hillstrom, K. (2008). The MineThatData e-mail analytics and data mining challenge (randomised).",
    ),
)
