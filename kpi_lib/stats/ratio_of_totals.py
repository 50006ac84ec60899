"""What the mean and the ratio have in common: one total over another, clustered by account."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

import ibis.expr.types as ir
import numpy as np

from kpi_lib.kpi import Difference
from kpi_lib.stats.cells import estimates, share_of, sum_cells, total_of
from kpi_lib.stats.distributions import Floats
from kpi_lib.stats.engine_sums import PAIR_SUMS, SUMS, cluster_moments, pair_moments
from kpi_lib.stats.moments import paired_change, ratio_variance, welch_degrees
from kpi_lib.stats.power import units_for_spread
from kpi_lib.stats.student import cell_reason, half_width, limit_reason, t_difference

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class RatioOfTotals:
    """Sum of `value` over the sum of a weight, its spread by the delta method over accounts.

    Rows without a value or a weight count as not resolved. Pooled periods treat an account of two
    periods as two draws.
    """

    method = "accounts as clusters"

    @property
    def columns(self) -> tuple[str, ...]:
        """Observation columns read besides unit_id, account_id, period, value."""
        return ()

    def counted(self, observations: ir.Table) -> ir.Table:
        """All rows."""
        return observations

    def weight(self, observations: ir.Table) -> ir.FloatingColumn | None:
        """The denominator of each unit; None stands for 1."""
        return None

    def limits(
        self, sums: Mapping[str, Floats], value: Floats, variance: Floats, level: float
    ) -> tuple[Floats, Floats]:
        """Lower and upper limit per cell: the t interval around the value."""
        half = half_width(variance, sums["clusters"], level)
        return value - half, value + half

    def reduce(self, observations: ir.Table, by: Sequence[str]) -> ir.Table:
        """`SUMS` per cell of `by`, in the engine; rows of cells may be added up."""
        return cluster_moments(observations, by, self.weight(observations))

    def estimate(self, reduced: pd.DataFrame, by: Sequence[str], level: float) -> pd.DataFrame:
        """*by, value, low, high, standard_error, n, resolved, clusters, reason per cell.

        A cell without weight has a null value, one of a single account a null interval.
        """
        cells = sum_cells(reduced, by, SUMS)
        sums = {name: cells[name].to_numpy(dtype=np.float64) for name in SUMS}
        value = share_of(sums["value_sum"], sums["weight_sum"])
        variance = _variance(sums, value)
        low, high = self.limits(sums, value, variance, level)
        reasons = [
            cell_reason(v, m, "the weights add up to zero") or limit_reason(bound)
            for v, m, bound in zip(value, sums["clusters"], low, strict=True)
        ]
        columns = {
            "value": value,
            "low": low,
            "high": high,
            "standard_error": np.sqrt(variance),
            "n": sums["n"].astype(np.int64),
            "resolved": share_of(sums["n"], sums["units"]),
            "clusters": sums["clusters"].astype(np.int64),
        }
        return estimates(cells, by, columns, reasons)

    def points(self, reduced: pd.DataFrame, by: Sequence[str]) -> pd.DataFrame:
        """As `estimate`: the interval costs nothing."""
        return self.estimate(reduced, by, 0.9)

    def draws(self, reduced: pd.DataFrame, weights: Floats) -> Floats:
        """The value in resamples made elsewhere: (draws,); `weights` is (draws, rows)."""
        names = ("value_sum", "weight_sum")
        above, below = (np.nan_to_num(reduced[n].to_numpy(dtype=np.float64)) for n in names)
        return np.asarray(share_of(weights @ above, weights @ below))

    def difference(
        self, earlier: pd.DataFrame, later: pd.DataFrame, *, level: float, power: float
    ) -> Difference:
        """Later minus earlier of two independent samples, by Welch's t.

        The smallest visible change comes from the noncentral t distribution at these sizes.
        """
        first, second = _one(earlier), _one(later)
        degrees = welch_degrees(first.variance, first.clusters, second.variance, second.clusters)
        return t_difference(
            second.value - first.value,
            first.variance + second.variance,
            degrees,
            level=level,
            power=power,
            method=f"Welch t, {self.method}",
        )

    def reduce_pairs(self, observations: ir.Table, earlier: date, later: date) -> ir.Table:
        """One row of sums over the accounts seen in either of the periods starting on these days."""
        return pair_moments(observations, earlier, later, self.weight(observations))

    def paired_difference(self, pairs: pd.DataFrame, *, level: float, power: float) -> Difference:
        """Later minus earlier where the same accounts are seen in both periods.

        The change is exactly that of the two headline figures; its noise is that of one linearised
        number per account, so accounts that came or left take part in it.
        """
        change = paired_change(total_of(pairs, PAIR_SUMS), ratios=True)
        return t_difference(
            change.value,
            change.variance,
            change.clusters - 1,
            level=level,
            power=power,
            method="paired t over accounts",
        )

    def units_needed(
        self, reduced: pd.DataFrame, change: float, *, level: float, power: float
    ) -> int | None:
        """Units in each of two independent periods that make `change` visible, at this spread."""
        sums = total_of(reduced, SUMS)
        one = _one(reduced)
        if not math.isfinite(one.variance):
            return None
        accounts = units_for_spread(
            math.sqrt(one.variance * one.clusters), change, level=level, power=power
        )
        return None if accounts is None else math.ceil(accounts * sums["n"] / one.clusters)


@dataclass(frozen=True)
class _Sample:
    value: float
    variance: float
    clusters: float


def _one(reduced: pd.DataFrame) -> _Sample:
    """Value, squared standard error and accounts of all rows together."""
    sums = {name: np.array([number]) for name, number in total_of(reduced, SUMS).items()}
    value = share_of(sums["value_sum"], sums["weight_sum"])
    variance = _variance(sums, value)
    return _Sample(float(value[0]), float(variance[0]), float(sums["clusters"][0]))


def _variance(sums: dict[str, np.ndarray], value: np.ndarray) -> np.ndarray:
    weights = sums["weight_sum"]
    return ratio_variance(sums | {"weight_sum": np.where(weights == 0, np.nan, weights)}, value)
