"""Orders still to come under the BG/NBD model: expected, discounted, of new and of known customers.

With order rate l and chance p to leave after an order, a customer still there is so at time t with
chance exp(-lpt), and orders at rate l while there. Averaged over the gamma and beta distributions,
the expected rate of orders at time t is (r/alpha) 2F1(r+1, a; a+b; -t/alpha); here it is summed over
time, discounted. A known customer who is still there has r+x, alpha+T, a, b+x for parameters.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np

from kpi_lib.stats.distributions import Floats
from kpi_lib.stats.purchases import chance_alive

_NODES = 96
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
    r, alpha, a, b = np.moveaxis(np.asarray(parameters, dtype=np.float64), -1, 0)[..., None]
    nodes, weights = _gauss()
    # Time runs on a log scale, since most orders of most customers come early: t = alpha(e^u - 1).
    span = np.log1p(until / alpha)
    u = span * nodes
    time = alpha * np.expm1(u)
    rate = r * np.exp(u) * _thinned(r, a, b, u) * np.exp(-discount * time)
    return np.asarray((rate * span * weights).sum(axis=-1), dtype=np.float64)


def _thinned(r: Floats, a: Floats, b: Floats, u: Floats) -> Floats:
    """2F1(r+1, a; a+b; 1-e^u), by Pfaff's transformation that stays moderate for large r and b."""
    from scipy.special import hyp2f1

    return np.asarray(np.exp(-a * u) * hyp2f1(a, a + b - r - 1.0, a + b, -np.expm1(-u)))


def residual_orders(
    parameters: Any, repeats: Any, recency: Any, age: Any,
    discount: float, horizon: float | None = None,
) -> Floats:  # fmt: skip
    """Orders still to come from customers with these histories, discounted from now on: (rows,)."""
    r, alpha, a, b = np.asarray(parameters, dtype=np.float64)
    x, tx, t = (np.asarray(v, dtype=np.float64).ravel() for v in (repeats, recency, age))
    known = np.stack([r + x, alpha + t, np.full_like(x, a), b + x], axis=-1)
    alive = chance_alive(parameters, x, tx, t)
    parts = [
        discounted_orders(known[rows], discount, horizon)
        for rows in np.array_split(np.arange(x.size), max(1, x.size // 20_000))
    ]
    return np.asarray(alive * np.concatenate(parts), dtype=np.float64)


@lru_cache(maxsize=1)
def _gauss() -> tuple[Floats, Floats]:
    """Gauss-Legendre nodes and weights on 0..1."""
    nodes, weights = np.polynomial.legendre.leggauss(_NODES)
    return (nodes + 1.0) / 2.0, weights / 2.0
