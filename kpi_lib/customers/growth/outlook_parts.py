"""Who will get there when: the next four quarters from occupancy and curves, tested on the past."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING

import ibis.expr.types as ir
import numpy as np
import numpy.typing as npt

from kpi_lib.customers.frames import table_of
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
from kpi_lib.stats.intervals import wilson

if TYPE_CHECKING:
    import pandas as pd

Flags = npt.NDArray[np.bool_]

AHEAD = 4
_PAST = 12
_YEAR = 365
_FEWEST = 10


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
class Expected:
    """Arrivals expected in one quarter: in all, of who is on the way, with the limits of the count."""

    quarter: Period
    mean: float
    on_the_way: float
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


def expected(
    history: History, day: date, goal: int, level: float, start: int = 1
) -> list[Expected]:
    """Arrivals in each of the next four quarters, from what was known on `day` (a quarter's last).

    The variance of a count is that of independent arrivals (binomial of who is on the way, Poisson
    of who comes), plus what the few arrivals and the few new journeys of the past leave open about the
    rates.
    """
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
    rows = occupants(
        kernels,
        chances,
        goal,
        list(zip(state[here].astype(int), (today - 1 - entered)[here], strict=True)),
    )
    rates, begun = _rates(history, known, today)
    new = newcomers(chances, rates, steps)
    seen = _Seen(int((went >= goal).sum()), begun)
    return [_of(quarter, today, rows, new, seen, level) for quarter in quarters]


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
    quarter: Period, today: float, rows: Floats, new: Floats, seen: _Seen, level: float
) -> Expected:
    """One quarter: its share of the steps of the grid, by their overlap in days."""
    steps = new.size
    since = number(quarter.start) - today
    edges = np.arange(steps + 1) * float(STEP_DAYS)
    inside = np.minimum(edges[1:], since + quarter.days) - np.maximum(edges[:-1], since)
    weight = np.maximum(inside, 0.0) / STEP_DAYS
    each, come = rows @ weight, float(new @ weight)
    here = float(each.sum())
    mean = here + come
    unsure = mean**2 / seen.arrived if seen.arrived else 0.0
    unsure += come**2 / seen.begun if seen.begun else 0.0
    variance = float((each * (1 - each)).sum()) + come + unsure
    low, high = count_limits(mean, variance, level)
    return Expected(quarter, mean, here, low, high)


FORECAST = {"quarter": "string"} | dict.fromkeys(
    ("expected", "low", "high", "on_the_way", "still_to_come"), "float64"
)


def forecast(tables: Tables, params: Path) -> ir.Table:
    """Journeys that reach `to_state` in the next four quarters, after the last whole one.

    Columns: quarter, expected with low and high (limits of the count), on_the_way (of those already in a state),
    still_to_come (of journeys that begin as often as in the last year). Empty without ten arrivals so far.
    """
    import pandas as pd

    history, goal, start = _history(tables, params), _goal(params), tables.quarter_starts_in
    last = complete_periods(tables.as_of, "quarter", 1, start)[-1].end
    if history is None or _arrived(history, goal, last) < _FEWEST:
        return table_of(None, FORECAST)
    found = [
        {
            "quarter": one.quarter.label,
            "expected": one.mean,
            "low": one.low,
            "high": one.high,
            "on_the_way": one.on_the_way,
            "still_to_come": one.mean - one.on_the_way,
        }
        for one in expected(history, last, goal, params.level, start)
    ]
    return table_of(pd.DataFrame(found), FORECAST)


def _goal(params: Path) -> int:
    return params.states.index(params.to_state) + 1


def _passing(history: History, goal: int) -> Flags:
    """Moves from before the goal to it or beyond."""
    return (history.state < goal) & (history.next_state >= goal)


def _arrived(history: History, goal: int, day: date) -> int:
    return int((_passing(history, goal) & (history.next_on <= number(day))).sum())


def _actual(history: History, goal: int, quarter: Period) -> int:
    """Journeys that passed from before the goal to it in a quarter."""
    days = history.next_on[_passing(history, goal)]
    return int(((days >= number(quarter.start)) & (days <= number(quarter.end))).sum())


BACK_TEST = {"made_on": "date", "quarter": "string", "quarters_ahead": "string"}
BACK_TEST |= dict.fromkeys(("expected", "low", "high"), "float64")
BACK_TEST |= {"actual": "int64", "inside": "string"}


def _tested(tables: Tables, params: Path) -> pd.DataFrame:
    """The forecasts of the last twelve quarter ends that have come true or not by now."""
    import pandas as pd

    history, goal, start = _history(tables, params), _goal(params), tables.quarter_starts_in
    found: list[dict[str, object]] = []
    whole = complete_periods(tables.as_of, "quarter", _PAST + 1, start)
    for made in whole[:-1] if history is not None else []:
        if history is None or _arrived(history, goal, made.end) < _FEWEST:
            continue
        for ahead, one in enumerate(expected(history, made.end, goal, params.level, start), 1):
            if one.quarter.end > whole[-1].end:
                continue
            actual = _actual(history, goal, one.quarter)
            found.append(
                {
                    "made_on": made.end,
                    "quarter": one.quarter.label,
                    "quarters_ahead": str(ahead),
                    "expected": one.mean,
                    "low": one.low,
                    "high": one.high,
                    "actual": actual,
                    "inside": "yes" if one.low <= actual <= one.high else "no",
                }
            )
    return pd.DataFrame(found)


def back_test(tables: Tables, params: Path) -> ir.Table:
    """What would have been forecast on the last twelve quarter ends, from what was known then.

    Columns: made_on, quarter, quarters_ahead, expected, low, high, actual, inside (yes, no).
    """
    table = table_of(_tested(tables, params), BACK_TEST)
    return table.order_by("made_on", "quarters_ahead")


COVERAGE = {"quarters_ahead": "string"} | dict.fromkeys(("covered", "low", "high"), "float64")
COVERAGE |= {"bias": "float64"} | dict.fromkeys(("forecasts", "inside", "quarters"), "int64")


def coverage(tables: Tables, params: Path) -> ir.Table:
    """How often the intervals of past forecasts held what came: one row per quarters ahead, and all.

    Columns: quarters_ahead, covered (share) with low and high, bias (mean of expected - actual, journeys),
    forecasts, inside, quarters (forecast). Should be near `level`. The limits are Wilson's with as many
    cases as there are quarters: up to four forecasts of one quarter are judged by the same outcome.
    """
    import pandas as pd

    frame = _tested(tables, params)
    if frame.empty:
        return table_of(None, COVERAGE)
    groups = [*frame.groupby("quarters_ahead"), ("all", frame)]
    rows = []
    for name, part in groups:
        inside, many = int((part["inside"] == "yes").sum()), len(part)
        quarters = int(part["quarter"].nunique())
        low, high = wilson(inside / many * quarters, quarters, params.level)
        bias = float((part["expected"] - part["actual"]).mean())
        row = {"quarters_ahead": str(name), "covered": inside / many, "low": low, "high": high}
        row |= {"forecasts": many, "inside": inside, "quarters": quarters}
        rows.append(row | {"bias": bias})
    return table_of(pd.DataFrame(rows), COVERAGE)
