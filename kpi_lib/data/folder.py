"""A folder of CSV and Parquet files, loaded into an in-memory DuckDB with contract types."""

from __future__ import annotations

import hashlib
import os
import re
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import duckdb
import ibis

from kpi_lib.contract import CONTRACT
from kpi_lib.data.config import Config, CsvOptions, TableSource
from kpi_lib.data.errors import DataError, Guess, Problem, one_line
from kpi_lib.data.guessing import Readings, TextTable, guess_readings
from kpi_lib.data.stock import Stock
from kpi_lib.data.reading_sql import DUCKDB_TYPES, filled, literal, quoted, read_text, read_typed
from kpi_lib.data.text_files import SEPARATOR_NAMES, inspect_text
from kpi_lib.schema import OPEN_END, Column

_SUFFIXES = (".csv", ".tsv", ".txt", ".parquet")
_SMALL = 64 << 20
_LARGE = 512 << 20
_MONTH_FIRST_CURRENCIES = {"USD"}


def open_folder(config: Config, root: Path) -> Stock:
    """The tables of a folder, in an in-memory DuckDB of their own."""
    backend = ibis.duckdb.connect()
    folder = Folder(config, root, backend.con)
    loaded = {name: folder.load(source) for name, source in folder.sources().items()}
    if not loaded:
        raise DataError(f"{config.name}: no table found; map files under `tables`, or name them like accounts.csv")
    return Stock(
        tables={name: backend.table(name) for name in loaded},
        present={name: frozenset(one.columns) for name, one in loaded.items()},
        unused={name: one.unread for name, one in loaded.items() if one.unread},
        guesses=tuple(guess for one in loaded.values() for guess in one.guesses),
        problems=tuple(problem for one in loaded.values() for problem in one.problems),
        fingerprint=lambda: folder.fingerprint(),
    )


@dataclass
class Loaded:
    """What came of loading one table: the columns it has, what was guessed, what could not be read."""

    columns: tuple[str, ...]
    guesses: list[Guess] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    unreadable: dict[str, str] = field(default_factory=dict)
    """Column -> condition over the raw table that holds where its value was not read."""
    unread: tuple[str, ...] = ()


