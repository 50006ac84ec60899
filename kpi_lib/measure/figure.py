"""A KPI measured on one day: headline, trend, change, and several periods pooled."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

from kpi_lib.engine import run
from kpi_lib.kpi import Difference, Estimator, Kpi, KpiParams
from kpi_lib.measure.cells import (
    Cell,
    cell_from,
    cell_of,
    headline_position,
    periods_of,
    placed,
    points_apart,
    reduced_by_period,
    rows_of,
    trend_of,
    with_dates,
)
from kpi_lib.schema import Tables
from kpi_lib.stats.resamples import points_of

if TYPE_CHECKING:
    import pandas as pd

UNSURE = ("low", "high", "standard_error")
"""What says how sure a value is."""


@dataclass(frozen=True)
class Measurement:
    """A KPI measured on one day.

    `trend`: one row per complete period, oldest first: period, end, label, value, low, high,
    standard_error, n, resolved, is_open (less than half resolved), centre, lower_limit,
    upper_limit (process limits, null with few values), is_signal. `headline` is the
    newest period that counts, `previous` the one before it, `change` headline minus previous.
    The limits come from values `apart` periods apart, which share no day.
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
    apart: int = 1


@dataclass(frozen=True)
class Outline:
    """The values of a KPI on one day, without what they leave open.

    `trend`: as that of a `Measurement`, without intervals and process limits. `headline` and
    `previous` have no interval either.
    """

    kpi: Kpi
    params: KpiParams
    trend: pd.DataFrame
    headline: Cell
    previous: Cell | None
    estimator: Estimator


Valued = Measurement | Outline
"""What has the values of a KPI, with or without their intervals."""


def measure(kpi: Kpi, tables: Tables, params: KpiParams) -> Measurement:
    """The KPI on the day of `tables`: trend, headline, change. Thin data give None, never an error.

    Made once for the same tables, card and parameters: do not change its frames in place.
    """
    key = ("measured", id(kpi), params)  # the card lives as long as its measurement
    return tables.once(key, lambda: _measured(kpi, tables, params))


def outline(kpi: Kpi, tables: Tables, params: KpiParams) -> Outline:
    """The values that `measure` gives, where nobody asks how sure they are: in a part of its time."""
    key = ("outlined", id(kpi), params)
    return tables.once(key, lambda: _outlined(kpi, tables, params))


def _outlined(kpi: Kpi, tables: Tables, params: KpiParams) -> Outline:
    estimator = kpi.estimator(params)
    reduced = reduced_by_period(kpi, tables, params)
    cells = with_dates(points_of(estimator, reduced, ["period"], params.level))
    trend = placed(without_interval(cells, ["period"]), periods_of(tables, params))
    return Outline(kpi, params, trend, *_last_two(kpi, trend), estimator)


def without_interval(cells: pd.DataFrame, by: list[str]) -> pd.DataFrame:
    """Cells of estimates as `cell_of` reads them, what says how sure they are null."""
    unsure = dict.fromkeys(UNSURE, float("nan"))
    return cells[[*by, "value", "n", "resolved"]].assign(**unsure)


def _last_two(kpi: Kpi, trend: pd.DataFrame) -> tuple[Cell, Cell | None]:
    """The headline, and the period before it."""
    position = headline_position(trend, kpi.paired)
    return cell_of(trend, position), cell_of(trend, position - 1) if position > 0 else None


def _measured(kpi: Kpi, tables: Tables, params: KpiParams) -> Measurement:
    estimator = kpi.estimator(params)
    observations = kpi.observed(tables, params)

    def pairs(earlier: date, later: date) -> pd.DataFrame:
        return run(estimator.reduce_pairs(observations, earlier, later))

    return measured_on(kpi, tables, params, reduced_by_period(kpi, tables, params), pairs)


Pairs = Callable[[date, date], "pd.DataFrame"]
"""What `reduce_pairs` gives for the periods that start on two days."""


def measured_on(
    kpi: Kpi, tables: Tables, params: KpiParams, reduced: pd.DataFrame, pairs: Pairs
) -> Measurement:
    """The measurement on observations that are reduced already; of `tables` only the day is read.

    `reduced` has the rows of the estimator's `reduce` by `period`; a stock asks for its `pairs`.
    """
    estimator = kpi.estimator(params)
    periods = periods_of(tables, params)
    apart = points_apart(kpi, params, periods)
    trend = trend_of(estimator, reduced, periods, params.level, apart)
    headline, previous = _last_two(kpi, trend)
    change = _change(kpi, estimator, pairs, reduced, previous, headline, params)
    return Measurement(
        kpi, params, tables.as_of, tables.currency, trend, headline, previous, change, reduced,
        estimator, apart,
    )  # fmt: skip


def pooled(measurement: Measurement, count: int, back: int = 0) -> Cell | None:
    """The figure over `count` periods, ending `back` periods before the headline; None if too few."""
    estimator, level = measurement.estimator, measurement.params.level
    return _pool(measurement, count, back, lambda rows, by: estimator.estimate(rows, by, level))


def pool_value(measurement: Measurement, count: int, back: int = 0) -> Cell | None:
    """As `pooled`, without an interval: in a part of its time."""
    estimator, level = measurement.estimator, measurement.params.level

    def bare(rows: pd.DataFrame, by: list[str]) -> pd.DataFrame:
        return without_interval(points_of(estimator, rows, by, level), by)

    return _pool(measurement, count, back, bare)


def _pool(
    measurement: Measurement,
    count: int,
    back: int,
    estimate: Callable[[pd.DataFrame, list[str]], pd.DataFrame],
) -> Cell | None:
    positions = pooled_positions(measurement, count, back)
    if positions is None:
        return None
    rows = measurement.trend.iloc[positions]
    part = rows_of(measurement.reduced, list(rows["period"]))
    cells = estimate(part.assign(pool=0), ["pool"])
    label = (
        rows["label"].iloc[0]
        if count == 1
        else f"{rows['label'].iloc[0]} to {rows['label'].iloc[-1]}"
    )
    first, last = rows["period"].iloc[0], rows["end"].iloc[-1]
    empty = {"value": None, "n": 0, "resolved": 1} | dict.fromkeys(UNSURE)
    return cell_from(empty if cells.empty else cells.iloc[0], label, first, last)


def pooled_positions(measurement: Measurement, count: int, back: int = 0) -> list[int] | None:
    """Rows of the trend that such a pool holds, or None where the trend is too short."""
    labels = list(measurement.trend["label"])
    last = labels.index(measurement.headline.label) - back
    return list(range(last - count + 1, last + 1)) if last - count + 1 >= 0 else None


def cannot_tell(reason: str) -> Difference:
    """A change that cannot be told, with the reason."""
    return Difference(None, None, None, None, None, "", reason)


def _change(
    kpi: Kpi,
    estimator: Estimator,
    pairs: Pairs,
    reduced: pd.DataFrame,
    previous: Cell | None,
    headline: Cell,
    params: KpiParams,
) -> Difference:
    if previous is None:
        return cannot_tell("there is no earlier period to compare with")
    for cell in (previous, headline):
        if cell.n == 0:
            return cannot_tell(f"nothing was observed in {cell.label}")
    if kpi.paired:
        seen = pairs(previous.start, headline.start)
        return estimator.paired_difference(seen, level=params.level, power=params.power)
    earlier, later = (rows_of(reduced, [cell.start]) for cell in (previous, headline))
    return estimator.difference(earlier, later, level=params.level, power=params.power)
