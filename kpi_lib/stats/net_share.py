"""A share less what came back: units lost minus units returned, over the units at risk."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from kpi_lib.stats.cells import sum_cells
from kpi_lib.stats.engine_sums import SUMS
from kpi_lib.stats.intervals import wilson_limits
from kpi_lib.stats.ratio import Ratio

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class NetShare(Ratio):
    """Sum of `value` (1 lost, 0 kept, -1 returned) over sum of `weight` (1 at risk, else 0).

    Limits are those of a ratio. Where nothing was lost and nothing returned, a ratio has no spread
    to go by; Wilson's upper limit of none in so many is then taken in both directions.
    """

    def estimate(self, reduced: pd.DataFrame, by: Sequence[str], level: float) -> pd.DataFrame:
        """The columns of `Ratio.estimate`, one row per cell of `by`."""
        frame = super().estimate(reduced, by, level)
        sums = sum_cells(reduced, by, SUMS)
        nothing = (sums["value_squares"] == 0).to_numpy() & (sums["weight_sum"] > 0).to_numpy()
        edge = wilson_limits(0.0, sums["weight_sum"].to_numpy(dtype=np.float64), level)[1]
        low = np.where(nothing, -edge, frame["low"].to_numpy(dtype=np.float64))
        high = np.where(nothing, edge, frame["high"].to_numpy(dtype=np.float64))
        return frame.assign(low=low, high=high)
