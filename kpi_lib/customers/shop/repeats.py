"""Repeat orders: who counts as a customer in a window of days, and how often each ordered again."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import ibis
import ibis.expr.types as ir

from kpi_lib.customers.shop.goods import entries
from kpi_lib.customers.subscribed import dates, number_of, ratio
from kpi_lib.periods import Period
from kpi_lib.schema import Tables, kept, named

YEAR = 365.25
"""Days of a year, on average."""

FEWEST_YEARS = 0.25
"""An account must have been watched for so long before it has a rate of its own."""


@kept
def order_days(tables: Tables, rule: Any) -> ir.Table:
    """One row per account and day with an order: account_id, day, orders (float64), amount (money).

    Orders of one day are one order where `same_day` says so.
    """
    rows = entries(tables, rule)
    sold = rows.filter(rows["orders"] > 0, rows["day"] <= tables.as_of)
    sums = sold.group_by("account_id", "day").aggregate(
        count=sold["orders"].sum(), amount=sold["amount"].sum()
    )
    one = ibis.literal(1).cast("float64")
    orders = one if rule.same_day else sums["count"]
    return sums.mutate(orders=orders).drop("count")


@named
def rates(tables: Tables, periods: Sequence[Period], rule: Any) -> ir.Table:
    """Customers of the window that ends with each period, and how often they ordered again.

    A customer ordered in the `active_days` before the window, or for the first time within it; nobody
    is chosen by what happens later. Columns: period, account_id, orders (repeat orders in the window),
    amount (of them, money), years (watched in the window, from the first order on).
    """
    days = order_days(tables, rule)
    first = days.group_by(of=days["account_id"]).aggregate(first_on=days["day"].min())
    rows = days.join(first, days["account_id"] == first["of"]).drop("of")
    grid = _windows(periods, rule)
    rows = grid.join(rows, [rows["day"] <= grid["last"], rows["day"] > grid["before"]])
    inside = rows["day"] > rows["since"]
    again = inside & (rows["day"] > rows["first_on"])
    none = ibis.literal(0).cast("float64")
    sums = rows.group_by("period", "account_id", "first_on", "since", "last").aggregate(
        orders=ibis.ifelse(again, rows["orders"], none).sum(),
        amount=ibis.ifelse(again, rows["amount"], none).sum(),
        earlier=number_of(~inside).sum(),
    )
    sums = sums.filter((sums["earlier"] > 0) | (sums["first_on"] > sums["since"]))
    watched = sums["last"].delta(ibis.greatest(sums["first_on"], sums["since"]), unit="day")
    years = ratio(watched, ibis.literal(YEAR))
    return sums.select("period", "account_id", "orders", "amount", years=years)


def _windows(periods: Sequence[Period], rule: Any) -> ir.Table:
    """period, last (day of the window), since (the day before it), before (nothing earlier counts)."""
    window, active = timedelta(days=rule.window_days), timedelta(days=rule.active_days)
    columns = {
        "period": [p.start for p in periods],
        "last": [p.end for p in periods],
        "since": [p.end - window for p in periods],
        "before": [p.end - window - active for p in periods],
    }
    return dates(columns)


def loyalty(tables: Tables, periods: Sequence[Period], rule: Any) -> ir.Table:
    """One row per period: orders_per_account, amount_per_order, amount_per_account (per year), accounts.

    The first times the second is the third. `back_after_a_year`: accounts that ordered within the
    window after more than a year without an order.
    """
    rows = rates(tables, list(periods), rule)
    sums = rows.group_by(at=rows["period"]).aggregate(
        accounts=rows.count().cast("float64"),
        **{name: rows[name].sum() for name in ("orders", "amount", "years")},
    )
    grid = dates({"period": [p.start for p in periods]})
    full = grid.left_join(sums, grid["period"] == sums["at"]).drop("at")
    return (
        full.select(
            "period",
            orders_per_account=ratio(full["orders"], full["years"]),
            amount_per_order=ratio(full["amount"], full["orders"]),
            amount_per_account=ratio(full["amount"], full["years"]),
            accounts=full["accounts"].fill_null(0).cast("float64"),
        )
        .join(_woken(tables, periods, rule), "period")
        .order_by("period")
    )


def _woken(tables: Tables, periods: Sequence[Period], rule: Any) -> ir.Table:
    """period, back_after_a_year: accounts that ordered within the window after a year of silence."""
    days = order_days(tables, rule)
    order = ibis.window(group_by="account_id", order_by="day")
    days = days.mutate(before=days["day"].lag().over(order))
    silent = days["day"].delta(days["before"], unit="day") > round(YEAR)
    rows, grid = days.filter(silent), _windows(periods, rule)
    rows = grid.select("period", "last", "since").left_join(
        rows.select("account_id", "day"),
        [rows["day"] <= grid["last"], rows["day"] > grid["since"]],
    )
    accounts = rows["account_id"].nunique().cast("float64")
    return rows.group_by("period").aggregate(back_after_a_year=accounts)


def own_rates(tables: Tables, rule: Any) -> ir.Table:
    """Repeat orders a year of each account watched for a quarter of a year: account_id, score."""
    today = Period(tables.as_of, tables.as_of, "week")
    rows = rates(tables, [today], rule)
    rows = rows.filter(rows["years"] >= FEWEST_YEARS)
    return rows.select("account_id", score=ratio(rows["orders"], rows["years"]))
