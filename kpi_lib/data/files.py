"""The files of a folder as relations of DuckDB: CSV as text, Parquet with its own types."""

from __future__ import annotations

import hashlib
import re
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import duckdb

from kpi_lib.data.config import Config, CsvOptions, TableSource
from kpi_lib.data.errors import DataError, Guess, one_line
from kpi_lib.data.reading_sql import literal, quoted
from kpi_lib.data.text_files import SEPARATOR_NAMES, inspect_text

SUFFIXES = (".csv", ".tsv", ".txt", ".parquet")
_SMALL = 64 << 20
_ONE_THREAD = 16 << 20
_QUICKLY_READ = 8 << 20
"""At twice that, computing all that has a name gains nothing over views any more (measured)."""


@dataclass(frozen=True)
class Relation:
    """Something DuckDB can select from. `typed` is False where every column is text."""

    sql: str
    columns: tuple[str, ...]
    label: str
    typed: bool
    guesses: tuple[Guess, ...] = ()
    separator: str = ","
    size: int = 0


class Files:
    """The files below a folder, and a DuckDB connection that reads them."""

    def __init__(self, config: Config, root: Path, connection: duckdb.DuckDBPyConnection) -> None:
        self.config = config
        self.root = root
        self.connection = connection
        self.all = sorted(
            f for f in root.rglob("*") if f.suffix.lower() in SUFFIXES and f.is_file()
        )
        self._used: set[Path] = set()
        self._views: dict[str, Relation] = {}
        self._scratch = tempfile.TemporaryDirectory(prefix="kpi-")
        self._tune()

    def _tune(self) -> None:
        """One thread for small data: many notebooks run at once, and sums come out the same."""
        if self.size < _ONE_THREAD:
            self.connection.execute("set threads = 1")
        self.connection.execute(
            f"set TimeZone = 'UTC'; set temp_directory = {literal(self._scratch.name)}"
        )

    @property
    def size(self) -> int:
        """Bytes of all files."""
        return sum(file.stat().st_size for file in self.all)

    @property
    def are_small(self) -> bool:
        """Whether a query over the files is planned for longer than it runs."""
        return self.size < _QUICKLY_READ

    @property
    def used(self) -> list[str]:
        """The files that were read, relative to the folder."""
        return sorted(str(file.relative_to(self.root)) for file in self._used)

    def use(self, files: Iterable[Path]) -> None:
        """Count files as read."""
        self._used.update(files)

    def fingerprint(self) -> str:
        """A sha256 over dataset.yaml and the contents of the files that were read."""
        digest = hashlib.sha256(self.config.path.read_bytes())
        for file in sorted(self._used):
            digest.update(str(file.relative_to(self.root)).encode())
            with file.open("rb") as stream:
                digest.update(hashlib.file_digest(stream, "sha256").digest())
        return digest.hexdigest()

    def relation(self, source: TableSource) -> Relation:
        """What the source of a table stands for. Raises DataError where nothing is there."""
        if source.sql:
            return self._query(source)
        found = [self._file(file, source.csv, source.name) for file in self._matching(source)]
        return found[0] if len(found) == 1 else _stacked(found)

    def _matching(self, source: TableSource) -> list[Path]:
        """The files of a table: one, or all that fit the pattern written for it."""
        if not source.origin:
            found = [f for f in self.all if f.parent == self.root and f.stem.lower() == source.name]
            if len(found) > 1:
                names = " and ".join(file.name for file in found)
                raise DataError(f"{source.name}: {names} both hold it; name one under tables")
        else:
            pattern = any(mark in source.origin for mark in "*?[")
            found = (
                sorted(self.root.glob(source.origin)) if pattern else [self.root / source.origin]
            )
            found = [file for file in found if file.is_file()]
        if not found:
            wanted = source.origin or f"{source.name}.csv or {source.name}.parquet"
            raise DataError(f"{source.name}: no file {wanted} in the folder of the source")
        return found

    def _query(self, source: TableSource) -> Relation:
        """A query over files, each of which is there under its stem; CSV columns are text."""
        guesses: list[Guess] = []
        for file in self.all:
            if re.search(rf"\b{re.escape(file.stem)}\b", source.sql, re.IGNORECASE):
                guesses += self._view(file, source).guesses
        sql = f"({source.sql.strip().rstrip(';')})"
        return Relation(sql, self._columns(sql, source.name), "the query", True, tuple(guesses))

    def _view(self, file: Path, source: TableSource) -> Relation:
        """The file as a view, or as a table where it is small enough to be kept."""
        if file.stem not in self._views:
            found = self._file(file, source.csv, source.name)
            form = "table" if found.size < _SMALL else "view"
            self.run(
                f"create temp {form} {quoted(file.stem)} as select * from {found.sql}", source.name
            )
            self._views[file.stem] = found
            return found
        return replace(self._views[file.stem], guesses=())

    def _columns(self, sql: str, table: str) -> tuple[str, ...]:
        return tuple(row[0] for row in self.run(f"describe select * from {sql}", table).fetchall())

    def _file(self, file: Path, options: CsvOptions, table: str) -> Relation:
        self._used.add(file)
        size = file.stat().st_size
        if file.suffix.lower() == ".parquet":
            sql = f"read_parquet({literal(str(file))})"
            return Relation(sql, self._columns(sql, table), file.name, True, size=size)
        text = inspect_text(file, options, Path(self._scratch.name))
        columns = ", ".join(f"{literal(name)}: 'VARCHAR'" for name in text.columns)
        sql = (
            f"read_csv({literal(str(text.path))}, auto_detect = false, header = true, "
            f"delim = {literal(text.separator)}, quote = '\"', escape = '\"', "
            f"columns = {{{columns}}}, max_line_size = 16777216)"
        )
        named = SEPARATOR_NAMES.get(text.separator, text.separator)
        guesses = (
            Guess(table, "", f"encoding of {file.name}", text.encoding, text.sure),
            Guess(table, "", f"separator of {file.name}", named),
        )
        return Relation(sql, text.columns, file.name, False, guesses, text.separator, size)

    def run(self, sql: str, table: str) -> duckdb.DuckDBPyConnection:
        """The result of a statement. Raises DataError in one line, naming the table."""
        try:
            return self.connection.execute(sql)
        except duckdb.Error as problem:
            raise DataError(f"{table}: {_plain_words(str(problem))}") from None


def _stacked(parts: Sequence[Relation]) -> Relation:
    """Several files read one under the other; columns are matched by name."""
    sql = " union all by name ".join(f"select * from {part.sql}" for part in parts)
    return replace(
        parts[0],
        sql=f"({sql})",
        columns=tuple(dict.fromkeys(name for part in parts for name in part.columns)),
        guesses=tuple(guess for part in parts for guess in part.guesses),
        typed=any(part.typed for part in parts),
        size=sum(part.size for part in parts),
    )


def _plain_words(message: str) -> str:
    """The part of a DuckDB message that helps: the line of the file and what is wrong there."""
    if line := re.search(r"CSV Error on Line: (\d+)", message):
        cause = re.search(
            r"^(Expected Number.*|Value with unterminated quote.*)$", message, re.MULTILINE
        )
        name = re.search(r"([^/\\\"'\s]+\.(?:csv|tsv|txt))", message)
        place = f"{name[1]} line {line[1]}" if name else f"line {line[1]}"
        return (
            f"{place} cannot be read: {cause[1] if cause else 'wrong number of fields or quotes'}"
        )
    return one_line(message.split("\n\n")[0])
