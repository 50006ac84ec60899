"""Demo conversion: which share of the demos or trials of a period became paying customers in time."""

from __future__ import annotations

import ibis.expr.types as ir

from kpi_lib.customers.money import business_rules
from kpi_lib.customers.sales import demo_moves, demo_parts, demo_rules, lead_parts
from kpi_lib.customers.sales.demo_shown import PARTS, WHO
from kpi_lib.customers.sales.demos import DENOMINATORS, Denominator
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
from kpi_lib.periods import PeriodName
from kpi_lib.schema import Tables


class Params(KpiParams):
    """What may be chosen about demo conversion."""

    period: PeriodName = parameter("quarter", meaning="length of one period: week, month, quarter")
    periods: int = parameter(12, ge=2, le=104, unit="periods", meaning="how many periods to show")
    segment: str = parameter(
        "",
        meaning="column to split by: page, plan, source, campaign, segment or is_ideal of the demo, "
        "one of accounts, or empty",
    )
    horizon_days: int = parameter(
        365,
        ge=1,
        le=1_825,
        unit="days",
        meaning="within how many days of the demo it must be paid for",
        fair=(180, 365, 540),
    )
    denominator: Denominator = parameter(
        "started",
        meaning="which demos a period counts: those started in it, or those ended in it",
        fair=DENOMINATORS,
    )
    page_prefix: str = parameter(
        "page ",
        meaning="how campaigns that are industry pages begin; empty means that each campaign is one",
    )
    feedback_question: str = parameter(
        "demo_feedback", meaning="the survey question whose comments are quoted"
    )
    min_group: int = parameter(
        5, ge=3, unit="people", meaning="groups of fewer people are never shown apart, nor quoted"
    )


def observe(tables: Tables, params: Params) -> ir.Table:
    """One row per demo or trial; value is days from the demo to paid, lost, or `as_of`.

    Outcome: 0 still open, 1 bought, 2 lost. `exposed` is the days since the demo. Where the
    denominator is the demos ended, the period is that of the end and nothing is open.

    Ann buys 40 days after her demo and Bob says no after 20; Cem's demo of March is young; Dee came
    as a lead and has seen no demo:

    >>> from datetime import date
    >>> from kpi_lib.example import small_company
    >>> company = small_company(date(2026, 3, 31), leads=[
    ...     dict(lead_id="ann", created_on=date(2026, 1, 2), demo_on=date(2026, 1, 10),
    ...          won_on=date(2026, 2, 19)),
    ...     dict(lead_id="bob", created_on=date(2025, 12, 5), demo_on=date(2026, 1, 20),
    ...          lost_on=date(2026, 2, 9)),
    ...     dict(lead_id="cem", created_on=date(2026, 1, 20), demo_on=date(2026, 3, 21)),
    ...     dict(lead_id="dee", created_on=date(2026, 1, 21))])
    >>> rows = observe(company, Params()).order_by("unit_id")
    >>> rows = rows.select("unit_id", "period", "value", "outcome", "exposed")
    >>> print(rows.execute().to_string(index=False))
    unit_id     period  value  outcome  exposed
        ann 2026-01-01   40.0        1     80.0
        bob 2026-01-01   20.0        2     70.0
        cem 2026-01-01   10.0        0     10.0
    """
    return demo_parts.observed(tables, params)


CHEAP_MOVES = (
    CheapMove(
        name="weak demos not entered",
        meaning="A demo after which somebody says no within 90 days is never written down.",
        edit=demo_moves.weak_demos_not_entered,
        given_away_by="started: the cohort has fewer demos, and each buyer costs as much as before",
    ),
    CheapMove(
        name="token plans",
        meaning="Whoever says no is given a free plan, which is booked as bought.",
        edit=demo_moves.token_plans,
        given_away_by="with_contract: the share of buyers that pay falls",
    ),
)

