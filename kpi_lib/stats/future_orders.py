"""Orders still to come under the BG/NBD model: expected, discounted, of new and of known customers.

With order rate l and chance p to leave after an order, a customer still there is so at time t with
chance exp(-lpt), and orders at rate l while there. Averaged over the gamma and beta distributions,
the expected rate of orders at time t is r/alpha times the mean of (1 + p t/alpha)^-(r+1) over p; here
it is summed over time, discounted. A known customer who is still there has r+x, alpha+T, a, b+x for parameters.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np

from kpi_lib.stats.distributions import Floats
from kpi_lib.stats.purchases import chance_alive

_FINE, _COARSE, _FEW = 128, 40, 8
"""Points per sum for a few parameter sets, and for many of them (resamples, accounts)."""

_CELLS = 4_000_000
"""Numbers held at once."""

_TAIL = 1e-13
_FAR = 40.0
"""With a discount, orders later than this many times 1/discount weigh nothing (exp(-40))."""


def expected_orders(parameters: Any, time: Any) -> Floats:
    """Repeat orders expected of a new customer within the time (equation 9 of the source of BG/NBD)."""
    spans = np.asarray(time, dtype=np.float64)
    rows = np.array([discounted_orders(parameters, 0.0, float(span)) for span in spans.ravel()])
    return np.asarray(rows.reshape(spans.shape), dtype=np.float64)


def discounted_orders(parameters: Any, discount: float, horizon: float | None = None) -> Floats:
    """Repeat orders expected of new customers, each weighing exp(-discount x its time).

    `parameters`: (4,) or (rows, 4) of r, alpha, a, b. Without a horizon the discount must be above
    0, else ValueError.
    """
    if horizon is None and not discount > 0:
        raise ValueError("the discount rate must be above 0 where there is no horizon")
    until = _FAR / discount if horizon is None else horizon
    if discount > 0:
        until = min(until, _FAR / discount)
    rows = np.asarray(parameters, dtype=np.float64)
    few = np.atleast_2d(rows)
    nodes = _FINE if len(few) <= _FEW else _COARSE
    size = max(1, _CELLS // nodes**2)
    parts = [
        _summed(few[start : start + size], discount, until, nodes)
        for start in range(0, len(few), size)
    ]
    return np.concatenate(parts).reshape(rows.shape[:-1])


def _summed(rows: Floats, discount: float, until: float, nodes: int) -> Floats:
    """The rate of orders summed over time and over the chance to leave: (rows,)."""
    r, alpha = rows[:, 0, None], rows[:, 1, None]
    at, weights = _gauss(nodes)
    # Time runs on a log scale, since most orders of most customers come early: t = alpha(e^u - 1).
    span = np.log1p(until / alpha)
    scaled = np.expm1(span * at)
    rate = r * _thinned(rows, scaled, nodes) * np.exp(-discount * alpha * scaled)
    return np.asarray((rate * (scaled + 1.0) * span * weights).sum(axis=-1), dtype=np.float64)


def _thinned(rows: Floats, scaled: Floats, nodes: int) -> Floats:
    """Mean of (1 + p t/alpha)^-(r+1) over p ~ beta(a, b): (rows, times).

    Summed over the logit of p between its far quantiles; where p is so small that nothing would
    change, what lies below counts as p = 0. scipy's hypergeometric function takes minutes for
    large a and b.
    """
    from scipy.special import betainc, betaincinv, betaln

    r, _, a, b = (column[:, None] for column in rows.T)
    smallest = 1e-10 / (1.0 + scaled.max(axis=-1, keepdims=True)) / (2.0 + r)
    low = np.clip(betaincinv(a, b, _TAIL), smallest, 0.5)
    high = np.clip(1.0 - betaincinv(b, a, _TAIL), 2.0 * low, 1.0 - 1e-12)
    at, weights = _gauss(nodes)
    ends = np.log(low) - np.log1p(-low), np.log(high) - np.log1p(-high)
    logit = ends[0] + (ends[1] - ends[0]) * at
    log_p, log_q = -np.log1p(np.exp(-logit)), -np.log1p(np.exp(logit))
    mass = np.exp(a * log_p + b * log_q - betaln(a, b)) * weights * (ends[1] - ends[0])
    inside = np.exp(-(r + 1.0)[..., None] * np.log1p(np.exp(log_p)[:, None, :] * scaled[..., None]))
    middle = np.einsum("rtp,rp->rt", inside, mass)
    return np.asarray(betainc(a, b, low) + middle + betainc(b, a, 1.0 - high) * inside[..., -1])


def still_there(parameters: Any, time: Any) -> Floats:
    """Chance that a new customer is still one at each time since its first order: (times,)."""
    rows = np.atleast_2d(np.asarray(parameters, dtype=np.float64)).copy()
    alpha = rows[:, 1, None]
    rows[:, 0] -= 1.0  # the mean of (1 + p t/alpha)^-r
    times = np.asarray(time, dtype=np.float64)[None, :] / alpha
    return np.asarray(_thinned(rows, times, _FINE)[0], dtype=np.float64)


def residual_orders(
    parameters: Any, repeats: Any, recency: Any, age: Any,
    discount: float, horizon: float | None = None,
) -> Floats:  # fmt: skip
    """Orders still to come from customers with these histories, discounted from now on: (rows,)."""
    r, alpha, a, b = np.asarray(parameters, dtype=np.float64)
    x, tx, t = (np.asarray(v, dtype=np.float64).ravel() for v in (repeats, recency, age))
    known = np.stack([r + x, alpha + t, np.full_like(x, a), b + x], axis=-1)
    alive = chance_alive(parameters, x, tx, t)
    return np.asarray(alive * discounted_orders(known, discount, horizon), dtype=np.float64)


@lru_cache(maxsize=4)
def _gauss(nodes: int) -> tuple[Floats, Floats]:
    """Gauss-Legendre nodes and weights on 0..1."""
    at, weights = np.polynomial.legendre.leggauss(nodes)
    return (at + 1.0) / 2.0, weights / 2.0
