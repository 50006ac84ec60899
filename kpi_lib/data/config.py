"""Reading dataset.yaml: which keys it may hold, and sources with secrets from the environment."""

from __future__ import annotations

import codecs
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import yaml

from kpi_lib.contract import CONTRACT
from kpi_lib.data.errors import DataError

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
PROJECT = Path(__file__).resolve().parents[2]
_KEYS = {
    "name", "source", "currency", "timezone", "quarter_starts_in", "tables",
    "notes", "leave_out", "csv", "as_of",
}  # fmt: skip
VARIABLE = re.compile(r"\$\{(\w+)\}")
"""A variable of the environment, as a source names it."""
_TABLE_KEYS = {"from", "columns", "sql", "csv"}
_CSV_KEYS = {"encoding", "separator", "decimal", "dates", "empty"}


@dataclass(frozen=True)
class CsvOptions:
    """What the reader need not guess. `dates`: "day first" or "month first"; `empty`: texts that mean no value."""

    encoding: str = ""
    separator: str = ""
    decimal: str = ""
    dates: str = ""
    empty: tuple[str, ...] = ()


@dataclass(frozen=True)
class TableSource:
    """Where one table comes from: a file or table with renamed columns, or a query."""

    name: str
    origin: str = ""
    columns: Mapping[str, str] = field(default_factory=dict)
    sql: str = ""
    csv: CsvOptions = field(default_factory=CsvOptions)


@dataclass(frozen=True)
class Config:
    """The content of a dataset.yaml, checked, with `source` as written (secrets not filled in)."""

    path: Path
    name: str
    source: str
    currency: str = ""
    timezone: str = "UTC"
    quarter_starts_in: int = 1
    as_of: date | None = None
    notes: tuple[str, ...] = ()
    leave_out: Mapping[str, str] = field(default_factory=dict)
    tables: Mapping[str, TableSource] = field(default_factory=dict)
    ignored: frozenset[str] = frozenset()
    csv: CsvOptions = field(default_factory=CsvOptions)

    @property
    def secret_variables(self) -> tuple[str, ...]:
        """The variables of the environment that are the password in `source`, or all of it."""
        whole = VARIABLE.fullmatch(self.source) is not None
        return tuple(
            found[1]
            for found in VARIABLE.finditer(self.source)
            if whole or is_password(self.source[: found.start()], self.source[found.end() :])
        )


def is_password(before: str, after: str) -> bool:
    """Whether what stands between two parts of a URL is its password: after the user, before the @."""
    start = before.partition("://")[2]
    return ":" in start and "@" not in start and after.startswith("@")


def read_config(path: str | Path) -> Config:
    """The checked content of a dataset.yaml, or of the one in a folder.

    A relative path is looked for where the program runs, then in the project.
    Raises DataError naming the file and what is wrong in it.
    """
    file = _find(Path(path))
    raw, where = _load(file), _shown(file)
    _refuse_unknown(raw, _KEYS, where)
    for key in ("name", "source"):
        if not isinstance(raw.get(key), str) or not raw[key].strip():
            raise DataError(f"{where}: `{key}` is missing; write it as text")
    csv = _csv(raw.get("csv") or {}, where)
    tables, ignored = _tables(raw.get("tables") or {}, csv, where)
    return Config(
        path=file,
        name=raw["name"],
        source=raw["source"].strip(),
        currency=str(raw.get("currency") or ""),
        timezone=_timezone(raw.get("timezone", "UTC"), where),
        quarter_starts_in=_month(raw.get("quarter_starts_in", 1), where),
        as_of=read_day(raw["as_of"], f"{where}: as_of") if raw.get("as_of") else None,
        notes=_sentences(raw.get("notes") or [], where),
        leave_out=_reasons(raw.get("leave_out") or {}, where),
        tables=tables,
        ignored=ignored,
        csv=csv,
    )


def _tables(
    given: object, csv: CsvOptions, where: str
) -> tuple[dict[str, TableSource], frozenset[str]]:
    """Where each table comes from, and the tables to be left out."""
    if not isinstance(given, dict):
        raise DataError(f"{where}: `tables` must map table names to their source")
    _refuse_unknown(given, set(CONTRACT), where, "table")
    wanted = {name: entry for name, entry in given.items() if entry is not False}
    read = {name: _table(name, entry, csv, where) for name, entry in wanted.items()}
    return read, frozenset(set(given) - set(wanted))


def read_day(value: object, where: str = "as_of") -> date:
    """The value as a calendar day. Raises DataError when it is not one."""
    if isinstance(value, datetime):
        return value.date()
    if isinstance(value, date):
        return value
    try:
        return date.fromisoformat(str(value))
    except ValueError:
        raise DataError(f"{where}: {value!r} is not a day; write it as 2026-06-30") from None


def _shown(file: Path) -> str:
    """A file as messages name it: its folder and name, not the whole path of the machine."""
    return f"{file.parent.name}/{file.name}"


def _find(path: Path) -> Path:
    for candidate in (path, PROJECT / path):
        if candidate.is_dir():
            candidate = candidate / "dataset.yaml"
        if candidate.is_file():
            return candidate.resolve()
    raise DataError(f"{path}: no such data set; give a folder with a dataset.yaml, or that file")