FIT_RULES = (
    business_rules.OPENED_BY_SALES,
    FitRule(
        name="sold without demos",
        meaning="Most customers buy without a demo or trial, so it says little about who buys.",
        check=demo_rules.few_buy_after_a_demo,
    ),
    FitRule(
        name="horizon too short",
        meaning="Most demos are bought after the horizon, so the share sees the quick ones only.",
        check=demo_rules.horizon_too_short,
        severe=False,
    ),
    FitRule(
        name="losses not recorded",
        meaning="No demo is ever marked as lost, so nobody can say why.",
        check=demo_rules.losses_not_recorded,
        severe=False,
    ),
)

FORMULA = r"""
$$\hat F(h) = \sum_{t_i \le h} \hat S(t_{i-1}) \, \frac{w_i}{n_i}, \qquad
\hat S(t) = \prod_{t_i \le t} \left(1 - \frac{w_i + l_i}{n_i}\right)$$

- $\hat F(h)$: share of the demos started in a period that are paid for within $h$ = `horizon_days`
  days (share)
- $w_i$, $l_i$: demos bought, demos lost exactly $t_i$ days after the demo (demos)
- $n_i$: demos neither bought nor lost before $t_i$ and watched for at least so long (demos)
- $\hat S$: share still open; a demo that is open on the last day known is censored, not lost
- without censoring $\hat F(h)$ is bought within $h$ / demos started
- with `denominator` ended: bought / ended in the period; a demo ends when it is bought or lost, at
  the latest after $h$ days
- interval: Wilson's, for the effective number of demos; demos of one account are one cluster
"""

KPI = Kpi(
    name="demo_conversion",
    title="Demo conversion",
    question="Which share of the demos or trials of a period become paying customers in time?",
    unit=Unit.SHARE,
    better=Better.HIGHER,
    role=Role.OUTCOME,
    cadence=Cadence.MONTHLY,
    owner="product marketing",
    family=Family.COMMERCE,
    source="B2B KPI of two companies",
    formula=FORMULA.strip(),
    needs={
        "leads": (
            *("lead_id", "account_id", "created_on", "source", "campaign", "plan", "segment"),
            *("is_ideal", "demo_on", "won_on", "lost_on", "lost_reason"),
        )
    },
    optional={
        "accounts": ("account_id", "name", "owner", "signed_on"),
        "subscriptions": (
            *("subscription_id", "account_id", "started_on", "plan", "monthly_amount"),
        ),
        "answers": (
            *("answer_id", "question", "respondent_id", "answered_on", "score", "scale_max"),
            "comment",
        ),
    },
    Params=Params,
    observe=observe,
    estimator=lead_parts.estimator,
    has_account_level=False,
    segments=("source", "page", "plan", "campaign", "segment", "is_ideal"),
    noun="demo",
    parts=PARTS,
    who=WHO,
    cheap_moves=CHEAP_MOVES,
    fit_rules=FIT_RULES,
    cautions=(
        "A young cohort has not had its time: a demo of last month that is open is not lost.",
        "Counted by the end, a wave of losses after a price change falls into one period, and quick "
        "decisions are overrepresented while the number of demos grows.",
        "The share rises when only those who are about to buy anyway are shown a demo: read the "
        "number of demos beside it.",
        "That visitors of one page buy more often does not say that the page makes them buy: other "
        "people come to it.",
        "Reasons are what people tell a seller, or what a seller writes down; many lost demos have none.",
        "It says nothing about what is paid and how long buyers stay.",
    ),
    okr="Raise the share of demos paid for within {horizon_days} days from {value}, with no fewer "
    "demos and no buyer without a contract.",
    references=(
        "Aalen, O. O. and Johansen, S. (1978). An empirical transition matrix for "
        "non-homogeneous Markov chains. Scandinavian Journal of Statistics 5, 141-150.",
        "Dorey, F. J. and Korn, E. L. (1987). Effective sample sizes for confidence intervals for "
        "survival probabilities. Statistics in Medicine 6, 679-687.",
    ),
)
