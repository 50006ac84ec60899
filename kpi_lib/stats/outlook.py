"""Where a line of values would be some periods on, if it goes on as before: closed forms, no model of why."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from kpi_lib.stats.distributions import t_tail

LEAST_VALUES = 4
"""Fewer values give no idea of how much they scatter."""


@dataclass(frozen=True)
class Outlook:
    """A value to come: what is expected, the standard error of that prediction, degrees of freedom."""

    expected: float
    error: float
    degrees: int

    def chance_below(self, goal: float) -> float:
        """The chance (0 to 1) that the value to come is `goal` or less (Student's t)."""
        if self.error == 0:
            return float(self.expected <= goal)
        statistic = (goal - self.expected) / self.error
        half = t_tail(statistic, self.degrees) / 2
        return 1 - half if statistic > 0 else half


def along_a_line(values: Sequence[float], ahead: int) -> Outlook | None:
    """The value `ahead` periods after the last, on the least-squares line through the values.

    For values of independent samples, as cohorts. The error is that of one new value: s times the root of
    1 + 1/n + (x - mean)^2 / Sxx (Draper and Smith 1998, Applied Regression Analysis, 1.4). None below
    `LEAST_VALUES`.
    """
    count = len(values)
    if count < LEAST_VALUES:
        return None
    x, y = np.arange(count, dtype=np.float64), np.asarray(values, dtype=np.float64)
    away = x - x.mean()
    spread = float(away @ away)
    slope = float(away @ y) / spread
    residual = y - y.mean() - slope * away
    distance = count - 1 + ahead - float(x.mean())
    scatter = math.sqrt(max(0.0, float(residual @ residual)) / (count - 2))
    error = scatter * math.sqrt(1 + 1 / count + distance**2 / spread)
    return Outlook(float(y.mean()) + slope * distance, error, count - 2)


def along_a_walk(values: Sequence[float], ahead: int) -> Outlook | None:
    """The value `ahead` periods after the last, when each step is drawn like those before.

    For the same accounts seen again and again, whose values carry on: a random walk with drift, error
    s times the root of h + h^2/m for h steps ahead and m steps seen (Hyndman and Athanasopoulos 2021,
    Forecasting, 5.5). None below `LEAST_VALUES`.
    """
    if len(values) < LEAST_VALUES:
        return None
    steps = np.diff(np.asarray(values, dtype=np.float64))
    count = len(steps)
    error = float(steps.std(ddof=1)) * math.sqrt(ahead + ahead**2 / count)
    return Outlook(float(values[-1]) + ahead * float(steps.mean()), error, count - 1)
