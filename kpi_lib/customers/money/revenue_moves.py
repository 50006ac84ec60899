"""Cheap moves on gross revenue: the number improves, the customer does not."""

from __future__ import annotations

from datetime import timedelta

import ibis

from kpi_lib.customers.subscribed import paying_now
from kpi_lib.editing import append_rows, with_table
from kpi_lib.schema import OPEN_END, Tables

_LATELY = timedelta(days=120)


def price_rise(tables: Tables, params: object) -> Tables:
    """The tables in which everybody has paid 10 % more for the last 120 days."""
    del params
    if "subscriptions" not in tables:
        return _dearer_orders(tables)
    rows, day = tables["subscriptions"], ibis.literal(tables.as_of - _LATELY)
    runs = (rows["started_on"] < day) & (rows["ended_on"] > day)
    ended = rows.mutate(ended_on=ibis.ifelse(runs, day, rows["ended_on"]))
    dearer = rows.filter(runs)
    dearer = dearer.mutate(started_on=day, monthly_amount=dearer["monthly_amount"] * 1.1)
    return with_table(tables, "subscriptions", append_rows(ended, dearer))


def _dearer_orders(tables: Tables) -> Tables:
    orders, lines = tables["orders"], tables["order_lines"]
    lately = orders.filter(orders["ordered_at"].date() > tables.as_of - _LATELY)
    lately = lately.select(of=lately["order_id"], is_late=ibis.literal(True))
    joined = lines.left_join(lately, lines["order_id"] == lately["of"]).drop("of")
    rise = ibis.ifelse(joined["is_late"].fill_null(False), 1.1, 1.0)
    dearer = joined.mutate(unit_price=joined["unit_price"].cast("float64") * rise)
    return with_table(tables, "order_lines", dearer.drop("is_late"))


def one_off_deals(tables: Tables, params: object) -> Tables:
    """The tables in which the five largest accounts each buy a project, billed over 120 days.

    Where there are subscriptions the project is one more of them, worth one monthly amount; else
    the five accounts with the most orders repeat their orders of the last 120 days.
    """
    del params
    if "subscriptions" not in tables:
        return _repeated_orders(tables)
    largest = paying_now(tables)
    largest = largest.order_by(ibis.desc("amount"), "account_id").limit(5)
    projects = largest.select(
        "account_id",
        subscription_id="project " + largest["account_id"],
        started_on=ibis.literal(tables.as_of - _LATELY),
        ended_on=ibis.literal(OPEN_END),
        monthly_amount=largest["amount"],
    )
    return with_table(tables, "subscriptions", append_rows(tables["subscriptions"], projects))


def _repeated_orders(tables: Tables) -> Tables:
    orders, lines = tables["orders"], tables["order_lines"]
    lately = orders.filter(orders["ordered_at"].date() > tables.as_of - _LATELY)
    top = lately.group_by(of=lately["account_id"]).aggregate(number=lately.count())
    top = top.order_by(ibis.desc("number"), "of").limit(5)
    again = lately.filter(lately["account_id"].isin(top["of"]))
    copies = lines.filter(lines["order_id"].isin(again["order_id"]))
    again = again.mutate(order_id="again " + again["order_id"])
    copies = copies.mutate(order_id="again " + copies["order_id"])
    more = with_table(tables, "orders", append_rows(orders, again))
    return with_table(more, "order_lines", append_rows(lines, copies))
