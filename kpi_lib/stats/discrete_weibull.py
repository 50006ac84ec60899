"""The beta-discrete-Weibull model of contractual retention: a check on the shifted-beta-geometric.

An account's own chance to leave may change with its tenure (c below 1: it falls, above 1: it
rises); with c = 1 the model is the shifted-beta-geometric. Source: Fader, Hardie, Liu, Davin and
Steenburgh (2018), "How to project customer retention" revisited: the role of duration dependence,
Journal of Interactive Marketing 43, 1-16.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from kpi_lib.stats import shifted_beta_geometric as sbg
from kpi_lib.stats.distributions import Floats
from kpi_lib.stats.maximum import maximise
from kpi_lib.stats.renewals import Renewals

LOW = np.log([1e-4, 1e-4, 1e-2])
HIGH = np.log([1e6, 1e6, 1e2])
"""Box of the logs of alpha, beta, c."""


@dataclass(frozen=True)
class Fit:
    """Fitted parameters; None with the reason where there are none."""

    alpha: float | None
    beta: float | None
    c: float | None
    log_likelihood: float | None
    reason: str = ""


def fit(renewals: Renewals, start: tuple[float, float, float] | None = None) -> Fit:
    """Maximum likelihood over one cohort or many, from any `start` (alpha, beta, c).

    Three parameters need three renewals: with fewer, and wherever the shifted-beta-geometric
    cannot be fitted, the answer is a reason.
    """
    first = sbg.fit(renewals)
    if first.reason:
        return Fit(None, None, None, None, first.reason)
    if np.count_nonzero(renewals.at_risk) < 3:
        return Fit(None, None, None, None, "fewer than three renewals have been seen")
    scale = float(renewals.at_risk.sum())

    def surface(point: Floats) -> tuple[float, Floats]:
        height, slope = _height(renewals, point)
        return height / scale, slope / scale

    top = maximise(surface, _starts(first, start), LOW, HIGH)
    alpha, beta, c = (float(v) for v in np.exp(top.point))
    return Fit(alpha, beta, c, top.height * scale)


def log_survival(alpha: float, beta: float, c: float, renewals: int) -> Floats:
    """Log of the share still there at the start and after each of so many renewals."""
    from scipy.special import betaln

    t = np.arange(renewals + 1, dtype=np.float64) ** c
    return np.asarray(betaln(alpha, beta + t) - betaln(alpha, beta), dtype=np.float64)


def log_likelihood(renewals: Renewals, alpha: float, beta: float, c: float) -> float:
    """The log-likelihood at the parameters given."""
    return _height(renewals, np.log([alpha, beta, c]))[0]


def _starts(first: sbg.Fit, start: tuple[float, float, float] | None) -> list[Floats]:
    assert first.alpha is not None
    assert first.beta is not None
    own = np.log([max(first.alpha, 1e-4), max(first.beta, 1e-4), 1.0])
    wide = [np.log([1.0, 1.0, c]) for c in (0.5, 1.5)]
    given = [] if start is None else [np.log(np.array(start))]
    return [own, *wide, *given]


def _height(renewals: Renewals, point: Floats) -> tuple[float, Floats]:
    """Log-likelihood and its gradient by the logs of alpha, beta, c."""
    alpha, beta, c = np.exp(point)
    log_s = log_survival(alpha, beta, c, renewals.lost.size)
    by = _survival_slopes(alpha, beta, c, renewals.lost.size)
    ratio = np.diff(log_s)
    by_ratio = np.diff(by, axis=1)
    # Chance to leave at a renewal: 1 - S(i)/S(i-1); written so that tiny chances keep their digits.
    leave = -np.expm1(np.minimum(ratio, -1e-300))
    height = float((renewals.kept * ratio + renewals.lost * np.log(leave)).sum())
    pull = renewals.kept - renewals.lost * (1.0 - leave) / leave
    return height, np.array([alpha, beta, c]) * (by_ratio * pull).sum(axis=1)


def _survival_slopes(alpha: float, beta: float, c: float, renewals: int) -> Floats:
    """Derivatives of log S(t) by alpha, beta and c: (3, renewals + 1)."""
    from scipy.special import digamma

    t = np.arange(renewals + 1, dtype=np.float64)
    power = t**c
    whole = digamma(alpha + beta + power)
    by_alpha = digamma(alpha + beta) - whole
    by_beta = digamma(beta + power) - digamma(beta) - whole + digamma(alpha + beta)
    log_t = np.log(np.where(t > 0, t, 1.0))
    by_c = (digamma(beta + power) - whole) * power * log_t
    return np.array([by_alpha, by_beta, by_c])


def value_of(fitted: Fit, discount: float, least: int = 1) -> float | None:
    """Discounted expected lifetime in renewal periods under the fit; None without one.

    Summed until what is left weighs less than 1e-12, over at least `least` renewals.
    """
    if fitted.alpha is None or fitted.beta is None or fitted.c is None:
        return None
    terms = max(least, math.ceil(12 * math.log(10) / math.log1p(discount)))
    shares = np.exp(log_survival(fitted.alpha, fitted.beta, fitted.c, terms))
    return float(shares @ (1 + discount) ** -np.arange(terms + 1, dtype=np.float64))
