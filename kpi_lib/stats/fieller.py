"""Fieller's limits of a ratio of two totals, from sums over clusters (accounts)."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from kpi_lib.stats.distributions import Floats, t_two_sided


def fieller_limits(sums: Mapping[str, Floats], level: float) -> tuple[Floats, Floats]:
    """Lower and upper limit of value_sum / weight_sum, clusters drawn, at the two-sided `level`.

    They hold the ratios r for which the mean over clusters of value - r * weight is not told from
    zero by Student's t. Unlike the delta method's they lie unevenly around the ratio when the weight
    itself is uncertain. NaN below two clusters, and where the weight cannot be told from zero: then
    no finite interval holds. Source: Fieller (1954), Journal of the Royal Statistical Society B 16.
    """
    count = np.where(sums["clusters"] > 1, sums["clusters"], np.nan)
    squared_t = t_two_sided(level, count - 1) ** 2
    value, weight = (np.asarray(sums[name]) / count for name in ("value_sum", "weight_sum"))
    spread = {
        "value": _variance_of_mean(sums["value_squares"], value * value, count),
        "weight": _variance_of_mean(sums["weight_squares"], weight * weight, count),
        "both": _variance_of_mean(sums["products"], value * weight, count),
    }
    square = weight**2 - squared_t * spread["weight"]
    middle = value * weight - squared_t * spread["both"]
    rest = value**2 - squared_t * spread["value"]
    square = np.where(square > 0, square, np.nan)
    root = np.sqrt(np.clip(middle**2 - square * rest, 0, None))
    return (middle - root) / square, (middle + root) / square


def _variance_of_mean(squares: Floats, squared_mean: Floats, count: Floats) -> Floats:
    left = np.asarray(squares) - count * squared_mean
    return left / (count - 1) / count
