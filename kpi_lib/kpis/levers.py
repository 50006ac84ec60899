"""Levers: what touches cost, what came back of it, and which of them go with customers moving on."""

from __future__ import annotations

from typing import Literal

import ibis
import ibis.expr.types as ir
from pydantic import model_validator

from kpi_lib.customers.growth import lever_rules, lever_shown
from kpi_lib.customers.growth.lenses import with_ideal
from kpi_lib.customers.growth.lever_lists import shown_periods
from kpi_lib.customers.growth.lever_paths import LeverBy, credited
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
from kpi_lib.periods import PeriodName
from kpi_lib.schema import Tables
from kpi_lib.stats.ratio import Ratio

OWN_SEGMENTS = ("lever", "track", "channel", "fit")
Model = Literal["first", "last", "linear", "position", "time_decay", "shapley"]


class Params(KpiParams):
    """What may be chosen about levers."""

    period: PeriodName = parameter("month", meaning="length of one period: week, month, quarter")
    periods: int = parameter(12, ge=2, le=104, unit="periods", meaning="how many periods to show")
    segment: str = parameter(
        "", meaning="lever, track, channel, fit (ideal customer), a column of accounts, or empty"
    )
    lever_by: LeverBy = parameter(
        "name", meaning="column of interactions that names the lever: lever, name, channel, track"
    )
    states: tuple[str, ...] = parameter(STATES, meaning="demand states in their order")
    outcomes: tuple[str, ...] = parameter(
        ("won", "renewed"), meaning="states whose entering is an outcome, worth the amount stated"
    )
    look_back_days: int = parameter(
        365,
        ge=1,
        le=1_825,
        unit="days",
        meaning="how old a touch may be on the day its journey ends",
        fair=(180, 365, 548),
    )
    model: Model = parameter(
        "linear",
        meaning="how an outcome is split: first, last, linear, position, time_decay, shapley",
        fair=("linear", "position", "time_decay", "shapley"),
    )
    first_share: float = parameter(
        0.4, ge=0, le=1, unit="share", meaning="position model: what the first touch gets"
    )
    last_share: float = parameter(
        0.4, ge=0, le=1, unit="share", meaning="position model: what the last touch gets"
    )
    half_life_days: float = parameter(
        30.0,
        gt=0,
        unit="days",
        meaning="time decay: age at which a touch counts half",
        fair=(14.0, 30.0, 60.0),
    )
    markov_order: int = parameter(
        1, ge=1, le=3, unit="touches", meaning="how many touches the Markov chain remembers"
    )
    journeys_used: Literal["all", "converted"] = parameter(
        "all", meaning="which journeys teach the Markov chain: all, converted"
    )
    horizon_days: int = parameter(
        365,
        ge=1,
        le=1_825,
        unit="days",
        meaning="within how many days after the landmark an account must move on",
    )
    landmark_share: float = parameter(
        0.95,
        gt=0,
        le=1,
        unit="share",
        meaning="the landmark is the day by which so many of the touched had their first touch",
    )
    placebo_level: float = parameter(
        0.99, gt=0.5, lt=1, unit="share", meaning="confidence that something differed before"
    )
    draws: int = parameter(
        200, ge=20, le=5_000, unit="resamples", meaning="how often accounts are drawn anew"
    )

    @model_validator(mode="after")
    def _outcomes_are_states(self) -> Params:
        unknown = [name for name in self.outcomes if name not in self.states]
        if unknown or not self.outcomes:
            raise ValueError(f"outcomes must be among the states; {unknown or 'none'} given")
        if self.first_share + self.last_share > 1:
            raise ValueError("the shares of the first and last touch add up to more than 1")
        return self


def observe(tables: Tables, params: Params) -> ir.Table:
    """One row per touch of a journey that ended in a period; value is the money it is credited with.

    `weight` is its cost. A journey ends with an outcome or without; then its touches are credited
    with nothing, and cost all the same.

    Ann signs for 900 after a call (50) and a mail (10), Bob is lost after a call (50). What was
    spent is 110, what came back 900:

    >>> from datetime import date
    >>> from kpi_lib.example import small_company
    >>> def touch(who, name, day, cost):
    ...     return dict(interaction_id=who + name, account_id=who, at=date(2026, 3, day),
    ...                 lever="team", name=name, cost=cost)
    >>> company = small_company(date(2026, 3, 31), states=[
    ...     dict(account_id="ann", state="engaged", entered_at=date(2026, 3, 1)),
    ...     dict(account_id="ann", state="won", entered_at=date(2026, 3, 20), amount=900.0),
    ...     dict(account_id="bob", state="engaged", entered_at=date(2026, 3, 1),
    ...          left_at=date(2026, 3, 25))], interactions=[
    ...     touch("ann", "call", 5, 50.0), touch("ann", "mail", 9, 10.0), touch("bob", "call", 7, 50.0)])
    >>> rows = observe(company, Params(periods=2)).order_by("unit_id")
    >>> print(rows.select("unit_id", "period", "value", "weight").execute().to_string(index=False))
    unit_id     period  value  weight
    anncall 2026-03-01  450.0    50.0
    annmail 2026-03-01  450.0    10.0
    bobcall 2026-03-01    0.0    50.0
    """
    rows = credited(tables, shown_periods(tables, params), params, params.model)
    if params.segment == "fit":
        rows = with_ideal(tables, rows).rename(fit="is_ideal")
    own = rows[params.segment] if params.segment in OWN_SEGMENTS else ibis.literal("")
    own = own.replace("_", " ") if params.segment == "lever" else own
    rows = rows.select(
        "account_id", "period", "value", unit_id=rows["touch_id"], weight=rows["cost"], segment=own
    )
    if params.segment in OWN_SEGMENTS:
        return rows
    if params.segment and "accounts" not in tables:
        raise ValueError(f"segment {params.segment!r} is not a column of accounts")
    return with_segment(tables, rows.drop("segment"), params.segment)


