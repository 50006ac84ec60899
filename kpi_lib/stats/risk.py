"""Who was waiting, who reached, who left, by day: the table every survival figure is made from.

Written for many weightings of the same rows at once, so that a bootstrap is one call; one weighting
is the case of a single row.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from kpi_lib.stats.distributions import Floats

CENSORED, EVENT, COMPETING = 0, 1, 2
_HALF = 0.5
_TIE = 1e-9


@dataclass(frozen=True)
class Risk:
    """Counts by time: `time` (times,), the others (weightings, times)."""

    time: Floats
    at_risk: Floats
    events: Floats
    competing: Floats


def risk_table(durations: Any, outcomes: Any, counts: Any = None, entered: Any = None) -> Risk:
    """The counts at every distinct duration.

    `outcomes` are 0 censored, 1 event, 2 competing; `counts` (rows,) or (weightings, rows) default
    to 1 each; units with `entered` > 0 are at risk after that day only, and never when they were
    gone by then. Ties: events come before censorings. Raises ValueError on negative or unknown
    durations.
    """
    days = np.asarray(durations, dtype=np.float64)
    if days.size and not np.all(days >= 0):
        raise ValueError("durations must be 0 or more days")
    late = np.zeros_like(days) if entered is None else np.asarray(entered, dtype=np.float64)
    weights = np.ones_like(days) if counts is None else np.asarray(counts, dtype=np.float64)
    weights = np.atleast_2d(weights)
    seen = (late <= 0) | (days > late)
    order = np.flatnonzero(seen)[np.argsort(days[seen], kind="stable")]
    days, late, weights = days[order], late[order], weights[:, order]
    causes = np.asarray(outcomes)[order]
    time, starts = np.unique(days, return_index=True)
    if not time.size:
        empty = np.zeros((weights.shape[0], 0))
        return Risk(time, empty, empty, empty)
    return Risk(
        time=time,
        at_risk=_tail_sums(_by_time(weights, starts)) - _not_yet(time, late, weights),
        events=_by_time(weights * (causes == EVENT), starts),
        competing=_by_time(weights * (causes == COMPETING), starts),
    )


def _by_time(weights: Floats, starts: Any) -> Floats:
    return np.asarray(np.add.reduceat(weights, starts, axis=1), dtype=np.float64)


def _tail_sums(numbers: Floats) -> Floats:
    return np.asarray(np.cumsum(numbers[:, ::-1], axis=1)[:, ::-1], dtype=np.float64)


def _not_yet(time: Floats, late: Floats, weights: Floats) -> Floats:
    """Units that enter on or after each time."""
    waiting = np.zeros((weights.shape[0], time.size))
    for row in np.flatnonzero(late > 0):
        place = int(np.searchsorted(time, late[row], side="right"))
        waiting[:, :place] += weights[:, row, None]
    return waiting


def survival(risk: Risk) -> Floats:
    """Kaplan-Meier: share not reached after each time, competing exits taken as censored."""
    return _product(risk.events, risk.at_risk)


def _product(exits: Floats, at_risk: Floats) -> Floats:
    hazard = np.divide(exits, at_risk, out=np.zeros_like(exits), where=at_risk > 0)
    return np.asarray(np.cumprod(1 - np.minimum(hazard, 1.0), axis=1), dtype=np.float64)


def incidence(risk: Risk) -> tuple[Floats, Floats, Floats]:
    """Aalen-Johansen: shares that reached, that left, and that still wait, after each time."""
    waiting = _product(risk.events + risk.competing, risk.at_risk)
    before = np.concatenate([np.ones((waiting.shape[0], 1)), waiting[:, :-1]], axis=1)[
        :, : waiting.shape[1]
    ]
    pace = np.divide(before, risk.at_risk, out=np.zeros_like(before), where=risk.at_risk > 0)
    reached = np.cumsum(pace * risk.events, axis=1)
    left = np.cumsum(pace * risk.competing, axis=1)
    return reached, left, waiting


def variance_sum(risk: Risk) -> Floats:
    """Greenwood's sum of d / (n (n - d)) up to each time; infinite where nobody is left."""
    with np.errstate(divide="ignore", invalid="ignore"):
        terms = risk.events / (risk.at_risk * (risk.at_risk - risk.events))
    return np.asarray(np.cumsum(np.where(risk.events > 0, terms, 0.0), axis=1), dtype=np.float64)


def crossing(time: Floats, curve: Floats) -> Floats:
    """The time at which each falling curve gets to one half or below; infinite when it never does.

    A curve that rests on exactly one half gives the middle of that rest, as R's survfit does, so that
    without censoring this is the ordinary median.
    """
    first = _first_true(time, curve <= _HALF + _TIE)
    second = _first_true(time, curve < _HALF - _TIE)
    middle = (first + second) / 2
    return np.where(np.isfinite(second), middle, first)


def _first_true(time: Floats, holds: Any) -> Floats:
    if not time.size:
        return np.full(holds.shape[0], np.inf)
    return np.where(holds.any(axis=1), time[holds.argmax(axis=1)], np.inf)


def area(time: Floats, curve: Floats, until: float) -> Floats:
    """Area under each step curve (1 before the first time) from 0 to `until`."""
    edges = np.minimum(np.concatenate([[0.0], time, [until]]), until)
    steps = np.concatenate([np.ones((curve.shape[0], 1)), curve], axis=1)
    return np.asarray(steps @ np.diff(np.maximum.accumulate(edges)), dtype=np.float64)


def areas_below(time: Floats, curve: Floats, until: float) -> Floats:
    """Area under one step curve from 0 to each time, to `until` at most."""
    widths = np.diff(np.minimum(np.concatenate([[0.0], time]), until))
    return np.asarray(np.cumsum(widths * np.concatenate([[1.0], curve[:-1]])), dtype=np.float64)
