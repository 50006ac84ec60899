"""Share of promoters minus share of detractors, with intervals that hold for few answers."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

import ibis
import ibis.expr.types as ir
import numpy as np

from kpi_lib.kpi import Difference
from kpi_lib.stats.cells import difference, estimates, share_of, sum_cells, total_of
from kpi_lib.stats.distributions import Floats, z_tail, z_two_sided
from kpi_lib.stats.intervals import Interval
from kpi_lib.stats.power import normal_multiple, units_for_spread
from kpi_lib.stats.trinomial import exact_net

if TYPE_CHECKING:
    import pandas as pd

NET_SUMS = ("n", "promoters", "detractors")
POINTS = 100.0
NO_ANSWERS = "no answers"
EXACT_BELOW = 30
"""With fewer answers than this the bounds are exact."""

_ADDED = 0.75
"""Answers added to promoters and to detractors, and twice as many to the passives."""

_METHOD = "adjusted Wald, independent samples"


def net_variance(promoters: float, detractors: float, n: float) -> float:
    """Variance of the net share: (p + d - (p - d)^2) / n, with p and d as shares of n.

    Raises ValueError on impossible counts.
    """
    _check(promoters, detractors, n)
    p, d = promoters / n, detractors / n
    return (p + d - (p - d) ** 2) / n


def wald(promoters: float, detractors: float, n: float, level: float = 0.95) -> Interval:
    """The textbook interval of the net share, too narrow for few answers; for comparison only."""
    return _around(promoters, detractors, n, level)


def adjusted_wald(promoters: float, detractors: float, n: float, level: float = 0.95) -> Interval:
    """The Wald interval after three answers are added, 3/4 to each end and 3/2 to the middle.

    Within -1 to 1. Source: Rocks (2016), Interval estimation for the net promoter score, The
    American Statistician 70, 365-372. Raises ValueError on impossible counts.
    """
    _check(promoters, detractors, n)
    low, high = _around(*_adjusted(promoters, detractors, n), level)
    return Interval(max(low, -1.0), min(high, 1.0))


def net_interval(promoters: float, detractors: float, n: float, level: float) -> Interval:
    """Exact bounds of the net share below 30 answers, else the adjusted Wald interval."""
    if n < EXACT_BELOW:
        return exact_net(round(promoters), round(detractors), round(n), level)
    return adjusted_wald(promoters, detractors, n, level)


def if_all_had_answered(
    promoters: float, detractors: float, n: float, asked: float
) -> Interval | None:
    """The net share among all asked if everybody silent were a detractor, or a promoter.

    None where fewer were asked than answered. No assumption about the silent is made. Source:
    Manski (1989), Anatomy of the selection problem, Journal of Human Resources 24.
    """
    if not asked >= n or asked <= 0:
        return None
    net, silent = promoters - detractors, asked - n
    return Interval((net - silent) / asked, (net + silent) / asked)


def visible_change(
    promoters: float, detractors: float, n: float, level: float, power: float
) -> float:
    """The change of the net share that two periods with n answers each would show."""
    variance = net_variance(*_adjusted(promoters, detractors, n))
    return normal_multiple(level, power) * math.sqrt(2 * variance)


def _adjusted(promoters: float, detractors: float, n: float) -> tuple[float, float, float]:
    return promoters + _ADDED, detractors + _ADDED, n + 4 * _ADDED


def _around(promoters: float, detractors: float, n: float, level: float) -> Interval:
    net = (promoters - detractors) / n
    half = z_two_sided(level) * math.sqrt(net_variance(promoters, detractors, n))
    return Interval(net - half, net + half)


def _check(promoters: float, detractors: float, n: float) -> None:
    if min(promoters, detractors) < 0 or promoters + detractors > n or n <= 0:
        raise ValueError(f"{promoters} promoters and {detractors} detractors of {n} are impossible")


@dataclass(frozen=True)
class NetPromoter:
    """Share of promoters minus share of detractors, in points from -100 to 100.

    `value` is 100 for a promoter, 0 for a passive, -100 for a detractor. Answers are taken as
    independent, also of two periods: anonymous people cannot be followed from one to the next.
    """

    @property
    def columns(self) -> tuple[str, ...]:
        """None besides unit_id, account_id, period, value."""
        return ()

    def counted(self, observations: ir.Table) -> ir.Table:
        """All rows."""
        return observations

    def reduce(self, observations: ir.Table, by: Sequence[str]) -> ir.Table:
        """n (answers), promoters and detractors per cell of `by`; rows may be added up."""
        value = observations["value"].cast("float64")
        return observations.aggregate(
            by=list(by),
            n=value.count(),
            promoters=ibis.ifelse(value > 0, 1, 0).sum().fill_null(0),
            detractors=ibis.ifelse(value < 0, 1, 0).sum().fill_null(0),
        )

    def estimate(self, reduced: pd.DataFrame, by: Sequence[str], level: float) -> pd.DataFrame:
        """*by, value, low, high, standard_error, n, resolved, promoters, detractors, reason per cell.

        Values, limits and standard error in points. Exact bounds below 30 answers.
        """
        cells = sum_cells(reduced, by, NET_SUMS)
        n, more, less = (cells[name].to_numpy(dtype=np.float64) for name in NET_SUMS)
        value = share_of(more - less, n)
        limits = [_limits(*counts, level) for counts in zip(more, less, n, strict=True)]
        low, high = np.array(limits, dtype=np.float64).reshape(-1, 2).T
        columns = {
            "value": POINTS * value,
            "low": POINTS * low,
            "high": POINTS * high,
            "standard_error": POINTS * np.sqrt(share_of(share_of(more + less, n) - value**2, n)),
            "n": n.astype(np.int64),
            "resolved": np.ones(len(n)),
            "promoters": more.astype(np.int64),
            "detractors": less.astype(np.int64),
        }
        return estimates(cells, by, columns, ["" if count else NO_ANSWERS for count in n])

    def points(self, reduced: pd.DataFrame, by: Sequence[str]) -> pd.DataFrame:
        """As `estimate`, without the exact bounds, which take long: *by, value, n, resolved, reason."""
        cells = sum_cells(reduced, by, NET_SUMS)
        n, more, less = (cells[name].to_numpy(dtype=np.float64) for name in NET_SUMS)
        columns = {"value": POINTS * share_of(more - less, n), "n": n.astype(np.int64)}
        columns["resolved"] = np.ones(len(n))
        return estimates(cells, by, columns, ["" if count else NO_ANSWERS for count in n])

    def draws(self, reduced: pd.DataFrame, weights: Floats) -> Floats:
        """The score in resamples made elsewhere: (draws,); `weights` is (draws, rows)."""
        n, more, less = (reduced[name].to_numpy(dtype=np.float64) for name in NET_SUMS)
        return np.asarray(POINTS * share_of(weights @ (more - less), weights @ n))

    def difference(
        self, earlier: pd.DataFrame, later: pd.DataFrame, *, level: float, power: float
    ) -> Difference:
        """Later minus earlier score of two independent samples, each with three answers added.

        The smallest visible change is null where even the way to the end of the scale is shorter.
        """
        first, second = _counts(earlier), _counts(later)
        if not (first[2] and second[2]):
            return difference(_METHOD, "one of the periods has no answers")
        one, two = _adjusted(*first), _adjusted(*second)
        centre = _net(two) - _net(one)
        error = math.sqrt(net_variance(*one) + net_variance(*two))
        half, visible = z_two_sided(level) * error, normal_multiple(level, power) * error
        possible = visible <= 1 + abs(_net(first))
        return difference(
            _METHOD,
            "" if possible else "too few answers to see any change",
            value=POINTS * (_net(second) - _net(first)),
            low=POINTS * (centre - half),
            high=POINTS * (centre + half),
            p_value=z_tail(centre / error),
            smallest_visible=POINTS * visible if possible else None,
        )

    def reduce_pairs(self, observations: ir.Table, earlier: date, later: date) -> ir.Table:
        """The counts of either period; people cannot be followed, so there are no pairs."""
        rows = observations.filter(observations["period"].isin([earlier, later]))
        return self.reduce(rows, ["period"])

    def paired_difference(self, pairs: pd.DataFrame, *, level: float, power: float) -> Difference:
        """Cannot be told: the answers are anonymous."""
        del pairs, level, power
        return difference("", "answers are anonymous, so nobody can be followed between periods")

    def units_needed(
        self, reduced: pd.DataFrame, change: float, *, level: float, power: float
    ) -> int | None:
        """Answers in each of two periods that make a change of so many points visible."""
        counts = _counts(reduced)
        if not counts[2]:
            return None
        one = _adjusted(*counts)
        spread = math.sqrt(net_variance(*one) * one[2])
        return units_for_spread(spread, change / POINTS, level=level, power=power)


def _counts(reduced: pd.DataFrame) -> tuple[float, float, float]:
    sums = total_of(reduced, NET_SUMS)
    return sums["promoters"], sums["detractors"], sums["n"]


def _net(counts: tuple[float, float, float]) -> float:
    return (counts[0] - counts[1]) / counts[2]


def _limits(promoters: float, detractors: float, n: float, level: float) -> tuple[float, float]:
    return net_interval(promoters, detractors, n, level) if n else (math.nan, math.nan)
