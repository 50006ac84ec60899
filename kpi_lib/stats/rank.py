"""How well a score orders outcomes: the area under the ROC curve, also for many weightings at once."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from kpi_lib.stats.distributions import Floats


def auc(score: Any, outcome: Any, weights: Any = None) -> float | None:
    """Chance that a unit with the outcome scores above one without it, ties counting one half.

    `outcome` is 0 or 1, `weights` default to 1. None when one of the two groups is empty. Source:
    Hanley and McNeil (1982), Radiology 143. Raises ValueError on unknown scores.
    """
    once = np.ones(len(score)) if weights is None else np.asarray(weights, dtype=np.float64)
    found = float(auc_draws(score, outcome, once[None])[0])
    return found if math.isfinite(found) else None


def auc_draws(score: Any, outcome: Any, weight_matrix: Any) -> Floats:
    """The same for each row of `weight_matrix` (draws, units): one number per draw.

    NaN in a draw that leaves one group without weight. With 1,000 draws of 2,000 units it takes
    about a thirtieth of a second where the weights of a unit lie side by side in memory (a
    transposed array of units, draws), else twice that. So many draws are done at a time that what
    is summed stays near the processor.
    """
    scores = np.asarray(score, dtype=np.float64)
    if np.isnan(scores).any():
        raise ValueError("scores must be known; leave out the units without one")
    by_unit = np.asarray(weight_matrix, dtype=np.float64).T
    has = np.asarray(outcome).astype(bool)
    without = np.flatnonzero(~has)[np.argsort(scores[~has], kind="stable")]
    first = np.searchsorted(scores[without], scores[has], side="left")
    last = np.searchsorted(scores[without], scores[has], side="right")
    found = np.empty(by_unit.shape[1])
    for start in range(0, by_unit.shape[1], AT_ONCE):
        weights = by_unit[:, start : start + AT_ONCE]
        below = np.zeros((without.size + 1, weights.shape[1]))
        np.cumsum(weights[without], axis=0, out=below[1:])
        with_it = weights[has]
        wins = ((below[first] + below[last]) * with_it).sum(axis=0) / 2
        pairs = with_it.sum(axis=0) * below[-1]
        found[start : start + AT_ONCE] = wins / np.where(pairs > 0, pairs, np.nan)
    return found


AT_ONCE = 64
"""Draws done at a time."""


def spearman_draws(first: Any, second: Any, weight_matrix: Any) -> Floats:
    """Rank correlation of two scores of the same units for each row of weights (draws, units).

    Ranks are those of all units (ties share theirs); a draw weighs them. NaN where one of the two
    does not vary in a draw. Source: Spearman (1904), American Journal of Psychology 15.
    """
    weights = np.asarray(weight_matrix, dtype=np.float64)
    one, two = (average_ranks(side) for side in (first, second))
    parts = [np.ones_like(one), one, two, one * one, two * two, one * two]
    total, *sums = (weights @ np.column_stack(parts)).T  # one pass over the weights
    total = np.where(total > 0, total, np.nan)
    means, products = [part / total for part in sums[:2]], [part / total for part in sums[2:]]
    spread = np.sqrt(
        np.clip(products[0] - means[0] ** 2, 0, None)
        * np.clip(products[1] - means[1] ** 2, 0, None)
    )
    found = (products[2] - means[0] * means[1]) / np.where(spread > ROUNDING, spread, np.nan)
    return np.asarray(found, dtype=np.float64)


ROUNDING = 1e-9
"""A spread of ranks below this is none."""


def average_ranks(values: Any) -> Floats:
    """Ranks from 1 on, equal values sharing the mean of theirs. Values are known."""
    _, place, count = np.unique(np.asarray(values), return_inverse=True, return_counts=True)
    return np.asarray((np.cumsum(count) - (count - 1) / 2)[place], dtype=np.float64)


def kendall_tau(first: Any, second: Any) -> float | None:
    """Kendall's tau-b of two scores of the same units, over those with both known.

    None for fewer than two such units or where one score is the same for all. Source: Kendall
    (1945), Biometrika 33.
    """
    one, two = np.asarray(first, dtype=np.float64), np.asarray(second, dtype=np.float64)
    known = np.isfinite(one) & np.isfinite(two)
    if known.sum() < 2 or np.ptp(one[known]) == 0 or np.ptp(two[known]) == 0:
        return None
    if known.sum() <= FEW:
        above = [np.sign(np.subtract.outer(side[known], side[known])) for side in (one, two)]
        scale = math.sqrt((above[0] ** 2).sum() * (above[1] ** 2).sum())
        return float((above[0] * above[1]).sum() / scale)
    from scipy.stats import kendalltau

    return float(kendalltau(one[known], two[known]).statistic)


FEW = 1_000
"""Up to so many units all pairs are compared, which spares the slow import."""
