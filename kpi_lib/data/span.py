"""Which days a data set covers."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import ibis
import ibis.expr.types as ir

from kpi_lib.contract import CONTRACT
from kpi_lib.engine import run
from kpi_lib.schema import TableContract

_LONG_AGO = date(1000, 1, 1)


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


@dataclass(frozen=True)
class Extent:
    """How far one table reaches: its newest known day up to today, its rows, those after today."""

    table: str
    last_known: date | None
    rows: int
    future_rows: int
    furthest: date | None


def extents(
    tables: Mapping[str, ir.Table], present: Mapping[str, Collection[str]], today: date
) -> list[Extent]:
    """How far each table with dates of its own reaches, from all of its rows, in one query.

    Dates that look ahead (the end of a term, a planned kickoff, the month of a budget) do not make
    a day known.
    """
    made = {
        name: _extent(table, CONTRACT[name], present[name], today) for name, table in tables.items()
    }
    parts = {name: part for name, part in made.items() if part is not None}
    return [
        Extent(
            name,
            to_day(row["known"]),
            int(row["rows"]),
            whole(row["future"]),
            to_day(row["furthest"]),
        )
        for name, row in zip(parts, single_rows(list(parts.values())), strict=True)
    ]


def _extent(
    table: ir.Table, contract: TableContract, present: Collection[str], today: date
) -> ir.Table | None:
    day = row_day(table, contract)
    if day is None:
        return None
    newest = [one.max(where=one <= today) for one in _dating(table, contract, present)]
    known = (
        ibis.greatest(*(one.fill_null(_LONG_AGO) for one in newest))
        if newest
        else ibis.literal(_LONG_AGO)
    )
    return table.aggregate(
        known=known.nullif(_LONG_AGO),
        rows=table.count(),
        future=(day > today).sum(),
        furthest=day.max(),
    )


def single_rows(parts: Sequence[ir.Table]) -> list[dict[str, Any]]:
    """The single row of each part (all of the same columns), in order, fetched in one query."""
    if not parts:
        return []
    placed = [part.mutate(place=ibis.literal(i, type="int64")) for i, part in enumerate(parts)]
    frame = run(ibis.union(*placed) if len(placed) > 1 else placed[0]).sort_values("place")
    return [{str(name): row[name] for name in row} for row in frame.to_dict("records")]


def to_day(value: Any) -> date | None:
    """A value of a frame as a day, None where it is missing."""
    return None if value is None or value != value else value.date()


def whole(value: Any) -> int:
    """A value of a frame as a whole number, 0 where it is missing."""
    return 0 if value is None or value != value else int(value)
