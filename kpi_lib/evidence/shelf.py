"""The folder in which what was found is kept, under a hash of all that makes it.

While the environment variable `KPI_JUDGED` names a folder, whoever finds something first leaves it there.
It stands under a hash of the files of the data set as they were opened, what was asked, this package's
code, and the libraries that compute. Without the variable, for databases (whose rows nobody can pin
down), and while code or files are being edited, everything is found anew.
"""

from __future__ import annotations

import hashlib
import pickle
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import lru_cache
from importlib.metadata import version
from pathlib import Path
from typing import Any, TypeVar, cast

from kpi_lib import judged
from kpi_lib.caching import keep, make_room
from kpi_lib.kpi import Kpi, KpiParams, Source

MOST = 500
"""Files kept above which the oldest half goes."""

PATIENCE = 300.0
"""Seconds to wait for another process that is finding the same."""

POLL = 0.02
"""Seconds between two looks whether it has ended."""

_PACKAGE = Path(__file__).resolve().parents[1]
_NOT_ASKED = ("review", "cli.py")
"""Parts of the package that run notebooks, and cannot change what is found."""
_LIBRARIES = ("duckdb", "ibis-framework", "numpy", "pandas", "pyarrow", "scipy")
_SETTLED = 60.0
"""Seconds that the code must have been left alone before it was imported: what was edited while
it was read may not be what the files say now."""

T = TypeVar("T")


def found_once(place: Callable[[], Path | None], find: Callable[[], T]) -> T:
    """What is kept at a place, else what `find` gives; kept only if the place is still the same then.

    While another process finds the same, this one waits for it, for `PATIENCE` seconds at most.
    """
    file = place()
    if file is None:
        return find()
    with suppress(Exception):  # missing or damaged, and then found anew
        return cast("T", pickle.loads(file.read_bytes()))
    with _alone(file):
        with suppress(Exception):  # another process has found it meanwhile
            return cast("T", pickle.loads(file.read_bytes()))
        found = find()
        if place() == file:
            _keep(file, found)
    return found


@contextmanager
def _alone(file: Path) -> Iterator[None]:
    """While open, no other process finds what belongs at a place; where that can be arranged.

    The system lets go of the lock when a process ends in any way. Nothing waits in a circle: a
    verdict asks for tests, a test for scores, and none of them the other way round.
    """
    from filelock import FileLock

    lock = FileLock(file.with_suffix(".lock"))
    with suppress(OSError):  # a timeout too, which is one
        file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        lock.acquire(timeout=PATIENCE, poll_interval=POLL)
    try:
        yield
    finally:
        if lock.is_locked:
            with suppress(OSError):
                Path(lock.lock_file).unlink(missing_ok=True)
            lock.release()


def place_for(source: Source, name: str, asked: object) -> Path | None:
    """The file of what was found about `name`; None where nothing can be kept.

    `asked` says in its `repr` all that the answer depends on besides files, code and libraries.
    """
    folder = judged.folder()
    if folder is None:
        return None
    code, data = _code(), getattr(source, "files_fingerprint", str)()
    if not (data and code and code == _IMPORTED):
        return None
    mark = hashlib.sha256(repr((data, asked, sys.version, *_versions())).encode()).hexdigest()[:32]
    return folder / code[:16] / f"{name}-{mark}.pickle"


def values_of(params: KpiParams) -> str:
    """The parameters in one text, wherever the data set lies."""
    return params.model_dump_json(exclude={"dataset"})


def is_of_package(kpi: Kpi) -> bool:
    """Whether the card is the one that this package's code defines under its name."""
    module = sys.modules.get(f"kpi_lib.kpis.{kpi.name}")
    return module is not None and any(value is kpi for value in vars(module).values())


def _versions() -> Iterator[str]:
    return (version(name) for name in _LIBRARIES)


def _code() -> str:
    """A hash of the code that finds; "" where it changed shortly before this process read it."""
    states = []
    for file in sorted(_PACKAGE.rglob("*.py")):
        if file.relative_to(_PACKAGE).parts[0] in _NOT_ASKED:
            continue
        state = file.stat()
        if state.st_mtime > _BEGAN - _SETTLED:
            return ""
        states.append((str(file.relative_to(_PACKAGE)), state.st_mtime_ns, state.st_size))
    return _hash(_PACKAGE, tuple(states))


@lru_cache(maxsize=2)
def _hash(package: Path, states: tuple[tuple[str, int, int], ...]) -> str:
    """Of files in such a state; they are read again when one of them changes."""
    digest = hashlib.sha256()
    for name, *_ in states:
        digest.update(f"{name} ".encode() + hashlib.sha256((package / name).read_bytes()).digest())
    return digest.hexdigest()


_BEGAN = time.time()
_IMPORTED = _code()
"""The code as this process has it."""


def _keep(file: Path, found: Any) -> None:
    """Keep what was found; where that is not allowed it is found anew."""
    folder = file.parent
    with suppress(OSError):
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        make_room(folder, folder.parent.iterdir(), MOST)
        keep(file, pickle.dumps(found))
