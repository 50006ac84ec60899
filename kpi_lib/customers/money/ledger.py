"""The ledger of recurring revenue: what each unit paid before and after, and what moved."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Protocol

import ibis
import ibis.expr.types as ir

from kpi_lib.customers.subscribed import dates, in_currency, small
from kpi_lib.periods import Period
from kpi_lib.schema import OPEN_END, Tables, kept, named

KINDS = ("opening", "new", "expansion", "reactivation", "contraction", "churn", "closing")
"""opening + new + expansion + reactivation - contraction - churn = closing."""

_DIGITS = 6
"""Amounts are rounded to so many decimals before they are compared."""


class Rule(Protocol):
    """The parameters that say whose amounts count, and until when."""

    @property
    def unit(self) -> str:
        """What moves: account, subscription."""
        ...

    @property
    def churn_on(self) -> str:
        """When a loss is booked: end, request."""
        ...

    @property
    def include_usage(self) -> str:
        """Whether metered charges count: none, trailing."""
        ...

    @property
    def currency(self) -> str:
        """Currency of the amounts, "" for that of the data set."""
        ...


@named
def spans(tables: Tables, rule: Rule) -> ir.Table:
    """Every span of a monthly amount: unit_id, account_id, from_day, until_day (not in it), amount."""
    rows = in_currency(tables, rule.currency)
    rows = rows.filter(rows["monthly_amount"] > 0)
    until = rows["ended_on"]
    if rule.churn_on == "request":
        until = ibis.least(until, rows["cancelled_on"].fill_null(OPEN_END))
    by_account = rule.unit == "account"
    paid = rows.select(
        "account_id",
        unit_id=rows["account_id"] if by_account else rows["subscription_id"],
        from_day=rows["started_on"],
        until_day=until,
        amount=rows["monthly_amount"].cast("float64"),
    )
    paid = paid.filter(paid["until_day"] > paid["from_day"])
    metered = _metered(tables, rule)
    return paid if metered is None else paid.union(metered.select(*paid.columns))


def _metered(tables: Tables, rule: Rule) -> ir.Table | None:
    """Metered charges (orders of the channel `usage`), each a third of it for three months.

    So what counts on a day is the mean of the three months that end on it.
    """
    if rule.include_usage == "none" or not {"orders", "order_lines"} <= set(tables):
        return None
    orders, lines = tables["orders"], tables["order_lines"]
    orders = orders.filter(orders["channel"] == "usage", orders["cancelled_on"].isnull())
    joined = orders.join(lines, "order_id")
    day = joined["ordered_at"].date()
    rows = joined.mutate(
        from_day=day,
        until_day=(day + ibis.interval(months=3)).cast("date"),
        amount=joined["quantity"].cast("float64") * joined["unit_price"].cast("float64") / 3.0,
    )
    name = rows["account_id"]
    return rows.mutate(unit_id=name if rule.unit == "account" else name + " usage")


@kept
def balances(tables: Tables, periods: Sequence[Period], rule: Rule) -> ir.Table:
    """What each unit pays before and at the end of each period.

    Columns: period, unit_id, account_id, opening (amount on the day before the period), closing
    (on its last day), both money per month, and first_on (first day it ever paid).
    """
    rows = spans(tables, rule)
    first = rows.group_by(of=rows["unit_id"]).aggregate(first_on=rows["from_day"].min())
    points = dates(
        {
            "period": [p.start for p in periods],
            "before": [p.start - timedelta(days=1) for p in periods],
            "at": [p.end for p in periods],
        }
    )
    joined = points.join(
        rows, [rows["from_day"] <= points["at"], rows["until_day"] > points["before"]]
    )
    opens = joined["from_day"] <= joined["before"]
    closes = joined["until_day"] > joined["at"]
    sums = joined.group_by("period", "unit_id", "account_id").aggregate(
        opening=joined["amount"].sum(where=opens).fill_null(0.0).round(_DIGITS),
        closing=joined["amount"].sum(where=closes).fill_null(0.0).round(_DIGITS),
    )
    return sums.join(first, sums["unit_id"] == first["of"]).drop("of")


def movement(rows: ir.Table) -> ir.StringValue:
    """The kind of movement of a row of `balances`; "none" where the amount stayed."""
    opening, closing = rows["opening"], rows["closing"]
    return ibis.cases(
        ((opening == 0) & (closing == 0), "none"),
        ((opening == 0) & (rows["first_on"] >= rows["period"]), "new"),
        (opening == 0, "reactivation"),
        (closing == 0, "churn"),
        (closing > opening, "expansion"),
        (closing < opening, "contraction"),
        else_="none",
    )


@named
def entries(tables: Tables, periods: Sequence[Period], rule: Rule) -> ir.Table:
    """The ledger in long form: period, unit_id, account_id, kind (of `KINDS`), value (above 0)."""
    rows = balances(tables, periods, rule)
    rows = rows.mutate(moved=movement(rows))
    kinds = small({"kind": KINDS}, {"kind": "string"})
    long = rows.cross_join(kinds)
    change = (long["closing"] - long["opening"]).abs()
    value = ibis.cases(
        (long["kind"] == "opening", long["opening"]),
        (long["kind"] == "closing", long["closing"]),
        (long["kind"] == long["moved"], change),
        else_=0.0,
    )
    long = long.select("period", "unit_id", "account_id", "kind", value=value)
    return long.filter(long["value"] > 0)
