"""A database or a DuckDB file: its tables in contract terms, computed where they are."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field

import ibis
import ibis.expr.datatypes as dt
import ibis.expr.types as ir

from kpi_lib.contract import CONTRACT
from kpi_lib.data.config import Config, TableSource
from kpi_lib.data.errors import DataError, Problem, Secrets
from kpi_lib.data.known import unknown
from kpi_lib.data.source import Place
from kpi_lib.data.stock import Stock
from kpi_lib.data.typed import match_columns
from kpi_lib.engine import run
from kpi_lib.schema import Column

_SMALL = 64 << 20
_ZONE_AWARE = ("duckdb", "postgres")


_MOMENT, _LOCAL = dt.Timestamp(timezone="UTC"), dt.Timestamp()


def _timezone(zone: str, moment: object) -> None:
    """The function of that name of DuckDB and Postgres: a moment as local time, or the reverse."""


_to_local = ibis.udf.scalar.builtin(
    _timezone, name="timezone", signature=((dt.string, _MOMENT), _LOCAL)
)
_from_local = ibis.udf.scalar.builtin(
    _timezone, name="timezone", signature=((dt.string, _LOCAL), _MOMENT)
)


def open_database(config: Config, place: Place, secrets: Secrets) -> Stock:
    """The tables of a database. Raises DataError, without secrets, where it cannot be reached."""
    with secrets.guard(f"{config.name}: cannot open the source"):
        backend = _connect(place)
        found = [_load(config, backend, source) for source in _sources(config, backend)]
    if not found:
        raise DataError(f"{config.name}: no table found; map tables of the source under tables")
    stock = Stock(
        tables={one.name: one.table for one in found},
        present={one.name: frozenset(one.columns) for one in found},
        unused={one.name: one.unused for one in found if one.unused},
        problems=tuple(problem for one in found for problem in one.problems),
        fingerprint=lambda: _fingerprint(config, found),
    )
    return stock


def _connect(place: Place) -> ibis.BaseBackend:
    if place.path is not None:
        backend = ibis.duckdb.connect(str(place.path), read_only=True)
        if place.path.stat().st_size < _SMALL:
            backend.con.execute("set threads = 1")
        backend.con.execute("set TimeZone = 'UTC'")
        backend.con.execute("set enable_progress_bar = false")
        return backend
    known = {point.name for point in ibis.util.backend_entry_points()} | {"postgresql"}
    if place.scheme not in known:
        raise DataError(
            f"source: unknown kind {place.scheme}://; known: {', '.join(sorted(known))}"
        )
    backend = ibis.connect(place.url)
    if backend.name == "postgres":
        backend.raw_sql("set TimeZone = 'UTC'").close()
    return backend


def _sources(config: Config, backend: ibis.BaseBackend) -> list[TableSource]:
    """The tables mapped, and those of the source that are named like a contract table."""
    found = dict(config.tables)
    for name in backend.list_tables():
        if name.lower() in CONTRACT and name.lower() not in config.ignored:
            found.setdefault(name.lower(), TableSource(name.lower(), origin=name))
    return [found[name] for name in CONTRACT if name in found]


@dataclass
class _Found:
    """A table of the source in contract terms."""

    name: str
    table: ir.Table
    columns: tuple[str, ...]
    unused: tuple[str, ...]
    problems: list[Problem] = field(default_factory=list)


def _load(config: Config, backend: ibis.BaseBackend, source: TableSource) -> _Found:
    there = _original(backend, source)
    label = "the query" if source.sql else (source.origin or source.name)
    renamed = match_columns(source, tuple(there.columns), label)
    unused = tuple(name for name in there.columns if name not in renamed.values())
    found = _Found(source.name, there, tuple(renamed), unused)
    chosen = {}
    for column in CONTRACT[source.name].columns:
        theirs = renamed.get(column.name)
        chosen[column.name] = _convert(
            there[theirs] if theirs else None, column, config, backend.name, found
        )
    found.table = there.select(**chosen)
    return found


def _original(backend: ibis.BaseBackend, source: TableSource) -> ir.Table:
    if source.sql:
        return backend.sql(source.sql.strip().rstrip(";"))
    schema, _, name = (source.origin or source.name).rpartition(".")
    return backend.table(name, database=schema or None)


def _convert(
    value: ir.Value | None, column: Column, config: Config, engine: str, found: _Found
) -> ir.Value:
    """The value with the contract's type; null, and a problem, where the types do not fit."""
    read = None
    if value is not None:
        read = _typed(value, column, config.timezone, engine)
        if read is None:
            todo = "Change it at the source, or cast it under sql"
            rule = f"must be {column.kind}, is {value.type()}"
            found.problems.append(Problem("error", found.name, column.name, rule, 0, (), todo))
    if read is None:
        read = ibis.null(column.engine_type)
    return read.fill_null(unknown(column)) if column.open_ended else read


def _typed(value: ir.Value, column: Column, zone: str, engine: str) -> ir.Value | None:
    kind = value.type()
    if column.kind in ("id", "text"):
        return _text(value, column)
    if column.kind in ("date", "at"):
        return _moment(value, column, zone, engine)
    if column.kind == "flag":
        return value.cast("boolean") if kind.is_boolean() or kind.is_integer() else None
    if column.kind == "integer":
        whole = kind.is_integer() or (kind.is_decimal() and kind.scale == 0)
        return value.cast("int64") if whole else None
    return value.cast("float64") if kind.is_numeric() and not kind.is_boolean() else None


def _text(value: ir.Value, column: Column) -> ir.Value | None:
    kind = value.type()
    if kind.is_string():
        return value
    if kind.is_floating() or kind.is_nested() or kind.is_binary():
        return None
    if kind.is_decimal():
        return value.cast("int64").cast("string") if kind.scale == 0 else None
    return value.cast("string")


def _moment(value: ir.Value, column: Column, zone: str, engine: str) -> ir.Value | None:
    """A calendar day in the time zone of the data set, or a moment in UTC without a zone."""
    kind = value.type()
    if kind.is_date():
        return value if column.kind == "date" else value.cast("timestamp")
    if not kind.is_timestamp():
        return None
    local = "UTC" if column.kind == "at" else zone
    if kind.timezone is not None:
        value = value.cast("timestamp") if local == "UTC" else _to_local(local, value)
    elif column.kind == "at" and zone != "UTC":
        if engine not in _ZONE_AWARE:
            raise DataError(
                f"{column.name}: moments without a zone cannot be turned from {zone} into UTC on {engine}; convert them under sql and set timezone: UTC"
            )
        value = _to_local("UTC", _from_local(zone, value))
    return value.date() if column.kind == "date" else value.cast("timestamp")


def _fingerprint(config: Config, found: list[_Found]) -> str:
    """A sha256 over dataset.yaml and, per table, its number of rows and its newest dates."""
    digest = hashlib.sha256(config.path.read_bytes())
    for one in found:
        dates = [c.name for c in CONTRACT[one.name].columns if c.kind in ("date", "at")]
        newest = {name: one.table[name].max() for name in dates if name in one.columns}
        row = run(one.table.aggregate(rows=one.table.count(), **newest)).iloc[0]
        digest.update(f"{one.name} {row.to_dict()}".encode())
    return digest.hexdigest()
