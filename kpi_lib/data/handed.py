"""Typed tables handed from one process to the next, so that a run reads and checks its files once.

A review opens a data set once for its plan and once in the kernel of each notebook. While the
environment variable `KPI_HANDED` names a folder, whoever opens small files first leaves the typed
tables there, and the others attach them; what the checks found of files of any size goes the same way. A file that has changed since is read again. The folder
belongs to one run, which makes and removes it.
"""

from __future__ import annotations

import hashlib
import os
import pickle
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TypeVar, cast

import duckdb

from kpi_lib.caching import keep
from kpi_lib.data.files import Files
from kpi_lib.data.reading_sql import literal, quoted
from kpi_lib.data.typed import SCHEMA, Loaded

T = TypeVar("T")

FOLDER = "KPI_HANDED"
_SMALL = 64 << 20
"""Bytes of files up to which copying the tables costs less than reading the files again."""


@contextmanager
def handing_over() -> Iterator[None]:
    """While open, this process and those it starts read the same files once."""
    before = os.environ.get(FOLDER)
    with TemporaryDirectory(prefix="kpi-handed-", ignore_cleanup_errors=True) as folder:
        os.environ[FOLDER] = folder
        try:
            yield
        finally:
            os.environ.pop(FOLDER, None)
            if before is not None:
                os.environ[FOLDER] = before


def take(files: Files) -> list[Loaded] | None:
    """The tables that another process has left of the same files; None where there are none."""
    tables, notes = _places(files)
    if tables is None or not notes.is_file():
        return None
    loaded, used = pickle.loads(notes.read_bytes())
    files.use(files.root / name for name in used)
    connection = files.connection
    connection.execute(f"attach {literal(str(tables))} as handed (read_only)")
    for name in _names(loaded):
        place = f"{SCHEMA}.{quoted(name)}"
        connection.execute(f"create view {place} as from handed.{place}")
    return list(loaded)


def leave(files: Files, loaded: Sequence[Loaded]) -> None:
    """Leave the tables for the next process, whole or not at all."""
    tables, notes = _places(files)
    if tables is None or notes.is_file():
        return
    with suppress(OSError, duckdb.Error):  # the next process reads the files itself
        mine = tables.with_suffix(f".{os.getpid()}")
        _copy(files.connection, mine, _names(loaded))
        mine.replace(tables)
        mine.write_bytes(pickle.dumps((list(loaded), files.used)))
        mine.replace(notes)


def once(place: Path | None, asked: object, find: Callable[[], T]) -> T:
    """What another process has found out about the same files, else what `find` gives, left for others.

    `place` is what `place_of` says of the files; `asked` tells the questions about them apart.
    """
    if place is None:
        return find()
    file = place.with_name(f"{place.name}-{_hash(asked)}.found")
    with suppress(OSError):
        return cast(T, pickle.loads(file.read_bytes()))
    found = find()
    keep(file, pickle.dumps(found))
    return found


def _copy(connection: duckdb.DuckDBPyConnection, target: Path, names: Iterable[str]) -> None:
    connection.execute(f"attach {literal(str(target))} as handed")
    try:
        connection.execute(f"create schema handed.{SCHEMA}")
        for name in names:
            place = f"{SCHEMA}.{quoted(name)}"
            connection.execute(f"create table handed.{place} as from memory.{place}")
    finally:
        connection.execute("detach handed")


def _names(loaded: Iterable[Loaded]) -> Iterator[str]:
    for one in loaded:
        yield from (one.name, *one.unreadable.values())


def _places(files: Files) -> tuple[Path | None, Path]:
    """The database and the notes for just these files, None where tables are not handed over."""
    place = place_of(files)
    if place is None or sum(file.stat().st_size for file in _read(files)) > _SMALL:
        return None, Path()
    return place.with_suffix(".duckdb"), place.with_suffix(".pickle")


def place_of(files: Files) -> Path | None:
    """A place of just these files as they are now, None while nothing is handed over."""
    folder = os.environ.get(FOLDER, "")
    if not folder or not Path(folder).is_dir():
        return None
    return Path(folder) / _hash(state_of(files))


def state_of(files: Files) -> list[tuple[str, int, int, int]]:
    """Path, size, time of change and number of each file; differs once one of them is written."""
    found = [(file, file.stat()) for file in _read(files) if file.exists()]
    return [(str(file.resolve()), s.st_size, s.st_mtime_ns, s.st_ino) for file, s in found]


def _read(files: Files) -> tuple[Path, ...]:
    return (files.config.path, *files.all)


def _hash(told: object) -> str:
    return hashlib.sha256(repr(told).encode()).hexdigest()[:16]
