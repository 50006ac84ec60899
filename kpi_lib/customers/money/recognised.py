"""Recognised amounts: subscriptions by the day, orders when they are placed."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Protocol

import ibis
import ibis.expr.types as ir

from kpi_lib.customers.subscribed import dates, in_currency, ratio, with_account
from kpi_lib.periods import Period, add_months
from kpi_lib.schema import Tables

_HIGHER = 1.001
"""How much more is more: amounts by the day differ by rounding."""


class Rule(Protocol):
    """The parameters that say which amounts are recognised."""

    @property
    def revenue_from(self) -> str:
        """Source of the amounts: all, subscriptions, orders."""
        ...

    @property
    def recognise_on(self) -> str:
        """Day of an order's amount: ordered, shipped."""
        ...

    @property
    def currency(self) -> str:
        """Currency of subscriptions, "" for that of the data set."""
        ...


def _pieces(period: Period) -> list[tuple[date, date, date, int]]:
    """The calendar months of a period: its start, from, until (not in it), days of the month."""
    found, start = [], period.start.replace(day=1)
    while start <= period.end:
        after = add_months(start, 1)
        since, until = max(start, period.start), min(after, period.end + timedelta(days=1))
        found.append((period.start, since, until, (after - start).days))
        start = after
    return found


def _month_grid(periods: Sequence[Period]) -> ir.Table:
    rows = [piece for period in periods for piece in _pieces(period)]
    names = ("period", "since", "until", "month_days")
    columns = {name: [row[at] for row in rows] for at, name in enumerate(names)}
    return dates(columns, month_days="int64")


def from_subscriptions(tables: Tables, periods: Sequence[Period], rule: Rule) -> ir.Table:
    """Amounts by the day: period, account_id, source, amount (money).

    Each day of a month earns the monthly amount over the days of that month.
    """
    grid, rows = _month_grid(periods), in_currency(tables, rule.currency)
    rows = rows.filter(rows["monthly_amount"] > 0)
    joined = grid.join(rows, [rows["started_on"] < grid["until"], rows["ended_on"] > grid["since"]])
    last = ibis.least(joined["ended_on"], joined["until"])
    first = ibis.greatest(joined["started_on"], joined["since"])
    share = ratio(last.delta(first, unit="day"), joined["month_days"])
    joined = joined.mutate(earned=joined["monthly_amount"].cast("float64") * share)
    sums = joined.group_by("period", "account_id").aggregate(amount=joined["earned"].sum())
    return sums.select("period", "account_id", "amount", source=ibis.literal("subscriptions"))


def _order_amounts(tables: Tables, rule: Rule) -> ir.Table:
    """Orders that stand, and returns as negative amounts: account_id, on_day, amount."""
    orders, lines = tables["orders"], tables["order_lines"]
    worth = lines.mutate(
        amount=lines["quantity"].cast("float64") * lines["unit_price"].cast("float64")
    )
    worth = worth.group_by(of=worth["order_id"]).aggregate(amount=worth["amount"].sum())
    orders = orders.filter(orders["cancelled_on"].isnull())
    rows = orders.join(worth, orders["order_id"] == worth["of"])
    ordered = rows["ordered_at"].date()
    day = rows["shipped_on"] if rule.recognise_on == "shipped" else ordered
    sold = rows.select("account_id", "amount", on_day=day)
    back = rows.filter(rows["returned_on"].notnull(), day.notnull())
    back = back.select("account_id", amount=-back["amount"], on_day=back["returned_on"])
    return sold.union(back.select(*sold.columns))


def from_orders(tables: Tables, periods: Sequence[Period], rule: Rule) -> ir.Table:
    """Amounts of orders: period, account_id, source, amount (money).

    Cancelled orders do not count; a return counts against the period in which it came back.
    """
    rows = _order_amounts(tables, rule)
    grid = dates({"period": [p.start for p in periods], "last": [p.end for p in periods]})
    joined = grid.join(rows, [rows["on_day"] >= grid["period"], rows["on_day"] <= grid["last"]])
    sums = joined.group_by("period", "account_id").aggregate(amount=joined["amount"].sum())
    return sums.select("period", "account_id", "amount", source=ibis.literal("orders"))


