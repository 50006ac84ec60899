"""What was read: tables, rows, spans, what was wrong with them and what was left out."""

from __future__ import annotations

import html
from typing import TYPE_CHECKING

from kpi_lib.charts.shown import Block
from kpi_lib.charts.table import table
from kpi_lib.charts.units import day
from kpi_lib.kpi import Kpi, Unit
from kpi_lib.view import View
from kpi_lib.wording import format_count

if TYPE_CHECKING:
    import pandas as pd

    from kpi_lib.data import Dataset


def report(data: Dataset, kpi: Kpi | None = None) -> View:
    """The tables read with rows and span, problems and rows left out; of one KPI, or of all."""
    names = names_read(data, kpi)
    frame = spans(data, names)
    lines = problem_lines(data, names) + left_out_lines(data, names)
    return View(
        said_of(data, frame, lines),
        table=lambda: _with_lines(table(frame, units={"rows": Unit.COUNT}), lines),
        frame=frame,
    )


def names_read(data: Dataset, kpi: Kpi | None) -> list[str]:
    """The tables the card declares and the data set has; without a card, all."""
    if kpi is None:
        return list(data.tables)
    declared = dict.fromkeys([*kpi.needs, *kpi.one_of, *kpi.optional])
    return [name for name in declared if name in data.tables]


def spans(data: Dataset, names: list[str]) -> pd.DataFrame:
    """One row per table: table, rows, from, to (days), as known on the day asked for."""
    import pandas as pd

    read = [(name, data.spans[name]) for name in names]
    rows = [(name, span.rows, span.first, span.last) for name, span in read]
    return pd.DataFrame(rows, columns=["table", "rows", "from", "to"])


def problem_lines(data: Dataset, names: list[str]) -> list[str]:
    """The problems in these tables, and those of no table, one line each."""
    return [str(one) for one in data.problems if not one.table or one.table in names]


def left_out_lines(data: Dataset, names: list[str]) -> list[str]:
    """How many rows of these tables no figure uses, one line each."""
    counts = [(name, data.left_out[name]) for name in names if data.left_out.get(name)]
    return [f"left out: {name}: {format_count(count, 'row')}" for name, count in counts]


def said_of(data: Dataset, frame: pd.DataFrame, lines: list[str]) -> str:
    """What was read, how many problems there are, and the notes of the data set, in sentences."""
    rows = format_count(int(frame["rows"].sum()) if len(frame) else 0, "row")
    tables = format_count(len(frame), "table")
    said = f"{data.name}, as known on {day(data.last_day)}: {tables}, {rows}."
    if not lines:
        return " ".join([said, "The checks found no problem in them.", *data.notes])
    found = format_count(len(lines), "line")
    verb = "is" if len(lines) == 1 else "are"
    return " ".join([said, f"What the checks found {verb} {found} below the table.", *data.notes])


def _with_lines(block: Block, lines: list[str]) -> Block:
    if not lines:
        return block
    items = "".join(f"<li>{html.escape(line)}</li>" for line in lines)
    page = f"{block.html}<ul class='kpi-problems'>{items}</ul>"
    return Block(page, "\n".join([block.text, *lines]))
