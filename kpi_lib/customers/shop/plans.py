"""Targets of accounts: what was bought in the year so far, and how much of the plan is due by a day."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

import ibis
import ibis.expr.types as ir
import numpy as np

from kpi_lib.customers.shop.goods import entries
from kpi_lib.customers.subscribed import dates, small
from kpi_lib.engine import run
from kpi_lib.periods import Period
from kpi_lib.schema import Tables, kept

if TYPE_CHECKING:
    import pandas as pd

GRACE = timedelta(days=7)
"""A year whose first order came so many days after its first day is wholly on record."""

MOST_YEARS = 3
"""Years before from which the season is taken, where they are on record."""


@kept
def account_days(tables: Tables, rule: Any) -> ir.Table:
    """Amounts bought, net of what came back: account_id, day, amount (money), up to `as_of`."""
    rows = entries(tables, rule)
    rows = rows.filter(rows["day"] <= tables.as_of)
    return rows.group_by("account_id", "day").aggregate(amount=rows["amount"].sum())


def days_of(tables: Tables, rule: Any) -> pd.DataFrame:
    """Amounts of all accounts by day, sorted: day (datetime64), amount."""
    import pandas as pd

    rows = account_days(tables, rule)
    sums = rows.group_by("day").aggregate(amount=rows["amount"].sum())
    frame = run(sums.order_by("day"))
    return frame.assign(day=pd.to_datetime(frame["day"]).astype("datetime64[us]"))


def same_day(day: date, year: int) -> date:
    """The same day of another year; 28 February for the 29th."""
    is_leap_day = day.month == 2 and day.day == 29
    return day.replace(year=year, day=28 if is_leap_day else day.day)


def complete_years(days: pd.DataFrame, year: int) -> list[int]:
    """The years before `year` that are wholly on record, at most three, oldest first."""
    if days.empty:
        return []
    first = days["day"].min().date()
    years = [y for y in range(year - MOST_YEARS, year) if first <= date(y, 1, 1) + GRACE]
    return [y for y in years if y >= first.year]


def due_share(days: pd.DataFrame, day: date, season: str) -> float:
    """The share of a year's plan that is due by the end of `day`.

    By the years before: their amounts up to the same day over their amounts; evenly by the days of the
    year where none of them is wholly on record, or where `season` is even.
    """
    first = date(day.year, 1, 1)
    even = ((day - first).days + 1) / (date(day.year + 1, 1, 1) - first).days
    if season == "even":
        return even
    part = whole = 0.0
    for year in complete_years(days, day.year):
        amounts = days[(days["day"].dt.year == year)]
        until = np.datetime64(same_day(day, year))
        # The last day of a leap year's February belongs to what is due by 28 February too.
        part += float(amounts.loc[amounts["day"] < until + np.timedelta64(1, "D"), "amount"].sum())
        whole += float(amounts["amount"].sum())
    return part / whole if whole > 0 else even


def due(tables: Tables, periods: Sequence[Period], rule: Any) -> ir.Table:
    """Per period: period, last (day), since (1 January of its year), year, due (share of the plan)."""
    days = days_of(tables, rule)
    columns: dict[str, list[Any]] = {
        "period": [p.start for p in periods],
        "last": [p.end for p in periods],
        "since": [date(p.end.year, 1, 1) for p in periods],
        "year": [p.end.year for p in periods],
        "due": [due_share(days, p.end, rule.season) for p in periods],
    }
    return dates(columns, year="int64", due="float64")


def progress(tables: Tables, periods: Sequence[Period], rule: Any) -> ir.Table:
    """One row per account with a target and period: period, account_id, revenue (so far in the year),
    target, potential (of the year, money; potential may be null), due (share of the year's plan).

    A target counts from the day on which it was set.
    """
    grid, targets = due(tables, periods, rule), tables["targets"]
    plans = targets.select("account_id", "set_on", of=targets["year"].cast("int64"),
        target=targets["target_amount"].cast("float64"),
        potential=targets["potential_amount"].cast("float64"))  # fmt: skip
    rows = grid.join(plans, [grid["year"] == plans["of"], plans["set_on"] <= grid["last"]])
    days = account_days(tables, rule)
    bought = grid.join(days, [days["day"] >= grid["since"], days["day"] <= grid["last"]])
    sums = bought.group_by(at=bought["period"], who=bought["account_id"]).aggregate(
        revenue=bought["amount"].sum()
    )
    same = [rows["period"] == sums["at"], rows["account_id"] == sums["who"]]
    joined = rows.left_join(sums, same)
    none = ibis.literal(0).cast("float64")
    return joined.select(
        *("period", "account_id", "target", "potential", "due", "year"),
        revenue=ibis.coalesce(joined["revenue"], none),
    )


def years_of(tables: Tables, rule: Any, day: date) -> pd.DataFrame:
    """Per account, in the year of `day` and the one before: so_far, before_so_far, before_rest (money).

    Indexed by account_id; both years are split at the same day.
    """
    last = same_day(day, day.year - 1)
    edges = {
        "so_far": (date(day.year, 1, 1), day),
        "before_so_far": (date(day.year - 1, 1, 1), last),
        "before_rest": (last + timedelta(days=1), date(day.year - 1, 12, 31)),
        "rest": (day + timedelta(days=1), date(day.year, 12, 31)),
    }
    names = list(edges)
    grid = small(
        {
            "part": names,
            "since": [edges[n][0] for n in names],
            "until": [edges[n][1] for n in names],
        },
        {"part": "string", "since": "date", "until": "date"},
    )
    rows = account_days(tables, rule)
    joined = grid.join(rows, [rows["day"] >= grid["since"], rows["day"] <= grid["until"]])
    sums = joined.group_by("account_id", "part").aggregate(amount=joined["amount"].sum())
    frame = run(sums.order_by("account_id", "part"))
    wide = frame.pivot(index="account_id", columns="part", values="amount")
    return wide.reindex(columns=names).astype("float64").fillna(0.0)
