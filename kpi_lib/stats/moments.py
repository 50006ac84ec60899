"""A ratio of two totals and its spread, from sums over clusters (accounts): plain arithmetic.

The mean is the ratio whose weight is 1 per unit, a total the one whose weight is left out.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from kpi_lib.stats.distributions import Floats

_ROUNDING = 1e-11
"""Sums of squares below this share of their largest part are rounding, and count as zero."""


def ratio_variance(sums: Mapping[str, Floats], ratio: Floats) -> Floats:
    """Squared standard error of `ratio` = value_sum / weight_sum by the delta method, clustered.

    m / (m - 1) * sum over clusters of (value - ratio * weight)^2 / weight_sum^2; with one unit per
    cluster and weights of 1 this is s^2 / n. NaN for fewer than two clusters.
    Source: Cochran (1977), Sampling Techniques, chapter 6.
    """
    squares = sums["value_squares"] + ratio**2 * sums["weight_squares"]
    left = squares - 2 * ratio * sums["products"]
    return _spread(left, squares, sums["clusters"]) * sums["clusters"] / sums["weight_sum"] ** 2


def total_variance(sums: Mapping[str, Floats]) -> Floats:
    """Squared standard error of a total if its m clusters were drawn: m * s^2 of their totals."""
    squares = np.asarray(sums["value_squares"], dtype=np.float64)
    count = np.where(sums["clusters"] > 0, sums["clusters"], np.nan)
    left = squares - np.asarray(sums["value_sum"]) ** 2 / count
    return _spread(left, squares, sums["clusters"]) * sums["clusters"]


def _spread(left: Floats, squares: Floats, clusters: Floats) -> Floats:
    """Sum of squares left over clusters - 1, cleaned of rounding; NaN below two clusters."""
    count = np.asarray(clusters, dtype=np.float64)
    clean = np.where(left > _ROUNDING * squares, left, 0.0)
    return clean / np.where(count > 1, count - 1, np.nan)


def welch_degrees(first: float, first_count: float, second: float, second_count: float) -> float:
    """Degrees of freedom of the sum of two squared standard errors from so many clusters.

    Source: Welch (1947), Biometrika 34. Infinite when both are zero, NaN below two clusters.
    """
    if first_count < 2 or second_count < 2:
        return math.nan
    parts = first**2 / (first_count - 1) + second**2 / (second_count - 1)
    return (first + second) ** 2 / parts if parts > 0 else math.inf


@dataclass(frozen=True)
class PairedChange:
    """Change of a ratio or total between two periods, its variance and the number of accounts."""

    value: float
    variance: float
    clusters: float


def paired_change(pairs: Mapping[str, float], *, ratios: bool) -> PairedChange:
    """The change from `PAIR_SUMS`, its variance from one linearised number per account.

    For a ratio the number is (value - r * weight) / W of the later period minus that of the earlier
    one; for a total (`ratios` False) the plain difference, absent counting as 0. Accounts in one
    period only take part, so the change is exactly that of the two headline figures.
    NaN where a period has no weight or there are fewer than two accounts.
    """
    count = pairs["clusters"]
    if ratios:
        value, factors = _linearised(pairs)
    else:
        value = pairs["value_later"] - pairs["value_earlier"]
        factors = {"value_later": 1.0, "value_earlier": -1.0}
    squares = sum(
        a * b * _product(pairs, x, y) for x, a in factors.items() for y, b in factors.items()
    )
    scale = sum(a * a * _product(pairs, x, x) for x, a in factors.items())
    centre = 0.0 if ratios else value**2 / count if count else 0.0
    left = squares - centre
    clean = left if left > _ROUNDING * scale else 0.0
    variance = clean * count / (count - 1) if count > 1 else math.nan
    return PairedChange(value, variance, count)


def _linearised(pairs: Mapping[str, float]) -> tuple[float, dict[str, float]]:
    weight_earlier, weight_later = pairs["weight_earlier"], pairs["weight_later"]
    if weight_earlier == 0 or weight_later == 0:
        return math.nan, {"value_later": math.nan}
    earlier = pairs["value_earlier"] / weight_earlier
    later = pairs["value_later"] / weight_later
    factors = {
        "value_later": 1 / weight_later,
        "weight_later": -later / weight_later,
        "value_earlier": -1 / weight_earlier,
        "weight_earlier": earlier / weight_earlier,
    }
    return later - earlier, factors


def _product(pairs: Mapping[str, float], first: str, second: str) -> float:
    name = f"{first}__{second}"
    return pairs[name] if name in pairs else pairs[f"{second}__{first}"]
