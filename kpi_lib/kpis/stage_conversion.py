"""Stage conversion: which share of those who enter a demand state gets on to a later one."""

from __future__ import annotations

from typing import Literal

import ibis.expr.types as ir
from pydantic import model_validator

from kpi_lib.customers import (
    conversion,
    conversion_lists,
    conversion_moves,
    conversion_parts,
    conversion_rules,
)
from kpi_lib.customers.states import STATES, check_states
from kpi_lib.kpi import (
    Better,
    Cadence,
    CheapMove,
    Family,
    FitRule,
    Kpi,
    KpiParams,
    Part,
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


SHARES = dict.fromkeys(("conversion", "low", "high"), Unit.SHARE)


def counts(*names: str) -> dict[str, Unit]:
    """Columns that are counted."""
    return dict.fromkeys(names, Unit.COUNT)


ENDS = counts("entered", "passed", "gone")

WHO = Part(
    name="journeys",
    title="The journeys of the cohorts shown",
    meaning="Those on the way first, the largest amount first; then those that passed, then those gone.",
    compute=conversion_lists.listed,
    units={"days": Unit.DAYS, "amount": Unit.MONEY},
)


def split_part(name: str, title: str, meaning: str) -> Part:
    """Conversion from `from_state` to `to_state` by one column, over all periods shown."""
    return Part(
        name=f"by_{name}",
        title=title,
        meaning=meaning,
        compute=conversion_parts.split(name),
        view="bars",
        units=ENDS | SHARES,
    )


PARTS = (
    Part(
        name="steps",
        title="Conversion of each step, before and after the sale",
        meaning="Of those who entered a state in the periods shown, the share that got on within the "
        "horizon; leaving competes, and who is still in the state is censored. `moved_on`, `skipped`, "
        "`gone` and `in_it` add up to `entered`, at any time.",
        compute=conversion_parts.steps,
        view="bars",
        units=SHARES | counts("entered", "moved_on", "skipped", "gone", "in_it"),
    ),
    Part(
        name="friction",
        title="What each step loses, in money per year",
        meaning="Journeys expected to leave, times their mean amount, times the chance that they would "
        "still have been won. The step with the largest share gone is often not the dearest one.",
        compute=conversion_parts.friction,
        view="bars",
        units=dict.fromkeys(("value_lost", "low", "high", "mean_amount"), Unit.MONEY)
        | dict.fromkeys(("share_gone", "chance_later"), Unit.SHARE)
        | {"journeys_gone": Unit.COUNT},
    ),
    Part(
        name="quality",
        title="Fit of those who pass, and of those who enter",
        meaning="`ideal_share` of the journeys that reached `to_state` in the period, of those whose fit "
        "is stated. More throughput of worse fit is no success.",
        compute=conversion_parts.quality,
        view="lines",
        units=dict.fromkeys(("ideal_share", "low", "high", "entered_ideal_share"), Unit.SHARE)
        | counts("passed", "entered"),
    ),
    Part(
        name="beside",
        title="The cohort's share, and the snapshot ratio",
        meaning="`conversion` follows who entered in a period. `snapshot` divides those who passed in "
        "the period, who entered earlier, by those who entered in it.",
        compute=conversion_parts.beside,
        view="lines",
        units=counts("entered", "passed") | SHARES | {"snapshot": Unit.SHARE},
    ),
    Part(
        name="curves",
        title="Share of each step that has got on",
        meaning="By days since entering the state, leaving counted as a competing event "
        "(Aalen-Johansen); passed, gone and in it add up to 1.",
        compute=conversion_parts.curves,
        view="curve",
        units={"day": Unit.DAYS, "at_risk": Unit.COUNT}
        | dict.fromkeys(("passed_share", "gone_share", "in_it_share"), Unit.SHARE),
    ),
    Part(
        name="steps_by_fit",
        title="Each step by fit with the ideal customer",
        meaning="Where the ideal customer gets on and others do not, and where it makes no difference.",
        compute=conversion_parts.steps_by_fit,
        units=counts("entered") | SHARES,
    ),
    split_part(
        "is_ideal",
        "By fit with the ideal customer",
        "All periods shown together. A company is ideal when one of its leads is, else as its account "
        "says.",
    ),
    split_part(
        "track",
        "By conversation track",
        "All periods shown together. The track is that of the last touch on or before entering.",
    ),
)

CHEAP_MOVES = (
    CheapMove(
        name="late entry",
        meaning="Deals that will be lost within 60 days are never written down in the first state.",
        edit=conversion_moves.late_entry,
        given_away_by="steps: fewer enter the state, and more leave the one before it",
    ),
    CheapMove(
        name="letters of intent",
        meaning="Deals that stall are declared to have reached the later state, and leave it again a "
        "month later.",
        edit=conversion_moves.letters_of_intent,
        given_away_by="steps and customer_lifetime_value: the next step leaks, and no money follows",
    ),
)

FIT_RULES = (
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
    parts=PARTS,
    who=WHO,
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
