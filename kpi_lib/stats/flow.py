"""Flow through ordered states: Little's law, quantiles of waits, and who will arrive when.

Arrivals follow a semi-Markov model: who enters a state leaves it for a later one, or for good, after
a time whose distribution is Aalen-Johansen's; the future does not depend on the earlier states.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from kpi_lib.stats.curves import Limits, log_log_limits
from kpi_lib.stats.distributions import Floats
from kpi_lib.stats.risk import Risk, crossing, survival, variance_sum

STEP_DAYS = 7
"""Days of one step of the forecast's grid."""

STAYS, LEAVES = 0, -1
"""Where an entry went when it did not go on: still there, or gone for good."""


def throughput(items: float, days: float) -> float:
    """Items that leave per day, by Little's law: work in progress over cycle time. NaN for 0 days.

    Source: Little, J. D. C. (1961), A proof for the queuing formula L = lambda W, Operations
    Research 9, 383-387.
    """
    return items / days if days > 0 else math.nan


@dataclass(frozen=True)
class Audit:
    """Little's law in a window of `days`, per day; `gap` = `still_in` - `before`, exactly.

    `progress` is the mean number in progress, `leaving` how many leave a day, `cycle` their mean days;
    `still_in` and `before` are journey days per day: spent in the window by who did not leave in it, and spent
    before the window by who did.
    """

    progress: float
    leaving: float
    cycle: float
    still_in: float
    before: float

    @property
    def explained(self) -> float:
        """Work in progress that the law expects: leaving a day x mean days."""
        return self.leaving * self.cycle if self.leaving else 0.0

    @property
    def gap(self) -> float:
        """Work in progress beyond what the law expects."""
        return self.progress - self.explained


def audit(started: Floats, ended: Floats, since: float, until: float) -> Audit:
    """Little's law for the days `since` <= day < `until`; `ended` is infinite for who goes on.

    Days are numbers on one scale; a journey is in progress from the day it started to the day before
    it ended.
    """
    width = until - since
    ended = np.maximum(ended, started)
    inside = np.maximum(np.minimum(ended, until) - np.maximum(started, since), 0.0)
    leaves = (ended >= since) & (ended < until)
    times = (ended - started)[leaves]
    return Audit(
        progress=float(inside.sum()) / width,
        leaving=float(leaves.sum()) / width,
        cycle=float(times.mean()) if times.size else math.nan,
        still_in=float(inside[~leaves].sum()) / width,
        before=float((times - inside[leaves]).sum()) / width,
    )


def wait_quantile(risk: Risk, share: float, level: float) -> Limits:
    """Days by which `share` have reached (Kaplan-Meier), with log-log limits; None where not reached."""
    curve, scale = survival(risk), 0.5 / (1 - share)
    low, high = log_log_limits(curve[0], variance_sum(risk)[0], level)
    lines = (curve, low[None], high[None])
    found = [float(crossing(risk.time, line * scale)[0]) for line in lines]
    return Limits(*(at if math.isfinite(at) else None for at in found))


@dataclass(frozen=True)
class Moves:
    """What became of entries: the state (from 0), where it went, days until then, day of entering.

    `went` is a later state, `STAYS` or `LEAVES`; states are numbered from 1 so that 0 can mean staying.
    """

    state: Any
    went: Any
    days: Floats


@dataclass(frozen=True)
class Kernel:
    """How a state is left: shares that go to each later state after so many days, and who stays."""

    times: Floats
    shares: dict[int, Floats]
    staying: Floats

    def after(self, elapsed: float) -> dict[int, tuple[Floats, Floats]]:
        """Further days and shares per later state, of who has been in the state `elapsed` days."""
        place = int(np.searchsorted(self.times, elapsed, side="right"))
        still = 1.0 if not place else float(self.staying[place - 1])
        if still <= 0:
            return {}
        later = self.times[place:] - elapsed
        return {goal: (later, share[place:] / still) for goal, share in self.shares.items()}


def kernel(moves: Moves, state: int) -> Kernel:
    """Aalen-Johansen's shares of one state with every later state as a cause of its own."""
    mine = np.asarray(moves.state) == state
    days, went = np.maximum(moves.days[mine], 0.0), np.asarray(moves.went)[mine]
    times, place = np.unique(days, return_inverse=True)
    if not times.size:
        return Kernel(times, {}, times)
    waiting = np.cumsum(np.bincount(place, minlength=times.size)[::-1])[::-1]
    exits = np.bincount(place, went != STAYS, minlength=times.size)
    staying = np.cumprod(1 - exits / waiting)
    pace = np.concatenate([[1.0], staying[:-1]]) / waiting
    goals = [int(goal) for goal in np.unique(went) if goal > 0]
    shares = {g: pace * np.bincount(place, went == g, minlength=times.size) for g in goals}
    return Kernel(times, shares, np.asarray(staying, dtype=np.float64))


