"""The ratio of two totals, with the delta method, clustered by account."""

from __future__ import annotations

from dataclasses import dataclass

import ibis.expr.types as ir

from kpi_lib.stats.ratio_of_totals import RatioOfTotals


@dataclass(frozen=True)
class Ratio(RatioOfTotals):
    """Sum of `value` over sum of `weight`: a basket, a net revenue retention.

    Intervals are t intervals from the delta method over accounts.
    """

    method = "delta method, accounts as clusters"

    @property
    def columns(self) -> tuple[str, ...]:
        """`weight`, the denominator of each unit."""
        return ("weight",)

    def weight(self, observations: ir.Table) -> ir.FloatingColumn | None:
        """The denominator of each unit."""
        return observations["weight"]
