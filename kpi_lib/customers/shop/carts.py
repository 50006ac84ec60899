"""Carts of a web shop: ordered in time, left, or too young; and what the visit saw before."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, time, timedelta
from typing import Any

import ibis
import ibis.expr.types as ir

from kpi_lib.customers.subscribed import dates, number_of
from kpi_lib.periods import Period
from kpi_lib.schema import Tables, kept, named

OUT_OF_STOCK, COMPARISON = "out of stock", "price comparison"
DELIVERY, OTHER, NOT_SEEN = "delivery cost shown", "other", "no pages on record"
_NO_PAGE = "(no page)"


def settled_by(tables: Tables, rule: Any) -> datetime:
    """The last moment at which a cart can have been made whose window is over by the end of `as_of`."""
    end = datetime.combine(tables.as_of + timedelta(days=1), time())
    return end - timedelta(hours=rule.window_hours)


@named
def states(tables: Tables, rule: Any) -> ir.Table:
    """One row per cart: cart_id, account_id, session_id, day, amount, items, is_left.

    is_left: 1 not ordered within the window, 0 ordered, null for every cart younger than the window,
    ordered or not, so that quick orders are no more likely to be in.
    """
    carts = tables["carts"]
    window = ibis.interval(hours=rule.window_hours)
    ordered = (carts["ordered_at"] <= carts["created_at"] + window).fill_null(False)
    last = ibis.literal(settled_by(tables, rule)).cast("timestamp")
    young = carts["created_at"] > last
    return carts.select(
        "cart_id",
        "account_id",
        "session_id",
        day=carts["created_at"].date(),
        amount=carts["amount"].cast("float64"),
        items=carts["items"].cast("float64"),
        is_left=ibis.ifelse(young, ibis.null("float64"), number_of(~ordered)),
    )


def in_periods(rows: ir.Table, periods: Sequence[Period]) -> ir.Table:
    """Rows with a `day` in one of the periods, with its first day as `period`."""
    grid = dates({"period": [p.start for p in periods], "last": [p.end for p in periods]})
    joined = grid.join(rows, [rows["day"] >= grid["period"], rows["day"] <= grid["last"]])
    return joined.drop("last")


@kept
def visits(tables: Tables, rule: Any) -> ir.Table:
    """One row per session with page views: session_id, day, saw_product, saw_checkout, and what may
    have kept it from ordering: met_stock_out, compared, saw_delivery (0 or 1), trouble (a page's name).
    """
    views = tables["page_views"]
    sums = views.group_by("session_id").aggregate(
        day=views["at"].date().min(),
        saw_product=_any(views["product_id"].notnull() | _is_page(views, rule.product_pages)),
        saw_checkout=_any(_is_page(views, rule.checkout_pages)),
        met_stock_out=_any((~views["in_stock"]).fill_null(False)),
        saw_delivery=_any(_is_page(views, rule.delivery_pages)),
        named_comparison=_any(_is_page(views, rule.comparison_pages)),
        trouble=_first_of(views, rule.trouble_pages),
    )
    seen = _comparisons(views, rule)
    seen = seen.select("back_and_forth", "seen_before", of=seen["session_id"])
    joined = sums.left_join(seen, sums["session_id"] == seen["of"]).drop("of")
    compared = ibis.greatest(
        joined["named_comparison"],
        joined["back_and_forth"].fill_null(0),
        joined["seen_before"].fill_null(0),
    )
    columns = joined.mutate(compared=compared)
    return columns.drop("named_comparison", "back_and_forth", "seen_before")


def _is_page(views: ir.Table, pages: Sequence[str]) -> ir.BooleanValue:
    """Whether the page is one of those; an empty list would be no column at all."""
    return views["page"].isin([_NO_PAGE, *pages])


def _first_of(views: ir.Table, pages: Sequence[str]) -> ir.StringValue:
    """The first of the pages, in the order given, that a session saw; null where it saw none."""
    none = ibis.null("string")
    seen = [ibis.ifelse(views["page"] == page, views["page"], none).min() for page in pages]
    return ibis.coalesce(*seen, none.cast("string"))


def _any(flag: ir.BooleanValue) -> ir.IntegerScalar:
    return ibis.ifelse(flag, 1, 0).max().cast("int64")


def _comparisons(views: ir.Table, rule: Any) -> ir.Table:
    """Per session with products: whether it came back to one after another, or to one of a visit before.

    The visit before is by the same account, at most `compare_days` earlier.
    """
    shown = views.filter(views["product_id"].notnull())
    order = ibis.window(group_by="session_id", order_by=["at", "product_id"])
    steps = shown.mutate(before=shown["product_id"].lag().over(order))
    turns = steps.filter(steps["before"].isnull() | (steps["before"] != steps["product_id"]))
    # Without an account a visit stands alone: the session takes its place.
    who = ibis.coalesce(turns["account_id"], turns["session_id"])
    each = turns.group_by("session_id", "product_id", who=who).aggregate(
        times=turns.count(), day=turns["at"].date().min()
    )
    earlier = ibis.window(group_by=["who", "product_id"], order_by=["day", "session_id"])
    each = each.mutate(last_day=each["day"].lag().over(earlier))
    gap = each["day"].delta(each["last_day"], unit="day")
    return each.group_by("session_id").aggregate(
        back_and_forth=_any(each["times"] > 1),
        seen_before=_any((gap <= rule.compare_days).fill_null(False)),
    )


@named
def with_cause(tables: Tables, rule: Any) -> ir.Table:
    """The rows of `states` with the most likely cause, told for ordered carts too (what they met).

    The first that holds: a page of trouble (under its name), an article out of stock, prices compared,
    delivery cost shown, other; a cart whose visit has no page views says so.
    """
    rows = states(tables, rule)
    if "page_views" not in tables:
        return rows.mutate(cause=ibis.literal(NOT_SEEN))
    seen = visits(tables, rule)
    seen = seen.drop("day", "saw_product", "saw_checkout").rename(of="session_id")
    joined = rows.left_join(seen, rows["session_id"] == seen["of"])
    cause = ibis.cases(
        (joined["of"].isnull(), NOT_SEEN),
        (joined["trouble"].notnull(), joined["trouble"]),
        (joined["met_stock_out"] == 1, OUT_OF_STOCK),
        (joined["compared"] == 1, COMPARISON),
        (joined["saw_delivery"] == 1, DELIVERY),
        else_=OTHER,
    )
    return joined.select(*rows.columns, cause=cause)
