"""Attribution by removal in an absorbing Markov chain, solved exactly instead of simulated.

Libraries take one string per journey in memory: ChannelAttribution (GPL-3) draws random walks for what is
one matrix inverse; do-attribution solves it, but takes no counts made in an engine and no weights for
resampling.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from kpi_lib.stats.distributions import Floats
from kpi_lib.stats.paths import CountedPaths

MOST_ORDER = 3
START = 0


@dataclass(frozen=True)
class Chain:
    """Moves between states. A state is the last `order` levers; 0 is the start.

    `origin`, `target` (moves): places of states; the targets `states` and `states` + 1 are the outcome
    and the end without it. `lever` (states): the lever touched last, -1 at the start.
    """

    levers: int
    lever: Any
    origin: Any
    target: Any

    @property
    def states(self) -> int:
        """Places that are not ends."""
        return len(self.lever)


def chain_of(origin: Any, target: Any, ends: Any, levers: int) -> Chain:
    """The chain of moves between keys; see `state_keys`. `ends`: 0 for none, 1 outcome, 2 without it.

    Where a move ends the path, its target key does not matter.
    """
    start, end, how = (np.asarray(one, dtype=np.int64) for one in (origin, target, ends))
    keys = np.unique(np.concatenate([[START], start, end[how == 0]]))
    places = np.searchsorted(keys, np.where(how == 0, end, START))
    return Chain(
        levers=levers,
        lever=keys % (levers + 1) - 1,
        origin=np.searchsorted(keys, start),
        target=np.where(how == 0, places, len(keys) + how - 1),
    )


def state_keys(codes: Any, levers: int, order: int) -> Any:
    """A whole number for the last `order` levers after each touch: as `codes` (paths, touches).

    The lever touched last is the key modulo (levers + 1), less 1; a path that is shorter has zeros.
    """
    if not 1 <= order <= MOST_ORDER:
        raise ValueError(f"the order of the chain is 1 to {MOST_ORDER}")
    shifted, base = codes + 1, levers + 1
    keys = np.zeros_like(shifted)
    for back in range(order):
        earlier = np.zeros_like(shifted)
        earlier[:, back:] = shifted[:, : shifted.shape[1] - back]
        keys += earlier * base**back
    return keys


def moves(paths: CountedPaths, order: int = 1) -> tuple[Chain, Any]:
    """The chain of counted paths, and a sparse matrix (2 x paths, moves) of who makes which move.

    Its first rows are the paths with the outcome, then the same without: weights times it are counts.
    """
    from scipy.sparse import csr_matrix

    count, lengths = len(paths.codes), paths.lengths
    keys = state_keys(paths.codes, len(paths.levers), order)
    before = np.concatenate([np.zeros((count, 1), dtype=keys.dtype), keys[:, :-1]], axis=1)
    row, place = np.nonzero(paths.codes >= 0)
    last = keys[np.arange(count), lengths - 1]
    inner = [(before[row, place], keys[row, place], np.zeros_like(row), row + side * count)
             for side in (0, 1)]  # fmt: skip
    final = [(last, last, np.full(count, side + 1), np.arange(count) + side * count)
             for side in (0, 1)]  # fmt: skip
    origin, target, ends, who = (np.concatenate(one) for one in zip(*inner, *final, strict=True))
    target = np.where(ends == 0, target, START)
    distinct, move = np.unique(np.stack([origin, target, ends]), axis=1, return_inverse=True)
    shape = (2 * count, distinct.shape[1])
    made = csr_matrix((np.ones(len(who)), (who, np.ravel(move))), shape=shape)
    return chain_of(distinct[0], distinct[1], distinct[2], len(paths.levers)), made


def removal_effects(chain: Chain, counts: Any) -> tuple[Floats, Floats]:
    """The chance of the outcome (draws), and the share of it lost without each lever (draws, levers).

    `counts` (draws, moves). A walk that would touch the lever taken out ends without the outcome. With
    the fundamental matrix N = (I - Q)^-1, u = N r and R the states in which lever j was touched last,
    the effect is N_sR N_RR^-1 u_R / u_s (block inverse), so one inverse serves all levers.
    Source: Anderl, Becker, von Wangenheim, Schumann (2016), International Journal of Research in
    Marketing 33; Kemeny and Snell (1976), Finite Markov Chains, chapter 3. NaN without outcomes.
    """
    shares, size = _shares_left(chain, counts), chain.states
    visits = np.linalg.inv(np.eye(size) - shares[:, :, :size])
    reach = (visits @ shares[:, :, size, None])[:, :, 0]
    chance = reach[:, START]
    lost = [_lost(visits, reach, np.flatnonzero(chain.lever == j)) for j in range(chain.levers)]
    whole = np.where(chance > 0, chance, np.nan)
    return chance, np.stack(lost, axis=1) / whole[:, None]


def _shares_left(chain: Chain, counts: Any) -> Floats:
    """Chances to go from each state to each, and to both ends: (draws, states, states + 2)."""
    weights = np.atleast_2d(np.asarray(counts, dtype=np.float64))
    draws, size = len(weights), chain.states
    flat = np.zeros((draws, size * (size + 2)))
    np.add.at(flat.T, chain.origin * (size + 2) + chain.target, weights.T)
    flows = flat.reshape(draws, size, size + 2)
    leaving = flows.sum(axis=2, keepdims=True)
    return np.asarray(flows / np.where(leaving > 0, leaving, 1.0), dtype=np.float64)


def chances_with(chain: Chain, counts: Any, kept: Any) -> Floats:
    """The chance of the outcome when only some levers are left: one number per row of `kept` (sets, levers).

    `counts` (moves). A walk that would touch another lever ends without the outcome.
    """
    sets, size = np.asarray(kept, dtype=bool), chain.states
    shares = _shares_left(chain, counts)[0]
    open_ = np.ones((len(sets), size), dtype=bool)
    touched = chain.lever >= 0
    open_[:, touched] = sets[:, chain.lever[touched]]
    inner = shares[None, :, :size] * open_[:, None, :]
    outcome = np.broadcast_to(shares[:, size, None], (len(sets), size, 1))
    reach = np.linalg.solve(np.eye(size) - inner, outcome)
    return np.asarray(reach[:, START, 0], dtype=np.float64)


def _lost(visits: Any, reach: Any, taken: Any) -> Floats:
    """The chance of the outcome that passes through the states taken out, per draw."""
    if not len(taken):
        return np.zeros(len(visits))
    block = visits[:, taken[:, None], taken[None]]
    through = np.linalg.solve(block, reach[:, taken, None])[:, :, 0]
    return np.asarray((visits[:, START, taken] * through).sum(axis=1), dtype=np.float64)


def markov_shares(chain: Chain, counts: Any) -> Floats:
    """The share of the outcome each lever gets (draws, levers): removal effects made to add up to 1."""
    effects = removal_effects(chain, counts)[1]
    whole = effects.sum(axis=1, keepdims=True)
    return np.asarray(effects / np.where(whole > 0, whole, np.nan), dtype=np.float64)
