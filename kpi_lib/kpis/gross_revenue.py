"""Gross revenue: the KPI most executive teams propose first, kept here as the control."""

from __future__ import annotations

from datetime import timedelta
from typing import Literal

import ibis.expr.types as ir

from kpi_lib.customers.money import recognised, revenue_moves, revenue_rules
from kpi_lib.customers.subscribed import with_segment
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
from kpi_lib.periods import Period, complete_periods
from kpi_lib.schema import Tables
from kpi_lib.stats.total import Total

SCORE_DAYS = 91
"""The score of an account is its amount over so many days up to `as_of`: a quarter."""


class Params(KpiParams):
    """What may be chosen about gross revenue."""

    revenue_from: Literal["all", "subscriptions", "orders"] = parameter(
        "all", meaning="where amounts come from: all, subscriptions, orders"
    )
    recognise_on: Literal["ordered", "shipped"] = parameter(
        "ordered",
        meaning="day on which an order counts: ordered, shipped",
        fair=("ordered", "shipped"),
    )
    currency: str = parameter(
        "", meaning="currency of subscriptions; empty means that of the data set"
    )


def shown_periods(tables: Tables, params: Params) -> list[Period]:
    """The periods of the trend, oldest first."""
    start = tables.quarter_starts_in
    return complete_periods(tables.as_of, params.period, params.periods, start)


def observe(tables: Tables, params: Params) -> ir.Table:
    """One row per account and period with an amount; value is the recognised amount (money).

    Ann pays 300 a month from mid-February on (14 of 28 days), Bob left at the end of January, Cem
    ordered for 50 and sent it back, Dee ordered 4 at 20:

    >>> from datetime import date, datetime
    >>> from kpi_lib.example import small_company
    >>> company = small_company(
    ...     date(2026, 3, 31),
    ...     subscriptions=[
    ...         dict(subscription_id="a", account_id="ann", started_on=date(2026, 2, 15),
    ...              monthly_amount=300.0),
    ...         dict(subscription_id="b", account_id="bob", started_on=date(2025, 12, 1),
    ...              ended_on=date(2026, 2, 1), monthly_amount=100.0)],
    ...     orders=[dict(order_id="1", account_id="cem", ordered_at=datetime(2026, 1, 5),
    ...                  returned_on=date(2026, 1, 20)),
    ...             dict(order_id="2", account_id="dee", ordered_at=datetime(2026, 3, 5))],
    ...     order_lines=[dict(order_id="1", line_no=1, quantity=1.0, unit_price=50.0),
    ...                  dict(order_id="2", line_no=1, quantity=4.0, unit_price=20.0)])
    >>> rows = observe(company, Params(periods=2)).order_by("period", "account_id")
    >>> print(rows.select("account_id", "period", "value").execute().to_string(index=False))
    account_id     period  value
           bob 2025-10-01  100.0
           ann 2026-01-01  450.0
           bob 2026-01-01  100.0
           cem 2026-01-01    0.0
           dee 2026-01-01   80.0
    """
    rows = recognised.recognised(tables, shown_periods(tables, params), params)
    sums = rows.group_by("period", "account_id").aggregate(value=rows["amount"].sum())
    sums = sums.mutate(unit_id=sums["account_id"])
    return with_segment(tables, sums, params.segment)


def score(tables: Tables, params: Params) -> ir.Table:
    """Amount recognised in the 91 days up to `as_of` (money): account_id, score."""
    start = tables.as_of - timedelta(days=SCORE_DAYS - 1)
    rows = recognised.recognised(tables, [Period(start, tables.as_of, "quarter")], params)
    return rows.group_by("account_id").aggregate(score=rows["amount"].sum())


def estimator(params: Params) -> Estimator:
    """The total of all amounts."""
    return Total()


def by_source(tables: Tables, params: Params) -> ir.Table:
    """Amounts per period and source."""
    return recognised.by_source(tables, shown_periods(tables, params), params)


def concentration(tables: Tables, params: Params) -> ir.Table:
    """Share of the largest accounts per period."""
    return recognised.concentration(tables, shown_periods(tables, params), params)


def raised(tables: Tables, params: Params) -> ir.Table:
    """Share of the accounts that pay more than the period before."""
    return recognised.raised(tables, shown_periods(tables, params), params)


def by_account(tables: Tables, params: Params) -> ir.Table:
    """The last period against the one before, per account."""
    return recognised.by_account(tables, shown_periods(tables, params), params)


