"""Cheap moves on lifetime value: the number improves, the customer does not."""

from __future__ import annotations

from datetime import timedelta

import ibis

from kpi_lib.customers.money.families import family_of
from kpi_lib.customers.money.ledger_moves import notice_ignored
from kpi_lib.customers.money.lifetimes import ORDERS, Rule
from kpi_lib.editing import append_rows, with_table
from kpi_lib.schema import Tables

_LATELY = timedelta(days=120)


def departures_hidden(tables: Tables, rule: Rule) -> Tables:
    """The tables in which contracts lost in the last half year stay open.

    By orders: in which customers silent for a year get an order of their usual size on the last day.
    """
    if family_of(tables, rule) != ORDERS:
        return notice_ignored(tables, rule)
    orders, lines = tables["orders"], tables["order_lines"]
    keys = orders.filter(orders["cancelled_on"].isnull(), orders["returned_on"].isnull())
    last = keys.group_by(of=keys["account_id"]).aggregate(
        last_at=keys["ordered_at"].max(), number=keys.count()
    )
    silent = last.filter(
        last["last_at"].date() < tables.as_of - timedelta(days=365), last["number"] > 1
    )
    again = keys.join(
        silent, [keys["account_id"] == silent["of"], keys["ordered_at"] == silent["last_at"]]
    ).drop("of", "last_at", "number")
    copies = lines.filter(lines["order_id"].isin(again["order_id"]))
    copies = copies.mutate(order_id="again " + copies["order_id"])
    again = again.mutate(
        order_id="again " + again["order_id"],
        ordered_at=ibis.literal(tables.as_of).cast("timestamp"),
    )
    more = with_table(tables, "orders", append_rows(orders, again))
    return with_table(more, "order_lines", append_rows(lines, copies))


def list_price_booked(tables: Tables, rule: Rule) -> Tables:
    """The tables in which what began in the last 120 days is booked 10 % higher than it is paid."""
    since = tables.as_of - _LATELY
    if family_of(tables, rule) != ORDERS:
        rows = tables["subscriptions"]
        rise = ibis.ifelse(rows["started_on"] > since, 1.1, 1.0).cast("float64")
        dearer = rows.mutate(monthly_amount=rows["monthly_amount"].cast("float64") * rise)
        return with_table(tables, "subscriptions", dearer)
    orders, lines = tables["orders"], tables["order_lines"]
    late = orders.filter(orders["ordered_at"].date() > since)
    is_late = lines["order_id"].isin(late["order_id"])
    rise = ibis.ifelse(is_late, 1.1, 1.0).cast("float64")
    dearer = lines.mutate(unit_price=lines["unit_price"].cast("float64") * rise)
    return with_table(tables, "order_lines", dearer)
