"""Quantiles and tails of the normal, t and chi-square distributions (scipy is loaded on first use)."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]


@lru_cache(maxsize=256)
def z_quantile(probability: float) -> float:
    """The standard normal quantile."""
    from scipy.special import ndtri

    return float(ndtri(probability))


def z_two_sided(level: float) -> float:
    """The z that leaves (1 - level) / 2 above it, 1.645 for a level of 0.9."""
    return z_quantile(0.5 + level / 2)


def z_tail(z: float) -> float:
    """Two-sided p-value of a standard normal statistic."""
    return math.erfc(abs(z) / math.sqrt(2))


def t_two_sided(level: float, degrees: Any) -> Floats:
    """The t quantile that leaves (1 - level) / 2 above it, for each number of degrees of freedom."""
    from scipy.special import stdtrit

    return np.asarray(stdtrit(degrees, 0.5 + level / 2), dtype=np.float64)


def t_tail(statistic: float, degrees: float) -> float:
    """Two-sided p-value of a t statistic."""
    from scipy.special import stdtr

    return float(2 * stdtr(degrees, -abs(statistic)))


def chi_square_tail(statistic: float, degrees: float) -> float:
    """The chance of a chi-square value above `statistic`."""
    from scipy.special import chdtrc

    return float(chdtrc(degrees, statistic))
