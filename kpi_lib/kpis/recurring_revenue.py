"""Recurring revenue: what customers pay per month, and the movements that brought it there."""

from __future__ import annotations

from typing import Literal

import ibis.expr.types as ir

from kpi_lib.customers.money import business_rules, ledger, ledger_lists, ledger_moves, ledger_rules
from kpi_lib.customers.subscribed import only, with_segment
from kpi_lib.kpi import (
    Better,
    Cadence,
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
from kpi_lib.stats.total import Total


class Params(KpiParams):
    """What may be chosen about recurring revenue."""

    period: PeriodName = parameter("month", meaning="length of one period: week, month, quarter")
    periods: int = parameter(12, ge=2, le=104, unit="periods", meaning="how many periods to show")
    unit: Literal["account", "subscription"] = parameter(
        "account",
        meaning="whose amount moves: account, subscription",
        fair=("account", "subscription"),
    )
    churn_on: Literal["end", "request"] = parameter(
        "end", meaning="when a loss is booked: end, request (cancellation)", fair=("end", "request")
    )
    include_usage: Literal["none", "trailing"] = parameter(
        "none",
        meaning="metered charges: none, trailing (mean of the last 3 months)",
        fair=("none", "trailing"),
    )
    currency: str = parameter(
        "", meaning="currency of the amounts; empty means that of the data set"
    )


def shown_periods(tables: Tables, params: Params) -> list[Period]:
    """The periods of the ledger, oldest first."""
    start = tables.quarter_starts_in
    return complete_periods(tables.as_of, params.period, params.periods, start)


def observe(tables: Tables, params: Params) -> ir.Table:
    """One row per unit, period and kind of entry; value is money per month, always above 0.

    Kinds: opening, new, expansion, reactivation, contraction, churn, closing. The MRR of a period
    is the sum of its closing rows.

    In March Ann goes from 100 to 150, Bob leaves, Cem comes back after a month, Dee is new:

    >>> from datetime import date
    >>> from kpi_lib.example import small_company
    >>> paid = [("ann", 1, 3, 100.0), ("ann", 3, None, 150.0), ("bob", 1, 3, 80.0),
    ...         ("cem", 1, 2, 60.0), ("cem", 3, None, 60.0), ("dee", 3, None, 40.0)]
    >>> company = small_company(date(2026, 3, 31), subscriptions=[
    ...     dict(subscription_id=who, account_id=who, started_on=date(2026, start, 1),
    ...          monthly_amount=amount) | ({"ended_on": date(2026, end, 1)} if end else {})
    ...     for who, start, end, amount in paid])
    >>> rows = observe(company, Params(periods=2)).filter(lambda t: t["period"] == "2026-03-01")
    >>> rows = rows.order_by("account_id", "kind").select("account_id", "kind", "value")
    >>> print(rows.execute().to_string(index=False))
    account_id         kind  value
           ann      closing  150.0
           ann    expansion   50.0
           ann      opening  100.0
           bob        churn   80.0
           bob      opening   80.0
           cem      closing   60.0
           cem reactivation   60.0
           dee      closing   40.0
           dee          new   40.0
    """
    rows = ledger.entries(tables, shown_periods(tables, params), params)
    return with_segment(tables, rows, params.segment)


def score(tables: Tables, params: Params) -> ir.Table:
    """MRR of each account on `as_of`, in money per month: account_id, score."""
    rows = ledger.balances(tables, only(tables.as_of), params)
    rows = rows.filter(rows["closing"] > 0)
    return rows.group_by("account_id").aggregate(score=rows["closing"].sum())


def estimator(params: Params) -> Estimator:
    """The total of the closing entries."""
    return Total(kind="closing")


def ledger_table(tables: Tables, params: Params) -> ir.Table:
    """One row per period; see `ledger_lists.ledger_table`."""
    return ledger_lists.ledger_table(tables, shown_periods(tables, params), params)


def movements(tables: Tables, params: Params) -> ir.Table:
    """The accounts that moved in the last period, the largest change first."""
    return ledger_lists.movements(tables, shown_periods(tables, params)[-1:], params)


MONEY = Unit.MONEY_PER_MONTH

MOVED = Part(
    name="movements",
    title="Who moved",
    meaning="Every account whose amount changed in the last period, the largest change first.",
    compute=movements,
    units={"opening": MONEY, "closing": MONEY, "change": MONEY},
)

PARTS = (
    Part(
        name="ledger",
        title="Ledger of movements",
        meaning="Opening + new + expansion + reactivation - contraction - churn = closing. Quick "
        "ratio: what came over what went. ARR is 12 times the closing MRR.",
        compute=ledger_table,
        view="waterfall",
        units=dict.fromkeys(ledger.KINDS, MONEY) | {"quick_ratio": Unit.RATIO, "arr": Unit.MONEY},
    ),
    Part(
        name="contracted",
        title="MRR already contracted",
        meaning="What contracts that are signed today pay on the last day of each of the next 12 "
        "months: until the end of their term, no renewal assumed. `up_for_renewal` is what "
        "reaches the end of its term in that month.",
        compute=ledger_lists.contracted,
        view="lines",
        units={"contracted": MONEY, "up_for_renewal": MONEY},
    ),
    Part(
        name="currencies",
        title="Amounts by currency",
        meaning="Amounts of different currencies are never added; each has its own ledger.",
        compute=ledger_lists.currencies,
        units={"mrr": MONEY, "accounts": Unit.COUNT},
    ),
)

FIT_RULES = (
    business_rules.sold_by_order("account_targets", "no amount comes back every month"),
    ledger_rules.METERED_CONTRACTS,
    FitRule(
        name="several currencies",
        meaning="Amounts in other currencies than the one shown are left out.",
        check=ledger_rules.several_currencies,
        severe=False,
    ),
)

FORMULA = r"""
$$\text{MRR}(d) = \sum_u m_u(d), \qquad \text{ARR}(d) = 12 \, \text{MRR}(d)$$

$$\text{opening} + \text{new} + \text{expansion} + \text{reactivation}
- \text{contraction} - \text{churn} = \text{closing}$$

$$\text{quick ratio} = \frac{\text{new} + \text{expansion} + \text{reactivation}}
{\text{contraction} + \text{churn}}$$

- $m_u(d)$: amount that unit $u$ pays on day $d$ (money per month): a year's price / 12, a quarter's
  / 3, a week's x 52 / 12; on $d$ means started on or before $d$ and not ended on $d$
- $u$: an account, or a subscription when `unit` is subscription
- opening: MRR on the day before the period; closing: on its last day (money per month)
- new: paid nothing before and never has; reactivation: paid nothing before, but once did
- expansion, contraction: pays more, less than before; churn: pays nothing any more
"""

KPI = Kpi(
    name="recurring_revenue",
    title="Recurring revenue",
    question="What do customers pay us every month, and what moved it?",
    unit=Unit.MONEY_PER_MONTH,
    better=Better.HIGHER,
    role=Role.OUTCOME,
    cadence=Cadence.MONTHLY,
    owner="finance",
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
        )
    },
    optional={
        "accounts": ("account_id", "name", "owner"),
        "usage": ("account_id", "at"),
        "orders": ("order_id", "account_id", "ordered_at", "cancelled_on", "channel"),
        "order_lines": ("order_id", "quantity", "unit_price"),
    },
    Params=Params,
    observe=observe,
    estimator=estimator,
    paired=True,
    score=score,
    parts=PARTS,
    who=MOVED,
    cheap_moves=ledger_moves.MOVES,
    fit_rules=FIT_RULES,
    cautions=(
        "It is a scoreboard of the company, not of the customer: it moves when the contract moves, "
        "long after the customer has made up its mind.",
        "An annual contract hides a customer that has stopped using the product until it ends.",
        "Start and stop within one period leave no trace in that period's ledger.",
        "A discount that ends looks like expansion.",
        "MRR is no revenue in the accounts: services, one-off sales and metered charges are out.",
    ),
    okr="Bring recurring revenue from {value} to a quick ratio above 4 by the end of next quarter, "
    "with the growth coming from customers that stay.",
    references=(
        "Skok, D. SaaS Metrics 2.0. Definitions of MRR movements.",
        "Hamid, M. The SaaS quick ratio.",
    ),
)
