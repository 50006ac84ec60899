"""What is known of each customer's life by the end of each period, under contract or by orders."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import ibis
import ibis.expr.types as ir

from kpi_lib.customers.money import families
from kpi_lib.customers.subscribed import dates, in_currency, number_of, ratio
from kpi_lib.periods import Period
from kpi_lib.schema import OPEN_END, Tables
from kpi_lib.stats.value_models import CONTRACT, ORDERS


class Rule(families.Rule, Protocol):
    """The parameters of lifetimes."""

    @property
    def renewal_months(self) -> int:
        """Months of one contract period."""
        ...

    @property
    def churn_on(self) -> str:
        """When a loss counts: end, request."""
        ...

    @property
    def amount(self) -> str:
        """Which amount of an account counts: average, latest."""
        ...


def lives(tables: Tables, periods: Sequence[Period], rule: Rule) -> ir.Table:
    """One row per account and period: period, unit_id, account_id, value, kind, repeats, recency, age.

    For the meaning of the columns see `LifetimeValue`; value is margin (money), and first_on is the
    day the account's life began, is_here whether a contract runs (True for all by orders).
    """
    family = families.family_of(tables, rule)
    rows = _contracts(tables, periods, rule) if family == CONTRACT else _orders(tables, periods)
    margin = families.margins(tables, periods, family, rule)
    margin = margin.select("margin", at=margin["period"])
    joined = rows.join(margin, rows["period"] == margin["at"])
    return joined.select(
        "period", "account_id", "repeats", "recency", "age", "first_on", "is_here",
        unit_id=joined["account_id"],
        kind=ibis.literal(family),
        value=joined["money"] * joined["margin"],
    )  # fmt: skip


def months_between(since: ir.DateValue, until: ir.DateValue) -> ir.IntegerValue:
    """Whole calendar months from one day to another: 1 from 31 January to 28 February is 0."""
    months = (until.year() - since.year()) * 12 + until.month() - since.month()
    return months - ibis.ifelse(until.day() < since.day(), 1, 0)


def _spans(tables: Tables, periods: Sequence[Period], rule: Rule) -> ir.Table:
    """Price periods known by the end of each period, cut off there, with whether they run on."""
    days = dates({"period": [p.start for p in periods], "on_day": [p.end for p in periods]})
    rows = in_currency(tables, rule.currency)
    rows = rows.filter(rows["monthly_amount"] > 0, rows["ended_on"] > rows["started_on"])
    rows = days.join(rows, rows["started_on"] <= days["on_day"])
    runs = rows["ended_on"] > rows["on_day"]
    if rule.churn_on == "request":
        runs = runs & ~(rows["cancelled_on"] <= rows["on_day"]).fill_null(False)
    notice = ibis.ifelse(rows["ended_on"] == OPEN_END, rows["cancelled_on"], rows["ended_on"])
    tomorrow = (rows["on_day"] + ibis.interval(days=1)).cast("date")
    until = ibis.least(rows["ended_on"], tomorrow)
    return rows.select(
        "period", "account_id", "on_day", "started_on",
        amount=rows["monthly_amount"].cast("float64"),
        runs=number_of(runs),
        gone_on=ibis.ifelse(runs, ibis.null("date"), notice),
        until=until,
        paid_days=until.delta(rows["started_on"], unit="day").cast("float64"),
    )  # fmt: skip


def _contracts(tables: Tables, periods: Sequence[Period], rule: Rule) -> ir.Table:
    """Per account and period: renewals kept and come up for, money per contract period."""
    spans = _spans(tables, periods, rule)
    last = spans.mutate(
        last=spans["until"].max().over(ibis.window(group_by=["period", "account_id"]))
    )
    rows = last.group_by("period", "account_id", "on_day").aggregate(
        first_on=last["started_on"].min(),
        last=last["until"].max(),
        gone_on=last["gone_on"].max(),
        runs=last["runs"].max(),
        paid=(last["amount"] * last["paid_days"]).sum(),
        latest=last["amount"].sum(where=last["until"] == last["last"]),
    )
    tenure = rows["last"].delta(rows["first_on"], unit="day")
    monthly = rows["latest"] if rule.amount == "latest" else ratio(rows["paid"], tenure)
    return _renewals(rows.mutate(monthly=monthly), rule.renewal_months)


def _renewals(rows: ir.Table, length: int) -> ir.Table:
    """Renewals of accounts that began on `first_on` and run on, or were gone on `gone_on`.

    An account that leaves within a contract period is lost at the renewal that ends it.
    """
    is_here = rows["runs"] > 0
    months = months_between(rows["first_on"], rows["on_day"])
    kept = ratio(months, ibis.literal(length)).floor()
    whole = months_between(rows["first_on"], rows["gone_on"])
    more = ibis.ifelse(rows["gone_on"].day() == rows["first_on"].day(), 0, 1)
    lost_at = ratio(whole + more, ibis.literal(length)).ceil()
    lost_at = ibis.greatest(lost_at, ibis.literal(1)).cast("float64")
    repeats = ibis.ifelse(is_here, kept.cast("float64"), lost_at - 1.0)
    return rows.select(
        "period", "account_id", "first_on",
        is_here=is_here,
        repeats=repeats,
        recency=repeats,
        age=ibis.ifelse(is_here, kept.cast("float64"), lost_at),
        money=rows["monthly"] * float(length),
    )  # fmt: skip


def standing_orders(tables: Tables) -> ir.Table:
    """Orders with their worth: account_id, day, worth (money), void_on (day it fell away, or null)."""
    orders, lines = tables["orders"], tables["order_lines"]
    each = lines.mutate(
        worth=lines["quantity"].cast("float64") * lines["unit_price"].cast("float64")
    )
    worth = each.group_by(of=each["order_id"]).aggregate(worth=each["worth"].sum())
    rows = orders.join(worth, orders["order_id"] == worth["of"])
    void = ibis.least(
        rows["cancelled_on"].fill_null(OPEN_END), rows["returned_on"].fill_null(OPEN_END)
    )
    rows = rows.filter(rows["account_id"].notnull(), rows["worth"] > 0)
    return rows.select("account_id", "worth", day=rows["ordered_at"].date(), void_on=void)


def _orders(tables: Tables, periods: Sequence[Period]) -> ir.Table:
    """Per account and period: repeat orders, the day of the last one and of today since the first.

    Orders of one day are one order. Orders that were cancelled or returned by then do not count.
    """
    days = dates({"period": [p.start for p in periods], "on_day": [p.end for p in periods]})
    found = standing_orders(tables)
    joined = days.join(found, found["day"] <= days["on_day"])
    joined = joined.filter(joined["void_on"] > joined["on_day"])
    keys = ("period", "account_id", "on_day")
    daily = joined.group_by(*keys, "day").aggregate(worth=joined["worth"].sum())
    daily = daily.mutate(first_on=daily["day"].min().over(ibis.window(group_by=list(keys))))
    again = daily["day"] > daily["first_on"]
    rows = daily.group_by(*keys, "first_on").aggregate(
        last=daily["day"].max(),
        repeats=number_of(again).sum(),
        first_worth=daily["worth"].sum(where=~again),
        more=daily["worth"].sum(where=again).fill_null(0.0),
    )
    mean = ratio(rows["more"], rows["repeats"]).fill_null(rows["first_worth"])
    return rows.select(
        "period", "account_id", "first_on", "repeats",
        is_here=ibis.literal(True),
        recency=rows["last"].delta(rows["first_on"], unit="day").cast("float64"),
        age=rows["on_day"].delta(rows["first_on"], unit="day").cast("float64"),
        money=mean,
    )  # fmt: skip


__all__ = ["CONTRACT", "ORDERS", "Rule", "lives", "months_between", "standing_orders"]
