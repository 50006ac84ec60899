"""Time to value: days until a new customer first gets the core value it pays for."""

from __future__ import annotations

from datetime import date
from typing import Literal

import ibis.expr.types as ir

from kpi_lib.customers.money import business_rules
from kpi_lib.customers.subscribed import with_segment
from kpi_lib.customers.use import cohort_parts, wait_moves, wait_rules
from kpi_lib.customers.use.waits import LEFT, waits
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
    """What may be chosen about time to value."""

    start_event: Literal["signed", "kickoff"] = parameter(
        "signed", meaning="when the wait begins: signed, kickoff", fair=("signed", "kickoff")
    )
    value_event: str = parameter(
        "report_shared", min_length=1, meaning="the event that is the core value customers pay for"
    )
    value_count: int = parameter(
        1, ge=1, le=100, meaning="which occurrence of it counts as value", fair=(1, 2, 3)
    )
    api_value_event: str = parameter(
        "api_batch_loaded",
        meaning="the event that is the value for customers that use the API only, or empty",
    )
    horizon_days: int = parameter(
        365, ge=1, unit="days", meaning="how far the restricted mean looks", fair=(180, 365)
    )
    statistic: Literal["median", "mean"] = parameter(
        "median", meaning="what stands for a cohort: median, mean", fair=("median", "mean")
    )
    target_days: int = parameter(55, ge=0, unit="days", meaning="the goal of the OKR")
    target_on: date | None = parameter(None, meaning="the day by which the goal is to be reached")


def observe(tables: Tables, params: Params) -> ir.Table:
    """One row per account, in the period of its start; value is days waited until the outcome.

    Outcome: 0 still waiting on `as_of`, 1 reached value, 2 left before. `entered` is 0.

    Ann shares her first report after 10 days, Bob still waits, Cem left after 30 days, and Dee's
    system loads its first batch on the day after signing:

    >>> from datetime import date, datetime
    >>> from kpi_lib.example import small_company
    >>> signed, kinds = date(2026, 1, 1), dict(ann="people", bob="people", cem="people", dee="api")
    >>> company = small_company(
    ...     date(2026, 3, 31),
    ...     accounts=[dict(account_id=a, signed_on=signed, product_type=k)
    ...               for a, k in kinds.items()],
    ...     subscriptions=[dict(subscription_id="c", account_id="cem", started_on=signed,
    ...                         ended_on=date(2026, 1, 31), monthly_amount=100.0)],
    ...     usage=[dict(account_id="ann", at=datetime(2026, 1, 11, 9), event="report_shared"),
    ...            dict(account_id="dee", at=datetime(2026, 1, 2), event="api_batch_loaded")])
    >>> rows = observe(company, Params()).order_by("account_id")
    >>> print(rows.select("account_id", "period", "value", "outcome").execute().to_string(index=False))
    account_id     period  value  outcome
           ann 2026-01-01   10.0        1
           bob 2026-01-01   89.0        0
           cem 2026-01-01   30.0        2
           dee 2026-01-01    1.0        1
    """
    return with_segment(tables, cohort_parts.observed(tables, params), params.segment)


def score(tables: Tables, params: Params) -> ir.Table:
    """Days waited so far, or days it took, as known on `as_of`: account_id, score.

    Accounts without a start, and those that left before value, are not there.
    """
    rows = waits(tables, params)
    rows = rows.filter(rows["outcome"] != LEFT)
    return rows.select("account_id", score=rows["days"])


WHO = Part(
    name="accounts",
    title="Who waits, who got there, who left",
    meaning="Every account that started in the periods shown, those still waiting first, with the "
    "stage in which most of its days went by.",
    compute=cohort_parts.accounts,
    units={"days": Unit.DAYS, "stage_days": Unit.DAYS},
)

NEWEST = "Newest cohort of which at least half is resolved."

PARTS = (
    Part(
        name="days_by_stage",
        title="Mean days by stage and owner",
        meaning=f"{NEWEST} Each day of a customer's wait is shared equally among the stages open "
        "on it; days with none open are nobody's. The bars add up to the mean time to value of "
        "those who reached it.",
        compute=cohort_parts.days_by_stage,
        view="waterfall",
        units={"days": Unit.DAYS, "accounts": Unit.COUNT},
    ),
    Part(
        name="days_by_owner",
        title="Mean days in each owner's hands",
        meaning=f"{NEWEST} The same days by who held them: which department can shorten the wait.",
        compute=cohort_parts.days_by_owner,
        view="bars",
        units={"days": Unit.DAYS, "accounts": Unit.COUNT},
    ),
    Part(
        name="timeline",
        title="One timeline per customer",
        meaning=f"{NEWEST} Stages from the start of the relation on; the mark is the moment of "
        "value.",
        compute=cohort_parts.timeline,
        view="timeline",
        units={"from_day": Unit.DAYS, "to_day": Unit.DAYS, "value_day": Unit.DAYS},
    ),
    Part(
        name="curves",
        title="Share of a cohort that has reached value",
        meaning="By days since the start, leaving before value counted as a competing event "
        "(Aalen-Johansen). `waiting_share` is Kaplan-Meier's curve, as if nobody left.",
        compute=cohort_parts.curves,
        view="curve",
        units={
            "day": Unit.DAYS,
            "reached_share": Unit.SHARE,
            "waiting_share": Unit.SHARE,
            "left_share": Unit.SHARE,
            "at_risk": Unit.COUNT,
        },
    ),
    Part(
        name="told",
        title="What most companies report, and what is true",
        meaning="The naive mean counts only those who got there, so slow customers are missing "
        "from it. The median and the restricted mean count everyone. Bounds of the median: leavers "
        "would have reached the next day (lowest), or never (highest).",
        compute=cohort_parts.told,
        units=dict.fromkeys(["accounts", "reached", "left", "still_waiting"], Unit.COUNT)
        | dict.fromkeys(["naive_mean_days", "restricted_mean_days", "gap_days"], Unit.DAYS)
        | dict.fromkeys(["median_days", "median_low", "median_high"], Unit.DAYS)
        | dict.fromkeys(["lowest_median", "highest_median"], Unit.DAYS),
    ),
    Part(
        name="reached_by",
        title="Share that reached value in time",
        meaning="By 30, 60, 90 and 180 days after the start; null where nobody has been followed "
        "for so long.",
        compute=cohort_parts.reached_by,
        view="lines",
        units={"accounts": Unit.COUNT}
        | {f"by_{days}_days": Unit.SHARE for days in (30, 60, 90, 180)},
    ),
    Part(
        name="confirmed",
        title="Do the recorded days hold?",
        meaning="`again_share`: of those who reached value and were followed for a month since, the "
        "share that did it on another day of that month. `early_share`: customers that used the "
        "product before their recorded start.",
        compute=cohort_parts.confirmed,
        view="lines",
        units={
            "accounts": Unit.COUNT,
            "again_share": Unit.SHARE,
            "early_share": Unit.SHARE,
        },
    ),
)

