"""From the columns of a file to a table with contract types, losing no value in silence."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from kpi_lib.contract import CONTRACT
from kpi_lib.data.config import TableSource
from kpi_lib.data.errors import DataError, Guess, Problem
from kpi_lib.data.files import Files, Relation
from kpi_lib.data.guessing import Readings, TextTable, guess_readings
from kpi_lib.data.reading_sql import (
    DUCKDB_TYPES,
    filled,
    given_text,
    loses_nothing,
    quoted,
    read_text,
    read_typed,
)
from kpi_lib.schema import OPEN_END, Column, TableContract

SCHEMA = "contract"
"""The schema of typed tables, apart from the files, which queries know by their stems."""
_LARGE = 512 << 20
_MONTH_FIRST_CURRENCIES = {"USD"}
_FLOATS = ("DOUBLE", "FLOAT")


@dataclass
class Loaded:
    """One loaded table: its columns at the source, what was guessed, what could not be read.

    `unreadable` names, per column, a small table (row, value, day) of values that were not read.
    """

    name: str
    columns: tuple[str, ...]
    unused: tuple[str, ...]
    guesses: list[Guess] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    unreadable: dict[str, str] = field(default_factory=dict)


def load_table(files: Files, source: TableSource) -> Loaded:
    """Loads one table under its contract name. Raises DataError for a missing file or column."""
    relation = files.relation(source)
    renamed = match_columns(source, relation.columns, relation.label)
    unused = tuple(name for name in relation.columns if name not in renamed.values())
    loaded = Loaded(source.name, tuple(renamed), unused, list(relation.guesses))
    _Loader(files, source, relation, loaded).load(renamed)
    return loaded


def match_columns(source: TableSource, there: tuple[str, ...], label: str) -> dict[str, str]:
    """Our name -> their name for every contract column that is there.

    Raises DataError when a mapped column is not there, a required one is missing, or a query
    gives a column that the contract does not know.
    """
    contract = CONTRACT[source.name]
    lacking = [theirs for theirs in source.columns.values() if theirs not in there]
    if lacking:
        known = ", ".join(there)
        raise DataError(
            *(f"{source.name}: {label} has no column {name!r}; it has {known}" for name in lacking)
        )
    strange = [name for name in there if name not in contract] if source.sql else []
    if strange:
        raise DataError(
            *(
                f"{source.name}.{name}: the query gives a column that is not in the contract"
                for name in strange
            )
        )
    taken = set(source.columns.values())
    renamed = {c.name: c.name for c in contract.columns if c.name in there and c.name not in taken}
    renamed |= source.columns
    missing = [name for name in contract.required if name not in renamed]
    if missing:
        advice = f"required column is missing in {label}; map it under columns, or leave the table out with {source.name}: false"
        raise DataError(*(f"{source.name}.{name}: {advice}" for name in missing))
    return {c.name: renamed[c.name] for c in contract.columns if c.name in renamed}


@dataclass
class _Loader:
    """The steps of loading one table."""

    files: Files
    source: TableSource
    relation: Relation
    loaded: Loaded

    @property
    def name(self) -> str:
        return self.source.name

    @property
    def contract(self) -> TableContract:
        return CONTRACT[self.name]

    @property
    def raw(self) -> str:
        return f"{SCHEMA}.{quoted(f'raw_{self.name}')}"

    def load(self, renamed: Mapping[str, str]) -> None:
        """Raw columns, then typed ones, then what could not be read."""
        form = "view" if self.relation.sql.startswith("read_parquet") else "table"
        chosen = ", ".join(
            f"{quoted(theirs)} as {quoted(ours)}" for ours, theirs in renamed.items()
        )
        self._run(f"create {form} {self.raw} as select {chosen} from {self.relation.sql}")
        types = self._types(renamed)
        readings = self._readings(types)
        read = self._expressions(types, readings)
        large = form == "view" and self.relation.size > _LARGE
        self._create(read, "view" if large else "table")
        doubtful = [name for name in self._doubtful(types, readings) if name in read]
        self._keep_unreadable(doubtful, types, read)
        if not large:
            self._run(f"drop {form} {self.raw}")

    def _run(self, sql: str) -> list[tuple[object, ...]]:
        return self.files.run(sql, self.name).fetchall()

    def _types(self, renamed: Mapping[str, str]) -> dict[str, str]:
        if not self.relation.typed:
            return dict.fromkeys(renamed, "VARCHAR")
        return {str(row[0]): str(row[1]) for row in self._run(f"describe {self.raw}")}

    def _expressions(self, types: Mapping[str, str], readings: Readings) -> dict[str, str]:
        """How each column is read; a column of a type that cannot fit is a problem, and not read."""
        zone, empty = self.files.config.timezone, self.source.csv.empty
        read = {}
        for name, kind in types.items():
            column, reading = self.contract[name], readings.by_column.get(name)
            if reading is not None:
                read[name] = read_text(filled(name, empty), column, reading, zone)
            elif kind == "VARCHAR":
                read[name] = given_text(name, empty)
            elif typed := read_typed(name, kind, column.kind, zone):
                read[name] = typed
            else:
                self._refuse(column, kind)
        return read

    def _doubtful(self, types: Mapping[str, str], readings: Readings) -> list[str]:
        """The columns of which some values may not have been read."""
        plain = {name for name, reading in readings.by_column.items() if reading.plain}
        kept = {
            n
            for n, kind in types.items()
            if kind == "VARCHAR" and self.contract[n].kind in ("id", "text")
        }
        sure = {n for n, kind in types.items() if loses_nothing(kind, self.contract[n].kind)}
        return [name for name in types if name not in plain | kept | sure]

    def _readings(self, types: Mapping[str, str]) -> Readings:
        texts = [self.contract[n] for n, kind in types.items() if kind == "VARCHAR"]
        texts = [column for column in texts if column.kind not in ("id", "text")]
        habit = self.files.config.currency in _MONTH_FIRST_CURRENCIES
        table = TextTable(
            self.name, self.raw, texts, self.source.csv, self.relation.separator, habit
        )
        readings = guess_readings(self.files.connection, table)
        self.loaded.guesses += readings.guesses
        self.loaded.problems += readings.problems
        return readings

    def _refuse(self, column: Column, kind: str) -> None:
        rule = f"must be {column.kind}, is {kind.lower()}"
        todo = "Change it at the source, or cast it under sql"
        self.loaded.problems.append(Problem("error", self.name, column.name, rule, 0, (), todo))

    def _create(self, read: Mapping[str, str], form: str) -> None:
        """The typed table. Columns that the source lacks are there, and null."""
        chosen = ", ".join(
            f"{_stored(c, read.get(c.name))} as {quoted(c.name)}" for c in self.contract.columns
        )
        self._run(f"create {form} {SCHEMA}.{quoted(self.name)} as select {chosen} from {self.raw}")

    def _keep_unreadable(
        self, checked: Sequence[str], types: Mapping[str, str], read: Mapping[str, str]
    ) -> None:
        """Finds values that are there but were not read, by counting both; keeps those rows."""
        if not checked:
            return
        given = {name: self._given(name, types[name]) for name in checked}
        counts = ", ".join(f"count({given[name]}) - count({read[name]})" for name in checked)
        lost = self._run(f"select {counts} from {self.raw}")[0]
        for name, rows in zip(checked, lost, strict=True):
            if rows:
                condition = f"({given[name]}) is not null and ({read[name]}) is null"
                self.loaded.unreadable[name] = self._unreadable_rows(name, condition, read)

    def _given(self, name: str, kind: str) -> str:
        """The expression that is filled where the source holds a value; a float NaN is none."""
        if kind == "VARCHAR":
            return filled(name, self.source.csv.empty)
        if kind in _FLOATS:
            return f"case when isnan({quoted(name)}) then null else {quoted(name)} end"
        return quoted(name)

    def _unreadable_rows(self, name: str, condition: str, read: Mapping[str, str]) -> str:
        table = f"unreadable_{self.name}_{name}"
        key = [n for n in self.contract.key or ("account_id", self.contract.known_on) if n in read]
        label = (
            " || ' ' || ".join(f"coalesce(cast({quoted(n)} as varchar), '')" for n in key) or "''"
        )
        dated = self.contract.known_on
        day = f"cast({read[dated]} as date)" if dated in read else "cast(null as date)"
        self._run(
            f"create table {SCHEMA}.{quoted(table)} as select {label} as row, "
            f"cast({quoted(name)} as varchar) as value, {day} as day from {self.raw} where {condition}"
        )
        return table


def _stored(column: Column, read: str | None) -> str:
    """The expression kept for a column: null where the source lacks it, an open end filled in."""
    value = read or f"cast(null as {DUCKDB_TYPES[column.kind]})"
    if not column.open_ended:
        return value
    return f"coalesce({value}, {DUCKDB_TYPES[column.kind].lower()} '{OPEN_END}')"
