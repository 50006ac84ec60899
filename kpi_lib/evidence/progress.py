"""How far an objective has come: from its baseline to its goal, whether the difference is real, the odds."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

from kpi_lib.engine import run
from kpi_lib.evidence.looks import planned_days, start_of
from kpi_lib.kpi import Better, Difference, Kpi, KpiParams, Source, Unit
from kpi_lib.measure import Cell, Measurement, cell_of, measure, rows_of
from kpi_lib.schema import Tables
from kpi_lib.stats.outlook import Outlook, along_a_line, along_a_walk

if TYPE_CHECKING:
    import pandas as pd

MOST_PERIODS = 104
SEEN = 8
"""The newest values that the present trend is taken from; as many as lie ahead, if those are more."""

_DAYS = {"week": 7.0, "month": 365.25 / 12, "quarter": 365.25 / 4}


@dataclass(frozen=True)
class Progress:
    """An objective on the day of a review.

    `begun_on`: the day from which it counts (None where none is planned); `baseline`: the figure of
    then as today's data tell it (None before the first new period). `goal` and `due_on` may be
    missing. `change`: now minus baseline. `odds`: the chance (0 to 1) that the figure of the day it is
    due is at the goal or better, if it goes on as in the last `seen` periods; `expected` that figure.
    """

    begun_on: date | None
    due_on: date | None
    baseline: Cell | None
    now: Cell
    goal: float | None
    change: Difference | None
    odds: float | None
    expected: float | None
    seen: int

    @property
    def share(self) -> float | None:
        """How much of the step is done: 0 at the baseline, 1 at the goal; None without both."""
        if self.baseline is None or self.goal is None:
            return None
        first, last = self.baseline.value, self.now.value
        if first is None or last is None or first == self.goal:
            return None
        return (last - first) / (self.goal - first)


def progress(source: Source, measured: Measurement) -> Progress:
    """Where the objective of a KPI stands; `measured` is the figure that it is about."""
    params, kpi = measured.params, measured.kpi
    days = planned_days(params)
    begun_on = start_of(days) if len(days) > 1 else None
    due_on = getattr(params, "target_on", None) or params.decide_on
    baseline, change = None, None
    if begun_on is not None and begun_on < measured.as_of:
        baseline, change = _since(kpi, source, measured, begun_on)
    first = baseline or measured.headline
    ask = kpi.okr_target
    goal = None if ask is None or first.value is None else float(ask(params, first.value))
    carried, seen = _outlook(measured, due_on)
    odds = None if carried is None or goal is None else carried.odds(goal, kpi.better)
    expected = carried.expected if carried else None
    return Progress(
        begun_on, due_on, baseline, measured.headline, goal, change, odds, expected, seen
    )


def _since(
    kpi: Kpi, source: Source, measured: Measurement, begun_on: date
) -> tuple[Cell | None, Difference | None]:
    """The figure that counted when the objective began, and the change since; None where none is newer."""
    params = measured.params
    then = measure(kpi, source.as_of(begun_on), params.model_copy(update={"as_of": begun_on}))
    back = (measured.as_of - then.headline.start).days / _DAYS[params.period]
    wide = params.model_copy(
        update={"periods": max(params.periods, min(MOST_PERIODS, int(back) + 2))}
    )
    tables = source.as_of(measured.as_of)
    today = measure(kpi, tables, wide)
    position = _position(today.trend, then.headline.end)
    if position is None:
        return None, None
    baseline = cell_of(today.trend, position)
    if baseline.start >= measured.headline.start or baseline.value is None:
        return None, None
    return baseline, _difference(kpi, tables, wide, today, baseline)


def _position(trend: pd.DataFrame, last_day: date) -> int | None:
    """The newest period that had ended by a day; None where the trend does not reach back."""
    ended = [n for n, end in enumerate(trend["end"]) if end <= last_day]
    return ended[-1] if ended else None


def _difference(
    kpi: Kpi, tables: Tables, params: KpiParams, today: Measurement, baseline: Cell
) -> Difference:
    """The figure of now minus the baseline: the same accounts for a stock, else two samples."""
    asked = {"level": params.level, "power": params.power}
    now = today.headline
    if kpi.paired:
        pairs = today.estimator.reduce_pairs(
            kpi.observed(tables, params), baseline.start, now.start
        )
        return today.estimator.paired_difference(run(pairs), **asked)
    earlier, later = (rows_of(today.reduced, [cell.start]) for cell in (baseline, now))
    return today.estimator.difference(earlier, later, **asked)


def _outlook(measured: Measurement, due_on: date | None) -> tuple[Carried | None, int]:
    """The figure of the day it is due, and from how many values that is told.

    The further ahead, the further back it looks. Shares are carried on by their log odds.
    """
    if due_on is None or due_on <= measured.as_of:
        return None, 0
    ahead = max(1, round((due_on - measured.as_of).days / _DAYS[measured.params.period]))
    trend = measured.trend
    closed = trend[~trend["is_open"] & (trend["period"] <= measured.headline.start)]
    values = [float(value) for value in closed["value"].dropna()][-max(SEEN, ahead) :]
    along = along_a_walk if measured.kpi.paired else along_a_line
    by_odds = measured.kpi.unit is Unit.SHARE and all(0 < value < 1 for value in values)
    outlook = along([_log_odds(value) for value in values] if by_odds else values, ahead)
    return (Carried(outlook, by_odds) if outlook else None), len(values)


@dataclass(frozen=True)
class Carried:
    """A figure carried on; `by_odds` where it is told on the scale of log odds."""

    outlook: Outlook
    by_odds: bool

    @property
    def expected(self) -> float:
        """The middle of what is expected, in the unit of the figure."""
        middle = self.outlook.expected
        return 1 / (1 + math.exp(-middle)) if self.by_odds else middle

    def odds(self, goal: float, better: Better) -> float:
        """The chance of the goal or better."""
        if self.by_odds and not 0 < goal < 1:
            return float((goal >= 1) if better is Better.LOWER else (goal <= 0))
        below = self.outlook.chance_below(_log_odds(goal) if self.by_odds else goal)
        return below if better is Better.LOWER else 1 - below


def _log_odds(share: float) -> float:
    return math.log(share / (1 - share))
