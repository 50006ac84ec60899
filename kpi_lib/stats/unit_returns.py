"""What a channel's money bought, with intervals from resamples of the units that came.

The money of a channel is decided, so it stays the same in each resample; only who came is drawn.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from typing import Any

import numpy as np

from kpi_lib.stats.distributions import Floats

DRAWS = 2_000
SEED = 20_260_630
FEW_MONTHS = 12


@dataclass(frozen=True)
class Resampled:
    """A figure in `DRAWS` resamples, and as it stands."""

    value: float
    draws: Floats

    def limits(self, level: float) -> tuple[float, float]:
        """The quantiles that leave (1 - level) / 2 outside on each side; NaN without a value.

        A draw in which nothing came costs infinitely much, so the upper limit may have no end.
        """
        if not np.isfinite(self.value):
            return np.nan, np.nan
        tail = (1 - level) / 2
        low, high = np.quantile(self.draws, [tail, 1 - tail], method="inverted_cdf")
        return float(low), float(high)


def generator(name: str) -> np.random.Generator:
    """Random numbers that belong to a name, whatever other names there are."""
    return np.random.default_rng([SEED, zlib.crc32(name.encode("utf-8"))])


def cost_per(cost: float, units: float, name: str) -> Resampled:
    """Money per unit. In each resample every unit counts a Poisson number of times, mean 1.

    Their sum is then Poisson with the number of units as its mean. Source: Hanley and MacGibbon
    (2006), Computer Methods and Programs in Biomedicine 83:57.
    """
    counts = generator(name).poisson(units, DRAWS).astype(np.float64)
    return Resampled(_over(cost, units), np.array([_over(cost, n) for n in counts]))


def _over(cost: float, units: float) -> float:
    return cost / units if units else (np.inf if cost else np.nan)


def return_on(cost: float, values: Any, name: str) -> Resampled:
    """(Sum of `values` - cost) / cost: money returned beyond what was spent, per money spent.

    `values`: what each buyer brings (money). Each buyer counts a Poisson number of times in each
    resample. NaN where no money was spent.
    """
    each = np.sort(np.asarray(values, dtype=np.float64))
    weights = generator(name).poisson(1.0, (DRAWS, each.size)).astype(np.float64)
    if not cost:
        return Resampled(np.nan, np.full(DRAWS, np.nan))
    return Resampled(float(each.sum()) / cost - 1, weights @ each / cost - 1)


def chance_of_least(draws: dict[str, Floats]) -> dict[str, float]:
    """In which share of the resamples each name has the least (ties shared).

    >>> import numpy as np
    >>> chance_of_least({"a": np.array([1.0, 3.0]), "b": np.array([2.0, 2.0])})
    {'a': 0.5, 'b': 0.5}
    """
    if not draws:
        return {}
    table = np.array(list(draws.values()))
    least = table == table.min(axis=0)
    return dict(zip(draws, (least / least.sum(axis=0)).mean(axis=1).tolist(), strict=True))


@dataclass(frozen=True)
class Marginal:
    """Money per further unit, its limits (`high` may be infinite), and why there is none."""

    value: float
    low: float
    high: float
    reason: str = ""


def marginal_cost(spend: Any, units: Any, level: float, name: str) -> Marginal:
    """What one more unit costs: 1 / slope of the least-squares line of units on spend, by month.

    Interval: months are drawn with replacement (pairs), Davison and Hinkley (1997), 6.2.4. Where
    the slope may be 0 or below the upper limit has no end. A reason in place of a value with fewer
    than 12 months, where the same was spent in each, or where months with more money brought no more.
    """
    order = np.lexsort((np.asarray(units), np.asarray(spend)))
    x, y = (np.asarray(column, dtype=np.float64)[order] for column in (spend, units))
    nothing = (np.nan, np.nan, np.nan)
    if x.size < FEW_MONTHS:
        return Marginal(*nothing, f"fewer than {FEW_MONTHS} months")
    if np.ptp(x) <= 1e-9 * max(float(np.abs(x).max()), 1.0):
        return Marginal(*nothing, "the same was spent in every month")
    slope = float(_slopes(x[None], y[None])[0])
    if not slope > 0:
        return Marginal(*nothing, "months with more money brought no more")
    places = generator(name).integers(0, x.size, (DRAWS, x.size))
    slopes = _slopes(x[places], y[places])
    tail = (1 - level) / 2
    flat, steep = np.nanquantile(slopes, [tail, 1 - tail])
    return Marginal(1 / slope, 1 / steep if steep > 0 else np.nan, 1 / flat if flat > 0 else np.inf)


def _slopes(x: Floats, y: Floats) -> Floats:
    """The slope of each row of x and y; NaN where x is the same throughout."""
    off = x - x.mean(axis=1, keepdims=True)
    spread = (off**2).sum(axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(np.where(spread > 0, (off * y).sum(axis=1) / spread, np.nan))
