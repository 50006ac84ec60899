"""What each new unit cost: money spent over the number of units it brought."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import ibis
import ibis.expr.types as ir
import numpy as np

from kpi_lib.kpi import Difference
from kpi_lib.stats.cells import difference, estimates, share_of, sum_cells, total_of
from kpi_lib.stats.distributions import Floats
from kpi_lib.stats.exact import conditional_binomial
from kpi_lib.stats.independent import IndependentPeriods
from kpi_lib.stats.intervals import poisson_limits
from kpi_lib.stats.power import normal_multiple

if TYPE_CHECKING:
    import pandas as pd

SUMS = ("cost", "units", "rows", "known")
NO_UNIT = "money was spent, and no unit came of it"
NO_COST = "what was spent is not known"
_ANY_LEVEL = 0.9
_METHOD = "exact Poisson limits, square and add; conditional binomial test"


@dataclass(frozen=True)
class CostPerUnit(IndependentPeriods):
    """Sum of `value` (money) over sum of `weight` (1 for each unit that came, 0 for money alone).

    The money is decided, the number of units is chance: it is taken as a Poisson count, so the
    interval is the cost over Garwood's limits of the count. It is wide for few units, and has no
    upper end for none. Rows without a value (the spend is not known) count as not resolved.
    """

    @property
    def columns(self) -> tuple[str, ...]:
        """`weight`."""
        return ("weight",)

    def counted(self, observations: ir.Table) -> ir.Table:
        """The rows with a value."""
        return observations.filter(observations["value"].notnull())

    def reduce(self, observations: ir.Table, by: Sequence[str]) -> ir.Table:
        """cost (money), units, rows and known (rows with a value) per cell of `by`; additive."""
        value, weight = (observations[name].cast("float64") for name in ("value", "weight"))
        is_known = value.notnull()
        nothing = ibis.literal(0).cast("float64")
        return observations.aggregate(
            by=list(by),
            cost=value.sum().fill_null(0.0),
            units=ibis.ifelse(is_known, weight, nothing).sum().fill_null(0.0),
            rows=observations.count(),
            known=observations.count(where=is_known),
        )

    def estimate(self, reduced: pd.DataFrame, by: Sequence[str], level: float) -> pd.DataFrame:
        """*by, value, low, high, standard_error, n, resolved, cost, reason per cell.

        The standard error is value / sqrt(n), by the delta method.
        """
        cells = sum_cells(reduced, by, SUMS)
        cost, units = (cells[name].to_numpy(dtype=np.float64) for name in ("cost", "units"))
        told = cells["known"].to_numpy(dtype=np.float64) > 0
        few, many = poisson_limits(units, level)
        value = np.where(told, share_of(cost, units), np.nan)
        known = np.isfinite(value)
        columns = {
            "value": value,
            "low": np.where(known, share_of(cost, many), np.nan),
            "high": np.where(known, share_of(cost, few), np.nan),
            "standard_error": value / np.sqrt(np.where(units > 0, units, np.nan)),
            "n": units.astype(np.int64),
            "resolved": share_of(cells["known"], cells["rows"]),
            "cost": cost,
        }
        reasons = [
            "" if ok else NO_UNIT if some else NO_COST for ok, some in zip(known, told, strict=True)
        ]
        return estimates(cells, by, columns, reasons)

    def points(self, reduced: pd.DataFrame, by: Sequence[str]) -> pd.DataFrame:
        """As `estimate`: the interval costs nothing."""
        return self.estimate(reduced, by, _ANY_LEVEL)

    def draws(self, reduced: pd.DataFrame, weights: Floats) -> Floats:
        """The value in resamples made elsewhere: (draws,); `weights` is (draws, rows).

        The money is decided, so all of it stays; only the units are drawn. Infinite where none is.
        """
        cost, units = (reduced[name].to_numpy(dtype=np.float64) for name in ("cost", "units"))
        if not (reduced["known"] > 0).any():
            return np.full(len(weights), np.nan)
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.asarray(cost.sum() / (weights @ units))

    def difference(
        self, earlier: pd.DataFrame, later: pd.DataFrame, *, level: float, power: float
    ) -> Difference:
        """Later minus earlier cost per unit of two independent periods.

        Interval: square and add of the two exact ones, Zou and Donner (2008), Statistics in
        Medicine 27:1693. Test: of the units of both periods, as many fall into the later one as its
        share of the money lets expect, Przyborowski and Wilenski (1940), Biometrika 31. The smallest
        visible change is a fall, from the normal approximation of the log ratio.
        """
        first, second = total_of(earlier, SUMS), total_of(later, SUMS)
        if not (first["units"] and second["units"] and first["cost"] and second["cost"]):
            return difference(_METHOD, "one of the periods has no units, or no money was spent")
        values = [sums["cost"] / sums["units"] for sums in (first, second)]
        low, high = _square_and_add(first, second, level)
        error = math.sqrt(1 / first["units"] + 1 / second["units"])
        visible = values[0] * (1 - math.exp(-normal_multiple(level, power) * error))
        share = second["cost"] / (first["cost"] + second["cost"])
        units = round(first["units"] + second["units"])
        return difference(
            _METHOD,
            value=values[1] - values[0],
            low=low,
            high=high,
            p_value=conditional_binomial(round(second["units"]), units, share),
            smallest_visible=visible,
        )

    def units_needed(
        self, reduced: pd.DataFrame, change: float, *, level: float, power: float
    ) -> int | None:
        """Units in each of two periods that make a fall by `change` money visible."""
        sums = total_of(reduced, SUMS)
        if not (sums["units"] and 0 < change < sums["cost"] / sums["units"]):
            return None
        left = 1 - change * sums["units"] / sums["cost"]
        return math.ceil(2 * (normal_multiple(level, power) / math.log(left)) ** 2)


def _square_and_add(
    first: dict[str, float], second: dict[str, float], level: float
) -> tuple[float, float]:
    ends = []
    for sums in (first, second):
        few, many = (float(limit) for limit in poisson_limits(sums["units"], level))
        ends.append((sums["cost"] / many, sums["cost"] / sums["units"], sums["cost"] / few))
    (low_1, value_1, high_1), (low_2, value_2, high_2) = ends
    change = value_2 - value_1
    down = math.hypot(value_2 - low_2, high_1 - value_1)
    return change - down, change + math.hypot(high_2 - value_2, value_1 - low_1)
