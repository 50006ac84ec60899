"""The mean of a value, clustered by account."""

from __future__ import annotations

from dataclasses import dataclass

import ibis.expr.types as ir

from kpi_lib.stats.ratio import Ratio


@dataclass(frozen=True)
class Mean(Ratio):
    """Mean of `value` over units, with t intervals; Welch's t between periods.

    Where an account has several units its sum and count are reduced first, so that its units are
    not taken for independent ones: the mean is the ratio whose weight is 1 for each unit. With
    one unit per account this is the textbook t interval. Rows without a value are not resolved.
    """

    method = "mean over units, accounts as clusters"

    @property
    def columns(self) -> tuple[str, ...]:
        """None besides unit_id, account_id, period, value."""
        return ()

    def weight(self, observations: ir.Table) -> None:
        """1 for every unit."""
        return None
