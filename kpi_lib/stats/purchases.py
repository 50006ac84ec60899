"""The BG/NBD model of repeat orders by customers who leave without saying so.

Customers order at a constant rate (gamma with shape r and rate alpha over customers) and leave
after an order with a constant chance (beta(a, b) over customers). Known of each: the number of
repeat orders x, the time of the last one t_x, and the time watched T, both since the first order.
Source: Fader, P., Hardie, B. and Lee, K. L. (2005), "Counting your customers" the easy way: an
alternative to the Pareto/NBD model, Marketing Science 24(2), 275-284.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from kpi_lib.stats.distributions import Floats
from kpi_lib.stats.maximum import Surface, Top, maximise, spread_out

NO_CUSTOMERS = "no customers"
NO_REPEATS = "nobody has ordered a second time yet: no rhythm can be told"
FEW_CUSTOMERS = "one customer: a model of differences between customers needs several"
NO_TIME = "no customer has been watched for any time"

LOW = np.log([1e-3, 1e-5, 1e-4, 1e-3])
HIGH = np.log([1e2, 1e5, 1e3, 1e3])
"""Box of the logs of r, alpha (in units of the longest time watched), a, b."""


@dataclass(frozen=True)
class Histories:
    """Repeat orders, time of the last one, time watched, and how many customers have them."""

    repeats: Floats
    recency: Floats
    age: Floats
    counts: Floats

    @property
    def reason(self) -> str:
        """Why no model can be fitted to it, "" where one can."""
        checks = [
            (self.counts.sum() <= 0, NO_CUSTOMERS),
            (self.counts.sum() <= 1, FEW_CUSTOMERS),
            (self.age.max(initial=0.0) <= 0, NO_TIME),
            ((self.repeats * self.counts).sum() <= 0, NO_REPEATS),
        ]
        return next((text for fires, text in checks if fires), "")


def histories(repeats: Any, recency: Any, age: Any, counts: Any = None) -> Histories:
    """The histories as arrays. Raises ValueError where a time makes no sense."""
    x, tx, t = (np.asarray(v, dtype=np.float64) for v in (repeats, recency, age))
    n = np.ones_like(x) if counts is None else np.asarray(counts, dtype=np.float64)
    if (x < 0).any() or (tx < 0).any() or (tx > t).any() or ((x == 0) & (tx > 0)).any():
        raise ValueError("the last repeat order must lie between the first order and the end")
    return Histories(x, tx, t, n)


@dataclass(frozen=True)
class Fit:
    """Fitted parameters in the time unit of the data; None with the reason where there are none.

    `on_edge`: some parameter is at the edge of its range, so that a kind of difference between
    customers cannot be seen in the data.
    """

    r: float | None
    alpha: float | None
    a: float | None
    b: float | None
    log_likelihood: float | None
    on_edge: bool = False
    reason: str = ""

    @property
    def parameters(self) -> Floats:
        """r, alpha, a, b; null where there are none."""
        return np.array([self.r, self.alpha, self.a, self.b], dtype=np.float64)


def fit(data: Histories, start: tuple[float, float, float, float] | None = None) -> Fit:
    """Maximum likelihood; the same from any `start` (r, alpha, a, b). A reason where impossible."""
    if data.reason:
        return Fit(None, None, None, None, None, reason=data.reason)
    unit = float(data.age.max())
    top = _top(data, unit, start)
    r, alpha, a, b = (float(v) for v in np.exp(top.point))
    total = float(data.counts.sum())
    # Rescaling time by the unit changes the density by that factor for each repeat order.
    height = top.height * total - float((data.repeats * data.counts).sum()) * math.log(unit)
    return Fit(r, alpha * unit, a, b, height, any(top.on_edge))


def _top(data: Histories, unit: float, start: tuple[float, float, float, float] | None) -> Top:
    scaled = Histories(data.repeats, data.recency / unit, data.age / unit, data.counts)
    rate = float(scaled.repeats @ data.counts) / max(float(scaled.age @ data.counts), 1e-9)
    starts = [np.log([1.0, 1.0 / rate, a, b]) for a, b in ((0.5, 1.0), (0.5, 10.0))]
    if start is not None:
        starts.append(np.log(np.array(start) / np.array([1.0, unit, 1.0, 1.0])))
    rows = spread_out(scaled.counts.size)
    few = _rows(scaled, rows)
    if rows.size < scaled.counts.size and not few.reason:
        starts = [maximise(_surface(few), starts, LOW, HIGH).point]
    return maximise(_surface(scaled), starts, LOW, HIGH)


def _rows(data: Histories, rows: np.ndarray) -> Histories:
    return Histories(data.repeats[rows], data.recency[rows], data.age[rows], data.counts[rows])


def _surface(data: Histories) -> Surface:
    total = float(data.counts.sum())

    def surface(point: Floats) -> tuple[float, Floats]:
        height, slopes = scores(data, point)
        return float(data.counts @ height) / total, (slopes @ data.counts) / total

    return surface


def log_likelihood(data: Histories, r: float, alpha: float, a: float, b: float) -> float:
    """The log-likelihood at the parameters given (equation 6 of the source)."""
    return float(data.counts @ scores(data, np.log([r, alpha, a, b]))[0])


def scores(data: Histories, point: Floats) -> tuple[Floats, Floats]:
    """Log-likelihood of each customer, and its gradient by the logs of r, alpha, a, b: (4, rows)."""
    from scipy.special import digamma, gammaln

    r, alpha, a, b = np.exp(point)
    x, at = np.unique(data.repeats, return_inverse=True)
    heads = gammaln(r + x) - gammaln(r) + r * point[1]
    heads = heads + gammaln(a + b) + gammaln(b + x) - gammaln(b) - gammaln(a + b + x)
    log_here, log_last = np.log(alpha + data.age), np.log(alpha + data.recency)
    shape = r + data.repeats
    stays = -shape * log_here
    again = data.repeats > 0
    below = np.where(again, b + data.repeats - 1.0, 1.0)
    leaves = np.where(again, point[2] - np.log(below) - shape * log_last, -np.inf)
    either = np.logaddexp(stays, leaves)
    left = np.exp(leaves - either)
    alive = 1.0 - left
    by_r = (digamma(r + x) - digamma(r) + point[1])[at] - alive * log_here - left * log_last
    by_alpha = r / alpha - shape * (alive / (alpha + data.age) + left / (alpha + data.recency))
    by_a = (digamma(a + b) - digamma(a + b + x))[at] + left / a
    by_b = (digamma(a + b) + digamma(b + x) - digamma(b) - digamma(a + b + x))[at] - left / below
    return heads[at] + either, np.array([r * by_r, alpha * by_alpha, a * by_a, b * by_b])


def chance_alive(parameters: Any, repeats: Any, recency: Any, age: Any) -> Floats:
    """Chance that a customer with this history is still one: 1 for those without repeat orders."""
    r, alpha, a, b = np.asarray(parameters, dtype=np.float64)
    x, tx, t = (np.asarray(v, dtype=np.float64) for v in (repeats, recency, age))
    below = np.where(x > 0, b + x - 1.0, 1.0)
    odds = a / below * np.exp((r + x) * (np.log(alpha + t) - np.log(alpha + tx)))
    return np.asarray(np.where(x > 0, 1.0 / (1.0 + odds), 1.0), dtype=np.float64)


def chance_of_none(parameters: Any, time: float) -> float:
    """Chance that a new customer does not order again within the time."""
    r, alpha, _, _ = np.asarray(parameters, dtype=np.float64)
    return float((alpha / (alpha + time)) ** r)
