"""Confidence intervals of shares, and of the difference between two shares.

Every function takes counts and a two-sided `level` between 0 and 1, and returns plain floats.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from kpi_lib.stats.distributions import Floats, z_two_sided


class Interval(NamedTuple):
    """Lower and upper limit."""

    low: float
    high: float


def wilson_limits(successes: Any, trials: Any, level: float) -> tuple[Floats, Floats]:
    """Wilson's limits for arrays of counts; NaN where there are no trials.

    Source: Wilson (1927), JASA 22; Brown, Cai, DasGupta (2001), Statistical Science 16.
    """
    count = np.asarray(trials, dtype=np.float64)
    n = np.where(count > 0, count, np.nan)
    hits = np.asarray(successes, dtype=np.float64)
    share, z = hits / n, z_two_sided(level)
    centre = (share + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * np.sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    low = np.where(hits == 0, 0.0, np.maximum(centre - half, 0.0))
    high = np.where(hits == n, 1.0, np.minimum(centre + half, 1.0))
    return np.where(np.isnan(n), np.nan, low), np.where(np.isnan(n), np.nan, high)


def wilson(successes: float, trials: float, level: float = 0.95) -> Interval:
    """Wilson's score interval of a share.

    Raises ValueError unless 0 <= successes <= trials and trials > 0.
    """
    _check(successes, trials)
    low, high = wilson_limits(successes, trials, level)
    return Interval(float(low), float(high))


def clopper_pearson(successes: float, trials: float, level: float = 0.95) -> Interval:
    """The exact interval of a share, from quantiles of the beta distribution.

    Source: Clopper and Pearson (1934), Biometrika 26. Raises ValueError on impossible counts.
    """
    from scipy.special import betaincinv

    _check(successes, trials)
    tail = (1 - level) / 2
    failures = trials - successes
    low = 0.0 if successes == 0 else float(betaincinv(successes, failures + 1, tail))
    high = 1.0 if failures == 0 else float(betaincinv(successes + 1, failures, 1 - tail))
    return Interval(low, high)


def poisson_limits(counts: Any, level: float) -> tuple[Floats, Floats]:
    """The exact limits of the mean of a Poisson count, for arrays of counts.

    Source: Garwood (1936), Biometrika 28:437.
    """
    from scipy.special import gammaincinv

    count = np.asarray(counts, dtype=np.float64)
    tail = (1 - level) / 2
    low = np.where(count > 0, gammaincinv(np.maximum(count, 1.0), tail), 0.0)
    return low, np.asarray(gammaincinv(count + 1, 1 - tail), dtype=np.float64)


def newcombe(
    earlier: tuple[float, float],
    later: tuple[float, float],
    level: float = 0.95,
    correlation: float = 0.0,
) -> Interval:
    """Interval of the later share minus the earlier one, each given as (successes, trials).

    Newcombe's "square and add" of two Wilson intervals: method 10 of Newcombe (1998), Statistics in
    Medicine 17:873, for independent samples. With `correlation` it is method 10 of Newcombe (1998),
    Statistics in Medicine 17:2635, for paired ones. Raises ValueError on impossible counts.
    """
    low_1, high_1 = wilson(*earlier, level)
    low_2, high_2 = wilson(*later, level)
    share_1, share_2 = earlier[0] / earlier[1], later[0] / later[1]
    change = share_2 - share_1
    down = _square_and_add(share_2 - low_2, high_1 - share_1, correlation)
    up = _square_and_add(high_2 - share_2, share_1 - low_1, correlation)
    return Interval(max(change - down, -1.0), min(change + up, 1.0))


def _square_and_add(first: float, second: float, correlation: float) -> float:
    return math.sqrt(max(first**2 + second**2 - 2 * correlation * first * second, 0.0))


def _check(successes: float, trials: float) -> None:
    if not 0 <= successes <= trials or trials <= 0:
        raise ValueError(f"{successes} of {trials} is not a share")
