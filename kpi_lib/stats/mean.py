"""The mean of a value, clustered by account."""

from __future__ import annotations

from dataclasses import dataclass

from kpi_lib.stats.ratio_of_totals import RatioOfTotals


@dataclass(frozen=True)
class Mean(RatioOfTotals):
    """Mean of `value` over units, with t intervals; Welch's t between periods.

    Where an account has several units its sum and count are reduced first, so that its units are
    not taken for independent ones: the mean is the ratio whose weight is 1 for each unit. With
    one unit per account this is the textbook t interval. Rows without a value are not resolved.
    """

    method = "mean over units, accounts as clusters"
