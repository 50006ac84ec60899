"""The same spend spread otherwise: fitted saturation curves, the best spread under them, and its gain.

A lever's curve is money = slope x ln(1 + touches) within strata of comparable units. The gain is judged on
accounts that had no part in choosing the spread, so that luck in the choice does not count as gain.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from kpi_lib.stats.distributions import Floats

FEWEST_REPEATED = 10
"""Fewer units touched more than once than this: nothing tells how the second touch compares."""
FEWEST_LEVERS = 2
FEWEST_ACCOUNTS = 50
_STEPS = 60


@dataclass(frozen=True)
class Curves:
    """Sums by account (rows) and lever (columns) for the slopes, and what is spent now.

    joint, square: sums of (x - mean)(y - mean) and (x - mean)^2 within strata, x = ln(1 + touches), y = money
    before the cost of the touches. units: how many could be touched. now: touches per unit. level_now: mean
    ln(1 + touches). cost: money per touch. most: largest number of touches seen.
    """

    joint: Floats
    square: Floats
    units: Floats
    now: Floats
    level_now: Floats
    cost: Floats
    most: Floats


@dataclass(frozen=True)
class Portfolio:
    """touches: per unit and lever, as proposed. gain with low and high: money over all units. reason: why
    no spread is proposed (then `touches` is None; the interval stands where it could be told)."""

    touches: Floats | None
    gain: float
    low: float
    high: float
    reason: str = ""


def slopes(curves: Curves, weights: Floats) -> Floats:
    """Money per ln(1 + touches) and lever, accounts weighted; 0 where nothing varied."""
    square = weights @ curves.square
    return np.where(square > 0, weights @ curves.joint / np.where(square > 0, square, 1.0), 0.0)


def spread(curves: Curves, slope: Floats) -> Floats:
    """Touches per unit and lever that bring most for the spend of today: equal return on the last money spent.

    touches = slope / (price x cost) - 1 between 0 and the most seen, the price found by bisection.
    """
    budget = float((curves.units * curves.cost * curves.now).sum())
    gain = np.maximum(slope, 0.0)

    def at(price: float) -> Floats:
        return np.clip(gain / (price * curves.cost) - 1.0, 0.0, curves.most)

    low, high = 1e-9, max(float((gain / curves.cost).max()), 1e-9)
    for _ in range(_STEPS):
        middle = float(np.sqrt(low * high))
        spent = float((curves.units * curves.cost * at(middle)).sum())
        low, high = (middle, high) if spent > budget else (low, middle)
    return at(high)


def worth(curves: Curves, slope: Floats, touches: Floats) -> float:
    """Money more than today over all units, under the slopes given."""
    return float((curves.units * slope * (np.log1p(touches) - curves.level_now)).sum())


def reallocated(curves: Curves, level: float, draws: int, seed: int) -> Portfolio:
    """The best spread of the same spend and the interval of its gain; refuses where the data cannot tell.

    Each draw takes accounts with replacement, chooses a spread on them and values it on the accounts not drawn.
    """
    accounts, levers = curves.joint.shape
    nothing = (None, np.nan, np.nan, np.nan)
    if levers < FEWEST_LEVERS:
        return Portfolio(*nothing, f"{levers} levers with a curve; it takes {FEWEST_LEVERS}")
    if accounts < FEWEST_ACCOUNTS:
        return Portfolio(*nothing, f"{accounts} accounts; it takes {FEWEST_ACCOUNTS}")
    random = np.random.default_rng(seed)
    gains = np.empty(draws)
    for draw in range(draws):
        weights = np.bincount(random.integers(0, accounts, accounts), minlength=accounts)
        chosen = spread(curves, slopes(curves, weights.astype(np.float64)))
        gains[draw] = worth(curves, slopes(curves, (weights == 0).astype(np.float64)), chosen)
    tail = (1 - level) / 2
    low, middle, high = (float(x) for x in np.quantile(gains, [tail, 0.5, 1 - tail]))
    if low <= 0:
        return Portfolio(None, middle, low, high, "the interval of the gain includes 0")
    everyone = np.ones(accounts)
    return Portfolio(spread(curves, slopes(curves, everyone)), middle, low, high)
