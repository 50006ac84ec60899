"""A permutation test of a score that keeps calendar month and tenure apart."""

from __future__ import annotations

from typing import Any

import numpy as np

from kpi_lib.stats.rank import average_ranks

CHUNK = 2_000_000
"""Numbers drawn at a time, so that large companies do not need much memory."""


def stratified_p_value(score: Any, outcome: Any, strata: Any, *, draws: int, seed: int) -> float:
    """Chance of so high a rank sum of the outcome if it were dealt at random within strata.

    One-sided: a high score should go with the outcome. (1 + draws at least as high) / (1 + draws):
    Davison and Hinkley (1997), 4.3. 1 where no stratum holds both outcomes.
    """
    _, stratum = np.unique(np.asarray(strata), return_inverse=True)
    order = np.argsort(stratum, kind="stable")
    ranks = average_ranks(score)[order]
    has = np.asarray(outcome).astype(bool)[order]
    observed = float(ranks[has].sum())
    generator = np.random.default_rng(seed)
    step = max(1, CHUNK // max(1, len(ranks)))
    reached = 0
    for first in range(0, draws, step):
        rows = min(step, draws - first)
        keys = stratum[order] + generator.random((rows, len(ranks)))
        dealt = ranks[np.argsort(keys, axis=1)]
        reached += int((dealt[:, has].sum(axis=1) >= observed - 1e-9).sum())
    return (1 + reached) / (1 + draws)
