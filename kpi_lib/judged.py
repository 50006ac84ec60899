"""Where findings about KPIs are kept, for the notebooks of a review to share. A leaf."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

FOLDER = "KPI_JUDGED"
"""Environment variable that names the folder; without it nothing is kept."""


def folder() -> Path | None:
    """The folder, None where nothing is kept."""
    named = os.environ.get(FOLDER)
    return Path(named) if named else None


@contextmanager
def keeping(place: Path) -> Iterator[None]:
    """While open, this process and those it starts leave findings in a folder, and take them there."""
    before = os.environ.get(FOLDER)
    os.environ[FOLDER] = str(place.resolve())
    try:
        yield
    finally:
        os.environ.pop(FOLDER, None)
        if before is not None:
            os.environ[FOLDER] = before
