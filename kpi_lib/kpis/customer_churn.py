"""Customer churn: the share of paying customers that stop paying, and who stays for how long."""

from __future__ import annotations

from typing import Literal

import ibis.expr.types as ir

from kpi_lib.customers.money import (
    business_rules,
    churn,
    churn_parts,
    churn_rules,
    ledger_moves,
    ledger_rules,
    notices,
    tenure,
)
from kpi_lib.kpi import (
    Better,
    Cadence,
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
    """What may be chosen about customer churn."""

    period: PeriodName = parameter("month", meaning="length of one period: week, month, quarter")
    periods: int = parameter(12, ge=2, le=104, unit="periods", meaning="how many periods to show")
    denominator: Literal["start", "start_plus_new"] = parameter(
        "start",
        meaning="customers at risk: start (paying at the start), start_plus_new",
        fair=("start", "start_plus_new"),
    )
    net_of_reactivated: bool = parameter(
        False, meaning="whether customers that came back are taken off the lost", fair=(False, True)
    )
    annualise: bool = parameter(
        False, meaning="whether the share is compounded to a year, as if all periods were alike"
    )
    churn_on: Literal["end", "request"] = parameter(
        "end", meaning="when a loss is booked: end, request (cancellation)", fair=("end", "request")
    )
    currency: str = parameter(
        "", meaning="currency of the contracts; empty means that of the data set"
    )

    @property
    def unit(self) -> str:
        """Customers are accounts: one that gives up one of two contracts is still there."""
        return "account"

    @property
    def include_usage(self) -> str:
        """Metered charges make nobody a paying customer."""
        return "none"


def observe(tables: Tables, params: Params) -> ir.Table:
    """One row per account at risk in a period: value 1 if it was lost, else 0.

    At risk: paying on the day before the period; with `start_plus_new` also who first paid in it.
    `net_of_reactivated` adds those that came back: value -1, weight 0 (of the others: 1).

    In March Ann stays, Bob leaves, Cem comes back after a month, and Dee is new:

    >>> from datetime import date
    >>> from kpi_lib.example import small_company
    >>> paid = [("ann", 1, None), ("bob", 1, 3), ("cem", 1, 2), ("cem", 3, None), ("dee", 3, None)]
    >>> company = small_company(date(2026, 3, 31), subscriptions=[
    ...     dict(subscription_id=who, account_id=who, started_on=date(2026, start, 1),
    ...          monthly_amount=50.0) | ({"ended_on": date(2026, end, 1)} if end else {})
    ...     for who, start, end in paid])
    >>> rows = observe(company, Params(periods=2)).order_by("period", "account_id")
    >>> print(rows.select("period", "account_id", "value").execute().to_string(index=False))
        period account_id  value
    2026-02-01        ann    0.0
    2026-02-01        bob    0.0
    2026-02-01        cem    1.0
    2026-03-01        ann    0.0
    2026-03-01        bob    1.0
    """
    return churn_parts.observed(tables, params, params.segment)


WHO = Part(
    name="who_left",
    title="Who left",
    meaning="Every customer lost in the periods shown, the newest first, with what it paid, how "
    "long it had been there, and the reason on record.",
    compute=churn_parts.who_left,
    units={"mrr": Unit.MONEY_PER_MONTH, "tenure_days": Unit.DAYS},
)

COUNT = Unit.COUNT
SHARES = {"share": Unit.SHARE, "low": Unit.SHARE, "high": Unit.SHARE}

PARTS = (
    Part(
        name="counts",
        title="Customers that came and went",
        meaning="start + new + reactivation - churn = end. `passed` came and left within one "
        "period: nobody at its start or end sees them.",
        compute=churn_parts.counts,
        view="lines",
        units=dict.fromkeys(("start", "new", "reactivation", "churn", "end", "passed"), COUNT),
    ),
    Part(
        name="definitions",
        title="The same losses over other customers",
        meaning="Of those at the start; of those and the new ones; less those that came back.",
        compute=churn_parts.definitions,
        view="lines",
        units=dict.fromkeys(("of_start", "of_start_plus_new", "net_of_reactivated"), Unit.SHARE),
    ),
    Part(
        name="year",
        title="Churn of a year, told three ways",
        meaning="Counting needs a year of history and assumes nothing. Compounding, 1 - (1 - c) to "
        "the number of periods, assumes that all periods and all customers are alike.",
        compute=churn_parts.year,
        view="bars",
        units=SHARES | {"customers": COUNT},
    ),
    Part(
        name="renewal",
        title="Renewal rate",
        meaning="Of the accounts whose term ended in the period, those that went on paying. "
        "`left_early` were lost before their term ended and are not in the rate.",
        compute=churn_parts.renewal,
        view="bars",
        units=SHARES | dict.fromkeys(("terms_ended", "renewed", "left_early"), COUNT),
    ),
    Part(
        name="survival",
        title="Share of customers still there",
        meaning="By days since the first payment, per year of the first payment and for all "
        "(Kaplan-Meier, customers still there are censored). A customer counts as gone at its first "
        "stop, also if it came back.",
        compute=tenure.survival,
        view="curve",
        units={"day": Unit.DAYS, "stayed_share": Unit.SHARE, "at_risk": COUNT}
        | {"low": Unit.SHARE, "high": Unit.SHARE},
    ),
    Part(
        name="by_tenure",
        title="Churn by year of a customer's life",
        meaning="Of the customers that began a year of theirs, those that left in it or did not "
        "renew at its end. Only customers whose year is over count.",
        compute=tenure.by_year,
        view="bars",
        units=SHARES | {"at_risk": COUNT, "left": COUNT},
    ),
    Part(
        name="cohorts",
        title="Customers still there, by year of their first payment",
        meaning="After one, two and three years, of those that came so long ago.",
        compute=tenure.cohorts,
        view="lines",
        units={"accounts": COUNT}
        | dict.fromkeys(("after_1_year", "after_2_years", "after_3_years"), Unit.SHARE),
    ),
    Part(
        name="total_and_cohorts",
        title="Yearly retention: all, new, and older customers",
        meaning="Of the customers paying when a year began, those still paying when it ended. A "
        "total that stands still may hide older cohorts that hold while new ones leave.",
        compute=churn_parts.total_and_cohorts,
        view="lines",
        units=dict.fromkeys(("total", "first_year", "later_years"), Unit.SHARE)
        | dict.fromkeys(("customers", "first_year_customers", "kept", "first_year_kept"), COUNT),
    ),
    Part(
        name="flat_total",
        title="Does the total hide its cohorts?",
        meaning="It does if the first row is flat and the second rises (Fisher's exact test).",
        compute=churn_parts.flat_total,
        units={"before": Unit.SHARE, "after": Unit.SHARE, "p_value": Unit.RATIO},
    ),
    Part(
        name="announced",
        title="Losses already announced",
        meaning="Customers that still pay and have given notice, by the month in which they leave.",
        compute=notices.announced,
        view="bars",
        units={"customers": COUNT, "mrr": Unit.MONEY_PER_MONTH},
    ),
    Part(
        name="reasons",
        title="Reasons on record",
        meaning="Of those lost in the periods shown. What is written down is the last reason.",
        compute=churn_parts.reasons,
        view="bars",
        units={"share": Unit.SHARE, "accounts": COUNT, "mrr": Unit.MONEY_PER_MONTH},
    ),
)

FIT_RULES = (
    business_rules.sold_by_order("repeat_orders", "who leaves only stops ordering"),
    ledger_rules.METERED_CONTRACTS,
    FitRule(
        name="bound by terms",
        meaning="Most customers are bound for a year, so that few can leave in a period.",
        check=churn_rules.bound_by_terms,
        severe=False,
    ),
    FitRule(
        name="flat total",
        meaning="The total stands still while older customers stay longer than new ones.",
        check=churn_rules.flat_total,
        severe=False,
    ),
)

FORMULA = r"""
$$c = \frac{L}{S}, \qquad c_{\text{plus new}} = \frac{L + P}{S + N + P}, \qquad
c_{\text{net}} = \frac{L - R}{S}, \qquad c_{\text{year}} = 1 - (1 - c)^{k}$$

$$S + N + R - L = E, \qquad \text{renewal rate} = \frac{\text{renewed}}{\text{terms ended}}$$

- $S$, $E$: customers paying on the day before the period, and on its last day (accounts)
- $L$: of $S$, those not paying on the last day (accounts)
- $N$, $R$: customers of $E$ that were not in $S$ and never paid before, or once did (accounts)
- $P$: customers that paid for the first time within the period and no longer at its end (accounts)
- $k$: periods in a year (12 months, 4 quarters, 52 weeks); the formula assumes that each of them
  loses the same share, and old customers as easily as new ones
- terms ended: accounts that paid until a term ended in the period; renewed: those that paid on
- intervals are Wilson's; where nobody was lost, the upper limit is the figure to remember
"""

KPI = Kpi(
    name="customer_churn",
    title="Customer churn",
    question="What share of our customers stops paying, and how long do the others stay?",
    unit=Unit.SHARE,
    better=Better.LOWER,
    role=Role.OUTCOME,
    cadence=Cadence.MONTHLY,
    owner="operations",
    family=Family.SAAS,
    source="B2B sales metrics",
    formula=FORMULA.strip(),
    needs={
        "subscriptions": (
            "subscription_id",
            "account_id",
            "started_on",
            "ended_on",
            "cancelled_on",
            "term_ends_on",
            "monthly_amount",
            "currency",
            "reason",
        )
    },
    optional={
        "accounts": ("account_id", "name", "owner"),
        "usage": ("account_id", "at"),
    },
    Params=Params,
    observe=observe,
    estimator=churn.estimator,
    score=churn.scores,
    parts=PARTS,
    who=WHO,
    cheap_moves=ledger_moves.MOVES,
    fit_rules=FIT_RULES,
    cautions=(
        "It counts heads: losing the largest customer weighs as much as losing the smallest. Read "
        "it beside revenue retention.",
        "Under yearly contracts a month's churn says whose term ended, not who is unhappy. The "
        "renewal rate has the right customers below the line.",
        "A fast-growing company looks better by the denominator that adds new customers.",
        "A year's churn compounded from one month assumes months and customers to be alike.",
        "No loss in a small base is little evidence: read the upper limit, not the zero.",
    ),
    okr="Bring customer churn from {value} a {period} to two thirds of it by the end of next "
    "quarter, counted over customers whose term ends.",
    okr_target=lambda _, value: value * 2 / 3,
    references=(
        "Wilson, E. B. (1927). Probable inference, the law of succession, and statistical "
        "inference. JASA 22, 209-212.",
        "Kaplan, E. L. and Meier, P. (1958). Nonparametric estimation from incomplete "
        "observations. JASA 53, 457-481.",
        "Fader, P. S. and Hardie, B. G. S. (2010). Customer-base valuation in a contractual "
        "setting: the perils of ignoring heterogeneity. Marketing Science 29, 85-93.",
    ),
)
