"""Shapley's value: what each player adds, on average over all orders in which they might join."""

from __future__ import annotations

from collections.abc import Callable
from math import factorial
from typing import TYPE_CHECKING, Any

import numpy as np

from kpi_lib.stats.distributions import Floats

if TYPE_CHECKING:
    import pandas as pd

MOST_PLAYERS = 12
"""Up to so many players all subsets are gone through (4,096)."""


def shapley_values(worth: Any) -> Floats:
    """One number per player, adding up to the worth of all less that of none.

    `worth` has one entry for each subset: at index sum of 2^player. It must be what the subset brings
    *together* (cumulative), not what came of that exact set. Source: Shapley (1953), A value for
    n-person games. Raises ValueError unless there are 2^n entries, n of 1 to 12.
    """
    table = np.asarray(worth, dtype=np.float64)
    players = max(len(table).bit_length() - 1, 0)
    if len(table) != 2**players or not 1 <= players <= MOST_PLAYERS:
        raise ValueError(f"worth needs 2^n entries for n players, n from 1 to {MOST_PLAYERS}")
    subsets = np.arange(len(table))
    sizes = np.array([int(one).bit_count() for one in subsets])
    orders = [factorial(size) * factorial(players - size - 1) for size in range(players)]
    weight = np.array([*orders, 0], dtype=np.float64) / factorial(players)
    without = [subsets[subsets >> player & 1 == 0] for player in range(players)]
    return np.array(
        [
            weight[sizes[rest]] @ (table[rest | 1 << player] - table[rest])
            for player, rest in enumerate(without)
        ]
    )


def cumulative(exact: Any) -> Floats:
    """What each subset brings together: the sum over all subsets of it (zeta transform)."""
    table = np.array(exact, dtype=np.float64)
    players = max(len(table).bit_length() - 1, 0)
    subsets = np.arange(len(table))
    for player in range(players):
        has = subsets[subsets >> player & 1 == 1]
        table[has] += table[has ^ (1 << player)]
    return table


def sampled_shapley(
    worth: Callable[[Any], Floats], players: int, *, orders: int = 2_000, seed: int = 0
) -> pd.DataFrame:
    """value and error per player, from so many random orders: for more players than 12.

    `worth` takes membership flags (subsets, players) and gives one number for each subset. `error` is the
    Monte Carlo standard error. Orders come in pairs, each with its reverse, which halves much of
    the noise; the values add up exactly. Source: Castro, Gomez and Tejada (2009), Computers and Operations
    Research 36; pairs: Mitchell, Cooper, Frank and Holmes (2022), JMLR 23.
    """
    import pandas as pd

    generator = np.random.default_rng(seed)
    pairs = max(2, orders // 2)
    one = generator.permuted(np.tile(np.arange(players), (pairs, 1)), axis=1)
    added = (_added(worth, one) + _added(worth, one[:, ::-1])) / 2
    error = added.std(axis=0, ddof=1) / np.sqrt(pairs)
    return pd.DataFrame({"value": added.mean(axis=0), "error": error})


def _added(worth: Callable[[Any], Floats], orders: Any) -> Floats:
    """What each player adds when joining in its place of each order: (orders, players)."""
    count, players = orders.shape
    joined = np.zeros((count, players), dtype=bool)
    rows = np.arange(count)
    before = np.asarray(worth(joined), dtype=np.float64)
    added = np.zeros((count, players))
    for place in range(players):
        player = orders[:, place]
        joined[rows, player] = True
        after = np.asarray(worth(joined), dtype=np.float64)
        added[rows, player] = after - before
        before = after
    return added
