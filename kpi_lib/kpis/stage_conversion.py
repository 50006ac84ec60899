"""Stage conversion: which share of those who enter a demand state gets on to a later one."""

from __future__ import annotations

from typing import Literal

import ibis.expr.types as ir
from pydantic import model_validator

from kpi_lib.customers.growth import (
    conversion,
    conversion_moves,
    conversion_rules,
    conversion_shown,
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
    """What may be chosen about stage conversion."""

    segment: str = parameter(
        "", meaning="is_ideal, track, or a column of accounts to split by, or empty"
    )
    states: tuple[str, ...] = parameter(
        STATES, min_length=2, meaning="the demand states in their order, before and after the sale"
    )
    from_state: str = parameter(
        "opportunity",
        meaning="the state whose entrants are followed",
        fair=("qualified", "opportunity"),
    )
    to_state: str = parameter(
        "won", meaning="the state they are to reach", fair=("committed", "won")
    )
    journeys_of: Literal["account", "contact"] = parameter(
        "account", meaning="whose way through the states is followed: account, contact"
    )
    skipped: Literal["passes", "leaves"] = parameter(
        "passes",
        meaning="what going past a state without entering it counts as: passes, leaves",
        fair=("passes", "leaves"),
    )
    horizon_days: int = parameter(
        365,
        ge=1,
        le=1_825,
        unit="days",
        meaning="within how many days of entering a state the later one must be reached",
        fair=(180, 365),
    )

    @model_validator(mode="after")
    def _in_order(self) -> Params:
        check_states(self.states, self.from_state, self.to_state)
        return self


def observe(tables: Tables, params: Params) -> ir.Table:
    """One row per journey that entered `from_state` in a period; value is days until the outcome.

    Outcome: 0 on the way on `as_of`, 1 reached `to_state`, 2 left for good. `exposed` is the days since
    it entered.

    Ann is committed and then won, Bob is lost after 31 days, Cem is still an opportunity, and Dee is
    engaged only, so that she is not asked:

    >>> from datetime import date
    >>> from kpi_lib.example import small_company
    >>> def row(account, state, since, until=None):
    ...     return dict(account_id=account, state=state, entered_at=since, left_at=until)
    >>> company = small_company(date(2026, 3, 31), states=[
    ...     row("ann", "opportunity", date(2025, 10, 1), date(2025, 11, 20)),
    ...     row("ann", "committed", date(2025, 11, 20), date(2025, 12, 10)),
    ...     row("ann", "won", date(2025, 12, 10)),
    ...     row("bob", "opportunity", date(2025, 10, 1), date(2025, 11, 1)),
    ...     row("cem", "opportunity", date(2025, 12, 1)),
    ...     row("dee", "engaged", date(2025, 12, 1))])
    >>> rows = observe(company, Params()).order_by("unit_id")
    >>> rows = rows.select("unit_id", "period", "value", "outcome", "exposed")
    >>> print(rows.execute().to_string(index=False))
    unit_id     period  value  outcome  exposed
        ann 2025-10-01   70.0        1    181.0
        bob 2025-10-01   31.0        2    181.0
        cem 2025-10-01  120.0        0    120.0
    """
    return conversion.observed(tables, params)


CHEAP_MOVES = (
    CheapMove(
        name="late entry",
        meaning="Deals that will be lost within 60 days are never written down in the first state.",
        edit=conversion_moves.late_entry,
        given_away_by="entered: fewer enter the state, and more leave the one before it",
    ),
    CheapMove(
        name="letters of intent",
        meaning="Deals that stall are declared to have reached the later state, and leave it again a "
        "month later.",
        edit=conversion_moves.letters_of_intent,
        given_away_by="ideal_share: those who pass fit worse, and the next step leaks",
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
        meaning="Journeys are never seen to leave.",
        check=conversion_rules.losses_not_recorded,
        severe=False,
    ),
    FitRule(
        name="horizon too short",
        meaning="Most passages take longer than the horizon, so the share sees the quick ones only.",
        check=conversion_rules.horizon_too_short,
        severe=False,
    ),
    FitRule(
        name="few journeys",
        meaning="So few journeys begin in a period that one more or less moves the share.",
        check=conversion_rules.few_journeys,
        severe=False,
    ),
)

FORMULA = r"""
$$\hat F(h) = \sum_{t_i \le h} \hat S(t_{i-1}) \, \frac{p_i}{n_i}, \qquad
\hat S(t) = \prod_{t_i \le t} \left(1 - \frac{p_i + g_i}{n_i}\right)$$

- $\hat F(h)$: share of the journeys that enter `from_state` in a period and reach `to_state` within
  $h$ = `horizon_days` days (share)
- $p_i$, $g_i$: journeys that reach it, that leave for good, $t_i$ days after entering (journeys)
- $n_i$: journeys that did neither before $t_i$ and were watched for at least so long (journeys)
- $\hat S$: share still on the way; who is in a state on the last day known is censored, not lost
- interval: Wilson's, for the effective number of journeys; journeys of one account are one cluster
- a journey is the way of one account (or contact) for one opportunity
- value lost at a step = journeys expected to leave x mean amount x chance to be won later (money per
  year); after the sale that chance is 1
"""

KPI = Kpi(
    name="stage_conversion",
    title="Stage conversion",
    question="Which share of those who enter a demand state gets on to a later one?",
    unit=Unit.SHARE,
    better=Better.HIGHER,
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
    estimator=conversion.estimator,
    has_account_level=False,
    segments=conversion.OWN_SEGMENTS,
    noun="journey",
    parts=conversion_shown.PARTS,
    who=conversion_shown.WHO,
    cheap_moves=CHEAP_MOVES,
    fit_rules=FIT_RULES,
    cautions=(
        "The headline is one pair of states, by default from opportunity to won, where money is at "
        "stake and several departments meet. The whole chain takes years, and its product hides the step that leaks.",
        "A young cohort has not had its time: who is still in a state is neither passed nor lost.",
        "More who pass are no gain when they fit worse: read the share of ideal customers beside it.",
        "A state is what somebody wrote down. Who moves deals late, or all at once at the end of a "
        "quarter, moves the figure.",
        "The loss in value takes who left for worth as much as who passed; they may have been worse.",
        "Fit and tracks are associations: they say where to look, not what would cause a sale.",
    ),
    okr="Raise the share of journeys that get from {from_state} to {to_state} within {horizon_days} "
    "days from {value}, with no smaller share of ideal customers among those who pass.",
    references=(
        "Converged growth KPI system (2023): conversion through the demand states, before and after "
        "the sale.",
        "Aalen, O. O. and Johansen, S. (1978). An empirical transition matrix for "
        "non-homogeneous Markov chains. Scandinavian Journal of Statistics 5, 141-150.",
        "Dorey, F. J. and Korn, E. L. (1987). Effective sample sizes for confidence intervals for "
        "survival probabilities. Statistics in Medicine 6, 679-687.",
    ),
)
