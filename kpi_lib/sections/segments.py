"""The figure by segment."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING, Any

from kpi_lib.charts import lines
from kpi_lib.charts.table import table
from kpi_lib.kpi import Unit
from kpi_lib.measure import Measurement
from kpi_lib.sections.made_of import when
from kpi_lib.view import View
from kpi_lib.wording import format_count, format_interval, format_value, in_a_sentence

if TYPE_CHECKING:
    import pandas as pd

    from kpi_lib.charts.picture import Picture


_LENSES = dict.fromkeys(("is_ideal", "fit"), "fit with the ideal customer")

MOST = 8
"""Segments in one picture: as many as there are colours."""


def segments(measurement: Measurement, frame: pd.DataFrame, undated: Collection[str] = ()) -> View:
    """The figure per segment over the periods, and the extremes of the headline period.

    `undated` names the fields that the source overwrites without a date (accounts.owner): a split
    by one of them carries a warning.
    """
    if not measurement.params.segment:
        return View(
            "No segment is chosen: set `segment` to a column of accounts to split the figure."
        )
    kpi, currency = measurement.kpi, measurement.currency
    columns = ["segment", "label", "value", "low", "high", "n"]
    units = dict.fromkeys(("value", "low", "high"), kpi.unit) | {"n": Unit.COUNT}
    now = frame[frame["label"] == measurement.headline.label]
    drawn = largest(now)
    return View(
        segment_sentence(measurement, now[now["segment"].isin(drawn)])
        + _rest(now, drawn)
        + _warning(measurement.params.segment, undated),
        picture=lambda: _segment_lines(measurement, frame[frame["segment"].isin(drawn)]),
        table=lambda: table(now[columns], units=units, currency=currency),
        frame=frame,
    )


def largest(now: pd.DataFrame) -> list[str]:
    """The segments with the most units in one period, no more than can be told apart in a picture."""
    ranked = now.sort_values(["n", "segment"], ascending=[False, True])
    return sorted(ranked["segment"].head(MOST))


def _rest(now: pd.DataFrame, drawn: list[str]) -> str:
    more = now["segment"].nunique() - len(drawn)
    return f" {format_count(more, 'smaller segment')} left out of the picture." if more > 0 else ""


def _warning(segment: str, undated: Collection[str]) -> str:
    if f"accounts.{segment}" not in undated:
        return ""
    return (
        f" `{segment}` is overwritten at its source without a date, so past periods show today's."
    )


def _segment_lines(measurement: Measurement, frame: pd.DataFrame) -> Picture:
    """Periods in their order, whatever segment lacks one of them."""
    kpi, in_order = measurement.kpi, frame.sort_values("period", kind="stable")
    name = measurement.params.segment
    return lines.lines(
        in_order[["segment", "label", "value", "n"]],
        title=f"{kpi.title} by {_LENSES.get(name, name.replace('_', ' '))}",
        what=in_a_sentence(kpi.title),
        unit=kpi.unit,
        currency=measurement.currency,
    )


def segment_sentence(measurement: Measurement, now: pd.DataFrame) -> str:
    """The highest and the lowest segment of one period with their intervals."""
    told = now.dropna(subset=["value"]).sort_values(["value", "segment"])
    if len(told) < 2:
        return f"{when(measurement.headline.label)} fewer than two segments have a value."
    low, high = told.iloc[0], told.iloc[-1]
    apart = low["high"] < high["low"]
    judged = "their intervals do not touch" if apart else "their intervals overlap"
    return (
        f"{when(measurement.headline.label)} {_one(measurement, high)} is highest and "
        f"{_one(measurement, low)} lowest; {judged}."
    )


def _one(measurement: Measurement, row: Any) -> str:
    unit, currency = measurement.kpi.unit, measurement.currency
    span = format_interval(row["low"], row["high"], unit, currency, bare=True)
    count = format_count(row["n"])
    return f"{row['segment']} ({format_value(row['value'], unit, currency)}, {span}, n {count})"
