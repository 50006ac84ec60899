"""Who pays what on a day, what counts as use, and who is served by machine: shared by several KPIs.

Every function takes tables or expressions and gives an expression; nothing is executed here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, timedelta
from typing import Any

import ibis
import ibis.expr.types as ir

from kpi_lib.periods import Period
from kpi_lib.schema import Tables, kept, named

API_SHARE = 0.8
"""From this share of calls by machines on, the system pulls and nobody looks."""

_PER_MONTH = {"month": 1.0, "quarter": 1 / 3, "year": 1 / 12, "week": 52 / 12}


def monthly(amount: float, every: str) -> float:
    """What an amount billed every month, quarter, year or week comes to per month.

    A year counts 12 months, a quarter 3, and 52 weeks make 12 months. Raises KeyError for others.
    """
    return amount * _PER_MONTH[every]


def ratio(part: ir.NumericValue, whole: ir.NumericValue) -> ir.FloatingValue:
    """`part` over `whole` as float64; null where `whole` is 0."""
    return part.cast("float64") / whole.cast("float64").nullif(0.0)


def number_of(flag: ir.BooleanValue) -> ir.FloatingValue:
    """1.0 where the flag is true, 0.0 where it is false (Postgres does not turn flags into numbers)."""
    return ibis.ifelse(flag, 1, 0).cast("float64")


def small(columns: Mapping[str, Sequence[Any]], kinds: Mapping[str, str]) -> ir.Table:
    """A small typed table in the engine from columns of plain values; it may be empty."""
    import pyarrow as pa

    arrow = ibis.schema(dict(kinds)).to_pyarrow()
    filled = {name: list(columns.get(name, ())) for name in kinds}
    return ibis.memtable(pa.Table.from_pydict(filled, schema=arrow))


def dates(columns: Mapping[str, Sequence[Any]], **kinds: str) -> ir.Table:
    """A small typed table; columns are dates unless `kinds` says otherwise."""
    return small(columns, {name: kinds.get(name, "date") for name in columns})


def last_days(periods: Iterable[Period], window_days: int = 1) -> ir.Table:
    """One row per period: period, on_day (its last day), after_day (the day before the window).

    The window is the `window_days` days that end on `on_day`.
    """
    shown = list(periods)
    back = timedelta(days=window_days)
    columns = {
        "period": [p.start for p in shown],
        "on_day": [p.end for p in shown],
        "after_day": [p.end - back for p in shown],
    }
    return dates(columns)


def only(day: date) -> list[Period]:
    """A single day as the one period of a grid."""
    return [Period(day, day, "week")]


def in_currency(tables: Tables, currency: str) -> ir.Table:
    """Subscriptions in one currency; "" means that of the data set, where it has one.

    A row without a currency is in the data set's.
    """
    subscriptions = tables["subscriptions"]
    wanted = currency or tables.currency
    if not wanted:
        return subscriptions
    return subscriptions.filter(subscriptions["currency"].fill_null(tables.currency) == wanted)


@named
def paying(tables: Tables, periods: Sequence[Period]) -> ir.Table:
    """Accounts paying on the last day of each period: period, account_id, amount (money per month)."""
    rows, days = tables["subscriptions"], last_days(periods)
    rows = rows.filter(rows["monthly_amount"] > 0)
    covers = [rows["started_on"] <= days["on_day"], rows["ended_on"] > days["on_day"]]
    joined = days.join(rows, covers)
    by_account = joined.group_by("period", "account_id")
    return by_account.aggregate(amount=joined["monthly_amount"].cast("float64").sum())


def paying_now(tables: Tables) -> ir.Table:
    """Accounts paying on `tables.as_of`: account_id, amount (money per month)."""
    return paying(tables, only(tables.as_of)).drop("period")


@named
def marked_usage(tables: Tables) -> ir.Table:
    """Usage with day (date), person (who, null unknown) and is_machine (API, or a service account)."""
    usage = tables["usage"]
    usage = usage.select(
        "account_id",
        "event",
        day=usage["at"].date(),
        person=usage["contact_id"],
        is_api=usage["channel"].fill_null("") == "api",
    )
    if "contacts" not in tables:
        return usage.mutate(is_machine=usage["is_api"]).drop("is_api")
    services = service_users(tables)
    joined = usage.left_join(services, usage["person"] == services["service"])
    is_machine = joined["is_api"] | joined["service"].notnull()
    return joined.mutate(is_machine=is_machine).drop("is_api", "service")


def service_users(tables: Tables) -> ir.Table:
    """The contacts that are programs: service. Raises KeyError without `contacts`."""
    contacts = tables["contacts"]
    services = contacts.filter(contacts["is_service"].fill_null(False))
    return services.select(service=services["contact_id"]).distinct()


@kept
def account_days(
    tables: Tables, events: Sequence[str] = (), *, people_only: bool = True
) -> ir.Table:
    """Use per account and day: account_id, day, acts, calls, everything (numbers of events).

    `acts` are the events that count: of the kinds `events` (all kinds if empty), by people unless
    `people_only` is False. `calls` were made by machines.
    """
    usage = marked_usage(tables)
    counts = usage["event"].isin(list(events)) if events else ibis.literal(True)
    if people_only:
        counts = counts & ~usage["is_machine"]
    return usage.group_by("account_id", "day").aggregate(
        acts=usage.count(where=counts),
        calls=usage.count(where=usage["is_machine"]),
        everything=usage.count(),
    )


def history(days: ir.Table, periods: Sequence[Period]) -> ir.Table:
    """What had been seen of each account by the end of each period, where anything had.

    `days` is what `account_days` gives. Columns: period, account_id, is_api (at least 80 % of all
    its events so far were calls by machines), is_started (an event that counts has occurred).
    """
    grid = _buckets(sorted(periods))
    inside = [days["day"] > grid["after_day"], days["day"] <= grid["on_day"]]
    rows = grid.join(days, inside)
    totals = {name: rows[name].sum() for name in ("acts", "calls", "everything")}
    sums = rows.group_by("bucket", "account_id").aggregate(**totals)
    at = dates({"period": [p.start for p in periods]})
    joined = at.join(sums, sums["bucket"] <= at["period"])
    share = ratio(joined["calls"].sum(), joined["everything"].sum())
    return joined.group_by("period", "account_id").aggregate(
        is_api=share >= API_SHARE, is_started=joined["acts"].sum() > 0
    )


def within(days: ir.Table, periods: Sequence[Period], window_days: int) -> ir.Table:
    """The rows by day that lie in any of the windows: said in constants, so that no others are read."""
    windows = list(periods)
    first = min(p.end for p in windows) - timedelta(days=window_days)
    return days.filter(days["day"] > first, days["day"] <= max(p.end for p in windows))


def _buckets(periods: Sequence[Period]) -> ir.Table:
    """The periods without gaps, the first one reaching back for ever: bucket, after_day, on_day."""
    ends = [p.end for p in periods]
    return dates(
        {
            "bucket": [p.start for p in periods],
            "after_day": [date(1, 1, 1), *ends[:-1]],
            "on_day": ends,
        }
    )


def with_segment(tables: Tables, rows: ir.Table, segment: str) -> ir.Table:
    """The rows with the column `segment`: the account's, "not stated" where null, "" if none asked.

    Raises ValueError when `segment` is no column of accounts.
    """
    if not segment:
        return rows.mutate(segment=ibis.literal(""))
    accounts = tables["accounts"]
    if segment not in accounts.columns:
        raise ValueError(f"segment {segment!r} is not a column of accounts")
    known = accounts.select(of=accounts["account_id"], segment=accounts[segment].cast("string"))
    joined = rows.left_join(known, rows["account_id"] == known["of"]).drop("of")
    return joined.mutate(segment=joined["segment"].fill_null("not stated"))


def with_account(tables: Tables, rows: ir.Table) -> ir.Table:
    """The rows with account (its name, else its id) and owner, null where accounts are not given."""
    if "accounts" not in tables:
        return rows.mutate(account=rows["account_id"], owner=ibis.null("string"))
    accounts = tables["accounts"]
    known = accounts.select("name", "owner", of=accounts["account_id"])
    joined = rows.left_join(known, rows["account_id"] == known["of"]).drop("of")
    name = ibis.coalesce(joined["name"], joined["account_id"])
    return joined.mutate(account=name).drop("name")