class Folder:
    """The files of a folder as tables of an in-memory DuckDB.

    Each table `x` is loaded as `x` with contract types. Where values could not be read, the raw
    texts stay in `raw_x` until `forget_raw` is called.
    """

    def __init__(self, config: Config, root: Path, connection: duckdb.DuckDBPyConnection) -> None:
        self.config = config
        self.root = root
        self.connection = connection
        self.files = sorted(f for f in root.rglob("*") if f.suffix.lower() in _SUFFIXES and f.is_file())
        self.used: set[Path] = set()
        self.scratch = tempfile.TemporaryDirectory(prefix="kpi-")
        self._registered: dict[str, TextFacts] = {}
        self._tune()

    def _tune(self) -> None:
        """Few threads for small data: many notebooks run at once, and sums come out the same."""
        size = sum(file.stat().st_size for file in self.files)
        if size < _SMALL:
            self.connection.execute("set threads = 1")
        self.connection.execute("set TimeZone = 'UTC'")
        self.connection.execute(f"set temp_directory = {literal(self.scratch.name)}")

    def fingerprint(self) -> str:
        """A sha256 over dataset.yaml and the contents of the files that were read."""
        digest = hashlib.sha256(self.config.path.read_bytes())
        for file in sorted(self.used):
            digest.update(str(file.relative_to(self.root)).encode())
            with file.open("rb") as stream:
                digest.update(hashlib.file_digest(stream, "sha256").digest())
        return digest.hexdigest()

    def sources(self) -> dict[str, TableSource]:
        """The tables to load: those mapped, and files named like a contract table."""
        found = dict(self.config.tables)
        for file in self.files:
            name = file.stem.lower()
            if file.parent == self.root and name in CONTRACT and name not in found | dict.fromkeys(self.config.ignored):
                found[name] = TableSource(name, origin=file.name, csv=self.config.csv)
        return {name: found[name] for name in CONTRACT if name in found}

    def load(self, source: TableSource) -> Loaded:
        """Loads one table as `source.name`. Raises DataError for a missing file or column."""
        facts = self._query_facts(source) if source.sql else self._file_facts(source)
        renamed, columns, unread = self._columns(source, facts)
        raw = quoted(f"raw_{source.name}")
        chosen = ", ".join(f"{quoted(theirs)} as {quoted(ours)}" for ours, theirs in renamed.items())
        form = "view" if facts.typed else "table"
        self._execute(f"create temp {form} {raw} as select {chosen} from {facts.relation}", source.name)
        loaded = self._read(source, raw, columns, facts)
        loaded.unread = unread
        if not loaded.unreadable:
            self._drop_raw(source.name, form, facts)
        return loaded

    def _drop_raw(self, name: str, form: str, facts: TextFacts) -> None:
        if not facts.kept:
            self.connection.execute(f"drop {form} {quoted(f'raw_{name}')}")

    def _read(self, source: TableSource, raw: str, columns: Sequence[Column], facts: TextFacts) -> Loaded:
        types = {row[0]: row[1] for row in self.connection.execute(f"describe {raw}").fetchall()}
        texts = [c for c in columns if types[c.name] == "VARCHAR" and c.kind not in ("id", "text")]
        month_first = self.config.currency in _MONTH_FIRST_CURRENCIES
        table = TextTable(source.name, raw, texts, source.csv, facts.separator, month_first)
        readings = guess_readings(self.connection, table)
        loaded = Loaded(tuple(c.name for c in columns), [*facts.guesses, *readings.guesses], readings.problems)
        read = {c.name: self._expression(source, c, types[c.name], readings, loaded) for c in columns}
        self._create(source.name, raw, read, facts)
        self._find_unreadable(source, raw, columns, types, read, loaded)
        return loaded

    def _create(self, name: str, raw: str, read: Mapping[str, str], facts: TextFacts) -> None:
        """The typed table: contract columns that the source lacks are there, and null."""
        chosen = ", ".join(f"{_stored(c, read.get(c.name))} as {quoted(c.name)}" for c in CONTRACT[name].columns)
        facts.kept = facts.typed and facts.size > _LARGE
        form = "temp view" if facts.kept else "table"
        self._execute(f"create {form} {quoted(name)} as select {chosen} from {raw}", name)

    def _expression(
        self, source: TableSource, column: Column, kind: str, readings: Readings, loaded: Loaded
    ) -> str:
        if kind == "VARCHAR":
            text = filled(column.name, source.csv.empty)
            reading = readings.by_column.get(column.name)
            return text if reading is None else read_text(text, column, reading, self.config.timezone)
        read = read_typed(column.name, kind, column.kind, self.config.timezone)
        if read is None:
            todo = "Change it at the source, or cast it under `sql:`"
            rule = f"must be {column.kind}, is {kind.lower()}"
            loaded.problems.append(Problem("error", source.name, column.name, rule, 0, (), todo))
            return f"cast(null as {DUCKDB_TYPES[column.kind]})"
        return read

    def _find_unreadable(
        self, source: TableSource, raw: str, columns: Sequence[Column], types: Mapping[str, str],
        read: Mapping[str, str], loaded: Loaded,
    ) -> None:  # fmt: skip
        """Counts values that are there but were not read, by comparing raw and typed columns."""
        wrong = {problem.column for problem in loaded.problems if problem.rule.startswith("must be")}
        given = {c.name: _given(c.name, types[c.name], source.csv) for c in columns if c.name not in wrong}
        if not given:
            return
        lasting = [f"count({given[c]})" + (f" - count({read[c]})" if CONTRACT[source.name][c].open_ended else "") for c in given]
        stored = ["0" if CONTRACT[source.name][c].open_ended else f"count({quoted(c)})" for c in given]
        before = self.connection.execute(f"select {', '.join(lasting)} from {raw}").fetchone()
        after = self.connection.execute(f"select {', '.join(stored)} from {quoted(source.name)}").fetchone()
        for (name, value), was, now in zip(given.items(), before or (), after or (), strict=True):
            if was != now:
                loaded.unreadable[name] = f"{value} is not null and ({read[name]}) is null"

    def _columns(
        self, source: TableSource, facts: TextFacts
    ) -> tuple[dict[str, str], list[Column], tuple[str, ...]]:
        """Our name -> their name of every column found; the contract columns; names not used."""
        contract = CONTRACT[source.name]
        lacking = [theirs for theirs in source.columns.values() if theirs not in facts.columns]
        if lacking:
            raise DataError(*(f"{source.name}: {facts.label} has no column {name!r}; it has {', '.join(facts.columns)}" for name in lacking))
        renamed = {c.name: source.columns.get(c.name, c.name) for c in contract.columns}
        taken = set(source.columns.values())
        renamed = {ours: theirs for ours, theirs in renamed.items() if theirs in facts.columns and (ours in source.columns or theirs not in taken)}
        missing = [name for name in contract.required if name not in renamed]
        if missing:
            raise DataError(*(f"{source.name}.{name}: required column is missing in {facts.label}; map it under columns or leave the table out" for name in missing))
        unread = tuple(name for name in facts.columns if name not in renamed.values())
        return renamed, [contract[name] for name in renamed], unread

    def _file_facts(self, source: TableSource) -> TextFacts:
        name = source.origin or source.name
        matches = sorted(self.root.glob(name)) if any(c in name for c in "*?[") else [self.root / name]
        if not source.origin:
            matches = [f for f in self.files if f.stem.lower() == name and f.parent == self.root]
        matches = [file for file in matches if file.is_file()]
        if not matches:
            raise DataError(f"{source.name}: no file {name} in the folder of the data set")
        if len(matches) > 1 and not source.origin:
            raise DataError(f"{source.name}: {' and '.join(f.name for f in matches)} both hold it; name one under tables")
        return self._merge([self._facts(file, source.csv, source.name) for file in matches])

    def _merge(self, parts: Sequence[TextFacts]) -> TextFacts:
        """Several files of one pattern, read one under the other; columns are matched by name."""
        if len(parts) == 1:
            return parts[0]
        union = " union all by name ".join(f"select * from {part.relation}" for part in parts)
        columns = tuple(dict.fromkeys(name for part in parts for name in part.columns))
        return TextFacts(
            f"({union})", columns, parts[0].label, all(part.typed for part in parts),
            [guess for part in parts for guess in part.guesses], parts[0].separator,
            sum(part.size for part in parts),
        )  # fmt: skip

    def _query_facts(self, source: TableSource) -> TextFacts:
        """The result of a query over files, each of which is a view called by its stem."""
        guesses: list[Guess] = []
        for file in self.files:
            if re.search(rf"\b{re.escape(file.stem)}\b", source.sql, re.IGNORECASE):
                guesses += self._view(file, source.csv, source.name).guesses
        relation = f"({source.sql.strip().rstrip(';')})"
        described = self._execute(f"describe select * from {relation}", source.name).fetchall()
        return TextFacts(relation, tuple(row[0] for row in described), "the query", False, guesses)

    def _view(self, file: Path, options: CsvOptions, table: str) -> TextFacts:
        known = self._registered.get(file.stem)
        if known is None:
            known = self._facts(file, options, table)
            self._execute(f"create temp view {quoted(file.stem)} as select * from {known.relation}", table)
            self._registered[file.stem] = known
        return known

    def _facts(self, file: Path, options: CsvOptions, table: str) -> TextFacts:
        self.used.add(file)
        size = file.stat().st_size
        if file.suffix.lower() == ".parquet":
            relation = f"read_parquet({literal(str(file))})"
            described = self._execute(f"describe select * from {relation}", table).fetchall()
            return TextFacts(relation, tuple(row[0] for row in described), file.name, True, size=size)
        text = inspect_text(file, options, Path(self.scratch.name))
        columns = ", ".join(f"{literal(name)}: 'VARCHAR'" for name in text.columns)
        relation = (
            f"read_csv({literal(str(text.path))}, auto_detect = false, header = true, delim = {literal(text.separator)}, "
            f"quote = '\"', escape = '\"', columns = {{{columns}}}, max_line_size = 16777216)"
        )
        guesses = [Guess(table, "", f"encoding of {file.name}", text.encoding, text.sure)]
        guesses.append(Guess(table, "", f"separator of {file.name}", SEPARATOR_NAMES.get(text.separator, text.separator)))
        return TextFacts(relation, text.columns, file.name, False, guesses, text.separator, size)

    def _execute(self, sql: str, table: str) -> duckdb.DuckDBPyConnection:
        try:
            return self.connection.execute(sql)
        except duckdb.Error as problem:
            raise DataError(f"{table}: {_plain_words(str(problem))}") from None


