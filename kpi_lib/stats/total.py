"""The total of a value, with the interval it would have if the accounts were a draw."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

import ibis.expr.types as ir
import numpy as np

from kpi_lib.kpi import Difference
from kpi_lib.stats.cells import estimates, share_of, sum_cells, total_of
from kpi_lib.stats.engine_sums import PAIR_SUMS, SUMS, cluster_moments, pair_moments
from kpi_lib.stats.moments import paired_change, total_variance, welch_degrees
from kpi_lib.stats.power import units_for_spread
from kpi_lib.stats.student import cell_reason, half_width, t_difference

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Total:
    """Sum of `value`, of the rows of one `kind` where a kind is named.

    A total of all our customers has no sampling error. Its interval says how much it would vary if
    our m accounts were a draw from such accounts: standard error sqrt(m) * s, where s is the
    standard deviation of the account totals. Rows without a value count as not resolved.
    """

    kind: str | None = None

    @property
    def columns(self) -> tuple[str, ...]:
        """`kind` where one is named."""
        return () if self.kind is None else ("kind",)

    def counted(self, observations: ir.Table) -> ir.Table:
        """The rows of the named kind."""
        if self.kind is None:
            return observations
        return observations.filter(observations["kind"] == self.kind)

    def reduce(self, observations: ir.Table, by: Sequence[str]) -> ir.Table:
        """`SUMS` per cell of `by`, in the engine; rows of cells may be added up."""
        return cluster_moments(self.counted(observations), by)

    def estimate(self, reduced: pd.DataFrame, by: Sequence[str], level: float) -> pd.DataFrame:
        """*by, value, low, high, standard_error, n, resolved, clusters, reason per cell."""
        cells = sum_cells(reduced, by, SUMS)
        sums = {name: cells[name].to_numpy(dtype=np.float64) for name in SUMS}
        value = np.where(sums["n"] > 0, sums["value_sum"], np.nan)
        variance = total_variance(sums)
        half = half_width(variance, sums["clusters"], level)
        columns = {
            "value": value,
            "low": value - half,
            "high": value + half,
            "standard_error": np.sqrt(variance),
            "n": sums["n"].astype(np.int64),
            "resolved": share_of(sums["n"], sums["units"]),
            "clusters": sums["clusters"].astype(np.int64),
        }
        reasons = [cell_reason(v, m) for v, m in zip(value, sums["clusters"], strict=True)]
        return estimates(cells, by, columns, reasons)

    def difference(
        self, earlier: pd.DataFrame, later: pd.DataFrame, *, level: float, power: float
    ) -> Difference:
        """Later minus earlier total, as if each period's accounts were drawn anew (Welch's t)."""
        first, second = total_of(earlier, SUMS), total_of(later, SUMS)
        one, two = _variance(first), _variance(second)
        known = first["n"] > 0 and second["n"] > 0
        return t_difference(
            second["value_sum"] - first["value_sum"] if known else math.nan,
            one + two,
            welch_degrees(one, first["clusters"], two, second["clusters"]),
            level=level,
            power=power,
            method="Welch t, as if accounts were drawn anew each period",
        )

    def reduce_pairs(self, observations: ir.Table, earlier: date, later: date) -> ir.Table:
        """One row of sums over the accounts seen in either of the periods starting on these days."""
        return pair_moments(self.counted(observations), earlier, later)

    def paired_difference(self, pairs: pd.DataFrame, *, level: float, power: float) -> Difference:
        """Later minus earlier total from one difference per account; absent counts as 0."""
        sums = total_of(pairs, PAIR_SUMS)
        change = paired_change(sums, ratios=False)
        known = sums["n_earlier"] > 0 and sums["n_later"] > 0
        return t_difference(
            change.value if known else math.nan,
            change.variance,
            change.clusters - 1,
            level=level,
            power=power,
            method="paired t over the accounts of either period, as if they were a draw",
        )

    def units_needed(
        self, reduced: pd.DataFrame, change: float, *, level: float, power: float
    ) -> int | None:
        """Units per period with which the same relative change becomes visible.

        A total grows with its units, so `change` is taken as a share of the present total; two
        independent periods.
        """
        sums = total_of(reduced, SUMS)
        variance, accounts = _variance(sums), sums["clusters"]
        if not math.isfinite(variance):
            return None
        needed = units_for_spread(
            math.sqrt(variance / accounts), change / accounts, level=level, power=power
        )
        return None if needed is None else math.ceil(needed * sums["n"] / accounts)


def _variance(sums: dict[str, float]) -> float:
    return float(total_variance({name: np.array([sums[name]]) for name in SUMS})[0])