WHO = Part(
    name="accounts",
    title="Revenue by account",
    meaning="The last period against the one before it, the largest amount first.",
    compute=by_account,
    units={"amount": Unit.MONEY, "before": Unit.MONEY, "change": Unit.MONEY},
)

PARTS = (
    Part(
        name="by_source",
        title="Revenue by source",
        meaning="Subscriptions recognised by the day, and orders.",
        compute=by_source,
        view="bars",
        units={"accounts": Unit.COUNT, "amount": Unit.MONEY},
    ),
    Part(
        name="concentration",
        title="How few accounts make it",
        meaning="The share of the largest account, and of the ten largest, in each period.",
        compute=concentration,
        view="lines",
        units={
            "amount": Unit.MONEY,
            "largest_share": Unit.SHARE,
            "ten_largest_share": Unit.SHARE,
        },
    ),
    Part(
        name="raised",
        title="How many accounts pay more",
        meaning="Of the accounts with revenue in a period and in the one before, the share that "
        "pays more. Growth of a few and a price rise for all give the same total.",
        compute=raised,
        view="lines",
        units={"accounts": Unit.COUNT, "raised_share": Unit.SHARE},
    ),
)

CHEAP_MOVES = (
    CheapMove(
        name="price rise",
        meaning="Every running contract pays 10 % more, and nothing else changes.",
        edit=revenue_moves.price_rise,
        given_away_by="raised_share: nearly every account pays more than the period before",
    ),
    CheapMove(
        name="one-off deals",
        meaning="The five largest accounts buy projects beside the product.",
        edit=revenue_moves.one_off_deals,
        given_away_by="ten_largest_share: the share of the ten largest accounts",
    ),
)

FIT_RULES = (
    FitRule(
        name="one account",
        meaning="More than half of the last period's amount comes from one account.",
        check=revenue_rules.one_account,
        severe=False,
    ),
)

FORMULA = r"""
$$R(p) = \sum_s \sum_{d \in p} \frac{m_s(d)}{D(d)} + \sum_{o \in p} \sum_l q_l \, u_l$$

- $m_s(d)$: monthly amount of subscription $s$ running on day $d$ (money per month)
- $D(d)$: days in the calendar month of $d$ (days)
- $o$: an order placed (or shipped, see `recognise_on`) in period $p$ and not cancelled; a returned
  order counts against the period in which it came back
- $q_l$, $u_l$: quantity (pieces) and price (money per piece) of an order's line $l$
- the result is money per period, in the currency of the data set
"""

KPI = Kpi(
    name="gross_revenue",
    title="Gross revenue",
    question="How much money came in? (The control: what does it help us to decide?)",
    unit=Unit.MONEY,
    better=Better.HIGHER,
    role=Role.CONTROL,
    cadence=Cadence.QUARTERLY,
    owner="finance",
    family=Family.STARTER,
    source="Starter KPIs for B2B/Enterprise (Rich Mironov, 2020)",
    formula=FORMULA.strip(),
    needs={},
    optional={
        "accounts": ("account_id", "name", "owner"),
        "order_lines": ("order_id", "quantity", "unit_price"),
    },
    one_of={
        "subscriptions": (
            "subscription_id",
            "account_id",
            "started_on",
            "ended_on",
            "monthly_amount",
            "currency",
        ),
        "orders": (
            "order_id",
            "account_id",
            "ordered_at",
            "shipped_on",
            "cancelled_on",
            "returned_on",
        ),
    },
    Params=Params,
    observe=observe,
    estimator=estimator,
    paired=True,
    score=score,
    parts=PARTS,
    who=WHO,
    cheap_moves=CHEAP_MOVES,
    fit_rules=FIT_RULES,
    cautions=(
        "It does not help to decide what to do next: higher prices, deep discounts, more sales "
        "people, a purchase of another company and one-off projects all raise it.",
        "It cannot tell Product and Engineering what else customers need, or whether the "
        "product delivers.",
        "It encourages short-term thinking, sales outside the target audience, and a shift from "
        "products to services.",
        "A few large accounts move it: its noise is theirs.",
        "It looks back: a customer that is lost in its heart still pays until the term ends.",
    ),
    okr="None: this is the control. Knowing how much money is to come in ({value} last period) "
    "does not say what to do next.",
    references=("Mironov, R. (2020). Starter KPIs for B2B/Enterprise. Product Bytes.",),
)
