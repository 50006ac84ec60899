"""Lead conversion: which share of the leads of a period became paying customers in time."""

from __future__ import annotations

import ibis.expr.types as ir

from kpi_lib.customers.money import business_rules
from kpi_lib.customers.sales import lead_lists, lead_moves, lead_parts, lead_rules
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
from kpi_lib.periods import PeriodName
from kpi_lib.schema import Tables


class Params(KpiParams):
    """What may be chosen about lead conversion."""

    period: PeriodName = parameter("month", meaning="length of one period: week, month, quarter")
    periods: int = parameter(12, ge=2, le=104, unit="periods", meaning="how many periods to show")
    segment: str = parameter(
        "",
        meaning="column of leads (source, campaign, segment, is_ideal) or of accounts, or empty",
    )
    horizon_days: int = parameter(
        180,
        ge=1,
        le=1_825,
        unit="days",
        meaning="within how many days of its creation a lead must be won",
        fair=(90, 180, 365),
    )


def observe(tables: Tables, params: Params) -> ir.Table:
    """One row per lead created in a period; value is days until won, lost, or `as_of`.

    Outcome: 0 still open, 1 won, 2 lost. `exposed` is the days since its creation.

    Ann is won after 40 days, Bob is lost after 31, Cem is open, and Dee, who came only in March, is
    open too; only Ann is linked to an account:

    >>> from datetime import date
    >>> from kpi_lib.example import small_company
    >>> company = small_company(date(2026, 3, 31), leads=[
    ...     dict(lead_id="ann", created_on=date(2026, 1, 10), won_on=date(2026, 2, 19), account_id="a"),
    ...     dict(lead_id="bob", created_on=date(2026, 1, 5), lost_on=date(2026, 2, 5)),
    ...     dict(lead_id="cem", created_on=date(2026, 1, 20)),
    ...     dict(lead_id="dee", created_on=date(2026, 3, 21))])
    >>> rows = observe(company, Params()).order_by("unit_id")
    >>> rows = rows.select("unit_id", "period", "value", "outcome", "exposed")
    >>> print(rows.execute().to_string(index=False))
    unit_id     period  value  outcome  exposed
        ann 2026-01-01   40.0        1     80.0
        bob 2026-01-01   31.0        2     85.0
        cem 2026-01-01   70.0        0     70.0
        dee 2026-03-01   10.0        0     10.0
    """
    return lead_parts.observed(tables, params)


COUNTS = dict.fromkeys(("leads", "won", "lost"), Unit.COUNT)
SHARES = dict.fromkeys(("conversion", "low", "high"), Unit.SHARE)
DAYS = dict.fromkeys(("mean_days", "median_days", "shortest_days", "longest_days"), Unit.DAYS)

WHO = Part(
    name="leads",
    title="The leads of the cohorts shown",
    meaning="Those still open first, the longest wait first; then the won, then the lost.",
    compute=lead_lists.listed,
    units={"days": Unit.DAYS},
)


def split_part(name: str, title: str) -> Part:
    """Conversion by one column of the leads, over all periods shown."""
    return Part(
        name=f"by_{name}",
        title=title,
        meaning="All periods shown together, the largest group first; young leads are censored.",
        compute=lead_parts.split(name),
        view="bars",
        units=COUNTS | SHARES,
    )


PARTS = (
    Part(
        name="beside",
        title="The cohort's share, and the snapshot ratio",
        meaning="`conversion` follows the leads of a period. `snapshot` divides the deals won in the "
        "period, whose leads are older, by the leads created in it.",
        compute=lead_parts.beside,
        view="lines",
        units=dict.fromkeys(("leads", "closed_won"), Unit.COUNT)
        | SHARES
        | {"snapshot": Unit.SHARE},
    ),
    Part(
        name="misread",
        title="Two shares that leave somebody out",
        meaning="`as_if_nobody_left` is 1 - Kaplan-Meier: it takes lost leads for open ones. "
        "`won_of_closed` is the win rate of the deals closed in the period: it leaves out who is open.",
        compute=lead_parts.misread,
        units=dict.fromkeys(("won", "lost", "closed"), Unit.COUNT)
        | dict.fromkeys(("conversion", "as_if_nobody_left", "won_of_closed"), Unit.SHARE),
    ),
    Part(
        name="curves",
        title="Share of a cohort that is won",
        meaning="By days since the lead was created, being lost counted as a competing event "
        "(Aalen-Johansen); won, lost and open add up to 1. The newest 12 cohorts, each as far as its "
        "leads could be watched on average.",
        compute=lead_parts.curves,
        view="curve",
        units={"day": Unit.DAYS, "at_risk": Unit.COUNT}
        | dict.fromkeys(("won_share", "lost_share", "open_share"), Unit.SHARE),
    ),
    Part(
        name="durations",
        title="How long leads take",
        meaning="Days from creation to won or lost, and so far for those open. Of those closed only, "
        "so slow ones are missing from it.",
        compute=lead_lists.durations,
        units={"leads": Unit.COUNT} | DAYS,
    ),
    split_part("source", "By source"),
    split_part("campaign", "By campaign"),
    split_part("segment", "By segment"),
    split_part("is_ideal", "By fit with the ideal customer"),
    Part(
        name="mix",
        title="Another mix, or better conversion",
        meaning="Two halves of the periods whose horizon has passed. `from_mix` is what another mix of "
        "segments did to the whole, `from_rate` what changed within them; both add up to the change.",
        compute=lead_lists.mix,
        units=dict.fromkeys(
            (
                *("earlier_share", "later_share", "earlier_rate", "later_rate"),
                *("from_mix", "from_rate"),
            ),
            Unit.SHARE,
        ),
    ),
)

