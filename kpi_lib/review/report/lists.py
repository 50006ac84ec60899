"""The lists for the executive meeting, as text that sorts."""

from __future__ import annotations

from dataclasses import dataclass

from kpi_lib.review.report.records import Cell, ListColumn, MeetingList, ResultRecord
from kpi_lib.wording import MISSING, format_number

_INITIALS = {"mrr", "arr", "api", "id", "kpi", "nps"}
LONG = 40
"""A text of more characters may wrap."""
_UNITS = {"share": "%", "count": "", "ratio": ""}


@dataclass(frozen=True)
class Column:
    """A heading with its unit in brackets."""

    title: str
    unit: str
    is_number: bool


@dataclass(frozen=True)
class Field:
    """A cell: what is shown, what it sorts by (None: the text itself)."""

    text: str
    sort: str | None
    is_number: bool

    @property
    def kind(self) -> str:
        """The class of its cell: numbers to the right, long texts may wrap."""
        return "number" if self.is_number else "long" if len(self.text) > LONG else ""


@dataclass(frozen=True)
class ListView:
    """A list as the page shows it."""

    anchor: str
    title: str
    note: str
    columns: list[Column]
    rows: list[list[Field]]


def _unit_name(unit: str, currency: str) -> str:
    if unit.startswith("money"):
        return f"{currency or 'money'}{unit.removeprefix('money')}"
    return _UNITS.get(unit, unit)


def _is_number(value: Cell) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _full(value: float, unit: str) -> str:
    """Amounts in full, since a column in mixed scales is hard to compare."""
    return f"{value:,.0f}" if unit.startswith("money") else format_number(value, unit)


def _field(value: Cell, unit: str) -> Field:
    if value is None or value == "":
        return Field(MISSING, "", False)
    if isinstance(value, bool):
        return Field("yes" if value else "no", None, False)
    if isinstance(value, int | float):
        return Field(
            _full(float(value), unit),
            f"{value:g}" if value != int(value) else str(int(value)),
            True,
        )
    return Field(value, None, False)


def _column(column: ListColumn, found: MeetingList, currency: str) -> Column:
    values = [row.get(column.name) for row in found.rows]
    known = [value for value in values if value is not None]
    is_number = bool(known) and all(_is_number(value) for value in known)
    title = column.title or column.name.replace("_", " ")
    unit = _unit_name(column.unit, currency)
    return Column(_headed(title), "" if unit and unit in title.split() else unit, is_number)


def _headed(title: str) -> str:
    """A heading with a capital, initials in capitals."""
    words = [word.upper() if word in _INITIALS else word for word in title.split()]
    text = " ".join(words)
    return text[:1].upper() + text[1:]


def _note(found: MeetingList, fresh: set[str] | None) -> str:
    said = [found.meaning, f"{len(found.rows):,} on the list."]
    if fresh is not None:
        said.append(f"{len(fresh)} new since the last review." if fresh else "None is new.")
    return " ".join(text for text in said if text)


def list_view(record: ResultRecord, fresh: set[str] | None) -> ListView | None:
    """The list of one KPI for the page, None without one.

    `fresh` holds the keys (first column) that were not on the list of the review before; None when
    there is nothing to compare with, and then no column says so.
    """
    found = record.meeting_list
    if found is None:
        return None
    key = found.columns[0].name
    shown = sorted(found.columns, key=lambda column: column.name.endswith("_id"))  # names first
    columns = [_column(column, found, record.currency) for column in shown]
    rows = [[_field(row.get(c.name), c.unit) for c in shown] for row in found.rows]
    if fresh is not None:
        columns.append(Column("Since last review", "", False))
        marks = ["new" if str(row.get(key)) in fresh else "still here" for row in found.rows]
        rows = [[*row, Field(mark, None, False)] for row, mark in zip(rows, marks, strict=True)]
    return ListView(f"list-{record.kpi}", found.title, _note(found, fresh), columns, rows)
