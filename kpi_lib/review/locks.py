"""One review per folder at a time."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from kpi_lib.review.errors import InputError


@contextmanager
def only_one(
    folder: Path,
    *,
    wait: bool,
    say: Callable[[str], None],
    name: str = ".lock",
    what: str = "review",
) -> Iterator[None]:
    """Hold the folder for this process; another `what` of it waits here, or is refused.

    The system lets go of the lock when the process ends in any way. Raises InputError when the
    folder is taken and `wait` is False, or cannot be written.
    """
    file = folder / name
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = FileLock(file)
        try:
            lock.acquire(timeout=0)
        except Timeout:
            _wait_or_refuse(lock, f"{folder}: another {what}", wait, say)
    except OSError as problem:
        raise InputError(f"{folder}: cannot be written: {problem.strerror}") from problem
    try:
        yield
    finally:
        lock.release()


def _wait_or_refuse(lock: FileLock, other: str, wait: bool, say: Callable[[str], None]) -> None:
    if not wait:
        raise InputError(f"{other} is writing here; try again when it has ended")
    say(f"{other} is writing here; waiting for it to end (pid {os.getpid()} waits)")
    lock.acquire()


def remove_leftovers(folder: Path) -> None:
    """Remove the temporary files of a run that was killed while writing."""
    for file in folder.glob(".*.*"):
        if file.is_dir():
            shutil.rmtree(file, ignore_errors=True)
        elif file.name != ".lock":
            file.unlink(missing_ok=True)
