"""Calendars: which periods are complete on a day, and which period a date falls in."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal

import ibis
import ibis.expr.types as ir

PeriodName = Literal["week", "month", "quarter"]

_MONTHS = {"month": 1, "quarter": 3}


@dataclass(frozen=True, order=True)
class Period:
    """A span of whole days, both ends included."""

    start: date
    end: date
    name: PeriodName
    quarter_starts_in: int = 1

    @property
    def label(self) -> str:
        """How people write it: 2025Q4, 2025-11, or the last day of the week.

        A fiscal year is named after the calendar year in which it starts.
        """
        if self.name == "quarter":
            since = self.start.month - self.quarter_starts_in
            return f"{self.start.year - (since < 0)}Q{since % 12 // 3 + 1}"
        return self.start.strftime("%Y-%m") if self.name == "month" else self.end.isoformat()

    @property
    def days(self) -> int:
        """Length in days."""
        return (self.end - self.start).days + 1


def add_months(day: date, months: int) -> date:
    """The first day of the month that lies `months` after the month of `day`."""
    count = day.year * 12 + day.month - 1 + months
    return date(count // 12, count % 12 + 1, 1)


def period_start(day: date, name: PeriodName, quarter_starts_in: int = 1) -> date:
    """First day of the month or (fiscal) quarter that holds `day`."""
    if name == "week":
        raise ValueError("weeks are counted back from the as-of day; use complete_periods")
    back = 0 if name == "month" else (day.month - quarter_starts_in) % 3
    return add_months(day, -back)


def complete_periods(
    as_of: date, name: PeriodName, count: int, quarter_starts_in: int = 1
) -> list[Period]:
    """The last `count` periods that ended on or before `as_of`, oldest first.

    Weeks are blocks of seven days, the last of which ends on `as_of`.
    """
    if name == "week":
        ends = [as_of - timedelta(days=7 * back) for back in range(count)]
        return sorted(Period(end - timedelta(days=6), end, name) for end in ends)
    length = _MONTHS[name]
    tomorrow = period_start(as_of + timedelta(days=1), name, quarter_starts_in)
    starts = [add_months(tomorrow, -length * back) for back in range(1, count + 1)]
    return sorted(
        Period(start, add_months(start, length) - timedelta(days=1), name, quarter_starts_in)
        for start in starts
    )


def grid(periods: list[Period]) -> ir.Table:
    """The periods as a small table in the engine: period (first day), starts_on, ends_on, days."""
    rows = {
        "period": [p.start for p in periods],
        "starts_on": [p.start for p in periods],
        "ends_on": [p.end for p in periods],
        "days": [p.days for p in periods],
    }
    kinds = {"period": "date", "starts_on": "date", "ends_on": "date", "days": "int64"}
    return ibis.memtable(rows, schema=ibis.schema(kinds))


def period_of(day: ir.DateValue, periods: list[Period]) -> ir.DateValue:
    """The start of the listed period that holds `day`, null outside all of them (an expression)."""
    branches = [((day >= p.start) & (day <= p.end), ibis.literal(p.start)) for p in periods]
    return ibis.cases(*branches, else_=ibis.null("date"))


def quarter_end(text: str, quarter_starts_in: int = 1) -> date:
    """The last day of a quarter written as 2025Q4.

    With fiscal years, Q1 of year Y starts in month `quarter_starts_in` of year Y.
    Raises ValueError when the text is not of that form.
    """
    year, _, number = text.upper().partition("Q")
    if not (year.isdigit() and len(year) == 4 and number in {"1", "2", "3", "4"}):
        raise ValueError(f"{text!r} is not a quarter; write it as 2025Q4")
    first = date(int(year), quarter_starts_in, 1)
    return add_months(first, 3 * int(number)) - timedelta(days=1)
