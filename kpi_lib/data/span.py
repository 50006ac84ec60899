"""Which days a data set covers."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from datetime import date, datetime
from typing import Any

import ibis
import ibis.expr.types as ir

from kpi_lib.schema import OPEN_END, TableContract

LONG_AGO = date(1000, 1, 1)


def row_day(table: ir.Table, contract: TableContract) -> ir.DateValue | None:
    """The day on which each row becomes known (an expression), None for rows known with a parent."""
    if not contract.known_on:
        return None
    day = as_day(table[contract.known_on])
    if contract.known_at == "end of month":
        return day + ibis.interval(months=1) - ibis.interval(days=1)
    return day


def as_day(value: ir.Value) -> ir.DateValue:
    """The calendar day of a date or moment."""
    return value.date() if value.type().is_timestamp() else value


def past_days(
    table: ir.Table, contract: TableContract, present: Collection[str]
) -> Iterator[ir.DateValue]:
    """The dates of a table that can only report the past.

    Dates that look ahead (the end of a term, a planned kickoff, the month of a budget) are none.
    """
    if contract.known_on and contract.known_at == "day":
        yield as_day(table[contract.known_on])
    for column in contract.columns:
        if column.name in present and column.known_on == (column.name,) and not column.ahead:
            yield as_day(table[column.name]).nullif(OPEN_END)


def newest_day(
    table: ir.Table,
    contract: TableContract,
    present: Collection[str],
    until: ir.DateValue | None = None,
) -> ir.Scalar:
    """The newest of the past days of a table (up to `until`), `LONG_AGO` where there is none."""
    days = [
        one.max(where=None if until is None else one <= until)
        for one in past_days(table, contract, present)
    ]
    long_ago = ibis.literal(LONG_AGO, type="date")
    return ibis.greatest(long_ago, long_ago, *(one.fill_null(long_ago) for one in days))


def known_day(value: Any) -> date | None:
    """A newest day the engine gave, None where there is none."""
    found = to_day(value)
    return None if found == LONG_AGO else found


def to_day(value: Any) -> date | None:
    """A value the engine gave as a day, None where it is missing."""
    if value is None or value != value:
        return None
    return value.date() if isinstance(value, datetime) else value


def whole(value: Any) -> int:
    """A value the engine gave as a whole number, 0 where it is missing."""
    return 0 if value is None or value != value else int(value)
