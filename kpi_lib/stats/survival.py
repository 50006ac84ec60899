"""Days waited until something happens, while some still wait and some leave before."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import ibis
import ibis.expr.types as ir
import numpy as np

from kpi_lib.kpi import Difference
from kpi_lib.stats.distributions import Floats
from kpi_lib.stats.independent import IndependentPeriods
from kpi_lib.stats.power import normal_multiple
from kpi_lib.stats.risk import area, crossing, risk_table, survival
from kpi_lib.stats.survival_cell import COLUMNS, describe
from kpi_lib.stats.survival_change import change_of_means, change_of_medians, error_of
from kpi_lib.stats.survival_rows import rows_of

if TYPE_CHECKING:
    import pandas as pd

Statistic = Literal["median", "mean"]


@dataclass(frozen=True)
class Survival(IndependentPeriods):
    """Median days waited (Kaplan-Meier), or their mean up to `horizon_days`.

    `value` is days until the event, until leaving, or until the last day known; `outcome` says which
    (1 event, 2 left, 0 still waiting); `entered` is 0, or the day from which the unit was watched.
    Who left counts as censored on leaving ("if nobody left"); the share that reached is
    Aalen-Johansen's. Days below 0 count as 0; rows without a value are not units.
    """

    horizon_days: int
    statistic: Statistic = "median"
    target_days: int | None = None

    @property
    def columns(self) -> tuple[str, ...]:
        """`entered` and `outcome`."""
        return ("entered", "outcome")

    def counted(self, observations: ir.Table) -> ir.Table:
        """All rows with a value."""
        return observations.filter(observations["value"].notnull())

    def reduce(self, observations: ir.Table, by: Sequence[str]) -> ir.Table:
        """Units per cell of `by`, duration, entered and outcome, in the engine."""
        rows = self.counted(observations)
        days = rows["value"].cast("float64")
        rows = rows.mutate(
            duration=ibis.ifelse(days < 0, ibis.literal(0).cast("float64"), days),
            entered=rows["entered"].cast("float64").fill_null(0.0),
            outcome=rows["outcome"].cast("int64").fill_null(0),
        )
        return rows.aggregate(by=[*by, "duration", "entered", "outcome"], units=rows.count())

    def estimate(self, reduced: pd.DataFrame, by: Sequence[str], level: float) -> pd.DataFrame:
        """*by, value, low, high, standard_error, n, resolved and more per cell, then `reason`.

        More: events, left, waiting (units); median, median_low, median_high and whether the upper
        limit is not reached; its bounds if leavers reach the day after (median_lowest) or never
        (median_highest); restricted_mean with its error and limits, up to restricted_to days;
        naive_mean of those who reached; reached_30, 60, 90, 180 and reached_target (shares).
        A limit not reached is null. resolved is the share that reached, left or passed the horizon.
        """
        import pandas as pd

        if not by:
            return pd.DataFrame([self._describe(reduced, level)])
        groups = reduced.groupby(list(by), dropna=False, sort=True)
        cells = [
            dict(zip(by, key, strict=True)) | self._describe(rows, level) for key, rows in groups
        ]
        return pd.DataFrame(cells, columns=[*by, *COLUMNS])

    def points(self, reduced: pd.DataFrame, by: Sequence[str]) -> pd.DataFrame:
        """As `estimate`."""
        return self.estimate(reduced, by, 0.9)

    def draws(self, reduced: pd.DataFrame, weights: Floats) -> Floats:
        """The value in resamples made elsewhere: (draws,); `weights` is (draws, rows).

        Infinite in a draw in which the median is not reached; null where the mean is not known.
        """
        days, entered, outcomes, units = (
            reduced[name].to_numpy(dtype=np.float64)
            for name in ("duration", "entered", "outcome", "units")
        )
        risk = risk_table(days, outcomes.astype(np.int64), weights * units, entered)
        curve = survival(risk)
        if self.statistic == "median":
            return crossing(risk.time, curve)
        followed = np.where(risk.at_risk > 0, risk.time, 0.0).max(axis=1)
        known = (curve[:, -1] <= 0) | (followed >= self.horizon_days)
        return np.where(known, area(risk.time, curve, float(self.horizon_days)), np.nan)

    def _describe(self, reduced: pd.DataFrame, level: float) -> dict[str, object]:
        return describe(
            rows_of(reduced), self.horizon_days, self.statistic, self.target_days, level
        )

    def difference(
        self, earlier: pd.DataFrame, later: pd.DataFrame, *, level: float, power: float
    ) -> Difference:
        """Later minus earlier of two independent cohorts.

        Medians by a seeded bootstrap of units (percentile interval); means by the z statistic of
        two restricted means up to the longest time followed in both. The smallest visible change is
        the standard error times (z of the level + z of the power).
        """
        first, second = rows_of(earlier), rows_of(later)
        if self.statistic == "mean":
            return change_of_means(first, second, self.horizon_days, level=level, power=power)
        return change_of_medians(first, second, level=level, power=power)

    def units_needed(
        self, reduced: pd.DataFrame, change: float, *, level: float, power: float
    ) -> int | None:
        """Units in each of two cohorts that make `change` days visible, from the present error."""
        rows = rows_of(reduced)
        error = error_of(rows, self.horizon_days, self.statistic)
        if error is None or not error > 0 or not change > 0:
            return None
        ratio = normal_multiple(level, power) * error * math.sqrt(2) / change
        return math.ceil(float(np.sum(rows.counts)) * ratio**2)
