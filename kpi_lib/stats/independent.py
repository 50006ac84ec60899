"""Estimators whose units belong to one period each: any two periods are independent samples."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from datetime import date
from typing import TYPE_CHECKING

import ibis
import ibis.expr.types as ir

from kpi_lib.kpi import Difference

if TYPE_CHECKING:
    import pandas as pd


class IndependentPeriods(ABC):
    """The paired form of an estimator that has none: a unit comes once, so it is `difference` again."""

    @abstractmethod
    def reduce(self, observations: ir.Table, by: Sequence[str]) -> ir.Table:
        """Counts and sums per cell of `by`, computed in the engine."""

    @abstractmethod
    def difference(
        self, earlier: pd.DataFrame, later: pd.DataFrame, *, level: float, power: float
    ) -> Difference:
        """Change between two independent samples, each given as its reduced rows."""

    def reduce_pairs(self, observations: ir.Table, earlier: date, later: date) -> ir.Table:
        """The reduced rows of both periods; `is_later` tells them apart."""
        rows = observations.filter(observations["period"].isin([earlier, later]))
        return self.reduce(
            rows.mutate(is_later=rows["period"] == ibis.literal(later)), ["is_later"]
        )

    def paired_difference(self, pairs: pd.DataFrame, *, level: float, power: float) -> Difference:
        """As `difference`: a unit comes once, so two periods are always independent."""
        is_later = pairs["is_later"].astype(bool)
        return self.difference(pairs[~is_later], pairs[is_later], level=level, power=power)
