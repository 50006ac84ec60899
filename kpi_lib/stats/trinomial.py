"""Exact bounds of a net share (one share minus another) from few answers, by inverting a test."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from kpi_lib.stats.distributions import Floats
from kpi_lib.stats.intervals import Interval

_SPREADS = 129
"""Values tried for the unknown share of those who are not in the middle."""

_HALVINGS = 30
_ROUNDING = 1e-12


def net_chances(more: Floats, less: Floats, n: int) -> Floats:
    """Chance of each net count -n..n when n answers add 1 with chance `more`, -1 with chance `less`.

    One row per pair of chances, 2n + 1 columns. The n-fold convolution is done exactly on the roots
    of unity, since the net count has only 2n + 1 values.
    """
    size = 2 * n + 1
    turn = np.exp(-2j * np.pi * np.arange(size) / size)
    middle = 1 - more - less
    once = more[:, None] * turn + middle[:, None] + less[:, None] / turn
    chances = np.fft.ifft(once**n, axis=1).real
    return np.asarray(np.clip(np.roll(chances, n, axis=1), 0.0, 1.0), dtype=np.float64)


@lru_cache(maxsize=4096)
def exact_net(more: int, less: int, n: int, level: float = 0.95) -> Interval:
    """Bounds of the true net share that hold whatever the share of the middle is, -1 to 1.

    The lower one is the smallest net share at which so large a net count still has a chance above
    (1 - level) / 2 for some share of the middle; the upper one by symmetry. They cover at least
    `level`. This is the test inversion of Clopper and Pearson (1934), Biometrika 26, with the
    nuisance share maximised. Raises ValueError on impossible counts.
    """
    if min(more, less) < 0 or more + less > n or n <= 0:
        raise ValueError(f"{more} and {less} of {n} are not shares")
    return Interval(_lowest(more - less, n, level), -_lowest(less - more, n, level))


def _lowest(net: int, n: int, level: float) -> float:
    """By halving: the chance of a net count of `net` or more grows with the true net share."""
    low, high, tail = -1.0, net / n, (1 - level) / 2
    if net == -n:
        return -1.0
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        low, high = (low, middle) if _largest_tail(middle, net, n) > tail else (middle, high)
    return low


def _largest_tail(true_net: float, net: int, n: int) -> float:
    """The largest chance of a net count of `net` or more over all shares of the middle."""
    outside = np.linspace(abs(true_net), 1.0, _SPREADS)
    chances = net_chances((outside + true_net) / 2, (outside - true_net) / 2, n)
    return float(chances[:, net + n :].sum(axis=1).max()) + _ROUNDING
