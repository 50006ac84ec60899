"""Looks at the texts of a table's columns and decides how each is read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import duckdb

from kpi_lib.data.config import CsvOptions
from kpi_lib.data.errors import Guess, Problem
from kpi_lib.data.reading_sql import ZONED, TextReading, filled, literal, read_text
from kpi_lib.data.readings import (
    DayOrder,
    Decimal,
    Shape,
    day_order,
    decimal_mark,
    has_numeric_dates,
    read_dates,
)
from kpi_lib.schema import Column

_MOST_SHAPES = 300
_DATES = ("date", "at")
_NUMBERS = ("money", "number", "integer")


@dataclass
class Readings:
    """How the text columns of one table are read, what was guessed, and what contradicts itself."""

    by_column: dict[str, TextReading] = field(default_factory=dict)
    guesses: list[Guess] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)


@dataclass(frozen=True)
class TextTable:
    """The text columns of one raw table that must be read as something else."""

    name: str
    raw: str
    columns: Sequence[Column]
    options: CsvOptions
    separator: str = ","
    month_first_habit: bool = False
    """Whether people who use this currency write the month first (where the data cannot tell)."""


def guess_readings(connection: duckdb.DuckDBPyConnection, table: TextTable) -> Readings:
    """How each text column is read, from all of its values."""
    found = Readings()
    timed: dict[str, bool] = {}
    odd = []
    for column, (plain, longest) in _plain_columns(connection, table).items():
        timed[column.name] = longest > 10
        if plain:
            found.by_column[column.name] = TextReading(plain=True, timed=longest > 10)
        elif column.kind == "flag":
            found.by_column[column.name] = TextReading()
        else:
            odd.append(column)
    shapes = {column.name: _shapes(connection, table, column) for column in _telling(table, odd)}
    _read_numbers(table, [c for c in odd if c.kind in _NUMBERS], shapes, found)
    _read_days(table, [c for c in odd if c.kind in _DATES], shapes, timed, found)
    return found


def _telling(table: TextTable, odd: Sequence[Column]) -> list[Column]:
    """The columns whose shapes are needed: where one number is odd, all numbers of the file tell."""
    numbers = any(column.kind in _NUMBERS for column in odd)
    return [
        column
        for column in table.columns
        if (column in odd and column.kind in _DATES) or (numbers and column.kind in _NUMBERS)
    ]


def _plain_columns(
    connection: duckdb.DuckDBPyConnection, table: TextTable
) -> dict[Column, tuple[bool, int]]:
    """For each column: whether every text is in the plain form (ISO, decimal point), and the longest text."""
    columns = [column for column in table.columns if column.kind in (*_DATES, *_NUMBERS, "flag")]
    if not columns:
        return {}
    parts = [
        f"{_plain_test(column, table.options)}, {_longest(column, table.options)}"
        for column in columns
    ]
    row = connection.execute(f"select {', '.join(parts)} from {table.raw}").fetchone() or ()
    return {
        column: (bool(row[2 * i]), int(row[2 * i + 1] or 0)) for i, column in enumerate(columns)
    }


def _longest(column: Column, options: CsvOptions) -> str:
    return f"max(length(trim({filled(column.name, options.empty)})))"


def _plain_test(column: Column, options: CsvOptions) -> str:
    """Holds where every text of the column is read, and in one way only, without looking closer."""
    text = f"trim({filled(column.name, options.empty)})"
    if column.kind == "flag":
        return f"count({text}) = count({read_text(text, column, TextReading(), 'UTC')})"
    if column.kind in _NUMBERS:
        return _plain_numbers(text, column, options)
    value = f"try_cast({text} as timestamp)"
    old = f"coalesce(min({value}) >= timestamp '1800-01-01', true)"
    zoned = f"coalesce(bool_or(regexp_matches({text}, {literal(ZONED)})), false)"
    return f"count({text}) = count({value}) and {old} and not {zoned}"


def _plain_numbers(text: str, column: Column, options: CsvOptions) -> str:
    """Numbers with a decimal point that cannot be the mark of thousands."""
    number = f"try_cast({text} as double)"
    tests = [f"isfinite({number})", f"not contains({text}, '_')"]
    doubtful = f"regexp_full_match({text}, '[+-]?\\d{{1,3}}\\.\\d{{3}}')"
    tests.append(f"not contains({text}, '.')" if options.decimal == "," else f"not {doubtful}")
    if column.kind == "integer":
        tests.append(f"{number} = round({number})")
    return f"count({text}) = count({number}) and coalesce(bool_and({' and '.join(tests)}), true)"


def _shapes(connection: duckdb.DuckDBPyConnection, table: TextTable, column: Column) -> list[Shape]:
    text = f"trim({filled(column.name, table.options.empty)})"
    query = f"""
        select regexp_replace(regexp_replace(t, '[0-9]', '9', 'g'), '[A-Za-z]+', 'a', 'g') as shape,
               count(*) as n,
               coalesce(max(try_cast(regexp_extract(t, '^([0-9]+)[^0-9]+([0-9]+)', 1) as integer)), 0),
               coalesce(max(try_cast(regexp_extract(t, '^([0-9]+)[^0-9]+([0-9]+)', 2) as integer)), 0)
        from (select {text} as t from {table.raw}) where t is not null
        group by shape order by n desc, shape limit {_MOST_SHAPES}"""
    return [Shape(*row) for row in connection.execute(query).fetchall()]


def _read_numbers(
    table: TextTable, columns: Sequence[Column], shapes: Mapping[str, list[Shape]], found: Readings
) -> None:
    told, sure = decimal_mark(
        shapes[c.name] for c in table.columns if c.kind in _NUMBERS and columns
    )
    habit: Decimal = "," if table.separator == ";" else "."
    mark: Decimal = table.options.decimal or told or habit  # type: ignore[assignment]  # checked in config
    for column in columns:
        found.by_column[column.name] = TextReading(decimal=mark)
        certain = sure or bool(table.options.decimal)
        name = "decimal comma" if mark == "," else "decimal point"
        found.guesses.append(Guess(table.name, column.name, "numbers", name, certain))
        if not certain:
            todo = "Say which under csv: {decimal: ...}"
            found.problems.append(
                Problem(
                    "warning",
                    table.name,
                    column.name,
                    f"1.234 may be 1234; read with {name}",
                    0,
                    (),
                    todo,
                )
            )


def _read_days(
    table: TextTable,
    columns: Sequence[Column],
    shapes: Mapping[str, list[Shape]],
    timed: Mapping[str, bool],
    found: Readings,
) -> None:
    orders = {column.name: day_order(shapes[column.name]) for column in columns}
    settled = {order for order, sure, _ in orders.values() if sure}
    habit: DayOrder = "month first" if table.month_first_habit else "day first"
    for column in columns:
        own, certain, conflict = orders[column.name]
        order: DayOrder = table.options.dates or own  # type: ignore[assignment]  # checked in config
        if not order and len(settled) == 1:
            (order,) = settled
        certain = (
            certain
            or bool(table.options.dates)
            or bool(order)
            or not has_numeric_dates(shapes[column.name])
        )
        iso, formats = read_dates(shapes[column.name], order or habit)
        found.by_column[column.name] = TextReading(
            iso=iso, formats=formats, timed=timed[column.name]
        )
        shown = ", ".join(["ISO"] * iso + list(formats)) or "none fits"
        found.guesses.append(Guess(table.name, column.name, "dates", shown, certain))
        found.problems += _doubts(
            table.name, column.name, conflict and not table.options.dates, certain, shown
        )


def _doubts(table: str, column: str, conflict: bool, certain: bool, shown: str) -> list[Problem]:
    todo = "Say which under csv: {dates: day first} or {dates: month first}"
    if conflict:
        rule = "some dates fit only day first, others only month first"
        return [Problem("error", table, column, rule, 0, (), todo)]
    if not certain:
        return [
            Problem(
                "warning",
                table,
                column,
                f"day and month cannot be told apart; read as {shown}",
                0,
                (),
                todo,
            )
        ]
    return []