def _load(file: Path) -> dict[str, Any]:
    try:
        raw = yaml.load(file.read_text(encoding="utf-8-sig"), _LOADER)
    except UnicodeDecodeError:
        raise DataError(f"{_shown(file)}: not readable as UTF-8 text") from None
    except yaml.YAMLError as problem:
        mark = getattr(problem, "problem_mark", None)
        line = f" at line {mark.line + 1}" if mark else ""
        raise DataError(
            f"{_shown(file)}: not valid YAML{line}: {getattr(problem, 'problem', '')}"
        ) from None
    except ValueError as problem:
        raise DataError(f"{_shown(file)}: a date in it is not a day: {problem}") from None
    _demand(isinstance(raw, dict), _shown(file), "must hold keys such as name and source")
    return dict(raw)


def _demand(holds: bool, where: str, what: str) -> None:
    if not holds:
        raise DataError(f"{where}: {what}")


def _refuse_unknown(
    given: Mapping[Any, Any], known: set[str], where: str, kind: str = "key"
) -> None:
    strange = [str(name) for name in given if name not in known]
    if strange:
        raise DataError(
            *(
                f"{where}: unknown {kind} `{name}`; known: {', '.join(sorted(known))}"
                for name in strange
            )
        )


def _timezone(value: object, where: str) -> str:
    try:
        return str(ZoneInfo(str(value)))
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise DataError(
            f"{where}: timezone {value!r} is unknown; write it as Europe/Paris"
        ) from None


def _month(value: object, where: str) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= 12:
        raise DataError(f"{where}: quarter_starts_in must be a month number from 1 to 12")
    return value


def _sentences(value: object, where: str) -> tuple[str, ...]:
    items = [value] if isinstance(value, str) else value
    if not isinstance(items, list) or not all(isinstance(item, str) for item in items):
        raise DataError(f"{where}: notes must be a list of sentences")
    return tuple(" ".join(item.split()) for item in items)


def _reasons(value: object, where: str) -> dict[str, str]:
    if not isinstance(value, dict) or not all(isinstance(reason, str) for reason in value.values()):
        raise DataError(f"{where}: leave_out must map a KPI name to the reason")
    return {str(name): " ".join(reason.split()) for name, reason in value.items()}


def _csv(raw: object, where: str) -> CsvOptions:
    if not isinstance(raw, dict):
        raise DataError(f"{where}: csv must hold options such as separator")
    _refuse_unknown(raw, _CSV_KEYS, where, "csv option")
    dates, decimal = raw.get("dates", ""), raw.get("decimal", "")
    _demand(
        dates in ("", "day first", "month first"),
        where,
        "csv.dates must be `day first` or `month first`",
    )
    _demand(decimal in ("", ",", "."), where, "csv.decimal must be `,` or `.`")
    return CsvOptions(
        encoding=_encoding(raw.get("encoding", ""), where),
        separator=_separator(raw.get("separator", ""), where),
        decimal=decimal,
        dates=dates,
        empty=_texts(raw.get("empty") or [], where),
    )


def _encoding(value: object, where: str) -> str:
    if value == "":
        return ""
    try:
        codecs.lookup(str(value))
    except (LookupError, ValueError):
        raise DataError(
            f"{where}: csv.encoding {value!r} is unknown; write it as utf-8 or cp1252"
        ) from None
    return str(value)


def _separator(value: object, where: str) -> str:
    """One character, or a tab by its name; never one that a value or a quoted text is made of."""
    named = {"tab": "\t", "\\t": "\t"}.get(str(value), value)
    fits = isinstance(named, str) and len(named) <= 1 and not re.fullmatch(r'[\w"\r\n\0]', named)
    _demand(fits, where, "csv.separator must be one character such as `;`, or `tab`")
    return str(named)


def _texts(value: object, where: str) -> tuple[str, ...]:
    _demand(isinstance(value, list), where, "csv.empty must be a list of texts that mean no value")
    return tuple(str(text) for text in value) if isinstance(value, list) else ()


def _table(name: str, entry: object, csv: CsvOptions, where: str) -> TableSource:
    place = f"{where}: tables.{name}"
    if entry is None:
        return TableSource(name, csv=csv)
    if isinstance(entry, str):
        return TableSource(name, origin=entry, csv=csv)
    if not isinstance(entry, dict):
        raise DataError(f"{place}: must be a file name, or hold from, columns or sql")
    _refuse_unknown(entry, _TABLE_KEYS, place)
    _demand(
        not ("sql" in entry and ("from" in entry or "columns" in entry)),
        place,
        "give sql, or from and columns, not both",
    )
    columns = entry.get("columns") or {}
    _demand(
        isinstance(columns, dict), place, "columns must map our names to the names at the source"
    )
    _refuse_unknown(columns, set(CONTRACT[name].by_name), place, "column")
    own = _csv(entry["csv"], place) if "csv" in entry else csv
    renamed = {str(ours): str(theirs) for ours, theirs in columns.items()}
    return TableSource(
        name, str(entry.get("from") or ""), renamed, str(entry.get("sql") or ""), own
    )
