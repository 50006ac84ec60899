"""The ratio of two totals, with the delta method, clustered by account."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import ibis.expr.types as ir

from kpi_lib.stats.distributions import Floats
from kpi_lib.stats.fieller import fieller_limits
from kpi_lib.stats.ratio_of_totals import RatioOfTotals


@dataclass(frozen=True)
class Ratio(RatioOfTotals):
    """Sum of `value` over sum of `weight`: a basket, a net revenue retention.

    Intervals are Fieller's, over accounts: null where the denominator cannot be told from zero. A
    change is judged by the delta method.
    """

    method = "delta method, accounts as clusters"

    @property
    def columns(self) -> tuple[str, ...]:
        """`weight`, the denominator of each unit."""
        return ("weight",)

    def weight(self, observations: ir.Table) -> ir.FloatingColumn | None:
        """The denominator of each unit."""
        return observations["weight"]

    def limits(
        self, sums: Mapping[str, Floats], value: Floats, variance: Floats, level: float
    ) -> tuple[Floats, Floats]:
        """Fieller's limits per cell; see there."""
        return fieller_limits(sums, level)
