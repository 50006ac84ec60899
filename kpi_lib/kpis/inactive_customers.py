"""Inactive customers: the share of paying accounts in which nobody did the thing that matters."""

from __future__ import annotations

from typing import Literal

import ibis.expr.types as ir

from kpi_lib.customers.money import business_rules
from kpi_lib.customers.subscribed import number_of, only, with_segment
from kpi_lib.customers.use import quiet, quiet_lists, quiet_moves, quiet_rules
from kpi_lib.kpi import (
    Better,
    Cadence,
    CheapMove,
    Estimator,
    Family,
    FitRule,
    Kpi,
    KpiParams,
    Part,
    Role,
    Unit,
    parameter,
)
from kpi_lib.periods import Period, PeriodName, complete_periods
from kpi_lib.schema import Tables
from kpi_lib.stats.proportion import Proportion
from kpi_lib.stats.ratio import Ratio


class Params(KpiParams):
    """What may be chosen about inactive customers."""

    period: PeriodName = parameter("week", meaning="length of one period: week, month, quarter")
    periods: int = parameter(26, ge=2, le=104, unit="periods", meaning="how many periods to show")
    window_days: int = parameter(
        14,
        ge=1,
        le=365,
        unit="days",
        meaning="how long nobody must have been active",
        fair=(7, 14, 21, 28, 42, 56, 90),
    )
    min_events: int = parameter(
        1, ge=1, unit="events", meaning="events in the window that count as active", fair=(1, 2, 3)
    )
    activity_events: tuple[str, ...] = parameter(
        (), meaning="names of the events that matter; empty means any event"
    )
    people_only: bool = parameter(
        True,
        meaning="whether only people count, not service accounts and API keys",
        fair=(True, False),
    )
    weight: Literal["accounts", "mrr"] = parameter(
        "accounts", meaning="what a share is of: accounts, mrr", fair=("accounts", "mrr")
    )


def shown_periods(tables: Tables, params: Params) -> list[Period]:
    """The periods of the trend, oldest first."""
    start = tables.quarter_starts_in
    return complete_periods(tables.as_of, params.period, params.periods, start)


def observe(tables: Tables, params: Params) -> ir.Table:
    """One row per account paying on the last day of a period: value 1 if inactive, else 0.

    With `weight` mrr, value is the MRR of an inactive account (else 0) and weight its MRR.
    Accounts served by machine (80 % of events are API calls) are left out.

    Four customers pay on 31 March. Ann used the product on the 30th, Bob's last day was the 12th,
    so was Cem's (a service account called later), and Dee's system pulls data every day:

    >>> from datetime import date, datetime
    >>> from kpi_lib.example import small_company
    >>> start, ids = date(2026, 1, 1), ["ann", "bob", "cem", "dee"]
    >>> pay = [dict(subscription_id=i, account_id=i, started_on=start, monthly_amount=100.0)
    ...        for i in ids]
    >>> used = [("ann", 30, "ui", "p1"), ("bob", 12, "ui", "p2"), ("cem", 12, "ui", "p3"),
    ...         ("cem", 30, "ui", "robot")] + [("dee", d, "api", None) for d in range(1, 32)]
    >>> usage = [dict(account_id=a, at=datetime(2026, 3, d), event="query", channel=c, contact_id=p)
    ...          for a, d, c, p in used]
    >>> robot = [dict(contact_id="robot", account_id="cem", is_service=True)]
    >>> company = small_company(date(2026, 3, 31), subscriptions=pay, usage=usage, contacts=robot)
    >>> rows = observe(company, Params(periods=2)).order_by("period", "account_id")
    >>> print(rows.select("account_id", "period", "value").execute().to_string(index=False))
    account_id     period  value
           ann 2026-03-18    1.0
           bob 2026-03-18    0.0
           cem 2026-03-18    0.0
           ann 2026-03-25    0.0
           bob 2026-03-25    1.0
           cem 2026-03-25    1.0
    """
    rows = quiet.states(tables, shown_periods(tables, params), params)
    idle = rows.filter(~rows["is_api"])
    return with_segment(tables, _weighted(idle, params), params.segment)


def _weighted(idle: ir.Table, params: Params) -> ir.Table:
    inactive = number_of(idle["is_inactive"])
    columns = {"unit_id": idle["account_id"], "account_id": idle["account_id"]}
    if params.weight == "accounts":
        return idle.select("period", **columns, value=inactive)
    value = inactive * idle["amount"]
    return idle.select("period", **columns, value=value, weight=idle["amount"])


def score(tables: Tables, params: Params) -> ir.Table:
    """1 for an account that is inactive on `as_of`, 0 for one that is not: account_id, score."""
    rows = quiet.states(tables, only(tables.as_of), params)
    rows = rows.filter(~rows["is_api"])
    return rows.select("account_id", score=number_of(rows["is_inactive"]))


def estimator(params: Params) -> Estimator:
    """A proportion of accounts, or a ratio of MRR."""
    return Ratio() if params.weight == "mrr" else Proportion()


def looks_back(params: Params) -> int:
    """The length of the window (days)."""
    return params.window_days


def trend(tables: Tables, params: Params) -> ir.Table:
    """One row per period; see `quiet_lists.counts`."""
    return quiet_lists.counts(tables, shown_periods(tables, params), params)


WEEKLY_LIST = Part(
    name="inactive_list",
    title="Inactive customers for the weekly meeting",
    meaning="Paying accounts that were active once and have gone quiet; those with the most MRR "
    "and the closest renewal come first (MRR over one plus the months left).",
    compute=quiet_lists.weekly_list,
    units={
        "mrr": Unit.MONEY_PER_MONTH,
        "idle_days": Unit.DAYS,
        "people_before": Unit.COUNT,
    },
    for_meeting=True,
)

