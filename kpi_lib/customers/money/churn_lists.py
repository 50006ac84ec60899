"""Churn beside itself: other denominators, a year told three ways, the total against its cohorts."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

import ibis.expr.types as ir
import numpy as np

from kpi_lib.customers.money.churn import PERIODS_A_YEAR, Rule, counts, states
from kpi_lib.customers.money.terms import months_between
from kpi_lib.customers.subscribed import ratio, small
from kpi_lib.engine import run
from kpi_lib.periods import Period
from kpi_lib.schema import Tables
from kpi_lib.stats.compounded import compounded
from kpi_lib.stats.exact import fisher
from kpi_lib.stats.intervals import wilson_limits

WINDOWS = 6
"""Years of the check of the total against its cohorts."""


def definitions(tables: Tables, periods: Sequence[Period], rule: Rule) -> ir.Table:
    """One row per period: period, of_start, of_start_plus_new, net_of_reactivated (shares).

    `of_start_plus_new` counts those who came and left within the period as lost. Null where nobody
    is at risk.
    """
    rows = counts(tables, periods, rule)
    lost = rows["churn"]
    return rows.select(
        "period",
        of_start=ratio(lost, rows["start"]),
        of_start_plus_new=ratio(
            lost + rows["passed"], rows["start"] + rows["new"] + rows["passed"]
        ),
        net_of_reactivated=ratio(lost - rows["reactivation"], rows["start"]),
    ).order_by("period")


def months_before(day: date, months: int) -> date:
    """The same day so many months earlier, the last of that month where it has no such day."""
    count = day.year * 12 + day.month - 1 - months
    first = date(count // 12, count % 12 + 1, 1)
    after = date((count + 1) // 12, (count + 1) % 12 + 1, 1)
    return first + timedelta(days=min(day.day, (after - first).days) - 1)


def window(end: date, months: int) -> Period:
    """The span of so many months that ends on a day."""
    return Period(months_before(end + timedelta(days=1), months), end, "month")


_YEAR = {"way": "string", "share": "float64", "low": "float64", "high": "float64"}
_YEAR |= {"customers": "int64", "assumes": "string"}

COUNTED = "nothing: they are counted"
ALIKE = (
    "every period loses the same share of those still there, old customers as easily as new ones"
)
LINEAR = "every period loses the same number, so that more than all may be lost"


def year(tables: Tables, periods: Sequence[Period], rule: Rule) -> ir.Table:
    """The share lost in a year, told three ways: way, share, low, high, customers, assumes.

    Counted: customers paying a year before the end of the last period that pay no longer.
    Compounded: 1 - (1 - c) ** k for the share c lost per period, over the last k periods (those
    shown, where they are fewer). Summed: k times c. Wilson's limits at the level of `rule`.
    """
    times = PERIODS_A_YEAR[rule.period]
    gone, there = _totals(tables, [window(periods[-1].end, 12)], rule)
    lost, start = _totals(tables, list(periods[-times:]), rule)
    low, high = wilson_limits([gone, lost], [there, start], rule.level)
    share = [gone / there if there else np.nan, lost / start if start else np.nan]
    ways: list[tuple[str, Any, int, str]] = [
        ("counted over the year", [share[0], low[0], high[0]], there, COUNTED),
        ("compounded", compounded([share[1], low[1], high[1]], times), start, ALIKE),
        ("summed", times * np.array([share[1], low[1], high[1]]), start, LINEAR),
    ]
    rows = [
        (way, *(None if np.isnan(v) else float(v) for v in three), count, assumes)
        for way, three, count, assumes in ways
        if count
    ]
    return small({name: [row[at] for row in rows] for at, name in enumerate(_YEAR)}, _YEAR)


def _totals(tables: Tables, periods: Sequence[Period], rule: Rule) -> tuple[int, int]:
    """Customers lost, and customers at the start, over all of the periods."""
    rows = counts(tables, periods, rule)
    sums = run(rows.aggregate(lost=rows["churn"].sum(), start=rows["start"].sum()))
    return int(sums["lost"].fillna(0).iloc[0]), int(sums["start"].fillna(0).iloc[0])


def yearly_windows(end: date) -> list[Period]:
    """Up to six windows of a year, the last ending on `end`, oldest first."""
    ends = [months_before(end + timedelta(days=1), 12 * back) for back in range(WINDOWS)]
    return sorted(window(day - timedelta(days=1), 12) for day in ends)


def total_and_cohorts(tables: Tables, end: date, rule: Rule) -> ir.Table:
    """Yearly retention of everybody beside that by age: one row per window that has customers.

    Columns: year_to (month in which the window ends), total, first_year (of accounts that had paid
    for less than a year when it began), later_years, customers, first_year_customers, kept,
    first_year_kept (counts). Shares are null where nobody is.
    """
    windows = yearly_windows(end)
    rows = states(tables, windows, rule)
    rows = rows.filter(rows["opening"] > 0)
    young = months_between(rows["first_on"], rows["period"]) < 12
    kept = rows["closing"] > 0
    sums = rows.group_by("period").aggregate(
        customers=rows.count(),
        first_year_customers=rows.count(where=young),
        kept=rows.count(where=kept),
        first_year_kept=rows.count(where=young & kept),
    )
    names = small(
        {"of": [w.start for w in windows], "year_to": [f"{w.end:%Y-%m}" for w in windows]},
        {"of": "date", "year_to": "string"},
    )
    sums = sums.join(names, sums["period"] == names["of"])
    older = sums["customers"] - sums["first_year_customers"]
    return sums.order_by("period").select(
        "year_to",
        total=ratio(sums["kept"], sums["customers"]),
        first_year=ratio(sums["first_year_kept"], sums["first_year_customers"]),
        later_years=ratio(sums["kept"] - sums["first_year_kept"], older),
        **{name: sums[name] for name in ("customers", "first_year_customers")},
        **{name: sums[name] for name in ("kept", "first_year_kept")},
    )


_COMPARED = {"comparison": "string", "before": "float64", "after": "float64"}
_COMPARED |= {"p_value": "float64", "apart": "string"}

APART, ALIKE_SAID, UNTOLD = "told apart", "cannot be told apart", "one side has no customers"

Share = tuple[int, int]
"""Customers kept, and customers there when the year began."""


def compared(tables: Tables, end: date, rule: Rule) -> ir.Table:
    """Whether the total stands still while cohorts rise: comparison, before, after, p_value, apart.

    First row: everybody, the first window of `total_and_cohorts` against the last. Second row:
    customers in their first year against later ones, over all windows. p-values of Fisher's exact
    test, told apart at the level of `rule`; null where a side has no customers.
    """
    found = run(total_and_cohorts(tables, end, rule))
    if found.empty:
        return small({}, _COMPARED)
    names = ("kept", "customers", "first_year_kept", "first_year_customers")
    kept, whole, young_kept, young = (found[name].astype(int).tolist() for name in names)
    earlier = (kept[0], whole[0]) if len(found) > 1 else (0, 0)
    older = (sum(kept) - sum(young_kept), sum(whole) - sum(young))
    years = found["year_to"]
    span = f"all customers, year to {years.iloc[0]} and year to {years.iloc[-1]}"
    ages = "customers in their first year and later ones"
    rows = [
        _compared(span, earlier, (kept[-1], whole[-1]), 1 - rule.level),
        _compared(ages, (sum(young_kept), sum(young)), older, 1 - rule.level),
    ]
    return small({name: [row[at] for row in rows] for at, name in enumerate(_COMPARED)}, _COMPARED)


def _compared(name: str, before: Share, after: Share, least: float) -> tuple[Any, ...]:
    one, other = (kept / there if there else None for kept, there in (before, after))
    if one is None or other is None:
        return name, one, other, None, UNTOLD
    p_value = fisher(before, after)
    return name, one, other, p_value, APART if p_value < least else ALIKE_SAID
