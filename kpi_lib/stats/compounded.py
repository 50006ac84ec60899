"""A share lost per period, written as the share lost per year if every period were like it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

import ibis.expr.types as ir
import numpy as np

from kpi_lib.kpi import Difference, Estimator
from kpi_lib.stats.cells import difference
from kpi_lib.stats.distributions import Floats

if TYPE_CHECKING:
    import pandas as pd

INDEPENDENT = "a compounded share is compared between independent periods only"


def compounded(share: Any, times: float) -> Floats:
    """1 - (1 - share) ** times: lost in `times` periods, if each loses `share` of what is left.

    It assumes that every period loses the same share and that who stayed is as likely to go as who
    came last. Shares above 1 count as 1.
    """
    left = np.maximum(1.0 - np.asarray(share, dtype=np.float64), 0.0)
    return np.asarray(1.0 - left**times, dtype=np.float64)


def _per_period(share: float, times: float) -> float:
    """The share per period that compounds to `share`."""
    return 1.0 - float(max(1.0 - share, 0.0) ** (1.0 / times))


@dataclass(frozen=True)
class Compounded:
    """Another estimator's share with value and limits compounded over `times` periods.

    The function only rises, so limits stay limits; tests of a change are those of the share itself.
    """

    inner: Estimator
    times: float

    @property
    def columns(self) -> tuple[str, ...]:
        """Those of the share."""
        return self.inner.columns

    def counted(self, observations: ir.Table) -> ir.Table:
        """The rows of the share."""
        return self.inner.counted(observations)

    def reduce(self, observations: ir.Table, by: Sequence[str]) -> ir.Table:
        """Counts and sums of the share."""
        return self.inner.reduce(observations, by)

    def estimate(self, reduced: pd.DataFrame, by: Sequence[str], level: float) -> pd.DataFrame:
        """The columns of the share, compounded; the standard error by the delta method."""
        frame = self.inner.estimate(reduced, by, level)
        share = frame["value"].to_numpy(dtype=np.float64)
        slope = self.times * np.maximum(1.0 - share, 0.0) ** (self.times - 1)
        limits = {name: compounded(frame[name], self.times) for name in ("value", "low", "high")}
        return frame.assign(**limits, standard_error=frame["standard_error"] * slope)

    def difference(
        self, earlier: pd.DataFrame, later: pd.DataFrame, *, level: float, power: float
    ) -> Difference:
        """Later minus earlier; p-value of the share, limits by squaring and adding both intervals.

        Limits: Newcombe (1998), Statistics in Medicine 17:873, applied to the compounded limits.
        """
        found = self.inner.difference(earlier, later, level=level, power=power)
        if found.value is None:
            return found
        first, second = (self._one(rows, level) for rows in (earlier, later))
        change = second["value"] - first["value"]
        return difference(
            f"{found.method}, compounded",
            found.reason,
            value=change,
            low=change
            - math.hypot(second["value"] - second["low"], first["high"] - first["value"]),
            high=change
            + math.hypot(second["high"] - second["value"], first["value"] - first["low"]),
            p_value=found.p_value,
            smallest_visible=self._visible(found, earlier, level),
        )

    def _one(self, rows: pd.DataFrame, level: float) -> dict[str, float]:
        row = self.estimate(rows.assign(pool=0), ["pool"], level).iloc[0]
        return {name: float(row[name]) for name in ("value", "low", "high")}

    def _visible(self, found: Difference, rows: pd.DataFrame, level: float) -> float | None:
        if found.smallest_visible is None:
            return None
        share = _per_period(self._one(rows, level)["value"], self.times)
        ends = (share, share + found.smallest_visible)
        return abs(float(np.subtract(*compounded(ends, self.times))))

    def reduce_pairs(self, observations: ir.Table, earlier: date, later: date) -> ir.Table:
        """Pairs of the share."""
        return self.inner.reduce_pairs(observations, earlier, later)

    def paired_difference(self, pairs: pd.DataFrame, *, level: float, power: float) -> Difference:
        """Cannot be told: who was lost in one period is not at risk in the next."""
        del pairs, level, power
        return difference("", INDEPENDENT)

    def units_needed(
        self, reduced: pd.DataFrame, change: float, *, level: float, power: float
    ) -> int | None:
        """Units per period that make a change of the compounded share visible."""
        value = self._one(reduced, level)["value"]
        if math.isnan(value):
            return None
        target = value + change if value + change < 1 else value - change
        step = abs(_per_period(target, self.times) - _per_period(value, self.times))
        return self.inner.units_needed(reduced, step, level=level, power=power)
