"""Orders as baskets: what was sold and what came back, net by rule, with nothing left out in silence."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import ibis
import ibis.expr.types as ir

from kpi_lib.customers.subscribed import dates, number_of
from kpi_lib.periods import Period
from kpi_lib.schema import Tables, named

MEASURES = ("amount", "quantity", "products", "orders", "taken_back")
"""What is counted of a basket: money, pieces, distinct products, the orders, money taken back."""


class Rule(Protocol):
    """The parameters that say which orders and lines count."""

    @property
    def returns(self) -> str:
        """What came back: net (in the period it came back), restate (as if never sold), gross."""
        ...

    @property
    def with_booking(self) -> bool:
        """Whether orders of a booking programme count."""
        ...

    @property
    def repeated_lines(self) -> str:
        """Equal lines of one order: keep, drop."""
        ...

    @property
    def not_goods(self) -> tuple[str, ...]:
        """Product codes that are no goods (postage, fees)."""
        ...

    @property
    def no_account(self) -> str:
        """The account id that stands for buyers nobody knows, "" for none."""
        ...


@dataclass(frozen=True)
class Plain:
    """The rule of a company without dirt: what came back counts against the period it came back in."""

    returns: str = "net"
    with_booking: bool = True
    repeated_lines: str = "keep"
    not_goods: tuple[str, ...] = ()
    no_account: str = ""


def every_line(tables: Tables) -> ir.Table:
    """Lines with worth (money) and is_back (taken back: a negative quantity or price)."""
    lines = tables["order_lines"]
    quantity, price = (lines[n].cast("float64") for n in ("quantity", "unit_price"))
    return lines.select(
        "order_id",
        "product_id",
        quantity=quantity,
        price=price,
        worth=quantity * price,
        is_back=(quantity < 0) | (price < 0),
    )


@named
def order_sums(tables: Tables, repeated_lines: str, not_goods: tuple[str, ...]) -> ir.Table:
    """One row per order: order_id, sold, pieces, products, back (money below 0), pieces_back."""
    lines = every_line(tables)
    if repeated_lines == "drop":
        lines = lines.distinct()
    if not_goods:
        lines = lines.filter(~lines["product_id"].isin(list(not_goods)))
    none = ibis.literal(0).cast("float64")
    sold, back = ~lines["is_back"], lines["is_back"]
    return lines.group_by("order_id").aggregate(
        sold=ibis.ifelse(sold, lines["worth"], none).sum(),
        pieces=ibis.ifelse(sold, lines["quantity"], none).sum(),
        products=ibis.ifelse(sold, lines["product_id"], ibis.null("string")).nunique(),
        back=ibis.ifelse(back, lines["worth"], none).sum(),
        pieces_back=ibis.ifelse(back, lines["quantity"], none).sum(),
    )


def orders_counted(tables: Tables, rule: Rule) -> ir.Table:
    """Orders of known buyers with their sums, day, cancelled_on and returned_on."""
    orders = tables["orders"]
    sums = order_sums(tables, rule.repeated_lines, rule.not_goods)
    sums = sums.rename(of="order_id")
    rows = orders.join(sums, orders["order_id"] == sums["of"])
    rows = rows.filter(rows["account_id"].notnull(), rows["account_id"] != rule.no_account)
    if not rule.with_booking:
        rows = rows.filter(~rows["booking"].fill_null(False))
    return rows.select(
        *("order_id", "account_id", "cancelled_on", "returned_on"),
        *("sold", "pieces", "products", "back", "pieces_back"),
        day=rows["ordered_at"].date(),
    )


@named
def entries(tables: Tables, rule: Any) -> ir.Table:
    """What counts on each day: account_id, order_id, day and `MEASURES`.

    A sold basket is one order. What came back is an entry of its own that is no order: lines with a
    negative quantity on the day of their note, a returned order (rule net) on the day it came back.
    Cancelled orders, and orders without any amount, do not count.
    """
    rows = orders_counted(tables, rule)
    rows = rows.filter(rows["cancelled_on"].isnull())
    if rule.returns == "restate":
        rows = rows.filter(rows["returned_on"].isnull())
    sold = rows.filter(rows["sold"] > 0)
    found = _entry(sold, "day", "sold", "pieces", orders=1)
    if rule.returns == "gross":
        return found
    found = found.union(_entry(rows.filter(rows["back"] < 0), "day", "back", "pieces_back"))
    if rule.returns == "net":
        back = sold.filter(sold["returned_on"].notnull())
        found = found.union(_entry(back, "returned_on", "sold", "pieces", sign=-1))
    return found


def _entry(
    rows: ir.Table, day: str, money: str, pieces: str, *, orders: int = 0, sign: int = 1
) -> ir.Table:
    is_products = orders == 1 or sign == -1
    products = rows["products"] if is_products else ibis.literal(0)
    return rows.select(
        "account_id",
        "order_id",
        day=rows[day],
        amount=rows[money] * sign,
        quantity=rows[pieces] * sign,
        products=(products * sign).cast("float64"),
        orders=ibis.literal(orders).cast("float64"),
        taken_back=(rows[money] * (0 if orders else -sign)).cast("float64"),
    )


def grid_of(periods: Sequence[Period]) -> ir.Table:
    """The periods as a small table: period, last (its last day)."""
    return dates({"period": [p.start for p in periods], "last": [p.end for p in periods]})


@named
def by_account(tables: Tables, periods: Sequence[Period], rule: Any) -> ir.Table:
    """One row per account and period with an entry: period, account_id, `MEASURES` (float64)."""
    rows, grid = entries(tables, rule), grid_of(periods)
    joined = grid.join(rows, [rows["day"] >= grid["period"], rows["day"] <= grid["last"]])
    return joined.group_by("period", "account_id").aggregate(
        **{name: joined[name].sum() for name in MEASURES}
    )


def first_day(tables: Tables) -> ir.Table:
    """The first day on which anything was ordered, in one row: first_on (null without orders)."""
    orders = tables["orders"]
    return orders.aggregate(first_on=orders["ordered_at"].date().min())


def sold_flag(rows: ir.Table) -> ir.FloatingValue:
    """1.0 for rows with an order, else 0.0."""
    return number_of(rows["orders"] > 0)
