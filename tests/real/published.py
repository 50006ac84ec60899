"""Where the third-party data is, for tests that need it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

VARIABLE = "KPI_REAL_DATA"
HERE = Path(__file__).parent

needs_real_data = [
    pytest.mark.real,
    pytest.mark.skipif(
        VARIABLE not in os.environ,
        reason=f"{VARIABLE} does not name the folder of third-party data",
    ),
]


def real_file(name: str) -> Path:
    """A file of the third-party data."""
    return Path(os.environ[VARIABLE]) / name
