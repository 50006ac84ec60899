"""The top of a log-likelihood inside a box: scipy's optimiser from several starts, then Newton."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from kpi_lib.stats.distributions import Floats

Surface = Callable[[Floats], tuple[float, Floats]]
"""Gives the value and the gradient at a point."""

_STEP = 1e-5
_ROUNDS = 50
_ENOUGH = 5_000
"""Rows from which a start is found."""


@dataclass(frozen=True)
class Top:
    """Where the surface is highest, how high, and which coordinates lie on an edge of the box."""

    point: Floats
    height: float
    on_edge: tuple[bool, ...]


def maximise(surface: Surface, starts: Sequence[Floats], low: Floats, high: Floats) -> Top:
    """The highest of the tops reached from each start (truncated Newton), refined by Newton steps.

    The refinement makes the answer the same to about nine digits whatever the start.
    """
    from scipy.optimize import minimize

    bounds = list(zip(low, high, strict=True))

    def down(point: Floats) -> tuple[float, Floats]:
        height, slope = surface(point)
        return -height, -slope

    found = [
        minimize(down, np.clip(start, low, high), jac=True, method="TNC", bounds=bounds)
        for start in starts
    ]
    best = max(found, key=lambda one: -one.fun)
    return _refined(surface, np.asarray(best.x, dtype=np.float64), low, high)


def spread_out(rows: int) -> np.ndarray:
    """a regular part of many rows, all of few: enough to find where a fit of all should start."""
    return np.arange(0, rows, max(1, rows // _ENOUGH))


def curvature(surface: Surface, point: Floats) -> Floats:
    """The second derivatives, by central differences of the gradient: (n, n), symmetric."""
    columns = []
    for place in range(point.size):
        step = np.zeros_like(point)
        step[place] = _STEP
        columns.append((surface(point + step)[1] - surface(point - step)[1]) / (2 * _STEP))
    second = np.array(columns)
    return (second + second.T) / 2


def free_of(slope: Floats, point: Floats, low: Floats, high: Floats) -> np.ndarray:
    """Which coordinates may still move: not those held at an edge by the slope."""
    return ~(((point <= low) & (slope <= 0)) | ((point >= high) & (slope >= 0)))


def _refined(surface: Surface, point: Floats, low: Floats, high: Floats) -> Top:
    point = _snapped(point, low, high)
    height, slope = surface(point)
    for _ in range(_ROUNDS):
        free = free_of(slope, point, low, high)
        if not free.any() or np.abs(slope[free]).max() < 1e-13:
            break
        found = _step_up(surface, point, height, slope, free, low, high)
        if found is None:
            break
        point, height, slope = found
    edges = tuple(bool(at) for at in (point <= low) | (point >= high))
    return Top(point, height, edges)


def _snapped(point: Floats, low: Floats, high: Floats) -> Floats:
    near = 1e-6 * (high - low)
    return np.where(point - low < near, low, np.where(high - point < near, high, point))


def _step_up(
    surface: Surface, point: Floats, height: float, slope: Floats, free: np.ndarray,
    low: Floats, high: Floats,
) -> tuple[Floats, float, Floats] | None:  # fmt: skip
    """The end of one damped Newton step that does not go down; None where there is none."""
    second = -curvature(surface, point)[np.ix_(free, free)]
    values, vectors = np.linalg.eigh(second)
    # Away from the top the surface may bend the wrong way: the size of the bend still sets the step.
    bend = np.maximum(np.abs(values), 1e-9 * max(1e-12, float(np.abs(values).max())))
    move = np.zeros_like(point)
    move[free] = vectors @ ((vectors.T @ slope[free]) / bend)
    move *= min(1.0, 2.0 / max(1e-300, float(np.abs(move).max())))
    for halving in range(30):
        tried = np.clip(point + move * 0.5**halving, low, high)
        up, slope_there = surface(tried)
        flatter = np.abs(slope_there[free]).max() < np.abs(slope[free]).max()
        if up > height or (flatter and up > height - 1e-14 * max(1.0, abs(height))):
            return tried, up, slope_there
    return None
