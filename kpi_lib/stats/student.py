"""Differences and intervals judged by the t distribution, shared by Mean, Ratio and Total."""

from __future__ import annotations

import math

import numpy as np

from kpi_lib.kpi import Difference
from kpi_lib.stats.cells import difference
from kpi_lib.stats.distributions import Floats, t_tail, t_two_sided
from kpi_lib.stats.power import t_multiple

NO_UNITS = "no units"
ONE_UNIT = "fewer than two accounts: no interval"
UNTOLD_WEIGHT = "the denominator cannot be told from zero: no interval"
NO_SPREAD = "no spread between accounts: the noise cannot be told"


def half_width(variance: Floats, clusters: Floats, level: float) -> Floats:
    """Half the t interval for squared standard errors from so many clusters each."""
    degrees = np.where(clusters > 1, clusters - 1, np.nan)
    return t_two_sided(level, degrees) * np.sqrt(variance)


def cell_reason(value: float, clusters: float, empty: str = NO_UNITS) -> str:
    """Why a cell lacks its value or its interval, "" when it has both."""
    if not math.isfinite(value):
        return empty if clusters > 0 else NO_UNITS
    return ONE_UNIT if clusters < 2 else ""


def limit_reason(limit: float) -> str:
    """Why a cell with a value and enough accounts has no interval, "" when it has one."""
    return "" if math.isfinite(limit) else UNTOLD_WEIGHT


def t_difference(
    value: float, variance: float, degrees: float, *, level: float, power: float, method: str
) -> Difference:
    """The `Difference` of a change with this squared standard error and degrees of freedom."""
    if not math.isfinite(value):
        return difference(method, "one of the periods has no value")
    if not math.isfinite(variance) or not degrees >= 1:
        return difference(method, ONE_UNIT, value=value)
    error = math.sqrt(variance)
    if error == 0:
        return difference(method, NO_SPREAD, value=value, low=value, high=value)
    half = float(t_two_sided(level, degrees)) * error
    visible = t_multiple(degrees, level, power) * error
    return difference(
        method,
        value=value,
        low=value - half,
        high=value + half,
        p_value=t_tail(value / error, degrees),
        smallest_visible=visible,
    )