def _binned(days: Floats, shares: Floats, steps: int) -> Floats:
    """Shares by step of the grid; what comes later is left out."""
    place = np.minimum(days // STEP_DAYS, steps).astype(np.int64)
    return np.asarray(np.bincount(place, shares, minlength=steps + 1)[:steps], dtype=np.float64)


def arrivals(kernels: dict[int, Kernel], goal: int, steps: int) -> dict[int, Floats]:
    """Chance to reach `goal` (or a later state) in each step after entering a state, per state."""
    found: dict[int, Floats] = {}
    for state in range(goal - 1, 0, -1):
        ways = kernels[state].after(-1.0) if state in kernels else {}
        found[state] = _through(ways, found, goal, steps)
    return found


def _through(
    ways: dict[int, tuple[Floats, Floats]], found: dict[int, Floats], goal: int, steps: int
) -> Floats:
    """Chance to arrive in each step: directly, or by way of a state whose chances are known."""
    total = np.zeros(steps)
    for following, (days, shares) in ways.items():
        direct = _binned(np.maximum(days, 0.0), shares, steps)
        total += direct if following >= goal else np.convolve(direct, found[following])[:steps]
    return total


def occupants(
    kernels: dict[int, Kernel],
    chances: dict[int, Floats],
    goal: int,
    staying: list[tuple[int, float]],
) -> Floats:
    """Chance to arrive in each step, one row per unit now in (state, for so many days)."""
    steps = len(chances[goal - 1])
    rows = [
        _through(kernels[state].after(days), chances, goal, steps)
        if state in kernels
        else np.zeros(steps)
        for state, days in staying
    ]
    return np.array(rows) if rows else np.zeros((0, steps))


def newcomers(chances: dict[int, Floats], each_step: dict[int, float], steps: int) -> Floats:
    """Expected arrivals in each step of units that enter later, `each_step` of them per state."""
    total = np.zeros(steps)
    for state, rate in each_step.items():
        if state in chances:
            total += rate * np.cumsum(chances[state])[:steps]
    return total


def count_limits(mean: float, variance: float, level: float) -> tuple[float, float]:
    """Limits of a count with this mean and variance, mid-p: half of a count's own chance lies beyond it.

    Equal tails; both limits are counts that lie in the interval. Counts have steps, so that limits which
    never hold less than `level` hold a good deal more where few are expected; mid-p limits hold `level`
    on average. Source: Lancaster, H. O. (1961), Significance tests in discrete distributions, JASA 56.
    """
    if mean <= 0:
        return 0.0, 0.0
    counts, chances = count_law(mean, variance)
    below, tail = np.cumsum(chances) - chances / 2, (1 - level) / 2
    inside = counts[(below > tail) & (below < 1 - tail)]
    return float(inside[0]), float(inside[-1])


def count_law(mean: float, variance: float) -> tuple[Floats, Floats]:
    """Counts from low to high and their chances (sum 1), by mean and variance.

    Negative binomial where the variance is larger than the mean, Poisson where it is the same, binomial
    where it is smaller (its mean is kept, its variance as near as whole trials allow): the laws in which
    a count is so many times as likely as the one before as a + b / count says.
    Source: Panjer, H. H. (1981), Recursive evaluation of a family of compound distributions, ASTIN 12.
    """
    reach = 12 * math.sqrt(max(variance, mean)) + 30
    low, high, extra = max(0, int(mean - reach)), int(mean + reach), variance - mean
    if abs(extra) <= 1e-9 * mean:
        a, b = 0.0, mean
    elif extra > 0:
        size = mean**2 / extra
        a = mean / (size + mean)
        b = (size - 1) * a
    else:
        trials = max(math.ceil(mean), round(mean**2 / -extra))
        if trials == mean:
            return np.array([mean]), np.ones(1)
        high, odds = min(high, trials), mean / (trials - mean)
        a, b = -odds, (trials + 1) * odds
    counts = np.arange(low, high + 1, dtype=np.float64)
    steps = np.log(a + b / counts[1:])
    logs = np.concatenate([[0.0], np.cumsum(steps)])
    chances = np.exp(logs - logs.max())
    return counts, chances / chances.sum()
