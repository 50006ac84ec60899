"""A share of units, with Wilson's interval."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

import ibis
import ibis.expr.types as ir
import numpy as np

from kpi_lib.kpi import Difference
from kpi_lib.stats.cells import difference, estimates, share_of, sum_cells, total_of
from kpi_lib.stats.distributions import Floats
from kpi_lib.stats.exact import fisher
from kpi_lib.stats.intervals import newcombe, wilson_limits
from kpi_lib.stats.paired_shares import PairedShares, paired_share_difference
from kpi_lib.stats.power import EXACT_TABLES, smallest_visible_proportion, units_for_proportion

if TYPE_CHECKING:
    import pandas as pd

SHARE_SUMS = ("units", "n", "successes")
NO_UNITS = "no units"


@dataclass(frozen=True)
class Proportion:
    """Share of units whose `value` is 1; values are 0 or 1, rows without a value are not resolved.

    Units are taken as independent (one unit per account and period).
    """

    @property
    def columns(self) -> tuple[str, ...]:
        """None besides unit_id, account_id, period, value."""
        return ()

    def counted(self, observations: ir.Table) -> ir.Table:
        """The rows with a value: one that is not resolved makes no part of the share."""
        return observations.filter(observations["value"].notnull())

    def reduce(self, observations: ir.Table, by: Sequence[str]) -> ir.Table:
        """units, n (rows with a value) and successes per cell of `by`; rows may be added up."""
        value = observations["value"].cast("float64")
        return observations.aggregate(
            by=list(by),
            units=observations.count(),
            n=value.count(),
            successes=value.sum().fill_null(0.0),
        )

    def estimate(self, reduced: pd.DataFrame, by: Sequence[str], level: float) -> pd.DataFrame:
        """*by, value, low, high, standard_error, n, resolved, successes, reason per cell.

        Wilson's limits; the standard error is that of the share itself, 0 at shares of 0 and 1.
        Raises ValueError when values other than 0 and 1 were summed.
        """
        cells = sum_cells(reduced, by, SHARE_SUMS)
        units, n, hits = (cells[name].to_numpy(dtype=np.float64) for name in SHARE_SUMS)
        _check_counts(hits, n)
        value = share_of(hits, n)
        low, high = wilson_limits(hits, n, level)
        columns = {
            "value": value,
            "low": low,
            "high": high,
            "standard_error": np.sqrt(share_of(value * (1 - value), n)),
            "n": n.astype(np.int64),
            "resolved": share_of(n, units),
            "successes": hits.astype(np.int64),
        }
        return estimates(cells, by, columns, ["" if count else NO_UNITS for count in n])

    def points(self, reduced: pd.DataFrame, by: Sequence[str]) -> pd.DataFrame:
        """As `estimate`: the interval costs nothing."""
        return self.estimate(reduced, by, 0.9)

    def draws(self, reduced: pd.DataFrame, weights: Floats) -> Floats:
        """The share in resamples made elsewhere: (draws,); `weights` is (draws, rows)."""
        n, hits = (reduced[name].to_numpy(dtype=np.float64) for name in SHARE_SUMS[1:])
        return np.asarray(share_of(weights @ hits, weights @ n))

    def difference(
        self, earlier: pd.DataFrame, later: pd.DataFrame, *, level: float, power: float
    ) -> Difference:
        """Later minus earlier share of two independent samples.

        Newcombe's interval, p-value of Fisher's exact test; the smallest visible change is exact
        for Fisher's test while the product of the sizes is at most `EXACT_TABLES`, and it is the
        smaller one of the two directions.
        """
        first, second = _counts(earlier), _counts(later)
        method = "Newcombe interval, Fisher exact test"
        if not (first[1] and second[1]):
            return difference(method, "one of the periods has no units")
        low, high = newcombe(first, second, level)
        share = first[0] / first[1]
        visible = smallest_visible_proportion(
            share, (first[1], second[1]), level=level, power=power
        )
        exact = first[1] * second[1] <= EXACT_TABLES
        return difference(
            method if exact else f"{method}, smallest visible change approximate",
            "" if visible is not None else "too few units to see any change",
            value=second[0] / second[1] - share,
            low=low,
            high=high,
            p_value=fisher(first, second),
            smallest_visible=visible,
        )

    def reduce_pairs(self, observations: ir.Table, earlier: date, later: date) -> ir.Table:
        """Units by their value in the two periods: earlier_value, later_value (null = absent), units."""
        value = observations["value"].cast("float64")
        rows = observations.mutate(known=value)
        rows = rows.filter(value.notnull() & rows["period"].isin([earlier, later]))
        is_later = rows["period"] == ibis.literal(later)
        nothing = ibis.null("float64")
        states = rows.group_by("unit_id").aggregate(
            earlier_value=ibis.ifelse(is_later, nothing, rows["known"]).max(),
            later_value=ibis.ifelse(is_later, rows["known"], nothing).max(),
        )
        return states.group_by(["earlier_value", "later_value"]).aggregate(units=states.count())

    def paired_difference(self, pairs: pd.DataFrame, *, level: float, power: float) -> Difference:
        """Later minus earlier share where most units are seen in both periods.

        See `paired_shares.paired_share_difference`.
        """
        return paired_share_difference(_paired_counts(pairs), level=level, power=power)

    def units_needed(
        self, reduced: pd.DataFrame, change: float, *, level: float, power: float
    ) -> int | None:
        """Units in each of two independent periods that make `change` visible by Fisher's test."""
        hits, n = _counts(reduced)
        return None if n == 0 else units_for_proportion(hits / n, change, level=level, power=power)


def _counts(reduced: pd.DataFrame) -> tuple[int, int]:
    sums = total_of(reduced, SHARE_SUMS)
    _check_counts(np.array([sums["successes"]]), np.array([sums["n"]]))
    return round(sums["successes"]), round(sums["n"])


def _check_counts(hits: np.ndarray, n: np.ndarray) -> None:
    if np.any((hits < 0) | (hits > n) | (hits != np.round(hits))):
        raise ValueError("a proportion needs values of 0 and 1")


def _paired_counts(pairs: pd.DataFrame) -> PairedShares:
    states = pairs[["earlier_value", "later_value"]].astype("float64")
    units = pairs["units"].astype("float64").to_numpy()

    def count(earlier: int | None, later: int | None) -> int:
        chosen = _is(states["earlier_value"], earlier) & _is(states["later_value"], later)
        return round(float(units[chosen].sum()))

    return PairedShares(
        both=count(1, 1),
        lost=count(1, 0),
        gained=count(0, 1),
        neither=count(0, 0),
        left=(count(1, None), count(1, None) + count(0, None)),
        came=(count(None, 1), count(None, 1) + count(None, 0)),
    )


def _is(states: pd.Series[float], state: int | None) -> np.ndarray:
    return (states.isna() if state is None else states == state).to_numpy()
