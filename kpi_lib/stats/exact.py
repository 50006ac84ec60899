"""Exact tests of two shares: Fisher's for independent samples, McNemar's for paired ones."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import numpy.typing as npt

from kpi_lib.stats.distributions import Floats

_SLACK = 1 + 1e-7
"""Outcomes as likely as the observed one count as such in spite of rounding (as R and scipy do)."""


def binomial_chances(trials: int, share: float) -> Floats:
    """Chance of 0..trials successes, each with probability `share`."""
    from scipy.special import gammaln, xlog1py, xlogy

    hits = np.arange(trials + 1)
    ways = gammaln(trials + 1) - gammaln(hits + 1) - gammaln(trials - hits + 1)
    chances = np.exp(ways + xlogy(hits, share) + xlog1py(trials - hits, -share))
    return np.asarray(chances, dtype=np.float64)


def _table_chances(total: int, first: int, second: int) -> tuple[int, Floats]:
    """Smallest possible count in the first sample, and the chance of each from there on."""
    from scipy.special import gammaln

    low, high = max(0, total - second), min(first, total)
    hits = np.arange(low, high + 1)
    ways = -gammaln(hits + 1) - gammaln(first - hits + 1)
    ways = ways - gammaln(total - hits + 1) - gammaln(second - total + hits + 1)
    weights = np.exp(ways - ways.max())
    return low, np.asarray(weights / weights.sum(), dtype=np.float64)


def _two_sided(chances: Floats) -> Floats:
    """For each outcome, the chance of all outcomes that are at most as likely."""
    order = np.argsort(chances, kind="stable")
    cumulative = np.cumsum(chances[order])
    last = np.searchsorted(chances[order], chances * _SLACK, side="right") - 1
    return np.asarray(np.minimum(cumulative[last], 1.0), dtype=np.float64)


def fisher(earlier: tuple[int, int], later: tuple[int, int]) -> float:
    """Two-sided p-value of Fisher's exact test; samples as (successes, trials).

    Source: Fisher (1935); two-sided by summing tables at most as likely as the one seen.
    """
    total = earlier[0] + later[0]
    low, chances = _table_chances(total, earlier[1], later[1])
    return float(_two_sided(chances)[earlier[0] - low])


@lru_cache(maxsize=16)
def _fisher_region(first: int, second: int, alpha: float) -> Floats:
    """1 where Fisher's test rejects, by successes in the first and the second sample."""
    region = np.zeros((first + 1, second + 1))
    for total in range(first + second + 1):
        low, chances = _table_chances(total, first, second)
        rejected = np.flatnonzero(_two_sided(chances) <= alpha) + low
        region[rejected, total - rejected] = 1.0
    return region


def fisher_power(sizes: tuple[int, int], shares: tuple[float, float], alpha: float) -> float:
    """The exact chance that Fisher's two-sided test at `alpha` sees these two true shares differ.

    Takes time and memory in proportion to the product of the sizes.
    """
    region = _fisher_region(sizes[0], sizes[1], alpha)
    first, second = (
        binomial_chances(size, share) for size, share in zip(sizes, shares, strict=True)
    )
    return float(first @ region @ second)


def conditional_binomial(hits: int, trials: int, share: float) -> float:
    """Two-sided p-value of `hits` of `trials` when each has the chance `share`.

    Sums the chances of all outcomes at most as likely as the one seen.
    """
    return float(_two_sided(binomial_chances(trials, share))[hits])


def mcnemar(one_way: int, other_way: int) -> float:
    """Two-sided p-value of McNemar's exact test from the two counts of units that changed.

    The binomial test of one half; 1 when nothing changed. Source: McNemar (1947), Psychometrika 12.
    """
    from scipy.special import bdtr

    changed = one_way + other_way
    return min(1.0, float(2 * bdtr(min(one_way, other_way), changed, 0.5)))


def mcnemar_power(pairs: int, changing: float, difference: float, alpha: float) -> float:
    """The exact chance that McNemar's test sees a true difference between paired shares.

    `changing` is the share of pairs whose state changes at all, at least |difference|.
    """
    from scipy.special import bdtr, bdtrc

    chances, limits = binomial_chances(pairs, changing), _largest_rejected(pairs, alpha)
    count = np.flatnonzero((limits >= 0) & (chances > _NEGLIGIBLE))
    limit = limits[count]
    upward = min(1.0, (changing + abs(difference)) / (2 * changing))
    rejecting = bdtr(limit, count, upward) + bdtrc(count - limit - 1, count, upward)
    return float(chances[count] @ rejecting)


_NEGLIGIBLE = 1e-12


@lru_cache(maxsize=64)
def _largest_rejected(pairs: int, alpha: float) -> npt.NDArray[np.int64]:
    """For 0..pairs changed units, the largest smaller count that McNemar's test rejects; -1: none."""
    from scipy.special import bdtr, bdtrik

    changed = np.arange(1, pairs + 1)
    guess = np.nan_to_num(bdtrik(alpha / 2, changed, 0.5), nan=-1.0)
    limit = np.clip(np.floor(guess), -1, None).astype(np.int64)
    limit = limit + (bdtr(limit + 1, changed, 0.5) <= alpha / 2)
    limit = limit - ((limit >= 0) & (bdtr(np.maximum(limit, 0), changed, 0.5) > alpha / 2))
    return np.concatenate([[-1], limit])
