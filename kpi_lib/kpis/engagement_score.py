"""Engagement score: how far the people of an account use what it pays for, from 0 to 100 points."""

from __future__ import annotations

from typing import Literal

import ibis.expr.types as ir
from pydantic import model_validator

from kpi_lib.customers.money import business_rules
from kpi_lib.customers.subscribed import only, with_segment
from kpi_lib.customers.use import engagement, engagement_moves, engagement_rules
from kpi_lib.customers.use.engagement_parts import LOWEST, PARTS, shown_periods
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
from kpi_lib.periods import PeriodName
from kpi_lib.schema import Tables
from kpi_lib.stats.mean import Mean


class Params(KpiParams):
    """What may be chosen about the engagement score."""

    period: PeriodName = parameter("month", meaning="length of one period: week, month, quarter")
    periods: int = parameter(12, ge=2, le=104, unit="periods", meaning="how many periods to show")
    window_days: int = parameter(
        28, ge=7, le=365, unit="days", meaning="how far back use counts", fair=(28, 14, 56)
    )
    sponsor_days: int = parameter(
        180,
        ge=7,
        le=730,
        unit="days",
        meaning="how far back a touched sponsor counts",
        fair=(180, 90),
    )
    core_features: tuple[str, ...] = parameter(
        (), meaning="names of the events that are core features; empty means any event"
    )
    weighting: Literal["chosen", "equal"] = parameter(
        "chosen",
        meaning="which weights count: chosen (those below), equal",
        fair=("chosen", "equal"),
    )
    weight_active_share: float = parameter(
        25.0, ge=0, meaning="weight of the active share of seats"
    )
    weight_breadth: float = parameter(15.0, ge=0, meaning="weight of the breadth of features")
    weight_frequency: float = parameter(20.0, ge=0, meaning="weight of the days of use")
    weight_recency: float = parameter(20.0, ge=0, meaning="weight of the last day of use")
    weight_depth: float = parameter(10.0, ge=0, meaning="weight of the actions per active person")
    weight_sponsors: float = parameter(10.0, ge=0, meaning="weight of the sponsors touched")
    full_active_share: float = parameter(
        0.5, gt=0, le=1, unit="share", meaning="active share of seats that gives 100 points"
    )
    full_breadth: int = parameter(
        5, ge=1, unit="features", meaning="distinct core features that give 100 points"
    )
    full_frequency: int = parameter(
        16, ge=1, unit="days", meaning="days of use in 28 days that give 100 points"
    )
    full_depth: float = parameter(
        6.0,
        gt=0,
        unit="actions",
        meaning="actions per active person in 28 days that give 100 points",
    )
    full_sponsors: int = parameter(
        1, ge=1, unit="people", meaning="sponsors touched that give 100 points"
    )
    missing: Literal["leave_out", "zero"] = parameter(
        "leave_out",
        meaning="what an unknown part counts: leave_out (the others share its weight), zero",
        fair=("leave_out", "zero"),
    )
    rounded: bool = parameter(
        True, meaning="whether parts and score are whole points, a half rounded up"
    )
    months_ahead: int = parameter(
        3, ge=1, le=12, unit="months", meaning="how long before a decision the weights are tested"
    )

    @property
    def weights(self) -> dict[str, float]:
        """The weight of each part."""
        if self.weighting == "equal":
            return dict.fromkeys(engagement.PARTS, 1.0)
        return {name: float(getattr(self, f"weight_{name}")) for name in engagement.PARTS}

    @property
    def thresholds(self) -> dict[str, float]:
        """What gives 100 points, by part."""
        measured = [name for name in engagement.PARTS if name != "recency"]
        return {name: float(getattr(self, f"full_{name}")) for name in measured}

    @model_validator(mode="after")
    def _some_weight(self) -> Params:
        if not sum(self.weights.values()) > 0:
            raise ValueError("at least one weight must be above 0")
        return self


def observe(tables: Tables, params: Params) -> ir.Table:
    """One row per account paying on the last day of a period; value is its score, 0 to 100.

    Accounts served by machine (80 % of events are API calls) are left out, and those of which no
    part is known.

    On 31 March Ann's two people used two features on one day each, the last on the 30th; Bob's one
    person came on the 3rd. Cem pays for nothing anybody uses. Dee's system pulls data:

    >>> from datetime import date, datetime
    >>> from kpi_lib.example import small_company
    >>> start, ids = date(2026, 1, 1), ["ann", "bob", "cem", "dee"]
    >>> pay = [dict(subscription_id=i, account_id=i, started_on=start, monthly_amount=100.0, seats=4)
    ...        for i in ids]
    >>> used = [("ann", 20, "ui", "p1", "query"), ("ann", 30, "ui", "p2", "share"),
    ...         ("bob", 4, "ui", "p3", "query")]
    >>> used += [("dee", day, "api", None, "load") for day in range(1, 32)]
    >>> usage = [dict(account_id=a, at=datetime(2026, 3, d), event=e, channel=c, contact_id=p)
    ...          for a, d, c, p, e in used]
    >>> company = small_company(date(2026, 3, 31), subscriptions=pay, usage=usage, contacts=[],
    ...                         accounts=[])
    >>> asked = Params(periods=2, full_breadth=2, full_frequency=4, full_depth=2.0)
    >>> rows = observe(company, asked).filter(lambda t: t["period"] == "2026-03-01")
    >>> rows = rows.order_by("account_id").select("account_id", "value")
    >>> print(rows.execute().to_string(index=False))
    account_id  value
           ann   82.0
           bob   34.0
           cem    0.0
    """
    rows = engagement.scored(tables, shown_periods(tables, params), params)
    rows = rows.filter(~rows["is_api"], rows["score"].notnull())
    rows = rows.select(
        "period", "account_id", unit_id=rows["account_id"], value=rows["score"].cast("float64")
    )
    return with_segment(tables, rows, params.segment)


