"""A composite score: parts on a scale from 0 to 100, weighted, with half rounded up."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from kpi_lib.stats.distributions import Floats

FULL = 100.0
SLACK = 1e-9
"""What a half may lack through rounding of the machine and still be rounded up."""


def half_up(values: Any) -> Floats:
    """Whole numbers, a half rounded up: 70.5 gives 71 (Python's own `round` gives 70)."""
    return np.asarray(
        np.floor(np.asarray(values, dtype=np.float64) + 0.5 + SLACK), dtype=np.float64
    )


def composite(
    points: Mapping[str, Any],
    weights: Mapping[str, float],
    *,
    missing_as_zero: bool = False,
    rounded: bool = True,
) -> Floats:
    """The weighted mean of the parts, one number per unit, NaN where nothing is known.

    `points`: arrays of points (0 to 100, NaN unknown) by part; `weights` by the same names, not all
    zero, need not add up to 1. Parts are rounded before they are weighted, and so is the score.
    Unknown parts leave the mean, or count as 0. Raises ValueError on weights below zero or all zero.
    """
    shares = np.array([weights[name] for name in points], dtype=np.float64)
    if (shares < 0).any() or not shares.sum() > 0:
        raise ValueError("weights must not be negative, nor all zero")
    parts = np.stack([np.asarray(points[name], dtype=np.float64) for name in points])
    known = ~np.isnan(parts)
    filled = np.where(known, half_up(parts) if rounded else parts, 0.0)
    counted = shares[:, None] * (np.ones_like(filled) if missing_as_zero else known)
    whole = counted.sum(axis=0)
    whole = np.where((whole > 0) & known.any(axis=0), whole, np.nan)
    score = (counted * filled).sum(axis=0) / whole
    return half_up(score) if rounded else np.asarray(score, dtype=np.float64)
