"""DuckDB expressions that turn the columns of a file into contract types.

Each gives null where the value cannot be read; the loader counts those, so none is lost in silence.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from kpi_lib.data.readings import Decimal
from kpi_lib.schema import Column, Kind

DUCKDB_TYPES: dict[Kind, str] = {
    "id": "VARCHAR", "text": "VARCHAR", "date": "DATE", "at": "TIMESTAMP", "money": "DOUBLE",
    "number": "DOUBLE", "integer": "BIGINT", "flag": "BOOLEAN",
}  # fmt: skip
ZONED = r":\d{2}(\.\d+)?\s*(Z|[+-]\d{2}(:?\d{2})?)$"
_GROUPS = " \u00a0\u202f'\u2019"
_NUMBERS = {
    "TINYINT",
    "SMALLINT",
    "INTEGER",
    "BIGINT",
    "HUGEINT",
    "UTINYINT",
    "USMALLINT",
    "UINTEGER",
    "UBIGINT",
    "UHUGEINT",
}
_FLOATS = {"FLOAT", "DOUBLE"}
_YES, _NO = ("true", "t", "yes", "y", "1"), ("false", "f", "no", "n", "0")


@dataclass(frozen=True)
class TextReading:
    """How the texts of one column are read. `timed` is False where no text holds a time of day."""

    iso: bool = True
    formats: tuple[str, ...] = ()
    decimal: Decimal = "."
    plain: bool = False
    timed: bool = True


def quoted(name: str) -> str:
    """A column or table name for SQL."""
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """A text for SQL."""
    return "'" + text.replace("'", "''") + "'"


def given_text(column: str, empty: Sequence[str]) -> str:
    """A text kept as it stands, null where it is one of the texts that mean no value."""
    return filled(column, empty) if empty else f"nullif({quoted(column)}, '')"


def filled(column: str, empty: Sequence[str]) -> str:
    """The text of a column, null where it is blank or one of the texts that mean no value."""
    blank = ", ".join(literal(text) for text in ("", *empty))
    return f"case when trim({quoted(column)}) in ({blank}) then null else {quoted(column)} end"


def read_text(text: str, column: Column, reading: TextReading, timezone: str) -> str:
    """The expression that reads the text expression `text` as the kind of `column`."""
    trimmed = f"trim({text})"
    if column.kind in ("id", "text"):
        return text
    if column.kind == "flag":
        return _flag(f"lower({trimmed})")
    if column.kind in ("date", "at"):
        return _moment(trimmed, column.kind, reading, timezone)
    number = _number(trimmed, reading)
    return _whole(number) if column.kind == "integer" else number


def _flag(text: str) -> str:
    yes, no = (", ".join(literal(word) for word in words) for words in (_YES, _NO))
    return f"case when {text} in ({yes}) then true when {text} in ({no}) then false end"


def _whole(number: str) -> str:
    return f"case when {number} = round({number}) then cast({number} as bigint) end"


def _number(text: str, reading: TextReading) -> str:
    if reading.plain:
        return f"try_cast({text} as double)"
    decimal, grouping = (",", "\\.") if reading.decimal == "," else ("\\.", ",")
    groups = "".join(_GROUPS)
    body = f"(\\d+|\\d{{1,3}}({grouping}\\d{{3}})+|\\d{{1,3}}([{groups}]\\d{{3}})+)?({decimal}\\d+)?([eE][+-]?\\d+)?"
    bare = f"regexp_replace({text}, {literal(f'[{grouping}{groups}]')}, '', 'g')"
    if reading.decimal == ",":
        bare = f"replace({bare}, ',', '.')"
    value = f"try_cast({bare} as double)"  # 1e400 casts to infinity, which is no amount
    fits = f"regexp_full_match({text}, {literal(f'[+-]?{body}')}) and isfinite({value})"
    return f"case when {fits} then {value} end"


def _moment(text: str, kind: Kind, reading: TextReading, timezone: str) -> str:
    """A date as the calendar day in `timezone`, a moment in UTC; text without a zone is local."""
    if reading.plain and (kind == "date" or not reading.timed):
        moment = f"try_cast({text} as timestamp)"
        return f"cast({moment} as date)" if kind == "date" else moment
    parts = []
    if reading.iso:
        local = _settle(
            f"try_cast({text} as timestamp)", kind, timezone if reading.timed else "UTC"
        )
        zone = timezone if kind == "date" else "UTC"
        zoned = f"try_cast({text} as timestamptz) at time zone {literal(zone)}"
        zoned = f"cast({zoned} as date)" if kind == "date" else zoned
        either = f"case when regexp_matches({text}, {literal(ZONED)}) then {zoned} else {local} end"
        parts.append(
            local
            if reading.plain
            else f"case when regexp_matches({text}, '^\\d{{4}}-') then {either} end"
        )
    if reading.formats:
        formats = ", ".join(literal(one) for one in reading.formats)
        parts.append(
            _settle(
                f"try_strptime({text}, [{formats}])", kind, timezone if reading.timed else "UTC"
            )
        )
    return f"coalesce({', '.join([*parts, f'cast(null as {DUCKDB_TYPES[kind]})'])})"


def _settle(moment: str, kind: Kind, timezone: str) -> str:
    """A local moment as its day, or in UTC."""
    if kind == "date":
        return f"cast({moment} as date)"
    if timezone == "UTC":
        return moment
    return f"({moment} at time zone {literal(timezone)}) at time zone 'UTC'"


def read_typed(name: str, source_type: str, kind: Kind, timezone: str) -> str | None:
    """The expression that turns a typed column into the kind, None where the types do not fit."""
    value, base = quoted(name), source_type.partition("(")[0]
    if kind in ("date", "at"):
        return _typed_moment(value, base, kind, timezone)
    if kind in ("id", "text"):
        return _typed_text(value, base, kind)
    if kind == "flag":
        if base == "BOOLEAN":
            return value
        return _flag(f"cast({value} as varchar)") if base in _NUMBERS else None
    if base not in _NUMBERS | _FLOATS | {"DECIMAL"}:
        return None
    number = f"cast({value} as double)"
    number = f"case when isfinite({number}) then {number} end" if base in _FLOATS else number
    return _whole(number) if kind == "integer" else number


def loses_nothing(source_type: str, kind: Kind) -> bool:
    """Whether every value of a typed column is read (a float may be no number, or no whole one)."""
    base = source_type.partition("(")[0]
    return (
        base != "VARCHAR"
        and base not in _FLOATS
        and not (kind == "flag" and base in _NUMBERS)
        and not (kind == "integer" and base == "DECIMAL")
    )


def _typed_text(value: str, base: str, kind: Kind) -> str | None:
    if base in _FLOATS:
        return f"cast({_whole(value)} as varchar)" if kind == "id" else f"cast({value} as varchar)"
    if base.endswith("]") or base in {"STRUCT", "MAP", "BLOB"}:
        return None
    return f"cast({value} as varchar)"


def _typed_moment(value: str, base: str, kind: Kind, timezone: str) -> str | None:
    if base == "DATE":
        return value if kind == "date" else f"cast({value} as timestamp)"
    if base == "TIMESTAMP WITH TIME ZONE":
        if kind == "date":
            return f"cast({value} at time zone {literal(timezone)} as date)"
        return f"{value} at time zone 'UTC'"
    if base.startswith("TIMESTAMP"):
        return _settle(f"cast({value} as timestamp)", kind, timezone)
    return None
