"""Cheap moves on the basket: the average order grows, the customer buys no more."""

from __future__ import annotations

from datetime import timedelta

import ibis

from kpi_lib.editing import with_table
from kpi_lib.schema import Tables

_RISE = 1.1
_RECENT_DAYS = 120


def prices_raised(tables: Tables, params: object) -> Tables:
    """The tables with the prices of the last 120 days 10 % higher, and the same pieces in every order."""
    del params
    orders, lines = tables["orders"], tables["order_lines"]
    since = tables.as_of - timedelta(days=_RECENT_DAYS)
    recent = orders.filter(orders["ordered_at"].date() > since)
    dearer = lines["order_id"].isin(recent["order_id"])
    prices = {name: lines[name].cast("float64") for name in ("list_price", "unit_price")}
    raised = {n: ibis.ifelse(dearer, price * _RISE, price) for n, price in prices.items()}
    return with_table(tables, "order_lines", lines.mutate(**raised))


def returns_refused(tables: Tables, params: object) -> Tables:
    """The tables in which nothing that was sold is ever taken back."""
    del params
    orders, lines = tables["orders"], tables["order_lines"]
    kept = orders.mutate(returned_on=ibis.null("date"))
    sold = lines.filter(lines["quantity"] >= 0)
    return with_table(with_table(tables, "orders", kept), "order_lines", sold)
