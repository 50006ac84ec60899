"""Lines of orders with what they were sold for, against list, freight and weeks of advance."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import ibis
import ibis.expr.types as ir

from kpi_lib.customers.shop.goods import grid_of
from kpi_lib.customers.subscribed import ratio
from kpi_lib.periods import Period
from kpi_lib.schema import Tables, named

YEAR = timedelta(days=365)


@named
def sold_lines(tables: Tables, rule: Any) -> ir.Table:
    """One row per line sold: order_id, account_id, day, due_on (day of delivery agreed, else `day`),
    weeks (of advance, null without such a day), booked (flag), pieces, order_pieces, listed, realised,
    margin (money).

    Left out: cancelled orders, returned ones where `returns` is restate, goods taken back, codes that
    are no goods, buyers not known. `margin` is what was realised less the cost of the goods (list price
    times 1 - `margin_share`), less freight where `with_freight`. Freight of an order is shared out by
    pieces.
    """
    lines, orders = tables["order_lines"], tables["orders"]
    quantity, price = (lines[n].cast("float64") for n in ("quantity", "unit_price"))
    listed = lines["list_price"].cast("float64")
    goods = lines.select(
        "product_id", of=lines["order_id"], pieces=quantity,
        listed=quantity * listed, realised=quantity * price,
    )  # fmt: skip
    goods = goods.filter(goods["pieces"] > 0, goods["realised"] > 0, goods["listed"] > 0)
    if rule.not_goods:
        goods = goods.filter(~goods["product_id"].isin(list(rule.not_goods)))
    whole = goods["pieces"].sum().over(ibis.window(group_by="of"))
    goods = goods.mutate(order_pieces=whole)
    heads = orders.filter(orders["cancelled_on"].isnull(), orders["account_id"] != rule.no_account)
    if rule.returns == "restate":
        heads = heads.filter(heads["returned_on"].isnull())
    rows = heads.join(goods, heads["order_id"] == goods["of"])
    booked = rows["booking"].fill_null(False) | (rule.orders_of == "all")
    day = rows["ordered_at"].date()
    weeks = (rows["deliver_on"].delta(day, unit="day").cast("float64") / 7).floor()
    freight = ratio(rows["freight"] * rows["pieces"], rows["order_pieces"])
    taken = freight.fill_null(0.0) if rule.with_freight else ibis.literal(0.0)
    cost = rows["listed"] * (1.0 - rule.margin_share)
    return rows.select(
        *("order_id", "account_id", "pieces", "order_pieces", "listed", "realised"),
        day=day, due_on=ibis.ifelse(booked, ibis.coalesce(rows["deliver_on"], day), day),
        weeks=weeks, booked=booked, freight=freight, margin=rows["realised"] - cost - taken,
    )  # fmt: skip


def in_periods(tables: Tables, periods: Sequence[Period], rule: Any) -> ir.Table:
    """The lines of orders placed in the periods, with the first day of each as `period`."""
    rows, grid = sold_lines(tables, rule), grid_of(periods)
    joined = grid.join(rows, [rows["day"] >= grid["period"], rows["day"] <= grid["last"]])
    return joined.drop("last")


def by_account(tables: Tables, periods: Sequence[Period], rule: Any) -> ir.Table:
    """What accounts booked: period, account_id, margin (money), pieces."""
    rows = in_periods(tables, periods, rule)
    rows = rows.filter(rows["booked"])
    return rows.group_by("period", "account_id").aggregate(
        margin=rows["margin"].sum(), pieces=rows["pieces"].sum()
    )


def margins_of_year(tables: Tables, rule: Any) -> ir.Table:
    """Margin per booked piece of each account over the last 365 days: account_id, score."""
    rows = sold_lines(tables, rule)
    since = tables.as_of - YEAR
    rows = rows.filter(rows["booked"], rows["day"] > since, rows["day"] <= tables.as_of)
    sums = rows.group_by("account_id").aggregate(
        margin=rows["margin"].sum(), pieces=rows["pieces"].sum()
    )
    return sums.select("account_id", score=ratio(sums["margin"], sums["pieces"]))
