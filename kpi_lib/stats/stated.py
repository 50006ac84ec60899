"""Figures that others state, each with a range of its own: their mean, as uncertain as the ranges say."""

from __future__ import annotations

import math
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

import ibis
import ibis.expr.types as ir
import numpy as np

from kpi_lib.kpi import Difference
from kpi_lib.stats.cells import difference, estimates, finite, sum_cells
from kpi_lib.stats.distributions import Floats, z_tail, z_two_sided
from kpi_lib.stats.power import normal_multiple

if TYPE_CHECKING:
    import pandas as pd

_SUMS = ("n", "total", "variance")
_METHOD = "normal errors of the size that each source is trusted to"


@dataclass(frozen=True)
class Stated:
    """Mean of `value`, each row off by a normal error of standard deviation `error`, independently.

    No sample stands behind such figures, so resampling them would say nothing: in a resample each
    takes its stated value and an error drawn anew, however often it is drawn.
    """

    @property
    def columns(self) -> tuple[str, ...]:
        """`error`, in the unit of the value, and `of`, whose figure it is."""
        return ("error", "of")

    def counted(self, observations: ir.Table) -> ir.Table:
        """All rows."""
        return observations

    def reduce(self, observations: ir.Table, by: Sequence[str]) -> ir.Table:
        """n, total, variance (sum of squared errors) per cell of `by`."""
        rows = observations
        sums = {
            "n": rows.count(),
            "total": rows["value"].sum(),
            "variance": (rows["error"] * rows["error"]).sum(),
        }
        return rows.group_by(list(by)).aggregate(**sums) if by else rows.aggregate(**sums)

    def estimate(self, reduced: pd.DataFrame, by: Sequence[str], level: float) -> pd.DataFrame:
        """*by, value, low, high, standard_error, n, resolved, reason."""
        cells = sum_cells(reduced, by, _SUMS)
        value, error = self._mean(cells)
        reach = z_two_sided(level) * error
        columns = {
            **{"value": value, "low": value - reach, "high": value + reach},
            **{"standard_error": error, "n": cells["n"].to_numpy(dtype=np.int64)},
            "resolved": np.ones(len(cells)),
        }
        return estimates(
            cells, by, columns, ["" if n else "no figure is stated" for n in cells["n"]]
        )

    def points(self, reduced: pd.DataFrame, by: Sequence[str]) -> pd.DataFrame:
        """The same; nothing is resampled for it."""
        return self.estimate(reduced, by, 0.9)

    def draws(self, reduced: pd.DataFrame, weights: Floats) -> Floats:
        """The mean with an error for each draw: (draws,). The errors follow from the weights."""
        seed = zlib.crc32(np.sort(weights, axis=1).tobytes())
        value, error = self._mean(sum_cells(reduced, [], _SUMS))
        return np.asarray(value + error * np.random.default_rng(seed).standard_normal(len(weights)))

    def difference(
        self, earlier: pd.DataFrame, later: pd.DataFrame, *, level: float, power: float
    ) -> Difference:
        """Later minus earlier, the errors of both independent."""
        found = [self._mean(sum_cells(rows, [], _SUMS)) for rows in (earlier, later)]
        (first, one), (second, other) = [(float(v[0]), float(e[0])) for v, e in found]
        change, error = second - first, math.hypot(one, other)
        if not error > 0:
            return difference(_METHOD, "no figure, or none with a range, is stated")
        reach = z_two_sided(level) * error
        return difference(
            _METHOD, value=change, low=change - reach, high=change + reach,
            p_value=z_tail(change / error),
            smallest_visible=normal_multiple(level, power) * error,
        )  # fmt: skip

    def reduce_pairs(self, observations: ir.Table, earlier: date, later: date) -> ir.Table:
        """The reduced rows of both periods; `is_later` tells them apart."""
        rows = observations.filter(observations["period"].isin([earlier, later]))
        return self.reduce(
            rows.mutate(is_later=rows["period"] == ibis.literal(later)), ["is_later"]
        )

    def paired_difference(self, pairs: pd.DataFrame, *, level: float, power: float) -> Difference:
        """As `difference`: what a source gets wrong in one period it need not in the next."""
        later = pairs["is_later"].to_numpy(dtype=bool)
        return self.difference(pairs[~later], pairs[later], level=level, power=power)

    def units_needed(
        self, reduced: pd.DataFrame, change: float, *, level: float, power: float
    ) -> int | None:
        """None: more rows of the same sources make nothing more certain."""
        del reduced, change, level, power
        return None

    def _mean(self, cells: pd.DataFrame) -> tuple[Floats, Floats]:
        count = cells["n"].to_numpy(dtype=np.float64)
        with np.errstate(divide="ignore", invalid="ignore"):
            mean = cells["total"].to_numpy(dtype=np.float64) / count
            error = np.sqrt(cells["variance"].to_numpy(dtype=np.float64)) / count
        return finite(mean), finite(error)
