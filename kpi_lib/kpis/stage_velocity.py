"""Stage velocity: how many days it takes from one demand state to a later one."""

from __future__ import annotations

from datetime import date
from typing import Literal

import ibis.expr.types as ir
from pydantic import model_validator

from kpi_lib.customers.growth import (
    conversion,
    conversion_rules,
    velocity_moves,
    velocity_parts,
    velocity_rules,
    velocity_shown,
)
from kpi_lib.customers.growth.states import STATES, check_states
from kpi_lib.customers.money import business_rules
from kpi_lib.kpi import (
    Better,
    Cadence,
    CheapMove,
    Family,
    FitRule,
    Kpi,
    KpiParams,
    Role,
    Unit,
    parameter,
)
from kpi_lib.schema import Tables


class Params(KpiParams):
    """What may be chosen about stage velocity."""

    segment: str = parameter(
        "", meaning="is_ideal, track, or a column of accounts to split by, or empty"
    )
    states: tuple[str, ...] = parameter(
        STATES, min_length=2, meaning="the demand states in their order, before and after the sale"
    )
    from_state: str = parameter(
        "opportunity", meaning="where the clock starts", fair=("qualified", "opportunity")
    )
    to_state: str = parameter("won", meaning="where it stops", fair=("committed", "won"))
    journeys_of: Literal["account", "contact"] = parameter(
        "account", meaning="whose way through the states is followed: account, contact"
    )
    horizon_days: int = parameter(
        365, ge=1, le=1_825, unit="days", meaning="how far the restricted mean looks"
    )
    statistic: Literal["median", "mean"] = parameter(
        "median", meaning="what stands for a cohort: median, mean", fair=("median", "mean")
    )
    holidays: tuple[date, ...] = parameter(
        (), meaning="days on which nobody works, besides Saturdays and Sundays"
    )
    touch_covers_days: int = parameter(
        5,
        ge=1,
        le=60,
        unit="business days",
        meaning="how long a touch counts as work, its own day included",
    )
    floor_quantile: float = parameter(
        0.1, gt=0, lt=1, unit="share", meaning="which share of the unforced cycles is the floor"
    )
    push_days: int = parameter(
        7, ge=0, le=31, unit="days", meaning="how many last days of a quarter count as forced"
    )
    target_days: int = parameter(120, ge=0, unit="days", meaning="the goal of the OKR")
    target_on: date | None = parameter(None, meaning="the day by which the goal is to be reached")

    @model_validator(mode="after")
    def _in_order(self) -> Params:
        check_states(self.states, self.from_state, self.to_state)
        return self


def observe(tables: Tables, params: Params) -> ir.Table:
    """One row per journey that entered `from_state` in a period; value is days until the outcome.

    Outcome: 0 on the way on `as_of`, 1 reached `to_state`, 2 left for good. `entered` is 0.

    Ann is won after 70 days, Bob is lost after 31, Cem has been an opportunity for 121 days, and Dee
    is engaged only:

    >>> from datetime import date
    >>> from kpi_lib.example import small_company
    >>> def row(account, state, since, until=None):
    ...     return dict(account_id=account, state=state, entered_at=since, left_at=until)
    >>> company = small_company(date(2026, 3, 31), states=[
    ...     row("ann", "opportunity", date(2025, 10, 1), date(2025, 11, 20)),
    ...     row("ann", "committed", date(2025, 11, 20), date(2025, 12, 10)),
    ...     row("ann", "won", date(2025, 12, 10)),
    ...     row("bob", "opportunity", date(2025, 10, 1), date(2025, 11, 1)),
    ...     row("cem", "opportunity", date(2025, 11, 30)),
    ...     row("dee", "engaged", date(2025, 12, 1))])
    >>> rows = observe(company, Params()).order_by("unit_id")
    >>> print(rows.select("unit_id", "period", "value", "outcome").execute().to_string(index=False))
    unit_id     period  value  outcome
        ann 2025-10-01   70.0        1
        bob 2025-10-01   31.0        2
        cem 2025-10-01  121.0        0
    """
    return velocity_parts.observed(tables, params)


CHEAP_MOVES = (
    CheapMove(
        name="entered late",
        meaning="The first state is written down 15 days after it began.",
        edit=velocity_moves.entered_late,
        given_away_by="in_progress: fewer journeys are under way at a time, while as many are begun before it",
    ),
    CheapMove(
        name="dated early",
        meaning="The later state is dated 15 days before it was reached.",
        edit=velocity_moves.dated_early,
        given_away_by="in_progress: fewer journeys are under way at a time, while the next step takes longer",
    ),
)