CHEAP_MOVES = (
    CheapMove(
        name="value dates set early",
        meaning="Our own staff trigger the value event on the customer's second day.",
        edit=wait_moves.value_set_early,
        given_away_by="again_share: they do not come back for it within a month",
    ),
    CheapMove(
        name="late signatures",
        meaning="The start is recorded 20 days later than it was.",
        edit=wait_moves.start_set_late,
        given_away_by="early_share: they use the product before the relation is said to begin",
    ),
)

FIT_RULES = (
    business_rules.sold_by_order(
        "repeat_orders", "there is no product to set up before it is of use", unless="usage"
    ),
    FitRule(
        name="no value event",
        meaning="The event that stands for value does not occur in the data.",
        check=wait_rules.no_value_event,
    ),
    FitRule(
        name="value at once",
        meaning="Most customers reach the value event on their first day.",
        check=wait_rules.value_at_once,
    ),
)

FORMULA = r"""
$$T_a = v_a - s_a, \qquad \hat S(t) = \prod_{t_i \le t} \left(1 - \frac{d_i}{n_i}\right), \qquad
\text{median} = \min \{\, t : \hat S(t) \le 0.5 \,\}$$

- $s_a$: day on which account $a$ signed (or of its kickoff, see `start_event`)
- $v_a$: day of the `value_count`-th `value_event` of the account (`api_value_event` for accounts
  that use the API only)
- $T_a$: time to value (days); unknown but longer than the days so far for those still waiting
- $d_i$: accounts of the cohort that reach value $t_i$ days after their start; $n_i$: accounts that
  had neither reached nor left before (accounts)
- where $\hat S$ stays at exactly 0.5 for some days, the median is the middle of them
- share reached by day $t$: Aalen-Johansen, leaving before value being a competing event (share)
- restricted mean: area under $\hat S$ up to `horizon_days` (days)
- a cohort is made of the accounts that start in one period
"""

KPI = Kpi(
    name="time_to_value",
    title="Time to value",
    question="How many days pass until a new customer first gets the core value it pays for?",
    unit=Unit.DAYS,
    better=Better.LOWER,
    role=Role.LEADING,
    cadence=Cadence.MONTHLY,
    owner="customer success",
    family=Family.STARTER,
    source="Starter KPIs for B2B/Enterprise (Rich Mironov, 2020)",
    formula=FORMULA.strip(),
    needs={
        "accounts": ("account_id", "name", "owner", "signed_on", "kickoff_on", "product_type"),
        "usage": ("account_id", "at", "event", "channel"),
    },
    optional={
        "onboarding": ("account_id", "stage", "owner", "entered_at", "left_at"),
        "subscriptions": ("account_id", "ended_on"),
    },
    Params=Params,
    observe=observe,
    estimator=cohort_parts.estimator,
    score=score,
    parts=PARTS,
    who=WHO,
    cheap_moves=CHEAP_MOVES,
    fit_rules=FIT_RULES,
    cautions=(
        "It is only as good as the event that stands for value: name what customers pay for, not "
        "their first log-in.",
        "The mean of those who got there looks better the more customers are stuck; read the "
        "median of everyone, and how many still wait.",
        "With a dozen new customers a quarter, ten days more or less cannot be told from chance; "
        "dissect the single timelines.",
        "One first report is not lasting use: look at inactive customers beside it.",
        "A stage owned by the customer's IT is still our wait: ask for access sooner, or for less.",
    ),
    okr="Reduce average time to value from {value} to {target_days} days by {target_on}.",
    okr_measured=lambda params: params.model_copy(update={"statistic": "mean"}),
    okr_target=lambda params, _: params.target_days,
    references=(
        "Mironov, R. (2020). Starter KPIs for B2B/Enterprise. Product Bytes.",
        "Kaplan, E. L. and Meier, P. (1958). Nonparametric estimation from incomplete "
        "observations. JASA 53, 457-481.",
        "Aalen, O. O. and Johansen, S. (1978). An empirical transition matrix for "
        "non-homogeneous Markov chains. Scandinavian Journal of Statistics 5, 141-150.",
    ),
)
