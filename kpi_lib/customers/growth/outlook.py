"""When journeys will arrive: expected counts by quarter from occupancy and curves, with honest limits."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from kpi_lib.customers.growth.conversion import Path
from kpi_lib.customers.growth.flow_parts import number, numbers
from kpi_lib.customers.growth.states import entries
from kpi_lib.engine import run
from kpi_lib.periods import Period, add_months, complete_periods
from kpi_lib.schema import Tables
from kpi_lib.stats.distributions import Floats
from kpi_lib.stats.flow import (
    LEAVES,
    STAYS,
    STEP_DAYS,
    Moves,
    arrivals,
    count_limits,
    kernel,
    newcomers,
    occupants,
)

if TYPE_CHECKING:
    import pandas as pd

Flags = npt.NDArray[np.bool_]

AHEAD = 4
PAST = 12
"""Quarter ends of the past on which the forecast is tested."""
_YEAR = 365
_FEWEST = 10
_BELIEF = 4
"""Weight of the model's own variance, in forecasts, beside those that have come true or not."""


@dataclass(frozen=True)
class History:
    """Every entry as known today: journey, state (from 1), and days on one scale, infinite for none."""

    journey: Floats
    state: Floats
    entered: Floats
    left: Floats
    next_state: Floats
    next_on: Floats

    @property
    def begins(self) -> Floats:
        """The day on which the entry's journey was first seen."""
        first = np.full(int(self.journey.max()) + 1, np.inf)
        np.minimum.at(first, self.journey.astype(np.int64), self.entered)
        return first[self.journey.astype(np.int64)]


@dataclass(frozen=True)
class Count:
    """Arrivals expected in one quarter: in all, of who is on the way, and the variance of the count."""

    quarter: Period
    mean: float
    on_the_way: float
    variance: float


@dataclass(frozen=True)
class Expected(Count):
    """The same with the limits of the count."""

    low: float
    high: float


def _history(tables: Tables, params: Path) -> History | None:
    rows = entries(tables, params.states, params.journeys_of)
    frame: pd.DataFrame = run(rows.order_by("journey_id", "position"))
    if frame.empty:
        return None
    places = {name: float(place) for place, name in enumerate(params.states, 1)}
    journeys = np.unique(frame["journey_id"].to_numpy(dtype=str), return_inverse=True)[1]
    return History(
        journey=journeys.astype(np.float64),
        state=frame["position"].to_numpy(dtype=np.float64),
        entered=numbers(frame["entered_on"]),
        left=numbers(frame["left_on"]),
        next_state=np.array([places.get(one, 0.0) for one in frame["next_state"]]),
        next_on=numbers(frame["next_on"]),
    )


def _next_quarters(day: date, start: int) -> list[Period]:
    """The quarters after the one that ends on or before `day`."""
    last = complete_periods(day, "quarter", 1, start)[-1]
    first = [add_months(last.start, 3 * ahead) for ahead in range(1, AHEAD + 1)]
    ends = [add_months(begin, 3) - timedelta(days=1) for begin in first]
    return [Period(a, b, "quarter", start) for a, b in zip(first, ends, strict=True)]


@dataclass
class Outlook:
    """The forecast of arrivals in state `goal` (a position, from 1) or beyond, on any day of the history."""

    history: History
    goal: int
    level: float
    start: int = 1
    _told: dict[date, list[Count]] = field(default_factory=dict)

    def can_tell(self, day: date) -> bool:
        """Whether ten had arrived by `day`, and a year was known: rates are those of the last year."""
        moves = self._passing & (self.history.next_on <= number(day))
        first = float(self.history.entered.min())
        return int(moves.sum()) >= _FEWEST and number(day) + 1 - first >= _YEAR

    @property
    def _passing(self) -> Flags:
        """Moves from before the goal to it or beyond."""
        return (self.history.state < self.goal) & (self.history.next_state >= self.goal)

    def actual(self, quarter: Period) -> int:
        """Journeys that passed from before the goal to it in a quarter."""
        days = self.history.next_on[self._passing]
        return int(((days >= number(quarter.start)) & (days <= number(quarter.end))).sum())

    def counts(self, day: date) -> list[Count]:
        """Arrivals in each of the next four quarters, from what was known on `day` (a quarter's last).

        The variance of a count is that of independent arrivals (binomial of who is on the way, Poisson
        of who comes), plus what the few arrivals and the few new journeys of the past leave open about
        the rates.
        """
        if day not in self._told:
            self._told[day] = _counts(self.history, day, self.goal, self.start)
        return self._told[day]

    def widening(self, day: date) -> list[float]:
        """By how much the variance is multiplied, for one to four quarters ahead: 1 or more.

        The mean of (came - expected)^2 / variance over the forecasts of the last twelve quarter ends that
        had come true or not by `day`, beside four forecasts in which the model was right. Arrivals that
        depend on each other, or on what the model does not know, make it larger than 1.
        """
        squares: list[list[float]] = [[1.0] * _BELIEF for _ in range(AHEAD)]
        for made in complete_periods(day, "quarter", PAST + 1, self.start)[:-1]:
            if not self.can_tell(made.end):
                continue
            for ahead, one in enumerate(self.counts(made.end)):
                if one.quarter.end <= day and one.variance > 0:
                    squares[ahead].append((self.actual(one.quarter) - one.mean) ** 2 / one.variance)
        return [max(1.0, float(np.mean(own))) for own in squares]

    def expected(self, day: date) -> list[Expected]:
        """The counts with their limits, of what was known on `day` alone."""
        found = []
        for one, factor in zip(self.counts(day), self.widening(day), strict=True):
            limits = count_limits(one.mean, one.variance * factor, self.level)
            found.append(Expected(one.quarter, one.mean, one.on_the_way, one.variance, *limits))
        return found