def recognised(tables: Tables, periods: Sequence[Period], rule: Rule) -> ir.Table:
    """Amounts from all sources asked for that are there: period, account_id, source, amount.

    Raises ValueError when none of them is.
    """
    found = []
    if rule.revenue_from != "orders" and "subscriptions" in tables:
        found.append(from_subscriptions(tables, periods, rule))
    if rule.revenue_from != "subscriptions" and {"orders", "order_lines"} <= set(tables):
        found.append(from_orders(tables, periods, rule))
    if not found:
        raise ValueError(f"no table to take revenue from ({rule.revenue_from})")
    return found[0] if len(found) == 1 else found[0].union(found[1])


def by_source(tables: Tables, periods: Sequence[Period], rule: Rule) -> ir.Table:
    """One row per period and source: period, source, accounts, amount (money)."""
    rows = recognised(tables, periods, rule)
    sums = rows.group_by("period", "source").aggregate(
        accounts=rows["account_id"].nunique(), amount=rows["amount"].sum()
    )
    return sums.order_by("period", "source")


def concentration(tables: Tables, periods: Sequence[Period], rule: Rule) -> ir.Table:
    """One row per period: period, amount, largest_share, ten_largest_share (of the amount)."""
    rows = recognised(tables, periods, rule)
    sums = rows.group_by("period", "account_id").aggregate(amount=rows["amount"].sum())
    order = ibis.window(group_by="period", order_by=[ibis.desc("amount"), "account_id"])
    ranked = sums.mutate(rank=ibis.row_number().over(order))
    top = ranked.group_by("period").aggregate(
        amount=ranked["amount"].sum(),
        largest=ranked["amount"].sum(where=ranked["rank"] < 1),
        ten=ranked["amount"].sum(where=ranked["rank"] < 10),
    )
    return top.select(
        "period",
        "amount",
        largest_share=ratio(top["largest"], top["amount"]),
        ten_largest_share=ratio(top["ten"], top["amount"]),
    ).order_by("period")


def raised(tables: Tables, periods: Sequence[Period], rule: Rule) -> ir.Table:
    """One row per period from the second on: period, accounts, raised_share.

    `accounts`: those with an amount in the period and in the one before. `raised_share`: the share
    of them whose amount is higher by more than a thousandth, which whole months do not differ by.
    """
    rows = recognised(tables, periods, rule)
    sums = rows.group_by("period", "account_id").aggregate(amount=rows["amount"].sum())
    starts = [period.start for period in periods]
    follows = dates({"before": starts[:-1], "next": starts[1:]})
    earlier = sums.join(follows, sums["period"] == follows["before"])
    earlier = earlier.select(of=earlier["account_id"], on=earlier["next"], was=earlier["amount"])
    both = sums.join(
        earlier, [sums["account_id"] == earlier["of"], sums["period"] == earlier["on"]]
    )
    both = both.filter(both["was"] > 0, both["amount"] > 0)
    higher = both["amount"] > both["was"] * _HIGHER
    found = both.group_by("period").aggregate(
        accounts=both.count(), more=ibis.ifelse(higher, 1, 0).sum()
    )
    share = ratio(found["more"], found["accounts"])
    return found.select("period", "accounts", raised_share=share).order_by("period")


def by_account(tables: Tables, periods: Sequence[Period], rule: Rule) -> ir.Table:
    """The last period against the one before, per account, the largest amount first.

    Columns: account_id, account, owner, amount, before, change (money).
    """
    earlier, later = (ibis.literal(p.start) for p in periods[-2:])
    rows = recognised(tables, periods[-2:], rule)
    sums = rows.group_by("account_id").aggregate(
        amount=rows["amount"].sum(where=rows["period"] == later).fill_null(0.0),
        before=rows["amount"].sum(where=rows["period"] == earlier).fill_null(0.0),
    )
    sums = with_account(tables, sums.mutate(change=sums["amount"] - sums["before"]))
    sums = sums.order_by(ibis.desc("amount"), "account_id")
    return sums.select("account_id", "account", "owner", "amount", "before", "change")
