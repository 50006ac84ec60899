"""A trend as a small picture: line, interval band, the headline marked. Plain SVG, no library."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from html import escape
from itertools import groupby

from kpi_lib.review.report.records import TrendPoint

WIDTH, HEIGHT, EDGE = 168, 44, 5
STILL_OPEN = 0.5
"""Below this share of units with a known outcome a period is drawn hollow."""

Scale = Callable[[float], float]
Known = tuple[int, TrendPoint]


def _scale(low: float, high: float, start: float, end: float) -> Scale:
    span = (high - low) or 1.0
    return lambda value: start + (value - low) / span * (end - start)


def _runs(points: Sequence[TrendPoint]) -> list[list[Known]]:
    """Unbroken stretches of periods that have a value."""
    pairs = list(enumerate(points))
    groups = groupby(pairs, key=lambda pair: pair[1].value is not None)
    return [list(group) for known, group in groups if known]


def _path(corners: Sequence[tuple[float, float]], closed: bool = False) -> str:
    text = "L".join(f"{x:.1f} {y:.1f}" for x, y in corners)
    return f"M{text}Z" if closed else f"M{text}"


def _band(run: Sequence[Known], x: Scale, y: Scale) -> str:
    """The interval of a stretch as an area, only where both ends are known."""
    ends = [(x(i), p.low, p.high) for i, p in run if p.low is not None and p.high is not None]
    if len(ends) < 2:
        return ""
    upper = [(at, y(high)) for at, _, high in ends if high is not None]
    lower = [(at, y(low)) for at, low, _ in reversed(ends) if low is not None]
    return f'<path class="band" d="{_path(upper + lower, closed=True)}"/>'


def _line(run: Sequence[Known], x: Scale, y: Scale) -> str:
    corners = [(x(i), y(p.value)) for i, p in run if p.value is not None]
    return f'<path class="line" d="{_path(corners)}"/>'


def _dots(run: Sequence[Known], x: Scale, y: Scale, headline: str) -> str:
    """A dot on the headline, a hollow one on each period still open."""
    dots = []
    for i, point in run:
        is_open = point.resolved is not None and point.resolved < STILL_OPEN
        kind = "now" if point.label == headline else "open" if is_open else ""
        if kind and point.value is not None:
            dots.append(f'<circle class="{kind}" cx="{x(i):.1f}" cy="{y(point.value):.1f}" r="3"/>')
    return "".join(dots)


def sparkline(points: Sequence[TrendPoint], headline: str, label: str) -> str:
    """An SVG element, or an empty text when fewer than two periods have a value.

    `headline` is the label of the period to mark; `label` is read aloud instead of the picture.
    """
    runs = _runs(points)
    if sum(len(run) for run in runs) < 2:
        return ""
    seen = [v for run in runs for _, p in run for v in (p.value, p.low, p.high) if v is not None]
    x = _scale(0, len(points) - 1, EDGE, WIDTH - EDGE)
    y = _scale(min(seen), max(seen), HEIGHT - EDGE, EDGE)
    bands = "".join(_band(run, x, y) for run in runs)
    lines = "".join(_line(run, x, y) for run in runs)
    dots = "".join(_dots(run, x, y, headline) for run in runs)
    return (
        f'<svg class="sparkline" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" '
        f'aria-label="{escape(label)}">{bands}{lines}{dots}</svg>'
    )
