"""What all commands share: how bad input ends, and where lines are printed."""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, NoReturn

import typer

from kpi_lib.review.errors import InputError

if TYPE_CHECKING:
    from rich.console import Console


@contextmanager
def input_checked() -> Iterator[None]:
    """Bad input ends with one line per problem and exit code 2; SIGTERM ends in order."""
    before = signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    try:
        yield
    except InputError as problem:
        _refuse(*problem.lines)
    finally:
        signal.signal(signal.SIGTERM, before)


def _refuse(*lines: str) -> NoReturn:
    for line in lines:
        typer.echo(f"kpi: {line}", err=True)
    raise typer.Exit(2)


def console_of() -> Console:
    """The console that reports progress and results; it does not wrap long lines."""
    from rich.console import Console

    return Console(soft_wrap=True)
