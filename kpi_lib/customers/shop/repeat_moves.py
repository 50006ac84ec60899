"""Cheap moves on repeat orders: more orders in the books, not one more piece sold in earnest."""

from __future__ import annotations

from datetime import datetime, time, timedelta

import ibis

from kpi_lib.editing import append_rows, with_table
from kpi_lib.schema import Tables

_SILENT_DAYS = 90


def orders_split(tables: Tables, params: object) -> Tables:
    """The tables in which half of every order is written as an order of the next day."""
    del params
    orders, lines = tables["orders"], tables["order_lines"]
    end = datetime.combine(tables.as_of, time())
    early = orders.filter(orders["ordered_at"] < end)
    day = (early["ordered_at"] + ibis.interval(days=1)).cast("timestamp")
    twins = early.mutate(order_id=early["order_id"] + "-half", ordered_at=day)
    chosen = lines["order_id"].isin(early["order_id"])
    quantity = lines["quantity"].cast("float64")
    halved = lines.mutate(quantity=ibis.ifelse(chosen, quantity * 0.5, quantity))
    half = halved.filter(halved["order_id"].isin(early["order_id"]))
    half = half.mutate(order_id=half["order_id"] + "-half")
    edited = with_table(tables, "orders", append_rows(orders, twins))
    return with_table(edited, "order_lines", append_rows(halved, half))


def samples_booked(tables: Tables, params: object) -> Tables:
    """The tables in which every account silent for 90 days is sent one piece, booked as its order."""
    del params
    orders, lines = tables["orders"], tables["order_lines"]
    stands = orders.filter(orders["cancelled_on"].isnull(), orders["account_id"].notnull())
    last = stands.group_by("account_id").aggregate(last=stands["ordered_at"].date().max())
    silent = last.filter(last["last"] < tables.as_of - timedelta(days=_SILENT_DAYS))
    name = silent["account_id"] + "-sample"
    today = ibis.literal(datetime.combine(tables.as_of, time())).cast("timestamp")
    sent = silent.select("account_id", order_id=name, ordered_at=today)
    one = ibis.literal(1)
    piece = silent.select(
        order_id=name,
        line_no=one,
        product_id=ibis.literal("sample"),
        quantity=one.cast("float64"),
        list_price=one.cast("float64"),
        unit_price=one.cast("float64"),
    )
    edited = with_table(tables, "orders", append_rows(orders, sent))
    return with_table(edited, "order_lines", append_rows(lines, piece))