def estimator(params: Params) -> Estimator:
    """Money credited over money spent, accounts as clusters."""
    del params
    return Ratio()


FORMULA = r"""
$$\text{returned} = \frac{\sum_{j} \sum_{i \in j} s_{ij} \, v_j}{\sum_j \sum_{i \in j} c_i}, \qquad
\sum_{i \in j} s_{ij} = 1$$

- $j$: journeys that ended in the period; $v_j$: amount of the outcome, 0 without one (money)
- $i$: touches of the journey, at most `look_back_days` old; $c_i$: what the touch cost (money)
- $s_{ij}$: the share of the touch by the model (share): *first*, *last* 1 to that touch; *linear* the same to
  all; *position* `first_share`, `last_share`, the rest between; *time decay*
  $2^{-\text{age} / \text{half life}}$; *Shapley* the same to each distinct lever
- the model moves money between levers, never the total: the headline is the same under all of them

$$\text{removal effect}_l = 1 - \frac{P(\text{outcome} \mid l \text{ removed})}{P(\text{outcome})}, \qquad
P = (I - Q)^{-1} r$$

- *Markov*: $Q$, $r$: chances to go from one touch to the next, and to the outcome, solved and not simulated;
  levers share all outcomes in proportion to their removal effects (it credits levers, not journeys)

$$\text{elasticity} = \frac{\Delta \ln \frac{p}{1 - p}}{\Delta \text{touches}}$$

- $p$: share that moves on to a later state within `horizon_days` of the landmark (share)
"""

KPI = Kpi(
    name="levers",
    title="Return on levers",
    question="What comes back of the money spent on touches, and which of them go with customers moving on?",
    unit=Unit.RATIO,
    better=Better.HIGHER,
    role=Role.OUTCOME,
    cadence=Cadence.MONTHLY,
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
    optional={
        "accounts": ("account_id", "name", "owner", "segment", "is_ideal"),
        "contacts": ("contact_id", "account_id", "role"),
        "leads": ("account_id", "contact_id", "segment", "is_ideal"),
    },
    Params=Params,
    observe=observe,
    estimator=estimator,
    has_account_level=False,
    segments=OWN_SEGMENTS,
    noun="interaction",
    is_scoreboard=True,
    parts=lever_shown.PARTS,
    who=lever_shown.WHO,
    cheap_moves=lever_rules.MOVES,
    fit_rules=lever_rules.FIT_RULES,
    cautions=(
        "Association, not cause: a credit says that a touch was on the way, not that it moved anybody. The "
        "test that shows cause: draw lots among accounts in the same state, touch one half, and compare.",
        "A lever sent to those about to buy anyway looks best of all. The time before the touch and the days "
        "left after it give it away; where neither can be told, it may still be so.",
        "The model decides who is credited. If a rank changes with the model, the rank is the model's.",
        "The amount is that of the contract, not its margin and not the customer's lifetime value.",
        "Money is counted when the journey ends; touches of journeys still under way are in no period yet.",
        "Touches nobody writes down do not exist here, and whoever writes down most is credited most.",
        "A touch that costs little returns much per money spent. That is no reason to send more of them.",
        "Outcomes without a single touch are left out: nothing was spent on them that we know of.",
    ),
    okr="Raise what comes back per money spent on touches from {value} by trying the most promising lever on "
    "one half of the accounts of a state, drawn by lot.",
    references=(
        "Anderl, E., Becker, I., von Wangenheim, F. and Schumann, J. H. (2016). Mapping the customer journey. "
        "International Journal of Research in Marketing 33, 457-474.",
        "Shapley, L. S. (1953). A value for n-person games. Annals of Mathematics Studies 28, 307-317.",
        "Anderson, J. R., Cain, K. C. and Gelber, R. D. (1983). Analysis of survival by tumor response "
        "(the landmark method). Journal of Clinical Oncology 1, 710-719.",
        "Robins, J., Breslow, N. and Greenland, S. (1986). Estimators of the Mantel-Haenszel variance. "
        "Biometrics 42, 311-323.",
    ),
)
