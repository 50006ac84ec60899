"""What goes wrong with a data set, in lines people can read, and never with a secret in them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Literal

HIDDEN = "***"

Severity = Literal["error", "warning"]


class DataError(Exception):
    """A data set that cannot be used. Every line of the message is one problem."""

    def __init__(self, *lines: str) -> None:
        self.lines = tuple(one_line(line) for line in lines)
        super().__init__("\n".join(self.lines))


@dataclass(frozen=True)
class Problem:
    """Something wrong in the data: where, which rule, how many rows, examples, what to do.

    `table` is empty where it concerns the data set as a whole.
    """

    severity: Severity
    table: str
    column: str
    rule: str
    rows: int
    examples: tuple[str, ...] = ()
    todo: str = ""

    def __str__(self) -> str:
        count = f": {self.rows:,} row{'' if self.rows == 1 else 's'}" if self.rows else ""
        shown = f" ({'; '.join(self.examples)})" if self.examples else ""
        place = f"{self.table}.{self.column}" if self.column else self.table or "all tables"
        advice = f". {self.todo}" if self.todo else ""
        return one_line(f"{self.severity}: {place}: {self.rule}{count}{shown}{advice}")


@dataclass(frozen=True)
class Guess:
    """What reading a file had to guess; `sure` is False where the data would allow another reading."""

    table: str
    column: str
    what: str
    value: str
    sure: bool = True

    def __str__(self) -> str:
        place = f"{self.table}.{self.column}" if self.column else self.table
        doubt = "" if self.sure else " (a guess: the data would allow another reading)"
        return one_line(f"{place}: {self.what}: {self.value}{doubt}")


def one_line(text: str) -> str:
    """The text without line breaks or other control characters."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())


@dataclass
class Secrets:
    """Values that may never be shown, and a way to take them out of a text."""

    values: set[str] = field(default_factory=set)

    def __repr__(self) -> str:
        return f"Secrets({len(self.values)} hidden)"

    def add(self, values: Iterable[str]) -> None:
        """Remember the values as secret; the empty string is not one."""
        self.values.update(value for value in values if value)

    def scrub(self, text: str) -> str:
        """The text with every secret replaced."""
        for value in sorted(self.values, key=len, reverse=True):
            text = text.replace(value, HIDDEN)
        return text

    @contextmanager
    def guard(self, doing: str) -> Iterator[None]:
        """Turn any failure of a driver inside the block into a DataError without secrets.

        The original exception is not chained, since its text, arguments and frames may hold a secret.
        """
        failure = ""
        try:
            yield
        except DataError as problem:
            failure = self.scrub("\n".join(problem.lines))
            lines = failure.split("\n")
        except Exception as problem:  # drivers raise whatever they like; all of it ends here
            kind = type(problem).__name__
            lines = [self.scrub(f"{doing}: {one_line(str(problem)) or kind}")]
            failure = lines[0]
        if failure:
            raise DataError(*lines)
