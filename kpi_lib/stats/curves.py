"""Survival curves as frames: Kaplan-Meier, Aalen-Johansen, median, restricted mean, log-rank.

Written in numpy since lifelines takes seconds to import; lifelines is the oracle in the tests.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from kpi_lib.stats.distributions import Floats, chi_square_tail, z_two_sided
from kpi_lib.stats.risk import (
    CENSORED,
    EVENT,
    Risk,
    area,
    areas_below,
    crossing,
    incidence,
    risk_table,
    survival,
    variance_sum,
)

if TYPE_CHECKING:
    import pandas as pd


def kaplan_meier(
    durations: Any, observed: Any, counts: Any = None, entered: Any = None, level: float = 0.95
) -> pd.DataFrame:
    """One row per distinct time: time, at_risk, events, survival, standard_error, low, high.

    `observed` is true where the event was seen. Standard error by Greenwood (1926), limits on the
    log(-log) scale: Kalbfleisch and Prentice (2002), 1.4. Limits are null where survival is 0.
    """
    import pandas as pd

    outcomes = np.where(np.asarray(observed, dtype=bool), EVENT, CENSORED)
    risk = risk_table(durations, outcomes, counts, entered)
    curve = survival(risk)[0]
    low, high = log_log_limits(curve, variance_sum(risk)[0], level)
    columns = {
        "time": risk.time,
        "at_risk": risk.at_risk[0],
        "events": risk.events[0],
        "survival": curve,
        "standard_error": np.where(curve > 0, curve * np.sqrt(_finite(variance_sum(risk)[0])), 0.0),
        "low": low,
        "high": high,
    }
    return pd.DataFrame(columns)


def _finite(numbers: Floats) -> Floats:
    return np.where(np.isfinite(numbers), numbers, 0.0)


def log_log_limits(curve: Floats, variance: Floats, level: float) -> tuple[Floats, Floats]:
    """Limits of a survival curve on the log(-log) scale; 1 where it is 1, NaN where it is 0."""
    inside = (curve > 0) & (curve < 1) & np.isfinite(variance)
    safe = np.where(inside, curve, _HALF_SAFE)
    shift = z_two_sided(level) * np.sqrt(np.where(inside, variance, 0.0)) / -np.log(safe)
    edge = np.where(curve >= 1, 1.0, np.nan)
    low, high = safe ** np.exp(shift), safe ** np.exp(-shift)
    return np.where(inside, low, edge), np.where(inside, high, edge)


_HALF_SAFE = 0.5


@dataclass(frozen=True)
class Limits:
    """A value and its limits; None stands for not reached or not to be told."""

    value: float | None
    low: float | None
    high: float | None


def median_survival(curve: pd.DataFrame) -> Limits:
    """The median of a `kaplan_meier` frame and its limits, None where a curve never gets to a half.

    The limits are the times at which the limits of the curve get there: Brookmeyer and Crowley
    (1982), Biometrics 38.
    """
    time = curve["time"].to_numpy(dtype=np.float64)
    found = (_crossing(time, curve[name].to_numpy(dtype=np.float64)) for name in _LIMIT_COLUMNS)
    return Limits(*found)


_LIMIT_COLUMNS = ("survival", "low", "high")


def _crossing(time: Floats, curve: Floats) -> float | None:
    at = float(crossing(time, np.atleast_2d(curve))[0])
    return at if math.isfinite(at) else None


def followed_for(risk: Risk) -> float:
    """How far the curve is known: the last time, without end once everyone has reached."""
    if not risk.time.size:
        return 0.0
    return math.inf if survival(risk)[0, -1] <= 0 else float(risk.time[-1])


@dataclass(frozen=True)
class RestrictedMean:
    """Mean days waited up to `until`, with its standard error."""

    value: float
    standard_error: float
    until: float


def restricted_mean_of(risk: Risk, horizon: float) -> RestrictedMean | None:
    """Mean of min(duration, until), `until` being the horizon or the end of follow-up before it.

    The area under the Kaplan-Meier curve; variance: Klein and Moeschberger (2003), 4.5. None when
    nobody was followed.
    """
    until = min(horizon, followed_for(risk))
    if not risk.time.size or until <= 0:
        return None
    total = float(area(risk.time, survival(risk), until)[0])
    below = areas_below(risk.time, survival(risk)[0], until)
    alive = risk.at_risk[0] > risk.events[0]
    events, at_risk = risk.events[0][alive], risk.at_risk[0][alive]
    terms = (total - below[alive]) ** 2 * events / (at_risk * (at_risk - events))
    return RestrictedMean(total, math.sqrt(float(terms.sum())), float(until))


def restricted_mean(
    durations: Any, observed: Any, horizon: float, counts: Any = None, entered: Any = None
) -> RestrictedMean | None:
    """`restricted_mean_of` for durations and whether the event was seen."""
    outcomes = np.where(np.asarray(observed, dtype=bool), EVENT, CENSORED)
    return restricted_mean_of(risk_table(durations, outcomes, counts, entered), horizon)


def aalen_johansen(
    durations: Any, outcomes: Any, counts: Any = None, entered: Any = None
) -> pd.DataFrame:
    """One row per distinct time: time, at_risk, reached, left, waiting (shares that add up to 1).

    `outcomes`: 0 censored, 1 event, 2 competing. Source: Aalen and Johansen (1978), Scandinavian
    Journal of Statistics 5.
    """
    import pandas as pd

    risk = risk_table(durations, outcomes, counts, entered)
    reached, left, waiting = (shares[0] for shares in incidence(risk))
    columns = {"time": risk.time, "at_risk": risk.at_risk[0]}
    return pd.DataFrame(columns | {"reached": reached, "left": left, "waiting": waiting})


@dataclass(frozen=True)
class LogRank:
    """Chi-square statistic with one degree of freedom, and its p-value."""

    statistic: float
    p_value: float


def log_rank(first: tuple[Any, Any], second: tuple[Any, Any]) -> LogRank | None:
    """The log-rank test of two samples, each given as (durations, observed).

    Source: Mantel (1966), Cancer Chemotherapy Reports 50. None when there is nothing to compare.
    """
    days = np.concatenate([np.asarray(sample[0], dtype=np.float64) for sample in (first, second)])
    seen = np.concatenate([np.asarray(sample[1], dtype=bool) for sample in (first, second)])
    in_first = np.arange(days.size) < len(first[0])
    risk = risk_table(days, np.where(seen, EVENT, CENSORED), np.stack([in_first, ~in_first]))
    waiting, events = risk.at_risk, risk.events.sum(axis=0)
    total = waiting.sum(axis=0)
    share = np.divide(waiting[0], total, out=np.zeros_like(total), where=total > 0)
    excess = float((risk.events[0] - events * share).sum())
    spread = events * share * (1 - share) * (total - events) / np.maximum(total - 1, 1)
    if float(spread.sum()) <= 0:
        return None
    statistic = excess**2 / float(spread.sum())
    return LogRank(statistic, chi_square_tail(statistic, 1))
