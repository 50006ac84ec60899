"""How a notebook's run ended, in our own words (papermill calls killed cells "completed")."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Status(StrEnum):
    """How a run ended."""

    OK = "ok"
    FAILED = "failed"
    TIMEOUT = "timeout"
    KILLED = "killed"
    OUT_OF_MEMORY = "out of memory"
    INTERRUPTED = "interrupted"
    INVALID_PARAMETERS = "invalid parameters"


@dataclass(frozen=True)
class Outcome:
    """How one run ended, why (one line, empty when all is well), and how long it took."""

    status: Status
    message: str = ""
    seconds: float = 0.0

    @property
    def is_ok(self) -> bool:
        """Whether all cells ran to their end."""
        return self.status is Status.OK


@dataclass(frozen=True)
class Limits:
    """What one notebook may use. Seconds of a cell and of the notebook, memory, tables and
    pictures, prints; 0 means no limit.

    `grace_seconds`: how long a kernel has to react to each of SIGINT and SIGTERM before the next,
    stronger signal.
    """

    cell_seconds: float = 600.0
    notebook_seconds: float = 1800.0
    memory_mb: int = 4096
    output_mb: float = 20.0
    prints_mb: float = 1.0
    start_seconds: float = 60.0
    grace_seconds: float = 1.0


def first_line(text: str, longest: int = 300) -> str:
    """The first line of a message, shortened."""
    line = next((one.strip() for one in text.splitlines() if one.strip()), "")
    return line if len(line) <= longest else line[: longest - 1] + "…"
