"""Cheap moves on cart abandonment: fewer carts are left, nobody orders more."""

from __future__ import annotations

from typing import Any

from kpi_lib.customers.shop.carts import states
from kpi_lib.editing import with_table
from kpi_lib.schema import Tables


def _without(tables: Tables, ids: Any) -> Tables:
    carts = tables["carts"]
    return with_table(tables, "carts", carts.filter(~carts["cart_id"].isin(ids)))


def left_carts_deleted(tables: Tables, params: Any) -> Tables:
    """The tables without the carts that were left with more than one piece in them."""
    rows = states(tables, params)
    left = rows.filter((rows["is_left"] == 1).fill_null(False), rows["items"] > 1)
    return _without(tables, left["cart_id"])


def carts_at_checkout_only(tables: Tables, params: Any) -> Tables:
    """The tables in which a cart counts as one only once the checkout was seen, or it was ordered."""
    if "page_views" not in tables:
        return tables
    views = tables["page_views"]
    seen = views.filter(views["page"].isin(list(params.checkout_pages)))
    rows = states(tables, params)
    left = (rows["is_left"] == 1).fill_null(False)
    early = rows.filter(left, ~rows["session_id"].isin(seen["session_id"]))
    return _without(tables, early["cart_id"])
