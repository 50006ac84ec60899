"""The verbs of a notebook: say, draw, show."""

from __future__ import annotations

from typing import Any

from kpi_lib.charts.shown import Prose
from kpi_lib.view import View


def say(*said: View | Prose | str) -> None:
    """Print what the results say, one paragraph each."""
    for one in said:
        _display(one.sentences() if isinstance(one, View) else _prose(one))


def draw(*views: View) -> None:
    """Draw the pictures of the results."""
    for one in views:
        _display(one.drawn())


def show(*views: View) -> None:
    """Show the tables or cards of the results; tables sort by a click on a head."""
    for one in views:
        _display(one.shown())


def _prose(text: Prose | str) -> Prose:
    return Prose(text) if isinstance(text, str) else text


def _display(thing: Any) -> None:
    from IPython.display import display

    if thing is None:
        return
    display(thing)  # type: ignore[no-untyped-call]  # IPython has no types
