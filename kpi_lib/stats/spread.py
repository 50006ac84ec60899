"""How much of a spread goes with one choice among several."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

ROUNDING = 1e-12
"""A spread below this share of the squared values is the rounding of equal numbers."""


def correlation_ratio(values: Any, groups: Sequence[str]) -> float | None:
    """Share (0 to 1) of the sum of squares of `values` about their mean that lies between groups.

    Pearson's eta squared. None where the values do not vary. Raises ValueError where the two
    lengths differ, or a value is unknown.
    """
    known = np.asarray(values, dtype=np.float64)
    if len(known) != len(groups) or not np.isfinite(known).all():
        raise ValueError("every value must be known and belong to a group")
    around = known - known.mean() if len(known) else known
    total = float(around @ around)
    if total <= ROUNDING * float(known @ known):
        return None
    _, places, counts = np.unique(list(groups), return_inverse=True, return_counts=True)
    between = np.bincount(places, weights=around) ** 2 / counts
    return float(between.sum()) / total
