"""One row per period: values, intervals, process limits, and which period is the headline."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

import ibis.expr.types as ir
import numpy as np

from kpi_lib.engine import run
from kpi_lib.kpi import Estimator, Kpi, KpiParams
from kpi_lib.periods import Period, complete_periods
from kpi_lib.schema import Tables
from kpi_lib.stats.xmr import process_limits, signals
from kpi_lib.wording import known

if TYPE_CHECKING:
    import pandas as pd

HALF = 0.5
"""Share of units whose outcome must be known before a period is a headline."""

LEAST_RANGES = 3
"""Ranges between values needed before process limits say anything."""


@dataclass(frozen=True)
class Cell:
    """The figure of one period, or of several pooled. Numbers that cannot be told are None.

    `n` counts units; `resolved` is the share of them whose outcome is known.
    """

    label: str
    start: date
    end: date
    value: float | None
    low: float | None
    high: float | None
    standard_error: float | None
    n: int
    resolved: float


def periods_of(tables: Tables, params: KpiParams) -> list[Period]:
    """The complete periods that `params` asks for, oldest first."""
    return complete_periods(tables.as_of, params.period, params.periods, tables.quarter_starts_in)


def reduce_by(estimator: Estimator, observations: ir.Table, by: Sequence[str]) -> pd.DataFrame:
    """Counts and sums per cell of `by`, fetched; `period` holds plain dates."""
    return with_dates(run(estimator.reduce(observations, list(by))))


def reduced_by_period(kpi: Kpi, tables: Tables, params: KpiParams) -> pd.DataFrame:
    """The same by period for the figure of a card, fetched once: do not change it in place."""
    estimator = kpi.estimator(params)
    key = ("reduced", kpi.observe, estimator, params)
    return tables.once(key, lambda: reduce_by(estimator, kpi.observed(tables, params), ["period"]))


def with_dates(frame: pd.DataFrame) -> pd.DataFrame:
    """The frame with its `period` column as plain dates, whatever the engine gave."""
    import pandas as pd

    if "period" not in frame.columns:
        return frame
    return frame.assign(period=pd.to_datetime(frame["period"]).dt.date)


def points_apart(kpi: Kpi, params: KpiParams, periods: Sequence[Period]) -> int:
    """How many periods lie between two values that share no day: 1, more for a long window."""
    longest = max((period.days for period in periods), default=1)
    return 1 if kpi.looks_back is None else max(1, math.ceil(kpi.looks_back(params) / longest))


def trend_of(
    estimator: Estimator,
    reduced: pd.DataFrame,
    periods: Sequence[Period],
    level: float,
    apart: int = 1,
) -> pd.DataFrame:
    """The trend of a `Measurement`: one row per listed period, also where nothing was observed.

    The process limits come from values so many periods `apart`.
    """
    return _with_limits(estimates_of(estimator, reduced, periods, level), apart)


def estimates_of(
    estimator: Estimator, reduced: pd.DataFrame, periods: Sequence[Period], level: float
) -> pd.DataFrame:
    """`trend_of` without process limits."""
    return placed(with_dates(estimator.estimate(reduced, ["period"], level)), periods)


def placed(cells: pd.DataFrame, periods: Sequence[Period]) -> pd.DataFrame:
    """The estimates of a trend, one row per listed period."""
    import pandas as pd

    starts = [p.start for p in periods]
    at = {start: place for place, start in enumerate(cells["period"])}
    rows = cells.drop(columns="period").reset_index(drop=True)
    trend = rows.reindex([at.get(start, -1) for start in starts])
    counts = trend["n"].to_numpy(dtype=np.float64, na_value=0.0).astype(np.int64)
    resolved = trend["resolved"].to_numpy(dtype=np.float64, na_value=1.0)
    days = {"period": starts, "end": [p.end for p in periods], "label": [p.label for p in periods]}
    shown = {name: trend[name].to_numpy() for name in trend.columns}
    own = {"n": counts, "resolved": resolved, "is_open": (counts > 0) & (resolved < HALF)}
    return pd.DataFrame(days | shown | own)


def headline_position(trend: pd.DataFrame, paired: bool) -> int:
    """Row of the newest period that counts.

    The last complete one; where units need time to resolve, the newest of which at least half is
    resolved. A cohort KPI passes over younger periods without units; if none counts, the last.
    """
    counts = ~trend["is_open"] & (paired | (trend["n"] > 0))
    return int(counts[counts].index[-1]) if counts.any() else len(trend) - 1


def cell_of(trend: pd.DataFrame, position: int) -> Cell:
    """One row of a trend as a `Cell`."""
    row = trend.iloc[position]
    return cell_from(row, row["label"], row["period"], row["end"])


def rows_of(reduced: pd.DataFrame, periods: Sequence[date]) -> pd.DataFrame:
    """The rows of a reduced frame that belong to the given periods."""
    return reduced[reduced["period"].isin(list(periods))]


def cell_from(row: Any, label: str, start: date, end: date) -> Cell:
    """A row of estimates as a `Cell`."""
    value, low, high, error = (known(row[c]) for c in ("value", "low", "high", "standard_error"))
    return Cell(label, start, end, value, low, high, error, int(row["n"]), float(row["resolved"]))


def _with_limits(trend: pd.DataFrame, apart: int) -> pd.DataFrame:
    """Process limits of the periods that count, null with fewer than three ranges between them."""
    values = trend["value"].where(~trend["is_open"]).astype("float64")
    enough = values.notna().sum() >= LEAST_RANGES + apart
    limits = process_limits(values, apart) if enough else None
    return trend.assign(
        centre=limits.centre if limits else float("nan"),
        lower_limit=limits.lower if limits else float("nan"),
        upper_limit=limits.upper if limits else float("nan"),
        is_signal=signals(values, limits),
    )
