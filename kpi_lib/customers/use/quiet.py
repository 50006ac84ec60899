"""Which paying accounts have gone quiet, which never started, and which are served by machine."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import ibis.expr.types as ir

from kpi_lib.customers.subscribed import account_days, last_days, paying, within
from kpi_lib.customers.use.by_month import seen
from kpi_lib.periods import Period
from kpi_lib.schema import Tables, kept


class Rule(Protocol):
    """The parameters that say what quiet means."""

    @property
    def window_days(self) -> int:
        """Length of the window that ends on the day asked about."""
        ...

    @property
    def min_events(self) -> int:
        """Events in the window that make an account active."""
        ...

    @property
    def activity_events(self) -> tuple[str, ...]:
        """Names of the events that count; empty for any."""
        ...

    @property
    def people_only(self) -> bool:
        """Whether calls by machines are left out."""
        ...


def days_of_use(tables: Tables, rule: Rule) -> ir.Table:
    """Use per account and day under a rule; see `subscribed.account_days`."""
    return account_days(tables, rule.activity_events, people_only=rule.people_only)


def states(tables: Tables, periods: Sequence[Period], rule: Rule) -> ir.Table:
    """One row per account paying on the last day of a period.

    Columns: period, account_id, amount (money per month), acts (events in the window), is_inactive,
    is_api, is_started (somebody has used it before), all booleans known on that day.
    """
    rows = _use(
        tables, periods, rule.window_days, rule.activity_events, people_only=rule.people_only
    )
    return rows.mutate(is_inactive=rows["acts"] < rule.min_events)


@kept
def _use(
    tables: Tables,
    periods: Sequence[Period],
    window_days: int,
    events: tuple[str, ...],
    *,
    people_only: bool,
) -> ir.Table:
    """`states` without is_inactive: what rules that differ in the number of events share."""
    days = account_days(tables, events, people_only=people_only)
    rows = paying(tables, periods)
    before = seen(tables, periods, events, people_only=people_only)
    before = before.rename(at="period", of="account_id")
    for extra in (_acts(days, periods, window_days), before):
        keys = [rows["period"] == extra["at"], rows["account_id"] == extra["of"]]
        rows = rows.left_join(extra, keys).drop("at", "of")
    return rows.select(
        "period",
        "account_id",
        "amount",
        acts=rows["acts"].fill_null(0),
        is_api=rows["is_api"].fill_null(False),
        is_started=rows["is_started"].fill_null(False),
    )


def _acts(days: ir.Table, periods: Sequence[Period], window_days: int) -> ir.Table:
    """Counted events per window: at, of, acts."""
    windows, days = last_days(periods, window_days), within(days, periods, window_days)
    inside = [days["day"] > windows["after_day"], days["day"] <= windows["on_day"]]
    recent = windows.join(days, inside)
    sums = recent.group_by(at=recent["period"], of=recent["account_id"])
    return sums.aggregate(acts=recent["acts"].sum())
