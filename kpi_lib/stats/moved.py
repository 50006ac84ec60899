"""How much of what was booked ahead had been bought anyway: a difference in differences of totals.

What those who book bought in the year before is carried forward by the growth of those who do not. What
they bought beyond it was added; the rest of what was booked was only moved in time. The interval draws
whole accounts (percentiles): Davison and Hinkley (1997), Bootstrap methods and their application, 5.3.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from kpi_lib.stats.bootstrap import cluster_weights
from kpi_lib.stats.distributions import Floats

DRAWS, SEED = 2_000, 20_260_630
LEAST = 10
"""Accounts of each kind from which anything is told."""


@dataclass(frozen=True)
class Moved:
    """`share` of what was booked that was only moved, its limits; `growth` of those who do not book;
    `added`: what was bought beyond the year before, in the unit given. Null with a `reason`."""

    share: float = float("nan")
    low: float = float("nan")
    high: float = float("nan")
    growth: float = float("nan")
    added: float = float("nan")
    reason: str = ""


def moved_share(before: Any, after: Any, booked: Any, level: float) -> Moved:
    """From one value per account: bought in a year before, in a year after, and booked of the latter.

    Accounts with nothing booked are those to compare with. Above 1: bookings went with less than was
    bought before; below 0: with more than was booked.
    """
    x, y, b = (np.asarray(one, dtype=np.float64) for one in (before, after, booked))
    books = b > 0
    if min(int(books.sum()), int((~books).sum())) < LEAST:
        return Moved(reason=f"fewer than {LEAST} accounts that book, or that do not")
    weights = np.ones((1, x.size))
    # Each kind of account is drawn by itself, so that no draw lacks one of them.
    draws = np.zeros((DRAWS, x.size))
    for seed, kind in ((SEED, books), (SEED + 1, ~books)):
        draws[:, kind] = cluster_weights(np.arange(int(kind.sum())), DRAWS, seed)
    (share,), (growth,), (added,) = _figures(weights, x, y, b)
    spread = _figures(draws, x, y, b)[0]
    low, high = np.quantile(spread, [(1 - level) / 2, (1 + level) / 2])
    return Moved(float(share), float(low), float(high), float(growth), float(added))


def _figures(weights: Floats, x: Floats, y: Floats, b: Floats) -> tuple[Floats, Floats, Floats]:
    """Share moved, growth of the others less 1, and what was added, per row of weights."""
    books = (b > 0).astype(np.float64)
    others = 1.0 - books
    growth = (weights @ (y * others)) / (weights @ (x * others))
    added = weights @ (y * books) - growth * (weights @ (x * books))
    return 1.0 - added / (weights @ b), growth - 1.0, added