def outlook_of(tables: Tables, params: Path) -> Outlook | None:
    """The forecast of journeys that reach `to_state`; None without a single entry."""
    history, goal = _history(tables, params), params.states.index(params.to_state) + 1
    if history is None:
        return None
    return Outlook(history, goal, params.level, tables.quarter_starts_in)


def _counts(history: History, day: date, goal: int, start: int) -> list[Count]:
    today = number(day) + 1
    known = (history.entered < today) & (history.state < goal)
    state, entered = history.state[known], history.entered[known]
    moved, gone = history.next_on[known] < today, history.left[known] < today
    went = np.where(moved, history.next_state[known], np.where(gone, LEAVES, STAYS))
    ends = np.where(moved, history.next_on[known], np.where(gone, history.left[known], today - 1))
    moves = Moves(state, went.astype(np.int64), ends - entered)
    kernels = {place: kernel(moves, place) for place in range(1, goal)}
    quarters = _next_quarters(day, start)
    steps = int((number(quarters[-1].end) + 1 - today) // STEP_DAYS) + 2
    chances = arrivals(kernels, goal, steps)
    here = went == STAYS
    waits = np.stack([state[here], (today - 1 - entered)[here]])
    alike, many = np.unique(
        waits, axis=1, return_counts=True
    )  # as long in the same state: as likely
    staying = list(zip(alike[0].astype(int), alike[1], strict=True))
    rows = occupants(kernels, chances, goal, staying)
    rates, begun = _rates(history, known, today)
    new = newcomers(chances, rates, steps)
    seen = _Seen(int((went >= goal).sum()), begun)
    crowd = (rows, many.astype(np.float64))
    return [_of(quarter, today, crowd, new, seen) for quarter in quarters]


@dataclass(frozen=True)
class _Seen:
    """How much of the past the rates rest on: arrivals, and journeys begun in the last year."""

    arrived: int
    begun: int


def _rates(history: History, known: Flags, today: float) -> tuple[dict[int, float], int]:
    """Journeys that begin in each state per step of the grid, as in the last year; how many those were."""
    first = (history.entered == history.begins)[known]
    state, entered = history.state[known][first], history.entered[known][first]
    width = min(float(_YEAR), today - float(history.entered.min()))
    recent = state[entered >= today - width]
    places, counts = np.unique(recent, return_counts=True)
    pace = STEP_DAYS / width
    rates = {int(p): float(c) * pace for p, c in zip(places, counts, strict=True)}
    return rates, int(counts.sum())


def _of(
    quarter: Period, today: float, here: tuple[Floats, Floats], new: Floats, seen: _Seen
) -> Count:
    """One quarter: its share of the steps of the grid, by their overlap in days.

    `here`: chances to arrive by step, one row for all that are alike, and how many these are.
    """
    steps = new.size
    since = number(quarter.start) - today
    edges = np.arange(steps + 1) * float(STEP_DAYS)
    inside = np.minimum(edges[1:], since + quarter.days) - np.maximum(edges[:-1], since)
    weight = np.maximum(inside, 0.0) / STEP_DAYS
    (rows, many), come = here, float(new @ weight)
    each = rows @ weight
    on_the_way = float(many @ each)
    mean = on_the_way + come
    unsure = mean**2 / seen.arrived if seen.arrived else 0.0
    unsure += come**2 / seen.begun if seen.begun else 0.0
    variance = float(many @ (each * (1 - each))) + come + unsure
    return Count(quarter, mean, on_the_way, variance)
