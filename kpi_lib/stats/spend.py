"""The Gamma-Gamma model of the amount of an order.

Amounts of a customer vary around its own mean (gamma with shape p); the means vary between
customers (the gamma's rate is itself gamma with shape q and rate gamma). It takes the amount to be
unrelated to how often a customer orders. Source: Fader, P. and Hardie, B. (2013), The Gamma-Gamma
model of monetary value, note 025.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from kpi_lib.stats.distributions import Floats
from kpi_lib.stats.maximum import Surface, maximise, spread_out

NO_REPEATS = "nobody has ordered a second time yet: no spread of amounts can be told"
ONE_CUSTOMER = "one customer with repeat orders: differences between customers cannot be told"
NO_SPREAD = "all customers spend exactly the same per order"
NO_MEAN = "amounts spread so widely that their mean cannot be told"

LOW = np.log([1e-3, 1e-2, 1e-4])
HIGH = np.log([1e4, 1e4, 1e5])
"""Box of the logs of p, q, gamma (in units of the mean amount)."""


@dataclass(frozen=True)
class Spending:
    """Repeat orders (above 0), mean amount of them (above 0), and how many customers have them."""

    repeats: Floats
    amounts: Floats
    counts: Floats

    @property
    def reason(self) -> str:
        """Why no model can be fitted to it, "" where one can."""
        checks = [
            (self.counts.sum() <= 0, NO_REPEATS),
            (self.counts.sum() <= 1, ONE_CUSTOMER),
            (np.allclose(self.amounts, self.amounts[:1], rtol=1e-12, atol=0.0), NO_SPREAD),
        ]
        return next((str(text) for fires, text in checks if fires), "")


def spending(repeats: Any, amounts: Any, counts: Any = None) -> Spending:
    """Customers with repeat orders as arrays; others are left out.

    Raises ValueError where the mean amount of repeat orders is not above 0.
    """
    x, m = (np.asarray(v, dtype=np.float64) for v in (repeats, amounts))
    n = np.ones_like(x) if counts is None else np.asarray(counts, dtype=np.float64)
    again = (x > 0) & (n > 0)
    if (m[again] <= 0).any():
        raise ValueError("the mean amount of repeat orders must be above 0")
    return Spending(x[again], m[again], n[again])


@dataclass(frozen=True)
class Fit:
    """Fitted parameters, gamma in the unit of the amounts; None with the reason where none."""

    p: float | None
    q: float | None
    gamma: float | None
    log_likelihood: float | None
    reason: str = ""

    @property
    def parameters(self) -> Floats:
        """p, q, gamma; null where there are none."""
        return np.array([self.p, self.q, self.gamma], dtype=np.float64)


def fit(data: Spending, start: tuple[float, float, float] | None = None) -> Fit:
    """Maximum likelihood; the same from any `start` (p, q, gamma). A reason where impossible."""
    if data.reason:
        return Fit(None, None, None, None, data.reason)
    total = float(data.counts.sum())
    unit = float(data.amounts @ data.counts) / total
    starts = [np.log([p, 3.0, 2.0 / p]) for p in (1.0, 6.0, 30.0)]
    if start is not None:
        starts.append(np.log(np.array(start) / np.array([1.0, 1.0, unit])))
    scaled = Spending(data.repeats, data.amounts / unit, data.counts)
    rows = spread_out(scaled.counts.size)
    if rows.size < scaled.counts.size:
        few = Spending(scaled.repeats[rows], scaled.amounts[rows], scaled.counts[rows])
        starts = [maximise(_surface(few), starts, LOW, HIGH).point]
    top = maximise(_surface(scaled), starts, LOW, HIGH)
    p, q, gamma = (float(v) for v in np.exp(top.point))
    reason = "" if q > 1 else NO_MEAN
    return Fit(p, q, gamma * unit, top.height * total - total * math.log(unit), reason)


def _surface(data: Spending) -> Surface:
    total = float(data.counts.sum())

    def surface(point: Floats) -> tuple[float, Floats]:
        height, slopes = scores(data, point)
        return float(data.counts @ height) / total, (slopes @ data.counts) / total

    return surface


def log_likelihood(data: Spending, p: float, q: float, gamma: float) -> float:
    """The log-likelihood at the parameters given (equation 1a of the source)."""
    return float(data.counts @ scores(data, np.log([p, q, gamma]))[0])


def scores(data: Spending, point: Floats) -> tuple[Floats, Floats]:
    """Log-likelihood of each customer, and its gradient by the logs of p, q, gamma: (3, rows)."""
    from scipy.special import digamma, gammaln

    p, q, gamma = np.exp(point)
    x, at = np.unique(data.repeats, return_inverse=True)
    px = p * x
    heads = gammaln(px + q) - gammaln(px) - gammaln(q) + q * point[2] + px * np.log(x)
    whole = gamma + data.amounts * data.repeats
    log_m, log_whole = np.log(data.amounts), np.log(whole)
    each = p * data.repeats
    height = heads[at] + (each - 1.0) * log_m - (each + q) * log_whole
    common = (digamma(px + q) - digamma(px) + np.log(x))[at]
    by_p = data.repeats * (common + log_m - log_whole)
    by_q = (digamma(px + q) - digamma(q) + point[2])[at] - log_whole
    by_gamma = q / gamma - (each + q) / whole
    return height, np.array([p * by_p, q * by_q, gamma * by_gamma])


def mean_amount(parameters: Any) -> Floats:
    """Mean amount of an order over all customers, p x gamma / (q - 1); null unless q is above 1."""
    p, q, gamma = np.moveaxis(np.asarray(parameters, dtype=np.float64), -1, 0)
    return np.asarray(np.where(q > 1, p * gamma / np.where(q > 1, q - 1, 1.0), np.nan))


def expected_amount(parameters: Any, repeats: Any, amounts: Any) -> Floats:
    """Mean amount expected of customers with these repeat orders: between their own and everybody's.

    Equation 5 of the source. Customers without repeat orders get everybody's mean.
    """
    p, q, gamma = np.asarray(parameters, dtype=np.float64)
    x, m = (np.asarray(v, dtype=np.float64) for v in (repeats, amounts))
    return np.asarray(p * (gamma + np.where(x > 0, m * x, 0.0)) / (p * x + q - 1.0))