@dataclass
class TextFacts:
    """A relation of DuckDB over files or a query: its columns, and how it came about."""

    relation: str
    columns: tuple[str, ...]
    label: str
    typed: bool
    guesses: list[Guess] = field(default_factory=list)
    separator: str = ","
    size: int = 0
    kept: bool = False


def _stored(column: Column, read: str | None) -> str:
    """The expression kept for a column: null where the source lacks it, an open end filled in."""
    value = read or f"cast(null as {DUCKDB_TYPES[column.kind]})"
    if not column.open_ended:
        return value
    return f"coalesce({value}, {'timestamp' if column.kind == 'at' else 'date'} '{OPEN_END}')"


def _given(name: str, kind: str, options: CsvOptions) -> str:
    """The expression that is filled where the source holds a value; a float NaN is none."""
    if kind == "VARCHAR":
        return f"({filled(name, options.empty)})"
    if kind in ("DOUBLE", "FLOAT"):
        return f"(case when isnan({quoted(name)}) then null else {quoted(name)} end)"
    return quoted(name)


def _plain_words(message: str) -> str:
    """The part of a DuckDB message that helps: the line of the file and what is wrong there."""
    if match := re.search(r"CSV Error on Line: (\d+)", message):
        cause = re.search(r"^(Expected Number.*|Value with unterminated quote.*|Error when .*|.*found\.)$", message, re.MULTILINE)
        name = re.search(r"file[ =]+\"?([^\"\n]+?)\"?$", message, re.MULTILINE)
        where = f"{os.path.basename(name[1])} " if name else ""
        return f"{where}line {match[1]} cannot be read: {cause[1] if cause else 'wrong number of fields or quotes'}"
    return one_line(message.split("\n\n")[0])
