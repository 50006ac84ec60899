"""Losses that are already known: customers that gave notice and still pay."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from kpi_lib.customers.money.ledger import Rule, spans
from kpi_lib.customers.money.ledger_lists import month_ends
from kpi_lib.schema import OPEN_END, Tables


def leaving(tables: Tables, rule: Rule) -> ir.Table:
    """Customers paying on `as_of` whose last contract has an end: account_id, leaves_on, mrr.

    mrr is what they pay on `as_of` (money per month); `leaves_on` lies after it.
    """
    rows, today = spans(tables, rule), ibis.literal(tables.as_of)
    runs = (rows["from_day"] <= today) & (rows["until_day"] > today)
    sums = rows.group_by("account_id").aggregate(
        leaves_on=rows["until_day"].max(), mrr=rows["amount"].sum(where=runs).fill_null(0.0)
    )
    return sums.filter(sums["mrr"] > 0, sums["leaves_on"] < OPEN_END)


def announced(tables: Tables, rule: Rule) -> ir.Table:
    """One row for each of the next 12 months: month, customers that leave in it, mrr they pay now."""
    months, rows = month_ends(tables), leaving(tables, rule)
    inside = [rows["leaves_on"] > months["before"], rows["leaves_on"] <= months["at"]]
    joined = months.join(rows, inside)
    sums = joined.group_by(of=joined["month"]).aggregate(
        customers=joined.count(), mrr=joined["mrr"].sum()
    )
    full = months.left_join(sums, months["month"] == sums["of"])
    return full.select(
        "month", customers=full["customers"].fill_null(0), mrr=full["mrr"].fill_null(0.0)
    ).order_by("month")
