"""Everything said about the waiting times of one cell."""

from __future__ import annotations

import math
from typing import Literal

import numpy as np

from kpi_lib.stats.curves import (
    Limits,
    RestrictedMean,
    log_log_limits,
    restricted_mean_of,
)
from kpi_lib.stats.distributions import Floats, z_two_sided
from kpi_lib.stats.risk import (
    CENSORED,
    COMPETING,
    EVENT,
    Risk,
    crossing,
    incidence,
    risk_table,
    survival,
    variance_sum,
)
from kpi_lib.stats.survival_rows import Rows

SHARE_DAYS = (30, 60, 90, 180)

COLUMNS = (
    "value",
    "low",
    "high",
    "standard_error",
    "n",
    "resolved",
    "events",
    "left",
    "waiting",
    "median",
    "median_low",
    "median_high",
    "median_high_not_reached",
    "median_lowest",
    "median_highest",
    "restricted_mean",
    "restricted_mean_error",
    "restricted_mean_low",
    "restricted_mean_high",
    "restricted_to",
    "naive_mean",
    *(f"reached_{days}" for days in SHARE_DAYS),
    "reached_target",
    "reason",
)


def describe(
    rows: Rows,
    horizon: float,
    statistic: Literal["median", "mean"],
    target: float | None,
    level: float,
) -> dict[str, object]:
    """The columns `COLUMNS` of one cell; what cannot be told is NaN, and `reason` says why."""
    risk = rows.risk()
    median = median_limits(risk, level)
    mean = restricted_mean_of(risk, horizon)
    headline = (
        _median_headline(median, level)
        if statistic == "median"
        else _mean_headline(mean, horizon, level)
    )
    return (
        headline
        | _counts(rows, horizon)
        | _median_columns(rows, median)
        | _mean_columns(mean, level)
        | {"naive_mean": naive_mean(rows)}
        | {f"reached_{days}": reached_by(risk, days) for days in SHARE_DAYS}
        | {"reached_target": math.nan if target is None else reached_by(risk, target)}
        | {"reason": _reason(rows, statistic, median, mean, horizon)}
    )


def median_limits(risk: Risk, level: float) -> Limits:
    """Kaplan-Meier median and its log-log limits, None where not reached."""
    curve = survival(risk)
    low, high = log_log_limits(curve[0], variance_sum(risk)[0], level)
    found = [float(crossing(risk.time, line)[0]) for line in (curve, low[None], high[None])]
    return Limits(*(at if math.isfinite(at) else None for at in found))


def naive_mean(rows: Rows) -> float:
    """Mean days of those who reached: too small, because who still waits is left out."""
    counts = rows.counts * (rows.outcomes == EVENT)
    total = float(counts.sum())
    return float((counts * rows.durations).sum()) / total if total else math.nan


def reached_by(risk: Risk, days: float) -> float:
    """Share that reached within `days` by Aalen-Johansen; NaN when nobody was followed so long."""
    reached, _, waiting = incidence(risk)
    if not risk.time.size or (risk.time[-1] < days and waiting[0, -1] > 0):
        return math.nan
    place = int(np.searchsorted(risk.time, days, side="right"))
    return float(reached[0, place - 1]) if place else 0.0


def _counts(rows: Rows, horizon: float) -> dict[str, object]:
    done = (rows.outcomes != CENSORED) | (rows.durations >= horizon)
    units = float(rows.counts.sum())
    return {
        "n": rows.units,
        "resolved": float((rows.counts * done).sum()) / units if units else math.nan,
        "events": round(float((rows.counts * (rows.outcomes == EVENT)).sum())),
        "left": round(float((rows.counts * (rows.outcomes == COMPETING)).sum())),
        "waiting": round(float((rows.counts * (rows.outcomes == CENSORED)).sum())),
    }


def _median_headline(median: Limits, level: float) -> dict[str, object]:
    """The error is half the interval over z: only a guide, and null when a limit is not reached."""
    low, high = _number(median.low), _number(median.high)
    error = (high - low) / (2 * z_two_sided(level))
    return {"value": _number(median.value), "low": low, "high": high, "standard_error": error}


def _mean_headline(mean: RestrictedMean | None, horizon: float, level: float) -> dict[str, object]:
    value = low = high = error = math.nan
    if mean is not None and mean.until >= horizon:
        value, error = mean.value, mean.standard_error
        low, high = _mean_limits(mean, level)
    return {"value": value, "low": low, "high": high, "standard_error": error}


def _median_columns(rows: Rows, median: Limits) -> dict[str, object]:
    left = rows.outcomes == COMPETING
    soon = risk_table(
        rows.durations + left, np.where(left, EVENT, rows.outcomes), rows.counts, rows.entered
    )
    reached = incidence(rows.risk())[0]
    return {
        "median": _number(median.value),
        "median_low": _number(median.low),
        "median_high": _number(median.high),
        "median_high_not_reached": median.high is None,
        "median_lowest": _at(soon.time, survival(soon)),
        "median_highest": _at(rows.risk().time, 1 - reached),
    }


def _mean_columns(mean: RestrictedMean | None, level: float) -> dict[str, object]:
    names = ("", "_error", "_low", "_high")
    numbers: tuple[float, ...] = (math.nan,) * 4
    if mean is not None:
        numbers = (mean.value, mean.standard_error, *_mean_limits(mean, level))
    columns: dict[str, object] = {
        f"restricted_mean{name}": number for name, number in zip(names, numbers, strict=True)
    }
    return columns | {"restricted_to": math.nan if mean is None else mean.until}


def _mean_limits(mean: RestrictedMean, level: float) -> tuple[float, float]:
    half = z_two_sided(level) * mean.standard_error
    return max(mean.value - half, 0.0), min(mean.value + half, mean.until)


def _reason(
    rows: Rows,
    statistic: str,
    median: Limits,
    mean: RestrictedMean | None,
    horizon: float,
) -> str:
    if not rows.units:
        return "no units"
    if statistic == "mean":
        until = 0.0 if mean is None else mean.until
        return "" if until >= horizon else f"followed for {until:.0f} of {horizon:.0f} days only"
    if median.value is None:
        return "median not reached yet"
    return "" if median.high is not None else "upper limit of the median not reached"


def _at(time: Floats, curve: Floats) -> float:
    return _number(_or_none(float(crossing(time, curve)[0])))


def _or_none(number: float) -> float | None:
    return number if math.isfinite(number) else None


def _number(number: float | None) -> float:
    return math.nan if number is None else number
