"""Alpha spending: how sure a result must be at each of several planned looks.

Looking several times gives chance several occasions. Lan and DeMets (1983, Biometrika 70, 659-663) give
out the total chance of a false alarm over the looks, by a function of the time that has passed; here
the one that resembles O'Brien and Fleming (1979): little early, nearly all at the end.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache

import numpy as np

from kpi_lib.stats.distributions import Floats, z_quantile, z_tail

FARTHEST = 9.0
"""Standard deviations at which a density is cut off; beyond lies less than 1e-18."""

_FINENESS = 4
"""Points of the grid per standard deviation of a step (Simpson's rule)."""

_HALVINGS = 50
"""They leave 3e-14 of the range of |z|; every notebook asks, and a solver's import costs .4 s."""


def spent(fraction: float, level: float) -> float:
    """The two-sided chance of a false alarm given out by this fraction (0 to 1) of the time.

    4 - 4 Phi(z / sqrt(fraction)), z the quantile of 1 - alpha / 4, where alpha = 1 - level: half of it
    on each side (Lan and DeMets 1983, their first function).
    """
    if fraction <= 0:
        return 0.0
    z = z_quantile(1 - (1 - level) / 4)
    return 2 * z_tail(z / math.sqrt(min(fraction, 1.0)))


@lru_cache(maxsize=64)
def boundaries(fractions: tuple[float, ...], level: float) -> tuple[float, ...]:
    """The |z| above which a result counts at each look, for looks at these fractions of the time.

    Symmetric and two-sided; infinite where nothing has been given out yet. Raises ValueError where
    the fractions do not rise, or do not lie above 0 and up to 1.
    """
    if any(later <= earlier for earlier, later in zip((0.0, *fractions), fractions, strict=False)):
        raise ValueError("the fractions of the time must rise from above 0")
    if fractions and fractions[-1] > 1:
        raise ValueError("the last fraction of the time is above 1")
    found: list[float] = []
    walk = _Walk()
    before = 0.0
    for fraction in fractions:
        total = spent(fraction, level)
        found.append(walk.step(fraction, (total - before) / 2))
        before = total
    return tuple(found)


def nominal(limit: float) -> float:
    """The two-sided p-value that belongs to a |z|: below it a result counts."""
    return z_tail(limit)


def at_most(limits: Sequence[float]) -> float:
    """The chance of any false alarm at these |z| when the looks share no data (independent)."""
    return 1 - math.prod(1 - nominal(limit) for limit in limits)


class _Walk:
    """A Brownian path that has crossed no limit yet: its place and weight at the last look."""

    def __init__(self) -> None:
        self.time = 0.0
        self.places: Floats = np.zeros(1)
        self.weights: Floats = np.ones(1)

    def step(self, time: float, share: float) -> float:
        """The |z| that a share of all paths crosses upwards at `time`; the rest goes on."""
        spread = math.sqrt(time - self.time)
        limit = self._limit(time, spread, share)
        self._go_on(min(limit, FARTHEST) * math.sqrt(time), spread)
        self.time = time
        return limit

    def _limit(self, time: float, spread: float, share: float) -> float:
        root = math.sqrt(time)

        def too_many(limit: float) -> float:
            return self._above(limit * root, spread) - share

        if share <= 0 or too_many(4 * FARTHEST) >= 0:
            return math.inf
        low, high = 0.0, 4 * FARTHEST
        for _ in range(_HALVINGS):
            middle = (low + high) / 2
            low, high = (middle, high) if too_many(middle) > 0 else (low, middle)
        return (low + high) / 2

    def _above(self, place: float, spread: float) -> float:
        from scipy.special import ndtr

        return float(self.weights @ ndtr((self.places - place) / spread))

    def _go_on(self, end: float, spread: float) -> None:
        """The paths inside the limits, on a grid fine enough for the step just made."""
        half = max(50, math.ceil(end / spread * _FINENESS))
        places = np.linspace(-end, end, 4 * half + 1)
        shift = (places[:, None] - self.places) / spread
        density = np.exp(-0.5 * shift**2) @ self.weights / (spread * math.sqrt(2 * math.pi))
        self.places, self.weights = places, density * _simpson(places)


def _simpson(places: Floats) -> Floats:
    weights = np.full(len(places), 2.0)
    weights[1::2] = 4.0
    weights[[0, -1]] = 1.0
    rule: Floats = weights * (places[1] - places[0]) / 3
    return rule
