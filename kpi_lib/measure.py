"""The figure of any KPI: its trend, the newest complete period, the change, and who is behind it.

Everything here is a function of a card and of the tables as known on one day; none knows a
particular KPI. Observations stay in the engine, only counts and sums per period come back.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

import ibis.expr.types as ir

from kpi_lib.engine import run
from kpi_lib.kpi import Better, Difference, Estimator, Kpi, KpiParams, Part
from kpi_lib.periods import Period, complete_periods
from kpi_lib.schema import Tables
from kpi_lib.stats.xmr import process_limits, signals
from kpi_lib.wording import known

if TYPE_CHECKING:
    import pandas as pd

POWER = 0.8
"""Chance to detect a change that is there, for the smallest visible change."""

HALF = 0.5
"""Share of units whose outcome must be known before a period is a headline."""

LEAST_FOR_LIMITS = 4
"""Periods needed before process limits say anything."""


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


@dataclass(frozen=True)
class Measurement:
    """A KPI measured on one day.

    `trend`: one row per complete period, oldest first: period, end, label, value, low, high,
    standard_error, n, resolved, is_open (less than half resolved), centre, lower_limit,
    upper_limit (process limits, null with fewer than four values), is_signal. `headline` is the
    newest period that counts, `previous` the one before it, `change` headline minus previous.
    `reduced`: the counts and sums per period from which any pooling can be estimated.
    """

    kpi: Kpi
    params: KpiParams
    as_of: date
    currency: str
    trend: pd.DataFrame
    headline: Cell
    previous: Cell | None
    change: Difference
    reduced: pd.DataFrame
    estimator: Estimator


def measure(kpi: Kpi, tables: Tables, params: KpiParams, *, power: float = POWER) -> Measurement:
    """The KPI on the day of `tables`: trend, headline, change. Thin data give None, never an error."""
    estimator = kpi.estimator(params)
    observations = kpi.observe(tables, params)
    reduced = reduce_by(estimator, observations, ["period"])
    trend = trend_of(estimator, reduced, periods_of(tables, params), params.level)
    position = headline_position(trend, kpi.paired)
    headline = cell_of(trend, position)
    previous = cell_of(trend, position - 1) if position > 0 else None
    change = _change(kpi, estimator, observations, reduced, previous, headline, params.level, power)
    return Measurement(
        kpi, params, tables.as_of, tables.currency, trend, headline, previous, change, reduced,
        estimator,
    )  # fmt: skip


def periods_of(tables: Tables, params: KpiParams) -> list[Period]:
    """The complete periods that `params` asks for, oldest first."""
    return complete_periods(tables.as_of, params.period, params.periods, tables.quarter_starts_in)


def reduce_by(estimator: Estimator, observations: ir.Table, by: Sequence[str]) -> pd.DataFrame:
    """Counts and sums per cell of `by`, fetched; `period` holds plain dates."""
    return with_dates(run(estimator.reduce(observations, list(by))))


def with_dates(frame: pd.DataFrame) -> pd.DataFrame:
    """The frame with its `period` column as plain dates, whatever the engine gave."""
    import pandas as pd

    if "period" not in frame.columns:
        return frame
    return frame.assign(period=pd.to_datetime(frame["period"]).dt.date)


def trend_of(
    estimator: Estimator, reduced: pd.DataFrame, periods: Sequence[Period], level: float
) -> pd.DataFrame:
    """The trend of a `Measurement`: one row per listed period, also where nothing was observed."""
    import pandas as pd

    grid = pd.DataFrame(
        {
            "period": [p.start for p in periods],
            "end": [p.end for p in periods],
            "label": [p.label for p in periods],
        }
    )
    cells = with_dates(estimator.estimate(reduced, ["period"], level))
    trend = grid.merge(cells, on="period", how="left")
    trend["n"] = trend["n"].fillna(0).astype("int64")
    trend["resolved"] = trend["resolved"].astype("float64").fillna(1.0)
    trend["is_open"] = (trend["n"] > 0) & (trend["resolved"] < HALF)
    return _with_limits(trend)


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
    return _cell(row, row["label"], row["period"], row["end"])


def pooled(measurement: Measurement, count: int, back: int = 0) -> Cell | None:
    """The figure over `count` periods, ending `back` periods before the headline; None if too few."""
    positions = pooled_positions(measurement, count, back)
    if positions is None:
        return None
    rows = measurement.trend.iloc[positions]
    part = rows_of(measurement.reduced, list(rows["period"]))
    cells = measurement.estimator.estimate(part.assign(pool=0), ["pool"], measurement.params.level)
    label = (
        rows["label"].iloc[0]
        if count == 1
        else f"{rows['label'].iloc[0]} to {rows['label'].iloc[-1]}"
    )
    first, last = rows["period"].iloc[0], rows["end"].iloc[-1]
    empty = {
        "value": None,
        "low": None,
        "high": None,
        "standard_error": None,
        "n": 0,
        "resolved": 1,
    }
    return _cell(empty if cells.empty else cells.iloc[0], label, first, last)


def pooled_positions(measurement: Measurement, count: int, back: int = 0) -> list[int] | None:
    """Rows of the trend that such a pool holds, or None where the trend is too short."""
    labels = list(measurement.trend["label"])
    last = labels.index(measurement.headline.label) - back
    return list(range(last - count + 1, last + 1)) if last - count + 1 >= 0 else None


def rows_of(reduced: pd.DataFrame, periods: Sequence[date]) -> pd.DataFrame:
    """The rows of a reduced frame that belong to the given periods."""
    return reduced[reduced["period"].isin(list(periods))]


def by_segment(kpi: Kpi, tables: Tables, params: KpiParams) -> pd.DataFrame:
    """The KPI per segment and period: segment, period, label, value, low, high, n, resolved.

    Ordered by segment, then period. Without `params.segment` there is one segment, "".
    """
    estimator = kpi.estimator(params)
    by = ["segment", "period"]
    reduced = reduce_by(estimator, kpi.observe(tables, params), by)
    cells = with_dates(estimator.estimate(reduced, by, params.level))
    labels = {period.start: period.label for period in periods_of(tables, params)}
    cells = cells[cells["period"].isin(labels.keys())]
    cells.insert(2, "label", cells["period"].map(labels))
    return cells.sort_values(by).reset_index(drop=True)


def behind(
    kpi: Kpi, tables: Tables, params: KpiParams, *, period: date | None = None
) -> pd.DataFrame:
    """Who is behind the number: the card's own list, or the units of the headline period, worst first.

    `period` is the first day of the period wanted (default: the headline's).
    """
    if kpi.who is not None:
        return run(kpi.who.compute(tables, params))
    start = period or measure(kpi, tables, params).headline.start
    observations = kpi.estimator(params).counted(kpi.observe(tables, params))
    shown = _named(observations.filter(observations["period"] == start), tables)
    worst = shown["value"].desc() if kpi.better is Better.LOWER else shown["value"].asc()
    return run(shown.order_by([worst, shown["unit_id"]]))


def part(kpi: Kpi, tables: Tables, params: KpiParams, name: str) -> pd.DataFrame:
    """One of the tables the figure is made of. Raises KeyError, with the names there are."""
    return run(part_of(kpi, name).compute(tables, params))


def part_of(kpi: Kpi, name: str) -> Part:
    """The card's part of that name. Raises KeyError, with the names there are."""
    for candidate in kpi.parts:
        if candidate.name == name:
            return candidate
    names = ", ".join(candidate.name for candidate in kpi.parts) or "none"
    raise KeyError(f"{kpi.name} has no part {name!r}; its parts: {names}")


def _named(observations: ir.Table, tables: Tables) -> ir.Table:
    if "accounts" not in tables:
        return observations
    names = tables["accounts"].select("account_id", "name", "owner")
    joined = observations.left_join(names, "account_id").drop("account_id_right")
    return joined.relocate("name", "owner", after="unit_id")


def _change(
    kpi: Kpi,
    estimator: Estimator,
    observations: ir.Table,
    reduced: pd.DataFrame,
    previous: Cell | None,
    headline: Cell,
    level: float,
    power: float,
) -> Difference:
    if previous is None:
        return cannot_tell("there is no earlier period to compare with")
    for cell in (previous, headline):
        if cell.n == 0:
            return cannot_tell(f"nothing was observed in {cell.label}")
    if kpi.paired:
        pairs = run(estimator.reduce_pairs(observations, previous.start, headline.start))
        return estimator.paired_difference(pairs, level=level, power=power)
    earlier, later = (rows_of(reduced, [cell.start]) for cell in (previous, headline))
    return estimator.difference(earlier, later, level=level, power=power)


def cannot_tell(reason: str) -> Difference:
    """A change that cannot be told, with the reason."""
    return Difference(None, None, None, None, None, "", reason)


def _cell(row: Any, label: str, start: date, end: date) -> Cell:
    value, low, high, error = (known(row[c]) for c in ("value", "low", "high", "standard_error"))
    return Cell(label, start, end, value, low, high, error, int(row["n"]), float(row["resolved"]))


def _with_limits(trend: pd.DataFrame) -> pd.DataFrame:
    """Process limits of the periods that count, null with fewer than four values."""
    values = trend["value"].where(~trend["is_open"]).astype("float64")
    limits = process_limits(values) if values.notna().sum() >= LEAST_FOR_LIMITS else None
    return trend.assign(
        centre=limits.centre if limits else float("nan"),
        lower_limit=limits.lower if limits else float("nan"),
        upper_limit=limits.upper if limits else float("nan"),
        is_signal=signals(values, limits),
    )
