"""The shifted-beta-geometric model of contractual retention.

Each account leaves at every renewal with its own constant chance, which differs between accounts
as a beta(alpha, beta) variable. The longer a cohort stays the fewer of its likely leavers are left,
so its churn falls with tenure although no account changes. Source: Fader, P. and Hardie, B. (2007),
How to project customer retention, Journal of Interactive Marketing 21(1), 76-90.

The fit works with the mean churn m = alpha/(alpha+beta) and the spread t = 1/(alpha+beta): churn at
renewal i is m/(1+(i-1)t). At t = 0 this is one constant churn (geometric), so data that show no
difference between accounts have an answer too.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from kpi_lib.stats.distributions import Floats
from kpi_lib.stats.maximum import maximise
from kpi_lib.stats.renewals import Renewals

LOW = np.array([-25.0, math.log(1e-9)])
HIGH = np.array([25.0, math.log(1e4)])
"""Box of logit of the mean churn and log of the spread."""

_ROUNDS = 40
_STILL = 1e-10
"""A point that moves less has arrived."""


@dataclass(frozen=True)
class Fit:
    """Fitted parameters; None with the reason where there are none.

    `is_constant`: no difference between accounts can be seen (alpha and beta grow without end).
    """

    mean_churn: float | None
    spread: float | None
    log_likelihood: float | None
    is_constant: bool = False
    reason: str = ""

    @property
    def alpha(self) -> float | None:
        """First parameter of the beta distribution."""
        return None if self.spread is None else (self.mean_churn or 0.0) / self.spread

    @property
    def beta(self) -> float | None:
        """Second parameter of the beta distribution."""
        return None if self.spread is None else (1.0 - (self.mean_churn or 0.0)) / self.spread


def fit(renewals: Renewals, start: tuple[float, float] | None = None) -> Fit:
    """Maximum likelihood over one cohort or many; the same from any `start` (alpha, beta).

    Where it cannot be fitted (see `Renewals.reason`) the answer is that reason. Where only first
    renewals have been seen every spread fits equally well, and the answer is one constant churn:
    of all that fit, the one with the shortest lifetimes.
    """
    reason = renewals.reason()
    if reason:
        return Fit(None, None, None, reason=reason)
    if renewals.only_first:
        return _constant(renewals)
    return _fitted(renewals.lost.tobytes(), renewals.kept.tobytes(), start)


@lru_cache(maxsize=256)
def _fitted(lost: bytes, kept: bytes, start: tuple[float, float] | None) -> Fit:
    """The fit, remembered: other margins and discounts need no new one."""
    renewals = Renewals(np.frombuffer(lost), np.frombuffer(kept), np.zeros(()))
    scale = float(renewals.at_risk.sum())

    def surface(point: Floats) -> tuple[float, Floats]:
        at = point[None, :]
        height = _height(renewals.lost, renewals.kept, at)
        slope, _ = _slopes(renewals.lost, renewals.kept, at)
        return float(height[0]) / scale, slope[0] / scale

    starts = [_grid_start(renewals)] + ([] if start is None else [_point(*start)])
    top = maximise(surface, starts, LOW, HIGH)
    churn, spread = (float(v) for v in parameters(top.point))
    return Fit(churn, spread, top.height * scale, bool(top.point[1] <= LOW[1]))


def _constant(renewals: Renewals) -> Fit:
    churn = float(renewals.lost.sum() / renewals.at_risk.sum())
    spread = math.exp(LOW[1])
    height = log_likelihood(renewals, churn / spread, (1 - churn) / spread)
    return Fit(churn, spread, height, is_constant=True)


def log_likelihood(renewals: Renewals, alpha: float, beta: float) -> float:
    """The log-likelihood at the parameters given (equations 7 and 8 of the source)."""
    point = _point(alpha, beta)
    return float(_height(renewals.lost, renewals.kept, point[None, :])[0])


def parameters(point: Floats) -> tuple[Floats, Floats]:
    """Mean churn and spread of points in the box (last axis: logit, log)."""
    return 1.0 / (1.0 + np.exp(-point[..., 0])), np.exp(point[..., 1])


def churn_at(mean_churn: Floats | float, spread: Floats | float, renewals: int) -> Floats:
    """Churn at each of so many renewals: (..., renewals). Equation 6 of the source."""
    i = np.arange(renewals, dtype=np.float64)
    mean, width = (np.asarray(v, dtype=np.float64)[..., None] for v in (mean_churn, spread))
    return mean / (1.0 + i * width)


def survival(mean_churn: Floats | float, spread: Floats | float, renewals: int) -> Floats:
    """Share still there at the start and after each of so many renewals: (..., renewals + 1)."""
    stay = np.cumprod(1.0 - churn_at(mean_churn, spread, renewals), axis=-1)
    return np.concatenate([np.ones((*stay.shape[:-1], 1)), stay], axis=-1)


def refit(lost: Floats, kept: Floats, near: Fit) -> Floats:
    """Points (draws, 2) that maximise each resample, by Fisher scoring from a fit of the whole.

    `lost`, `kept`: (draws, renewals). See `parameters` for what the points mean.
    """
    return _refitted(
        np.ascontiguousarray(lost).tobytes(),
        np.ascontiguousarray(kept).tobytes(),
        lost.shape[0],
        near,
    )


@lru_cache(maxsize=64)
def _refitted(lost_bytes: bytes, kept_bytes: bytes, draws: int, near: Fit) -> Floats:
    """`refit`, remembered like the fit: the draws of a sample are the same under other discounts."""
    assert near.mean_churn is not None
    assert near.spread is not None
    lost, kept = (np.frombuffer(one).reshape(draws, -1) for one in (lost_bytes, kept_bytes))
    logit = math.log(near.mean_churn / (1 - near.mean_churn))
    points = np.tile(np.array([logit, math.log(near.spread)]), (draws, 1))
    moving = np.arange(draws)  # a few resamples take all rounds, most are there after ten
    for _ in range(_ROUNDS):
        at = points[moving]
        slope, information = _slopes(lost[moving], kept[moving], at)
        points[moving] = np.clip(at + _scored(at, slope, information), LOW, HIGH)
        moving = moving[np.abs(points[moving] - at).max(axis=1) >= _STILL]
        if not moving.size:
            break
    points.flags.writeable = False
    return points


def _scored(points: Floats, slope: Floats, information: Floats) -> Floats:
    """One Fisher step per row, at most 1 long; what an edge holds stays there."""
    held = ((points <= LOW) & (slope <= 0)) | ((points >= HIGH) & (slope >= 0))
    size = np.trace(information, axis1=1, axis2=2)[:, None, None]
    matrix = information + np.eye(2) * (1e-9 * size + 1e-12)
    matrix = np.where(held[:, :, None] | held[:, None, :], np.eye(2) * matrix, matrix)
    step = np.linalg.solve(matrix, np.where(held, 0.0, slope)[..., None])[..., 0]
    return np.clip(step, -1.0, 1.0)


def _height(lost: Floats, kept: Floats, points: Floats) -> Floats:
    """Log-likelihood at each point: (rows,)."""
    mean, width = (v[:, None] for v in parameters(points))
    later = np.arange(lost.shape[-1], dtype=np.float64) * width
    grown, stay = 1.0 + later, 1.0 - mean + later
    height = lost * np.log(mean / grown) + kept * np.log(stay / grown)
    return np.asarray(height.sum(axis=-1))


def _slopes(lost: Floats, kept: Floats, points: Floats) -> tuple[Floats, Floats]:
    """Gradient (rows, 2) and expected information (rows, 2, 2) of the log-likelihood."""
    mean, width = (v[:, None] for v in parameters(points))
    later = np.arange(lost.shape[-1], dtype=np.float64) * width
    grown = 1.0 + later
    stay = 1.0 - mean + later
    # Of the chance to leave p = m/(1+it): by logit of m, and by log of t.
    by_mean, by_width = mean * (1.0 - mean) / grown, -mean * later / grown**2
    pull = lost * grown / mean - kept * grown / stay
    slope = np.stack([(pull * by_mean).sum(axis=-1), (pull * by_width).sum(axis=-1)], axis=-1)
    weight = (lost + kept) * grown**2 / (mean * stay)
    one, other = weight * by_mean, weight * by_width
    cross = (one * by_width).sum(axis=-1)
    parts = [(one * by_mean).sum(axis=-1), cross, cross, (other * by_width).sum(axis=-1)]
    return slope, np.stack(parts, axis=-1).reshape(-1, 2, 2)


def _grid_start(renewals: Renewals) -> Floats:
    """The best point of a coarse grid over the box."""
    logits, logs = np.linspace(-8, 8, 33), np.linspace(LOW[1], HIGH[1], 31)
    points = np.array([(one, two) for one in logits for two in logs])
    height = _height(renewals.lost, renewals.kept, points)
    return np.asarray(points[int(np.argmax(height))], dtype=np.float64)


def _point(alpha: float, beta: float) -> Floats:
    return np.array([math.log(alpha / beta), -math.log(alpha + beta)])
