"""The change of waiting times between two cohorts: bootstrap of medians, z test of means."""

from __future__ import annotations

import math

import numpy as np

from kpi_lib.kpi import Difference
from kpi_lib.stats.cells import difference
from kpi_lib.stats.curves import followed_for, restricted_mean_of
from kpi_lib.stats.distributions import Floats, z_tail, z_two_sided
from kpi_lib.stats.power import normal_multiple
from kpi_lib.stats.risk import crossing, survival
from kpi_lib.stats.survival_rows import Rows

DRAWS = 1_000
SEED = 20_260_630
_ONE_SIGMA = (0.158655, 0.841345)
_MEDIANS = f"seeded bootstrap of units, {DRAWS} draws"


def median_draws(rows: Rows, generator: np.random.Generator, draws: int = DRAWS) -> Floats:
    """Kaplan-Meier medians of `draws` resamples of the units; infinite where not reached."""
    counts = generator.multinomial(rows.units, rows.counts / rows.counts.sum(), size=draws)
    risk = rows.risk(counts.astype(np.float64))
    return crossing(risk.time, survival(risk))


def change_of_medians(first: Rows, second: Rows, *, level: float, power: float) -> Difference:
    """Later minus earlier median with a percentile interval (Efron and Tibshirani 1993, chapter 13).

    A draw in which neither median is reached counts against certainty on both sides.
    """
    if not (first.units and second.units):
        return difference(_MEDIANS, "one of the cohorts has no units")
    value = _median(second) - _median(first)
    if not math.isfinite(value):
        return difference(_MEDIANS, "the median of a cohort is not reached yet")
    generator = np.random.default_rng(SEED)
    with np.errstate(invalid="ignore"):
        changes = -median_draws(first, generator) + median_draws(second, generator)
    low, high = _quantiles(changes, (0.5 - level / 2, 0.5 + level / 2))
    error = spread_of(changes)
    return difference(
        _MEDIANS,
        _unreached(low, high, error),
        value=value,
        low=low,
        high=high,
        p_value=_p_value(changes),
        smallest_visible=normal_multiple(level, power) * error if error > 0 else None,
    )


def change_of_means(
    first: Rows, second: Rows, horizon: float, *, level: float, power: float
) -> Difference:
    """Later minus earlier restricted mean, up to the longest time followed in both.

    Source: Royston and Parmar (2013), BMC Medical Research Methodology 13:152.
    """
    until = min(horizon, followed_for(first.risk()), followed_for(second.risk()))
    method = f"z test of restricted means to {until:.0f} days"
    means = [restricted_mean_of(rows.risk(), until) for rows in (first, second) if rows.units]
    if len(means) < 2 or means[0] is None or means[1] is None:
        return difference(method, "one of the cohorts was not followed")
    value = means[1].value - means[0].value
    error = math.hypot(means[0].standard_error, means[1].standard_error)
    if error == 0:
        return difference(method, "no spread between units: the noise cannot be told", value=value)
    half = z_two_sided(level) * error
    return difference(
        method,
        value=value,
        low=value - half,
        high=value + half,
        p_value=z_tail(value / error),
        smallest_visible=normal_multiple(level, power) * error,
    )


def error_of(rows: Rows, horizon: float, statistic: str) -> float | None:
    """Standard error of the median (bootstrap) or of the restricted mean; None if unknown."""
    if not rows.units:
        return None
    if statistic == "mean":
        mean = restricted_mean_of(rows.risk(), horizon)
        return None if mean is None else mean.standard_error
    error = spread_of(median_draws(rows, np.random.default_rng(SEED)))
    return error if math.isfinite(error) else None


def spread_of(draws: Floats) -> float:
    """Standard deviation of the draws; where some are not finite, half the middle 68 % of them."""
    if np.isfinite(draws).all():
        return float(draws.std(ddof=1))
    low, high = _quantiles(draws, _ONE_SIGMA)
    return (high - low) / 2 if math.isfinite(low) and math.isfinite(high) else math.inf


def _median(rows: Rows) -> float:
    risk = rows.risk()
    return float(crossing(risk.time, survival(risk))[0])


def _quantiles(draws: Floats, probabilities: tuple[float, float]) -> tuple[float, float]:
    """Lower and upper quantile; unknown draws count as the lowest and the highest."""
    low = np.sort(np.where(np.isnan(draws), -np.inf, draws))
    high = np.sort(np.where(np.isnan(draws), np.inf, draws))
    last = draws.size - 1
    return (
        float(low[math.floor(probabilities[0] * last)]),
        float(high[math.ceil(probabilities[1] * last)]),
    )


def _p_value(changes: Floats) -> float:
    unknown = np.isnan(changes)
    sides = (((changes <= 0) | unknown).sum(), ((changes >= 0) | unknown).sum())
    return min(1.0, 2 * (float(min(sides)) + 1) / (changes.size + 1))


def _unreached(low: float, high: float, error: float) -> str:
    if not error > 0:
        return "no spread between units: the noise cannot be told"
    known = all(math.isfinite(number) for number in (low, high, error))
    return "" if known else "the median is not reached in many resamples"
