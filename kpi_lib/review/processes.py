"""Processes: who dies with whom, how they are ended, and how much memory they hold."""

from __future__ import annotations

import ctypes
import gc
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

_SET_PARENT_DEATH_SIGNAL = 1  # linux/prctl.h
_SET_CHILD_SUBREAPER = 36
# Loaded once and early: after a fork there may be no safe moment to load it.
_LIBC = ctypes.CDLL(None) if sys.platform == "linux" else None


def collect_rarely() -> None:
    """Let this process look for circles of objects less often.

    Modules and expressions are many small objects without circles: looking costs a tenth of the time.
    """
    gc.set_threshold(50_000, 20, 20)


def _prctl(option: int, value: int) -> None:
    if _LIBC is not None:
        _LIBC.prctl(option, value, 0, 0, 0)


def die_with_parent(parent: int) -> None:
    """Ask the system to kill this process when `parent` (its pid) ends; exits if it ended already.

    The system does it, so that it works in a long call into C as well. Linux only, nothing elsewhere.
    """
    _prctl(_SET_PARENT_DEATH_SIGNAL, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(1)


def adopt_orphans() -> None:
    """Make this process the parent of grandchildren whose own parent ends (Linux only)."""
    _prctl(_SET_CHILD_SUBREAPER, 1)


def children() -> list[int]:
    """The pids of the direct children of this process (Linux; empty elsewhere)."""
    return [int(pid) for pid in _words(Path(f"/proc/self/task/{os.getpid()}/children"))]


def signal_group(pid: int, number: int) -> None:
    """Send a signal to the process group of `pid`; a group that has ended already is no error."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, number)


def limit_memory(megabytes: int) -> None:
    """Let this process claim at most `megabytes` more than it holds now; 0 means no limit."""
    if not megabytes or sys.platform != "linux":
        return
    import resource  # not everywhere

    lines = Path("/proc/self/status").read_text().splitlines()
    held = next(int(line.split()[1]) for line in lines if line.startswith("VmData"))
    most = held * 1024 + megabytes * 1024 * 1024
    resource.setrlimit(resource.RLIMIT_DATA, (most, most))


def memory_held(pid: int) -> int:
    """Megabytes that `pid` and all its descendants hold now; 0 when it has ended."""
    if sys.platform == "linux":  # psutil finds descendants by reading every process there is
        pages = sum(_pages_held(one) for one in (pid, *_descendants(pid)))
        return pages * os.sysconf("SC_PAGE_SIZE") // 2**20
    import psutil

    try:
        root = psutil.Process(pid)
        everyone = [root, *root.children(recursive=True)]
        return int(sum(one.memory_info().rss for one in everyone) // 2**20)
    except psutil.Error:
        return 0


def _descendants(pid: int) -> Iterator[int]:
    """The pids of all below a process, which any of its threads may have started."""
    with suppress(OSError):  # it has ended
        for thread in Path(f"/proc/{pid}/task").iterdir():
            for child in _words(thread / "children"):
                yield int(child)
                yield from _descendants(int(child))


def _pages_held(pid: int) -> int:
    return int(next(iter(_words(Path(f"/proc/{pid}/statm"))[1:]), 0))


def _words(file: Path) -> list[str]:
    """What a file of the system says; nothing when its process has ended."""
    try:
        return file.read_text().split()
    except OSError:
        return []