CHEAP_MOVES = (
    CheapMove(
        name="weak leads not entered",
        meaning="Contacts that will say no within 60 days are never written down as leads.",
        edit=lead_moves.weak_leads_not_entered,
        given_away_by="leads: the cohort has fewer of them, and each costs more",
    ),
    CheapMove(
        name="demos only",
        meaning="A contact becomes a lead only once it has seen a demo.",
        edit=lead_moves.demos_only,
        given_away_by="leads: the cohort has fewer of them, and each costs more",
    ),
)

FIT_RULES = (
    business_rules.OPENED_BY_SALES,
    FitRule(
        name="horizon too short",
        meaning="Most deals are won after the horizon, so the share sees the quick ones only.",
        check=lead_rules.horizon_too_short,
        severe=False,
    ),
    FitRule(
        name="losses not recorded",
        meaning="No lead is ever marked as lost.",
        check=lead_rules.losses_not_recorded,
        severe=False,
    ),
)

FORMULA = r"""
$$\hat F(h) = \sum_{t_i \le h} \hat S(t_{i-1}) \, \frac{w_i}{n_i}, \qquad
\hat S(t) = \prod_{t_i \le t} \left(1 - \frac{w_i + l_i}{n_i}\right)$$

- $\hat F(h)$: share of the leads of a period won within $h$ = `horizon_days` days (share)
- $w_i$, $l_i$: leads won, leads lost exactly $t_i$ days after their creation (leads)
- $n_i$: leads neither won nor lost before $t_i$ and watched for at least so long (leads)
- $\hat S$: share still open; a lead that is open on the last day known is censored, not lost
- without censoring $\hat F(h)$ is won within $h$ / leads
- interval: Wilson's, for the effective number of leads $\hat F (1 - \hat F) / \text{variance}$; leads
  of one account are one cluster
- snapshot: deals won in the period / leads created in it (ratio of two different groups)
"""

KPI = Kpi(
    name="lead_conversion",
    title="Lead conversion",
    question="Which share of the leads of a period become paying customers in time?",
    unit=Unit.SHARE,
    better=Better.HIGHER,
    role=Role.OUTCOME,
    cadence=Cadence.MONTHLY,
    owner="marketing",
    family=Family.SAAS,
    source="B2B sales metrics",
    formula=FORMULA.strip(),
    needs={
        "leads": (
            *("lead_id", "account_id", "created_on", "source", "campaign", "segment", "is_ideal"),
            *("demo_on", "won_on", "lost_on"),
        )
    },
    optional={"accounts": ("account_id", "name", "owner", "signed_on")},
    Params=Params,
    observe=observe,
    estimator=lead_parts.estimator,
    has_account_level=False,
    noun="lead",
    parts=PARTS,
    who=WHO,
    cheap_moves=CHEAP_MOVES,
    fit_rules=FIT_RULES,
    cautions=(
        "A young cohort has not had its time: what it has won so far is no conversion, and its open "
        "leads are not lost.",
        "The snapshot ratio rises when fewer leads come in, and falls when marketing does well.",
        "1 - Kaplan-Meier promises a share that nobody reaches, since it lets lost leads come back.",
        "More leads of a worse fit lower the share and may still bring more customers: read the "
        "number won beside it.",
        "The total can improve because the mix of segments does, while no segment improves.",
        "A lead belongs to no account until it is linked, so that nothing here ranks accounts.",
    ),
    okr="Raise the share of leads won within {horizon_days} days from {value}, with no fewer leads "
    "and no segment converting less.",
    references=(
        "Aalen, O. O. and Johansen, S. (1978). An empirical transition matrix for "
        "non-homogeneous Markov chains. Scandinavian Journal of Statistics 5, 141-150.",
        "Dorey, F. J. and Korn, E. L. (1987). Effective sample sizes for confidence intervals for "
        "survival probabilities. Statistics in Medicine 6, 679-687.",
        "Kitagawa, E. M. (1955). Components of a difference between two rates. JASA 50, 1168-1194.",
    ),
)
