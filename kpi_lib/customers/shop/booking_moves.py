"""Cheap moves on early booking: the margin of a booked piece grows, the customer books no more."""

from __future__ import annotations

from datetime import timedelta

from kpi_lib.editing import with_table
from kpi_lib.schema import Tables

_RECENT_DAYS = 120


def orders_called_bookings(tables: Tables, params: object) -> Tables:
    """The tables in which every order of the last 120 days is written as a booking."""
    del params
    orders = tables["orders"]
    recent = orders["ordered_at"].date() > tables.as_of - timedelta(days=_RECENT_DAYS)
    booked = orders["booking"].fill_null(False) | recent
    return with_table(tables, "orders", orders.mutate(booking=booked))


def list_prices_lowered(tables: Tables, params: object) -> Tables:
    """The tables with list prices a tenth lower, and every price that was paid as it was."""
    del params
    lines = tables["order_lines"]
    lower = lines["list_price"].cast("float64") * 0.9
    return with_table(tables, "order_lines", lines.mutate(list_price=lower))


def freight_booked_elsewhere(tables: Tables, params: object) -> Tables:
    """The tables in which no order has any freight."""
    del params
    orders = tables["orders"]
    return with_table(
        tables, "orders", orders.mutate(freight=orders["freight"].cast("float64") * 0)
    )
