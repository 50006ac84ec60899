"""From all lines to the baskets that count: every rule, and what it leaves out."""

from __future__ import annotations

from collections.abc import Sequence

import ibis
import ibis.expr.types as ir

from kpi_lib.customers.frames import table_of
from kpi_lib.customers.shop.goods import Rule, every_line
from kpi_lib.engine import run
from kpi_lib.periods import Period
from kpi_lib.schema import Tables

_KINDS = {"rule": "string", "why": "string", "lines": "int64", "orders": "int64"}
_KINDS |= {"amount": "float64"}

_RULES = {
    "all lines": "everything on record",
    "repeated lines": "the same product, quantity and price twice on one order (param repeated_lines)",
    "not goods": "postage, fees and the like (param not_goods)",
    "buyer not known": "belongs to no account, so to no rhythm and no year before (param no_account)",
    "booking programme": "ordered ahead at a discount (param with_booking)",
    "cancelled": "never delivered",
    "returned": "sold and taken back; counts as the param returns says",
    "credit notes": "negative quantities, taken off the amount; no order of their own",
    "without amount": "orders of free goods or corrections of stock; no basket",
    "before": "before the first period shown",
    "partial last period": "after the last whole period: never compared with a whole one",
    "counted": "baskets in whole periods",
}


def left_out(tables: Tables, periods: Sequence[Period], rule: Rule) -> ir.Table:
    """One row per rule, in the order in which they are applied: rule, why, lines, orders, amount.

    Each line belongs to the first rule that holds for it, so that all rows but the first add up to the
    first. Credit notes and returned orders are told apart even where they count.
    """
    lines = _ruled(tables, periods, rule)
    sums = lines.group_by("rule").aggregate(
        lines=lines.count(), orders=lines["order_id"].nunique(), amount=lines["worth"].sum()
    )
    whole = lines.aggregate(
        lines=lines.count(),
        orders=lines["order_id"].nunique(),
        amount=lines["worth"].sum().fill_null(0.0),
    )
    found = {row["rule"]: row for row in run(sums).to_dict("records")}
    found["all lines"] = run(whole).to_dict("records")[0]
    none = {"lines": 0, "orders": 0, "amount": 0.0}
    rows = [
        {**none, **found.get(name, {}), "rule": name, "why": why} for name, why in _RULES.items()
    ]
    import pandas as pd

    kept = [row for row in rows if row["lines"] or row["rule"] in ("all lines", "counted")]
    return table_of(pd.DataFrame(kept)[list(_KINDS)], _KINDS)


def _ruled(tables: Tables, periods: Sequence[Period], rule: Rule) -> ir.Table:
    """Every line with the name of the first rule that holds for it."""
    orders = tables["orders"]
    heads = orders.select(
        "account_id", "cancelled_on", "returned_on",
        of=orders["order_id"],
        booked=orders["booking"].fill_null(False),
        day=orders["ordered_at"].date(),
    )  # fmt: skip
    lines = every_line(tables)
    same = ibis.window(group_by=["order_id", "product_id", "quantity", "price"], order_by=["worth"])
    lines = lines.mutate(copy=ibis.row_number().over(same))
    rows = lines.join(heads, lines["order_id"] == heads["of"])
    value = ibis.ifelse(rows["is_back"], ibis.literal(0).cast("float64"), rows["worth"])
    rows = rows.mutate(sold=value.sum().over(ibis.window(group_by="order_id")))
    first, last = periods[0].start, periods[-1].end
    branches = [
        (rows["copy"] > 0, "repeated lines") if rule.repeated_lines == "drop" else None,
        (rows["product_id"].isin(list(rule.not_goods)), "not goods") if rule.not_goods else None,
        (rows["account_id"].isnull() | (rows["account_id"] == rule.no_account), "buyer not known"),
        None if rule.with_booking else (rows["booked"], "booking programme"),
        (rows["cancelled_on"].notnull(), "cancelled"),
        (rows["day"] > last, "partial last period"),
        (rows["day"] < first, "before"),
        (rows["is_back"], "credit notes"),
        (rows["sold"] <= 0, "without amount"),
        (rows["returned_on"].notnull(), "returned"),
    ]
    asked = [branch for branch in branches if branch is not None]
    return rows.mutate(rule=ibis.cases(*asked, else_="counted"))
