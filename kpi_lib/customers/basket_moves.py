"""Cheap moves on the basket: the average order grows, the customer buys no more."""

from __future__ import annotations

import ibis

from kpi_lib.editing import with_table
from kpi_lib.schema import Tables

_RISE = 1.1


def prices_raised(tables: Tables, params: object) -> Tables:
    """The tables with every price 10 % higher and the same pieces in every order."""
    del params
    lines = tables["order_lines"]
    dearer = {name: lines[name].cast("float64") * _RISE for name in ("list_price", "unit_price")}
    return with_table(tables, "order_lines", lines.mutate(**dearer))


def returns_refused(tables: Tables, params: object) -> Tables:
    """The tables in which nothing that was sold is ever taken back."""
    del params
    orders, lines = tables["orders"], tables["order_lines"]
    kept = orders.mutate(returned_on=ibis.null("date"))
    sold = lines.filter(lines["quantity"] >= 0)
    return with_table(with_table(tables, "orders", kept), "order_lines", sold)