PARTS = (
    Part(
        name="counts",
        title="Inactive accounts and the MRR at stake",
        meaning="Per period: paying accounts, those inactive, of them never started, MRR of the "
        "inactive, accounts served by machine, and the share of the active ones that show no more "
        "than two events in the window (barely active).",
        compute=trend,
        view="lines",
        units={
            "paying": Unit.COUNT,
            "inactive": Unit.COUNT,
            "never_started": Unit.COUNT,
            "mrr_at_stake": Unit.MONEY_PER_MONTH,
            "by_machine": Unit.COUNT,
            "barely_active": Unit.SHARE,
        },
    ),
    Part(
        name="by_month",
        title="Inactive by month of the subscription year",
        meaning="Paying accounts by the month of their subscription year (1 to 12) and the share "
        "of them that is inactive: quiet in month 3 leaves time to act, quiet in month 11 little.",
        compute=quiet_lists.by_month,
        view="bars",
        units={"paying": Unit.COUNT, "inactive": Unit.COUNT, "share": Unit.SHARE},
    ),
    Part(
        name="never_started",
        title="Paying accounts that never started",
        meaning="Nobody has ever done the thing that matters: the business of time to value.",
        compute=quiet_lists.never_started,
        units={"mrr": Unit.MONEY_PER_MONTH, "paying_days": Unit.DAYS},
    ),
    Part(
        name="by_machine",
        title="Accounts served by machine",
        meaning="At least 80 % of their events are API calls, so they are left out of the rate. "
        "Continuity is the calls in the window over the mean of the four windows before it.",
        compute=quiet_lists.by_machine,
        units={
            "mrr": Unit.MONEY_PER_MONTH,
            "calls": Unit.COUNT,
            "usual_calls": Unit.COUNT,
            "continuity": Unit.RATIO,
        },
    ),
)

CHEAP_MOVES = (
    CheapMove(
        name="log-in script",
        meaning="A script logs one person of every inactive account in, once a week.",
        edit=quiet_moves.log_in_script,
        given_away_by="barely_active: the share of active accounts with at most two events",
    ),
    CheapMove(
        name="free of charge",
        meaning="Contracts of inactive accounts are set to an amount of 0, so that they no longer "
        "count as paying.",
        edit=quiet_moves.free_of_charge,
        given_away_by="recurring_revenue",
    ),
)

FIT_RULES = (
    business_rules.sold_by_order(
        "repeat_orders", "there is no product whose use could stop", unless="usage"
    ),
    FitRule(
        name="pulled by machine",
        meaning="In most paying accounts the customer's system pulls and nobody looks.",
        check=quiet_rules.pulled_by_machine,
    ),
    FitRule(
        name="sporadic use",
        meaning="Accounts that renew leave longer gaps between active days than the window.",
        check=quiet_rules.sporadic_use,
    ),
    FitRule(
        name="driven by events",
        meaning="The product is used when something happens (a claim, an alert), so silence says nothing.",
        check=quiet_rules.driven_by_events,
    ),
)

FORMULA = r"""
$$\text{inactive share}(d) = \frac{\sum_a w_a \, [\, e_a(d - W, d] < m \,]}{\sum_a w_a}$$

- $a$: every account paying on day $d$, less those served by machine (API share $\ge 0.8$)
- $e_a(d - W, d]$: events that matter, done by people of $a$ in the $W$ days that end on $d$ (events)
- $W$: `window_days` (days); $m$: `min_events` (events)
- $w_a$: 1 (accounts), or the account's MRR on $d$ (money per month) when `weight` is mrr
- the result is a share, 0 to 1
"""

KPI = Kpi(
    name="inactive_customers",
    title="Inactive customers",
    question="Which customers pay us and no longer use what they pay for?",
    unit=Unit.SHARE,
    better=Better.LOWER,
    role=Role.LEADING,
    cadence=Cadence.WEEKLY,
    owner="customer success",
    family=Family.STARTER,
    source="Starter KPIs for B2B/Enterprise (Rich Mironov, 2020)",
    formula=FORMULA.strip(),
    needs={
        "accounts": ("account_id", "name", "owner"),
        "subscriptions": (
            "subscription_id",
            "account_id",
            "started_on",
            "ended_on",
            "term_ends_on",
            "monthly_amount",
        ),
        "usage": ("account_id", "contact_id", "at", "event", "channel"),
    },
    optional={"contacts": ("contact_id", "account_id", "is_service")},
    Params=Params,
    observe=observe,
    estimator=estimator,
    paired=True,
    looks_back=looks_back,
    score=score,
    parts=PARTS,
    who=WEEKLY_LIST,
    cheap_moves=CHEAP_MOVES,
    fit_rules=FIT_RULES,
    cautions=(
        "It sees that nobody came, not why: call the customer before you explain it.",
        "One log-in makes an account active. Read it beside the share that is barely active, or "
        "name the events that matter in `activity_events`.",
        "API products: the customer's system may pull every minute while nobody looks.",
        "Event-driven products (security alerts, insurance claims) are meant to be quiet.",
        "Holidays make every account quiet at once: compare with the same weeks a year ago.",
        "An account that began to pay within the window and has not started counts as inactive; "
        "the list shows it apart.",
    ),
    okr="Win back inactive customers: bring their share from {value} to half of it by the end of "
    "next quarter, with every account on the weekly list called within {window_days} days.",
    okr_target=lambda _, value: value / 2,
    references=(
        "Mironov, R. (2020). Starter KPIs for B2B/Enterprise. Product Bytes.",
        "Wilson, E. B. (1927). Probable inference, the law of succession, and statistical "
        "inference. JASA 22, 209-212.",
    ),
)
