"""Small pieces that all pictures share: data, axes, tooltips.

Channels are written out, field and type as they are: of the short form "high:Q" altair takes the text
apart, and where it stands for a whole channel, looks for the class among the schemas of all classes.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from kpi_lib.charts.theme import alt
from kpi_lib.charts.units import axis_format, axis_title
from kpi_lib.charts.values import Rows, plain, rows
from kpi_lib.kpi import Unit

if TYPE_CHECKING:
    import pandas as pd

BREAK = "|"
"""Breaks the label of an axis into lines."""

MANY = 14
"""More labels than this on one axis are turned, and the counts below them are left out."""

_LINES = f"split(datum.label, '{BREAK}')"


def chart(frame: pd.DataFrame, columns: Sequence[str] | None = None) -> Any:
    """An empty chart over the rows of `frame`, rounded and dated as text."""
    return alt.Chart(inline(rows(frame, columns)))


def small_chart(values: list[dict[str, Any]]) -> Any:
    """An empty chart over a few rows written out, rounded: sums differ in their last digit by engine."""
    written = [{name: plain(value) for name, value in row.items()} for row in values]
    return alt.Chart(inline(written))


def inline(values: list[dict[str, Any]]) -> Any:
    """Rows as the data of a chart; named, so that altair leaves them to `Picture`."""
    return alt.Data(values=Rows(values), name="inline")


def quantity(channel: Any, field: str, **more: Any) -> Any:
    """A channel that shows the figures of a column."""
    return channel(field=field, type="quantitative", **more)


def category(channel: Any, field: str, **more: Any) -> Any:
    """A channel that shows the names in a column."""
    return channel(field=field, type="nominal", **more)


def ordered(
    name: str, labels: Sequence[Any], title: str, *, band: bool = False, count: int | None = None
) -> Any:
    """A horizontal axis of labels in the order given."""
    many = len(labels) if count is None else count
    axis = alt.Axis(labelAngle=-45 if many > MANY else 0, labelOverlap=True, labelExpr=_LINES)
    scale = alt.Undefined if band else alt.Scale(type="point", padding=0.4)
    return alt.X(field=name, type="ordinal", sort=list(labels), title=title, axis=axis, scale=scale)


def amount(
    name: str,
    what: str,
    unit: Unit | str | None,
    currency: str = "",
    *,
    zero: bool = False,
    vertical: bool = True,
    scale: Any = None,
) -> Any:
    """An axis of figures in `unit`, vertical or across."""
    kind = alt.Y if vertical else alt.X
    return quantity(
        kind,
        name,
        title=axis_title(what, unit, currency),
        axis=alt.Axis(format=axis_format(unit), tickCount=5),
        scale=scale or alt.Scale(zero=zero, nice=True),
    )


def room(values: pd.Series[float]) -> Any:
    """A scale with a sixth to spare beyond the largest value, for the figure at a bar's end."""
    low, high = min(0.0, float(values.min())), max(0.0, float(values.max()))
    return alt.Scale(domain=[low, high + (high - low or 1.0) / 6], nice=False)


def tip(name: str, title: str, unit: Unit | str | None = None, *, text: bool = False) -> Any:
    """One line of a tooltip."""
    if text:
        return category(alt.Tooltip, name, title=title)
    return quantity(alt.Tooltip, name, title=title, format=axis_format(unit))


def either(test: str, yes: str, no: str, channel: Any = None) -> Any:
    """The colour `yes` where the test (an expression over `datum`) holds, else `no`."""
    return (channel or alt.ColorValue)(no, condition={"test": test, "value": yes})
