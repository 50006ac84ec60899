"""What is set up on this machine, and what that means for speed and for the tests."""

from __future__ import annotations

import compileall
import importlib.util
import os
import shutil
import sysconfig
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from kpi_lib.review.project import PACKAGE
from kpi_lib.review.warm import unavailable

_LIBRARIES = ("pandas", "altair", "ibis", "scipy", "IPython", "kpi_lib")


@dataclass(frozen=True)
class Finding:
    """One thing looked at. `advice` is empty when all is well; `is_wrong` when it costs something."""

    what: str
    found: str
    advice: str = ""
    is_wrong: bool = False

    def __str__(self) -> str:
        mark = "ok  " if not self.advice else ("slow" if self.is_wrong else "note")
        return f"{mark}  {self.what}: {self.found}" + (f"; {self.advice}" if self.advice else "")


def examine(*, fix: bool = False) -> list[Finding]:
    """What was found; with `fix`, missing bytecode is compiled first."""
    if fix and _not_compiled():
        for folder in (Path(sysconfig.get_path("purelib")), PACKAGE):
            compileall.compile_dir(folder, quiet=2, workers=0)
    return [_bytecode(), _warm(), *_programs()]


def _bytecode() -> Finding:
    missing = _not_compiled()
    if not missing:
        return Finding("bytecode", "compiled")
    why = (
        " and is never kept (PYTHONDONTWRITEBYTECODE)"
        if os.environ.get("PYTHONDONTWRITEBYTECODE")
        else ""
    )
    advice = "every start takes 2 to 3 times as long; run: kpi doctor --fix"
    return Finding("bytecode", f"missing for {', '.join(missing)}{why}", advice, is_wrong=True)


def _not_compiled() -> list[str]:
    return [name for name in _LIBRARIES if not _is_compiled(name)]


def _is_compiled(name: str) -> bool:
    """Whether a library that is installed has its bytecode; one that is not installed counts as fine."""
    spec = importlib.util.find_spec(name)
    if spec is None or spec.origin is None:
        return True
    return Path(importlib.util.cache_from_source(spec.origin)).exists()


def _warm() -> Finding:
    reason = unavailable()
    if not reason:
        return Finding("warm kernels", "available")
    return Finding(
        "warm kernels", f"not here: {reason}", "notebooks start ordinary kernels", is_wrong=True
    )


def _programs() -> Iterator[Finding]:
    yield _program(
        "chromium", ("chromium", "chromium-browser", "google-chrome"), "report in a browser"
    )
    yield _program("java", ("java",), "Spark")
    yield _postgres()


def _program(what: str, names: tuple[str, ...], tests: str) -> Finding:
    found = next((path for name in names if (path := shutil.which(name))), None)
    if found:
        return Finding(what, "found")
    return Finding(what, "not found", f"only the tests of {tests} need it and are skipped")


def _postgres() -> Finding:
    if os.environ.get("KPI_TEST_POSTGRES"):
        return Finding("postgres", "named by KPI_TEST_POSTGRES")
    places = [*Path("/usr/lib/postgresql").glob("*/bin/initdb")]
    if places or shutil.which("initdb"):
        return Finding("postgres", "found")
    return Finding("postgres", "not found", "only the tests of Postgres need it and are skipped")
