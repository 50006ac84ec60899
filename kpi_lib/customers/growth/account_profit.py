"""Customer profitability: what accounts paid less goods, service and touches, within spans of days.

Days are counted from a day of each row (`entered_on`), so that every engine does the same arithmetic.
"""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from kpi_lib.customers.money.lifetimes import standing_orders
from kpi_lib.schema import Tables, kept, named

DAYS_PER_MONTH = 365.25 / 12
REVENUE, GOODS, SERVICE, TOUCHES = "revenue", "goods", "service", "touches"


@named
def amounts(tables: Tables) -> ir.Table:
    """What happened on one day: of (account), day, kind (revenue, goods, service, touches), amount (money,
    costs below 0). Orders count on their day unless cancelled or returned since; costs on the first of
    their month, `goods` and `service` as they are written down."""
    found = []
    if {"orders", "order_lines"} <= set(tables):
        rows = standing_orders(tables)
        rows = rows.filter(rows["void_on"] > tables.as_of)
        found.append(_row(rows, rows["day"], _text(REVENUE), rows["worth"]))
    if "costs" in tables:
        rows = tables["costs"]
        kind = ibis.ifelse(rows["kind"] == GOODS, GOODS, SERVICE)
        cost = -rows["amount"].cast("float64")
        found.append(_row(rows, rows["month"], kind, cost))
    rows = tables["interactions"]
    cost = -rows["cost"].cast("float64").fill_null(0.0)
    found.append(_row(rows, rows["at"].date(), _text(TOUCHES), cost))
    every = ibis.union(*found) if len(found) > 1 else found[0]
    return every.filter(every["day"] <= tables.as_of)


def _text(kind: str) -> ir.StringValue:
    return ibis.literal(kind)


def _row(rows: ir.Table, day: ir.DateValue, kind: ir.Value, amount: ir.Value) -> ir.Table:
    return rows.select(of="account_id", day=day, kind=kind, amount=amount)


@named
def contracts(tables: Tables) -> ir.Table:
    """Price periods: of (account), start, until (first day no longer paid), per_month (money)."""
    rows = tables["subscriptions"]
    return rows.select(
        of="account_id",
        start="started_on",
        until="ended_on",
        per_month=rows["monthly_amount"].cast("float64"),
    )


def with_profit(tables: Tables, rows: ir.Table, key: tuple[str, ...]) -> ir.Table:
    """The rows with `after` and `before` (money), `later` (money per month paid at the end of the window).

    `rows` have account_id, entered_on, opens and closes (days since entered_on). `after` is the profit from
    `opens` until `closes`, less the touches since entering; `before` that of as many days before entering.
    """
    keys = list(key)
    base = rows.select(
        *dict.fromkeys([*keys, "account_id", "entered_on", "opens", "closes"])
    ).distinct()
    parts = [_from_amounts(tables, base, keys)]
    if "subscriptions" in tables:
        parts.append(_from_contracts(tables, base, keys))
    every = ibis.union(*parts) if len(parts) > 1 else parts[0]
    sums = every.group_by(keys).aggregate(
        after=every["after"].sum(), before=every["before"].sum(), later=every["later"].sum()
    )
    sums = sums.rename({f"of_{name}": name for name in keys})
    joined = rows.left_join(sums, [rows[name] == sums[f"of_{name}"] for name in keys])
    joined = joined.drop(*[f"of_{name}" for name in keys])
    filled = {name: joined[name].fill_null(0.0) for name in ("after", "before", "later")}
    return joined.mutate(**filled)


def _from_amounts(tables: Tables, base: ir.Table, keys: list[str]) -> ir.Table:
    found = amounts(tables)
    rows = base.join(found, base["account_id"] == found["of"])
    day = rows["day"].delta(rows["entered_on"], unit="day")
    length = rows["closes"] - rows["opens"]
    opens = ibis.ifelse(rows["kind"] == TOUCHES, 0, rows["opens"])
    inside, past = (day >= opens) & (day < rows["closes"]), (day < 0) & (day >= -length)
    return rows.select(
        *keys,
        after=ibis.ifelse(inside, rows["amount"], 0.0),
        before=ibis.ifelse(past, rows["amount"], 0.0),
        later=ibis.literal(0).cast("float64"),
    )


def _from_contracts(tables: Tables, base: ir.Table, keys: list[str]) -> ir.Table:
    found = contracts(tables)
    rows = base.join(found, base["account_id"] == found["of"])
    start = rows["start"].delta(rows["entered_on"], unit="day")
    until = rows["until"].delta(rows["entered_on"], unit="day")
    length = rows["closes"] - rows["opens"]
    daily = rows["per_month"] / DAYS_PER_MONTH
    ends = (start <= rows["closes"]) & (until > rows["closes"])
    return rows.select(
        *keys,
        after=daily * _overlap(start, until, rows["opens"], rows["closes"]),
        before=daily * _overlap(start, until, -length, ibis.literal(0)),
        later=ibis.ifelse(ends, rows["per_month"], 0.0),
    )


def _overlap(
    start: ir.IntegerValue, until: ir.IntegerValue, opens: ir.IntegerValue, closes: ir.IntegerValue
) -> ir.FloatingValue:
    """Days of both spans."""
    days = ibis.least(until, closes) - ibis.greatest(start, opens)
    return ibis.ifelse(days > 0, days, 0).cast("float64")


@kept
def first_paid(tables: Tables) -> ir.Table:
    """of (account), first_on: the day its first contract began."""
    rows = contracts(tables)
    return rows.group_by("of").aggregate(first_on=rows["start"].min())
