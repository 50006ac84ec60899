"""Process limits of a line of figures: which periods are more than the line's own noise."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

LIMIT_FACTOR = 2.66
RANGE_FACTOR = 3.27


@dataclass(frozen=True)
class ProcessLimits:
    """Centre and limits of the values, mean moving range and its upper limit."""

    centre: float
    lower: float
    upper: float
    mean_moving_range: float
    range_limit: float


def process_limits(values: Any, apart: int = 1) -> ProcessLimits | None:
    """Mean +- 2.66 x mean moving range, and the range limit 3.27 x mean moving range.

    A range lies between values `apart` places apart: more than 1 where neighbours are made of partly
    the same days, which hardly differ and would make the limits too narrow. Unknown values are left
    out, so that a range spans the gap. None for `apart` or fewer values.
    Source: Wheeler (2000), Understanding Variation.
    """
    numbers = np.asarray(values, dtype=np.float64)
    known = numbers[np.isfinite(numbers)]
    if known.size <= apart:
        return None
    centre, moving = float(known.mean()), float(np.abs(known[apart:] - known[:-apart]).mean())
    reach = LIMIT_FACTOR * moving
    return ProcessLimits(centre, centre - reach, centre + reach, moving, RANGE_FACTOR * moving)


def signals(values: Any, limits: ProcessLimits | None) -> npt.NDArray[np.bool_]:
    """True for each value outside the limits; unknown values and unknown limits give False."""
    numbers = np.asarray(values, dtype=np.float64)
    if limits is None:
        return np.zeros(numbers.shape, dtype=bool)
    return (numbers < limits.lower) | (numbers > limits.upper)
