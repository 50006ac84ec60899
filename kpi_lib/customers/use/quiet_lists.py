"""The lists and counts behind inactive customers."""

from __future__ import annotations

from collections.abc import Sequence

import ibis
import ibis.expr.types as ir

from kpi_lib.customers.money.terms import standing
from kpi_lib.customers.subscribed import marked_usage, only, ratio, with_account
from kpi_lib.customers.use.quiet import Rule, days_of_use, states
from kpi_lib.periods import Period
from kpi_lib.schema import Tables

_BARELY = 2
"""Up to so many events in the window an active account is barely active."""

_USUAL_WINDOWS = 4
"""Windows before the present one whose mean number of calls counts as usual."""

_UNKNOWN_MONTHS = 12
"""Months to renewal assumed for the order of the list where no term is known."""


def _now(tables: Tables, rule: Rule) -> ir.Table:
    """The states on `as_of`, with account, owner and the standing of the contract."""
    rows = states(tables, only(tables.as_of), rule).drop("period", "amount")
    terms = standing(tables).rename(of="account_id")
    rows = rows.join(terms, rows["account_id"] == terms["of"]).drop("of")
    return with_account(tables, rows)


def last_seen(tables: Tables, rule: Rule) -> ir.Table:
    """The last day with a counted event: of (the account), last_seen."""
    days = days_of_use(tables, rule)
    used = days.filter(days["acts"] > 0)
    return used.group_by(of=used["account_id"]).aggregate(last_seen=used["day"].max())


def _people_before(tables: Tables, seen: ir.Table, rule: Rule) -> ir.Table:
    """Distinct people active in the window that ends on the last day seen: who, people_before."""
    usage = marked_usage(tables)
    if rule.activity_events:
        usage = usage.filter(usage["event"].isin(list(rule.activity_events)))
    usage = usage.filter(~usage["is_machine"])
    rows = usage.join(seen, usage["account_id"] == seen["of"])
    rows = rows.filter(rows["last_seen"].delta(rows["day"], unit="day") < rule.window_days)
    people = rows.group_by(who=rows["account_id"]).aggregate(people_before=rows["person"].nunique())
    return people.mutate(people_before=people["people_before"].nullif(0))


def weekly_list(tables: Tables, rule: Rule) -> ir.Table:
    """Started accounts that are inactive on `as_of`, MRR times closeness of renewal first.

    Columns: account_id, account, owner, mrr (money per month), last_seen, idle_days,
    month_of_year (1 to 12), months_to_renewal, people_before (active before it went quiet; null
    where the events do not say who). Closeness is 1 / (1 + months to renewal).
    """
    rows = _now(tables, rule)
    rows = rows.filter(rows["is_inactive"], ~rows["is_api"], rows["is_started"])
    seen = last_seen(tables, rule)
    seen = seen.filter(seen["of"].isin(rows["account_id"]))
    people = _people_before(tables, seen, rule)
    rows = rows.join(seen, rows["account_id"] == seen["of"]).drop("of")
    rows = rows.left_join(people, rows["account_id"] == people["who"]).drop("who")
    months = rows["months_to_renewal"].fill_null(_UNKNOWN_MONTHS)
    rows = rows.mutate(
        idle_days=ibis.literal(tables.as_of).delta(rows["last_seen"], unit="day"),
        urgency=ratio(rows["mrr"], months + 1),
    )
    rows = rows.order_by(ibis.desc("urgency"), "account_id")
    return rows.select(
        "account_id",
        "account",
        "owner",
        "mrr",
        "last_seen",
        "idle_days",
        "month_of_year",
        "months_to_renewal",
        "people_before",
    )


def never_started(tables: Tables, rule: Rule) -> ir.Table:
    """Paying accounts without any counted event so far: the longest paying first."""
    rows = _now(tables, rule)
    rows = rows.filter(~rows["is_started"], ~rows["is_api"])
    paying_days = ibis.literal(tables.as_of).delta(rows["paying_since"], unit="day")
    rows = rows.mutate(paying_days=paying_days).order_by(ibis.desc("paying_days"), "account_id")
    shown = ["account_id", "account", "owner", "mrr", "paying_since", "paying_days"]
    return rows.select(*shown, "months_to_renewal")


def by_machine(tables: Tables, rule: Rule) -> ir.Table:
    """Accounts served by machine: calls in the window, the usual number, and their ratio."""
    rows = _now(tables, rule)
    rows = rows.filter(rows["is_api"])
    days = days_of_use(tables, rule)
    age = ibis.literal(tables.as_of).delta(days["day"], unit="day")
    past = (age >= rule.window_days) & (age < (_USUAL_WINDOWS + 1) * rule.window_days)
    calls = days.group_by(of=days["account_id"]).aggregate(
        calls=days["calls"].sum(where=age < rule.window_days).fill_null(0),
        before=days["calls"].sum(where=past).fill_null(0),
    )
    rows = rows.join(calls, rows["account_id"] == calls["of"]).drop("of")
    rows = rows.mutate(usual_calls=rows["before"].cast("float64") / float(_USUAL_WINDOWS))
    rows = rows.mutate(continuity=ratio(rows["calls"], rows["usual_calls"]))
    rows = rows.order_by(ibis.asc("continuity", nulls_first=True), "account_id")
    shown = ["account_id", "account", "owner", "mrr", "calls", "usual_calls", "continuity"]
    return rows.select(*shown, "months_to_renewal")


def counts(tables: Tables, periods: Sequence[Period], rule: Rule) -> ir.Table:
    """One row per period: paying, inactive, never_started, by_machine (accounts), mrr_at_stake.

    `barely_active` is the share of active accounts with at most two counted events in the window.
    """
    rows = states(tables, periods, rule)
    people = ~rows["is_api"]
    inactive = people & rows["is_inactive"]
    active = people & ~rows["is_inactive"]
    sums = rows.group_by("period").aggregate(
        paying=rows.count(),
        inactive=rows.count(where=inactive),
        never_started=rows.count(where=inactive & ~rows["is_started"]),
        mrr_at_stake=rows["amount"].sum(where=inactive).fill_null(0.0),
        by_machine=rows.count(where=rows["is_api"]),
        active=rows.count(where=active),
        barely=rows.count(where=active & (rows["acts"] <= _BARELY)),
    )
    sums = sums.mutate(barely_active=ratio(sums["barely"], sums["active"]))
    return sums.drop("active", "barely").order_by("period")


def by_month(tables: Tables, rule: Rule) -> ir.Table:
    """Accounts by month of the subscription year: month_of_year, paying, inactive, share."""
    rows = _now(tables, rule)
    rows = rows.filter(~rows["is_api"])
    sums = rows.group_by("month_of_year").aggregate(
        paying=rows.count(), inactive=rows.count(where=rows["is_inactive"])
    )
    return sums.mutate(share=ratio(sums["inactive"], sums["paying"])).order_by("month_of_year")