def score(tables: Tables, params: Params) -> ir.Table:
    """The score of each account on `as_of`: account_id, score."""
    rows = engagement.scored(tables, only(tables.as_of), params)
    rows = rows.filter(~rows["is_api"], rows["score"].notnull())
    return rows.select("account_id", "score")


def estimator(params: Params) -> Estimator:
    """The mean over accounts."""
    del params
    return Mean()


CHEAP_MOVES = (
    CheapMove(
        name="weekly mail",
        meaning="A mail makes every person open one report a week, which nobody needs.",
        edit=engagement_moves.weekly_mail,
        given_away_by="active_share: nearly everybody at once, which no customer does by itself",
    ),
    CheapMove(
        name="fewer seats",
        meaning="Contracts are written for half the seats at the same price.",
        edit=engagement_moves.fewer_seats,
        given_away_by="active_share: it jumps by itself, while the other five parts stand still",
    ),
)

FIT_RULES = (
    business_rules.sold_by_order(
        "repeat_orders", "nobody holds a seat in a product", unless="usage"
    ),
    FitRule(
        name="served by machine",
        meaning="In most paying accounts the customer's system pulls and nobody holds a seat.",
        check=engagement_rules.served_by_machine,
    ),
    FitRule(
        name="unknown parts",
        meaning="A part with weight is unknown in more than half of the accounts.",
        check=engagement_rules.unknown_parts,
        severe=False,
    ),
)

FORMULA = r"""
$$\text{score}(a, d) = \text{round}\left(\frac{\sum_i w_i \, p_i}{\sum_i w_i}\right), \qquad
p_i = \text{round}\left(100 \, \min(1, x_i / t_i)\right)$$

- $a$: every account paying on day $d$, less those served by machine (API share $\ge 0.8$)
- $x_i$: active people over seats (share); distinct core features (features); days of use (days); actions
  per active person (actions), all by people in the `window_days` that end on $d$; sponsors touched in
  `sponsor_days` (people)
- recency: 100 on a day of use, falling to 0 over `window_days` (points)
- $t_i$: `full_...`, what gives 100 points; $w_i$: `weight_...` (no unit)
- halves are rounded up; an unknown part leaves its weight to the others, or counts 0 (`missing`)
- the result is the mean over accounts, 0 to 100 points
"""

KPI = Kpi(
    name="engagement_score",
    title="Engagement score",
    question="How far do the people of our customers use what their company pays for?",
    unit=Unit.POINTS,
    better=Better.HIGHER,
    role=Role.LEADING,
    cadence=Cadence.MONTHLY,
    owner="customer success",
    family=Family.SAAS,
    source="B2B sales metrics",
    formula=FORMULA.strip(),
    needs={
        "accounts": ("account_id", "name", "owner", "seats"),
        "contacts": ("contact_id", "account_id", "role", "created_on", "is_service"),
        "subscriptions": (
            "subscription_id",
            "account_id",
            "started_on",
            "ended_on",
            "cancelled_on",
            "term_ends_on",
            "monthly_amount",
            "seats",
        ),
        "usage": ("account_id", "contact_id", "at", "event", "channel"),
    },
    optional={"interactions": ("account_id", "contact_id", "at")},
    Params=Params,
    observe=observe,
    estimator=estimator,
    paired=True,
    looks_back=lambda params: params.window_days,
    score=score,
    parts=PARTS,
    who=LOWEST,
    cheap_moves=CHEAP_MOVES,
    fit_rules=FIT_RULES,
    cautions=(
        "A composite hides: two accounts with 50 points may have nothing in common. Read the parts.",
        "Weights are opinions until they are tested. If equal weights do as well, use those.",
        "Events that only pile up with time (tools connected) make old customers look engaged. Count "
        "what people did lately.",
        "API products: nobody holds a seat, so the score says nothing about them.",
        "More use is not more value. A product that saves time is used less.",
        "Seats are those of the contract: an account that bought too many looks idle.",
        "Sponsors count where somebody recorded who was touched.",
    ),
    okr="Raise the mean engagement score from {value} by the smallest change worth acting on, by "
    "working through the ten least engaged accounts before their renewal.",
    okr_target=lambda params, value: value + params.interesting_change,
    references=(
        "Natero. Customer health scores: a worked example of weighted parts, each from 0 to 100.",
        "Dawes, R. M. (1979). The robust beauty of improper linear models in decision making. "
        "American Psychologist 34, 571-582.",
        "Hanley, J. A., and McNeil, B. J. (1982). The meaning and use of the area under a ROC curve. "
        "Radiology 143, 29-36.",
    ),
)
