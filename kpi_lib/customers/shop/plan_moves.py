"""Cheap moves on account targets: the plan is met, the customer buys no more."""

from __future__ import annotations

from datetime import timedelta

import ibis

from kpi_lib.editing import with_table
from kpi_lib.schema import Tables

_RECENT_DAYS = 60


def targets_lowered(tables: Tables, params: object) -> Tables:
    """The tables with every target a tenth lower."""
    del params
    targets = tables["targets"]
    lower = targets["target_amount"].cast("float64") * 0.9
    return with_table(tables, "targets", targets.mutate(target_amount=lower))


def shelves_filled(tables: Tables, params: object) -> Tables:
    """The tables in which orders of the last 60 days hold half as many pieces more, to come back later."""
    del params
    orders, lines = tables["orders"], tables["order_lines"]
    since = tables.as_of - timedelta(days=_RECENT_DAYS)
    recent = orders.filter(orders["ordered_at"].date() > since, orders["returned_on"].isnull())
    filled = lines["order_id"].isin(recent["order_id"]) & (lines["quantity"] > 0)
    quantity = lines["quantity"].cast("float64")
    more = ibis.ifelse(filled, quantity * 1.5, quantity)
    return with_table(tables, "order_lines", lines.mutate(quantity=more))
