"""How much of a line's ups and downs is sampling noise."""

from __future__ import annotations

from typing import Any

import numpy as np


def noise_share(values: Any, standard_errors: Any) -> float | None:
    """Mean squared standard error over the variance of the period values, between 0 and 1.

    Periods in which either is unknown are left out. None for fewer than three periods, or where
    neither the values nor their errors vary at all.
    """
    numbers = np.asarray(values, dtype=np.float64)
    errors = np.asarray(standard_errors, dtype=np.float64)
    known = np.isfinite(numbers) & np.isfinite(errors)
    if known.sum() < MIN_PERIODS:
        return None
    noise = float(np.mean(errors[known] ** 2))
    spread = float(np.var(numbers[known], ddof=1))
    if spread == 0:
        return 1.0 if noise > 0 else None
    return min(noise / spread, 1.0)


MIN_PERIODS = 3
