"""How long each account waited for value, or has waited so far."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import ibis
import ibis.expr.types as ir

from kpi_lib.customers.subscribed import API_SHARE, ratio, small
from kpi_lib.customers.use.by_month import all_uses, api_use, first_uses
from kpi_lib.periods import Period, period_of
from kpi_lib.schema import OPEN_END, Tables, kept

WAITING, REACHED, LEFT = 0, 1, 2
"""Outcomes: still waiting on the last day known, reached value, left before it."""


class Rule(Protocol):
    """The parameters that say when the wait begins and when it ends."""

    @property
    def start_event(self) -> str:
        """When the wait begins: signed, kickoff."""
        ...

    @property
    def value_event(self) -> str:
        """The event that is the core value."""
        ...

    @property
    def value_count(self) -> int:
        """Which occurrence of it."""
        ...

    @property
    def api_value_event(self) -> str:
        """The event that is the core value for API-only accounts."""
        ...


@kept
def waits(tables: Tables, rule: Rule) -> ir.Table:
    """One row per account whose start is known.

    Columns: account_id, start_on, until_on (value, or leaving, or `as_of`), days (float64, not
    below 0: value before the start is a wait of 0 days), outcome (0 still waiting, 1 reached,
    2 left before value).
    """
    rows = _starts(tables, rule)
    value, gone = _value_days(tables, rule, rows), _left_days(tables)
    rows = rows.left_join(value, rows["account_id"] == value["of"]).drop("of")
    rows = rows.left_join(gone, rows["account_id"] == gone["of"]).drop("of")
    rows = rows.mutate(left_on=rows["left_on"].fill_null(OPEN_END))
    reached = rows["value_on"].notnull() & (rows["value_on"] <= rows["left_on"])
    left = ~reached & (rows["left_on"] <= tables.as_of)
    until = ibis.cases(
        (reached, rows["value_on"]), (left, rows["left_on"]), else_=ibis.literal(tables.as_of)
    )
    outcome = ibis.cases((reached, REACHED), (left, LEFT), else_=WAITING)
    until = ibis.greatest(until, rows["start_on"])
    return rows.select(
        "account_id",
        "start_on",
        until_on=until,
        days=until.delta(rows["start_on"], unit="day").cast("float64"),
        outcome=outcome.cast("int64"),
    )


def in_periods(rows: ir.Table, periods: Sequence[Period]) -> ir.Table:
    """The waits that began in one of the periods, with `period`."""
    rows = rows.mutate(period=period_of(rows["start_on"], list(periods)))
    return rows.filter(rows["period"].notnull())


def _starts(tables: Tables, rule: Rule) -> ir.Table:
    """account_id, start_on, is_api (null where the product type is not stated)."""
    accounts = tables["accounts"]
    start = accounts["kickoff_on" if rule.start_event == "kickoff" else "signed_on"]
    rows = accounts.select("account_id", start_on=start, product=accounts["product_type"])
    return rows.filter(rows["start_on"].notnull(), rows["start_on"] <= tables.as_of)


def _api_only(tables: Tables, starts: ir.Table) -> ir.Table:
    """Accounts of product type api, or without a type and at least 80 % of events by API: of."""
    sums = api_use(tables)
    pulled = sums.filter(ratio(sums["calls"], sums["everything"]) >= API_SHARE)
    untyped = starts.filter(starts["product"].isnull())
    untyped = untyped.filter(untyped["account_id"].isin(pulled["account_id"]))
    typed = starts.filter(starts["product"] == "api")
    return typed.select(of=typed["account_id"]).union(untyped.select(of=untyped["account_id"]))


def _value_days(tables: Tables, rule: Rule, starts: ir.Table) -> ir.Table:
    """The day of the k-th value event of each account that has so many: of, value_on."""
    wanted = [rule.value_event, *([rule.api_value_event] if rule.api_value_event else [])]
    only_first = rule.value_count == 1  # no need to rank all of them
    uses = first_uses if only_first else all_uses
    events = uses(tables, wanted).rename(who="account_id")
    if rule.api_value_event:
        api = _api_only(tables, starts).mutate(api=ibis.literal(True))
        events = events.left_join(api, events["who"] == api["of"]).drop("of")
        own = ibis.ifelse(events["api"].fill_null(False), rule.api_value_event, rule.value_event)
        events = events.filter(events["event"] == own)
    if only_first:
        first = events.group_by(of=events["who"]).aggregate(at=events["at"].min())
        return first.select("of", value_on=first["at"].date())
    order = ibis.window(group_by="who", order_by="at")
    ranked = events.mutate(place=ibis.row_number().over(order))
    hit = ranked.filter(ranked["place"] == rule.value_count - 1)
    return hit.select(of=hit["who"], value_on=hit["at"].date())


def _left_days(tables: Tables) -> ir.Table:
    """The day on which an account's last subscription ends, as far as known: of, left_on."""
    if "subscriptions" not in tables:
        return small({}, {"of": "string", "left_on": "date"})
    rows = tables["subscriptions"]
    return rows.group_by(of=rows["account_id"]).aggregate(left_on=rows["ended_on"].max())
