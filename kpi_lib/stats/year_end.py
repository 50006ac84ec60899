"""What the rest of a year brings, from what it brought so far and how last year went on from there.

The ratio predictor: an account's rest is k times its amount so far, with a variance proportional to
that amount. k is the ratio of last year's totals. Source: Royall, R. M. (1970), On finite population
sampling theory under certain linear regression models, Biometrika 57, 377-387.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from kpi_lib.stats.distributions import Floats

NO_BASE = "no account had any amount by the same day of last year"
ONE_ACCOUNT = "one account had an amount by the same day of last year: no spread can be told"


@dataclass(frozen=True)
class YearEnd:
    """`ratio`: rest per amount so far (k); `spread`: sigma squared; `base`: last year's amount so far;
    `accounts` it comes from. Without a `reason` all of them are known."""

    ratio: float = float("nan")
    spread: float = float("nan")
    base: float = 0.0
    accounts: int = 0
    reason: str = ""

    def rest(self, so_far: Any) -> Floats:
        """Expected rest of the year for amounts so far."""
        return np.asarray(self.ratio * np.asarray(so_far, dtype=np.float64))

    def error(self, so_far: Any) -> Floats:
        """Standard error of that prediction: sigma sqrt(x (1 + x / base))."""
        x = np.maximum(np.asarray(so_far, dtype=np.float64), 0.0)
        if self.reason:
            return np.full(x.shape, np.nan)
        return np.asarray(np.sqrt(self.spread * x * (1.0 + x / self.base)))

    def limits(self, so_far: Any, level: float) -> tuple[Floats, Floats]:
        """Limits of the rest of the year at a level, by Student's t; never below 0."""
        from scipy.special import stdtrit

        rest, error = self.rest(so_far), self.error(so_far)
        factor = float(stdtrit(max(self.accounts - 1, 1), (1.0 + level) / 2.0))
        return np.maximum(rest - factor * error, 0.0), rest + factor * error

    def chance_of(self, so_far: float, needed: float) -> float:
        """Chance that the rest of the year is at least `needed`; null where it cannot be told."""
        from scipy.special import stdtr

        rest, error = float(self.rest(so_far)), float(self.error(so_far))
        if not math.isfinite(rest) or not math.isfinite(error):
            return float("nan")
        if error == 0:
            return float(rest >= needed)
        return float(stdtr(self.accounts - 1, (rest - needed) / error))


def year_end(so_far: Any, rest: Any) -> YearEnd:
    """The predictor from last year's accounts: amount up to this day, amount after it.

    Accounts with nothing so far say nothing about how it goes on, and are left out.
    """
    x, y = (np.asarray(one, dtype=np.float64) for one in (so_far, rest))
    there = x > 0
    x, y = x[there], y[there]
    if not x.size:
        return YearEnd(reason=NO_BASE)
    if x.size < 2:
        return YearEnd(reason=ONE_ACCOUNT)
    ratio = float(y.sum() / x.sum())
    spread = float(((y - ratio * x) ** 2 / x).sum() / (x.size - 1))
    return YearEnd(ratio, spread, float(x.sum()), int(x.size))