FIT_RULES = (
    business_rules.sold_by_order(
        "repeat_orders", "there are no deals that pass through states", unless="states"
    ),
    FitRule(
        name="states never entered",
        meaning="The states of the pair do not occur in the data.",
        check=conversion_rules.states_never_entered,
    ),
    FitRule(
        name="losses not recorded",
        meaning="Journeys are never seen to leave, so that the lost look slow.",
        check=conversion_rules.losses_not_recorded,
        severe=False,
    ),
    FitRule(
        name="pushed at the quarter's end",
        meaning="Many passages fall into the last days of a quarter: the seller's calendar, not the "
        "buyer's.",
        check=velocity_rules.pushed_at_quarter_end,
        severe=False,
    ),
    FitRule(
        name="few journeys",
        meaning="So few journeys begin in a period that their median is chance.",
        check=conversion_rules.few_journeys,
        severe=False,
    ),
)

FORMULA = r"""
$$\hat S(t) = \prod_{t_i \le t} \left(1 - \frac{p_i}{n_i}\right), \qquad
\text{median} = \min \{\, t : \hat S(t) \le 0.5 \,\}, \qquad L = \lambda W$$

- $\hat S(t)$: share not yet in `to_state` $t$ days after entering `from_state`, if nobody left (share)
- $p_i$: journeys that reach it after $t_i$ days; $n_i$: journeys that had neither reached it nor left before
  (journeys); who is on the way is censored on the last day known
- $L$: journeys in progress; $\lambda$: journeys that leave a day; $W$: mean days of who leaves
- organic floor: the `floor_quantile` of the unforced cycle (days)
- waiting: business days without a touch in the last `touch_covers_days` (business days)
- sales velocity = $L$ x win rate x mean amount / $W$ (money per day)
- forecast: chance of each journey to arrive, given its state and how long it has been there, plus
  journeys still to come; limits are those of a count with as much variance, and more where the forecasts
  made before missed by more than it allows (journeys)
"""

KPI = Kpi(
    name="stage_velocity",
    title="Stage velocity",
    question="How many days pass from one demand state to a later one?",
    unit=Unit.DAYS,
    better=Better.LOWER,
    role=Role.OUTCOME,
    cadence=Cadence.MONTHLY,
    owner="growth",
    family=Family.GROWTH,
    source="Converged growth KPI system",
    formula=FORMULA.strip(),
    needs={
        "states": (
            *("account_id", "contact_id", "state", "entered_at", "left_at"),
            *("opportunity_id", "amount"),
        )
    },
    optional={
        "accounts": ("account_id", "name", "owner", "is_ideal"),
        "leads": ("account_id", "contact_id", "is_ideal"),
        "contacts": ("account_id", "contact_id"),
        "interactions": ("account_id", "at", "track"),
    },
    Params=Params,
    observe=observe,
    estimator=velocity_parts.estimator,
    has_account_level=False,
    segments=conversion.OWN_SEGMENTS,
    noun="journey",
    parts=velocity_shown.PARTS,
    who=velocity_shown.WHO,
    cheap_moves=CHEAP_MOVES,
    fit_rules=FIT_RULES,
    cautions=(
        "The mean of the deals won looks better the more deals are stuck. The median counts everyone.",
        "It takes who left for censored. When the slow ones give up, it looks slower than those who "
        "bought were: read conversion beside it.",
        "A buyer has its own cycle. A target below the organic floor asks for discounts, not for speed.",
        "A day without a touch is called waiting, although the customer may be at work on its side.",
        "The forecast supposes that the past goes on: the same curves, as many new journeys. A company that grows "
        "fast is underrated, and the first year has no forecast.",
        "Dates of states are written down by hand, often at the end of a quarter.",
    ),
    okr="Reduce the {statistic} time from {from_state} to {to_state} from {value} to {target_days} days by "
    "{target_on}.",
    okr_target=lambda params, _: params.target_days,
    references=(
        "Converged growth KPI system (2023): velocity, organic cycle time and planning.",
        "Kaplan, E. L. and Meier, P. (1958). Nonparametric estimation from incomplete "
        "observations. JASA 53, 457-481.",
        "Brookmeyer, R. and Crowley, J. (1982). A confidence interval for the median survival time. "
        "Biometrics 38, 29-41.",
        "Little, J. D. C. (1961). A proof for the queuing formula L = lambda W. Operations Research 9, "
        "383-387.",
    ),
)
