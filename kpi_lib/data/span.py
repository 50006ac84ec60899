"""Which days a data set covers."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from datetime import date

import ibis
import ibis.expr.types as ir

from kpi_lib.contract import CONTRACT
from kpi_lib.engine import run
from kpi_lib.schema import TableContract


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


def _dating(
    table: ir.Table, contract: TableContract, present: Collection[str]
) -> Iterator[ir.DateValue]:
    """The dates of a table that can only report the past."""
    if contract.known_on and contract.known_at == "day":
        yield as_day(table[contract.known_on])
    for column in contract.columns:
        if column.name in present and column.known_on == (column.name,) and not column.ahead:
            yield ibis.ifelse(
                as_day(table[column.name]) < date(2999, 1, 1),
                as_day(table[column.name]),
                ibis.null("date"),
            )


def last_known_day(
    tables: Mapping[str, ir.Table], present: Mapping[str, Collection[str]], today: date
) -> date | None:
    """The newest day, up to `today`, on which any row or late field became known; None without rows.

    Dates that look ahead (the end of a term, a planned kickoff, the month of a budget) do not count.
    """
    parts = [
        table.aggregate(day=day.max(where=day <= today))
        for name, table in tables.items()
        for day in _dating(table, CONTRACT[name], present[name])
    ]
    if not parts:
        return None
    newest = run(ibis.union(*parts) if len(parts) > 1 else parts[0])["day"].max()
    return None if newest is None or newest != newest else newest.date()
