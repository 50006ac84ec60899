"""Reduced rows of waiting times as arrays, in an order that does not depend on the input's."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from kpi_lib.stats.distributions import Floats
from kpi_lib.stats.risk import Risk, risk_table

if TYPE_CHECKING:
    import pandas as pd

_KEYS = ("duration", "entered", "outcome")


@dataclass(frozen=True)
class Rows:
    """Days, entry days, outcomes and how many units have them."""

    durations: Floats
    entered: Floats
    outcomes: npt.NDArray[np.int64]
    counts: Floats

    @property
    def units(self) -> int:
        """How many units."""
        return round(float(self.counts.sum()))

    def risk(self, counts: Floats | None = None) -> Risk:
        """The risk table, with other counts per row where given: (rows,) or (weightings, rows)."""
        used = self.counts if counts is None else counts
        return risk_table(self.durations, self.outcomes, used, self.entered)


def rows_of(reduced: pd.DataFrame) -> Rows:
    """The rows added up over everything but duration, entered and outcome."""
    cells = np.column_stack([reduced[name].to_numpy(dtype=np.float64) for name in _KEYS])
    keys, place = np.unique(cells, axis=0, return_inverse=True)
    units = reduced["units"].to_numpy(dtype=np.float64)
    counts = np.bincount(place.ravel(), weights=units, minlength=len(keys))
    return Rows(
        durations=keys[:, 0],
        entered=keys[:, 1],
        outcomes=keys[:, 2].astype(np.int64),
        counts=counts.astype(np.float64),
    )
