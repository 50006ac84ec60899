"""Lines over periods and over days: the trend, segments, survival curves, small multiples."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from kpi_lib.charts.encode import (
    BREAK,
    MANY,
    amount,
    category,
    chart,
    either,
    inline,
    ordered,
    quantity,
    small_chart,
    tip,
)
from kpi_lib.charts.layers import layered
from kpi_lib.charts.picture import Picture, finished
from kpi_lib.charts.theme import (
    BLUE,
    CONFIG,
    GREY,
    INK,
    PALE,
    PALETTE,
    PANEL,
    RED,
    alt,
    unchecked,
)
from kpi_lib.charts.units import axis_format, unit_name
from kpi_lib.charts.values import rows
from kpi_lib.kpi import Unit
from kpi_lib.wording import format_value, known

if TYPE_CHECKING:
    import pandas as pd

LONG_NAME = 28
"""Names longer than this get a legend of two columns, which shows them whole."""


@unchecked
def trend(
    frame: pd.DataFrame,
    *,
    title: str,
    what: str,
    unit: Unit,
    currency: str = "",
    target: float | None = None,
    level: float = 0.9,
) -> Picture:
    """The value per period with its interval, the process limits and the count under each point.

    `frame`: the trend of a `Measurement` (label, value, low, high, n, resolved, is_open, lower_limit,
    upper_limit). Points still open are hollow.
    """
    data = frame.assign(tick=_ticks(frame), top=_top(frame))
    columns = ["label", "value", "low", "high", "n", "resolved", "is_open", "tick", "top"]
    base = chart(data, columns).encode(x=ordered("tick", data["tick"].tolist(), "period"))
    tips = [
        tip("label", "period", text=True),
        tip("value", what, unit),
        tip("low", f"interval ({level:.0%}), from", unit),
        tip("high", "to", unit),
        tip("n", "n", Unit.COUNT),
        tip("resolved", "answers known", Unit.SHARE),
    ]
    y = amount("value", what, unit, currency, zero=unit is Unit.SHARE)
    edge = amount("low", what, unit, currency, zero=unit is Unit.SHARE)
    band = base.mark_area(opacity=0.16, color=BLUE).encode(y=edge, y2=alt.Y2(field="top"))
    line = base.mark_line(color=BLUE).encode(y=y)
    fill = either("datum.is_open", "white", BLUE, alt.FillValue)
    points = base.mark_point(filled=True, color=BLUE, stroke=BLUE, opacity=1)
    layers = [band, line, points.encode(y=y, fill=fill, tooltip=tips)]
    layers += _limits(data, unit) + _target(data, target, unit, currency)
    return finished(layered(*layers), title, _key(data, level))


def _top(frame: pd.DataFrame) -> Any:
    """Upper ends as drawn: one that is not reached goes up to the largest figure there is."""
    figures = [one for name in ("value", "high") for one in frame[name].dropna().tolist()]
    highest = max(figures, default=math.nan)
    return frame["high"].fillna(highest).where(frame["low"].notna())


def _ticks(frame: pd.DataFrame) -> list[str]:
    """Labels of the periods, the count on a second line where there is room for it."""
    labels, sizes = frame["label"].astype(str).tolist(), frame["n"].tolist()
    if len(labels) > MANY:
        return labels
    return [f"{name}{BREAK}n {size:,.0f}" for name, size in zip(labels, sizes, strict=True)]


def _limits(data: pd.DataFrame, unit: Unit) -> list[Any]:
    """Dashed lines at the natural process limits, where the frame has them and a share can go."""
    pairs = zip(data["lower_limit"].tolist(), data["upper_limit"].tolist(), strict=True)
    edges = next((pair for pair in pairs if None not in map(known, pair)), ())
    possible = [edge for edge in edges if unit is not Unit.SHARE or 0 <= edge <= 1]
    if not possible:
        return []
    base = small_chart([{"limit": edge} for edge in possible])
    return [base.mark_rule(strokeDash=[4, 4], color=GREY).encode(y=quantity(alt.Y, "limit"))]


def _target(data: pd.DataFrame, target: float | None, unit: Unit, currency: str) -> list[Any]:
    if target is None:
        return []
    label = f"target {format_value(target, unit, currency)}"
    base = small_chart([{"target": target, "text": label}])
    rule = base.mark_rule(color=RED).encode(y=quantity(alt.Y, "target"))
    text = base.mark_text(color=RED, align="left", dy=-7, x=4).encode(
        y=quantity(alt.Y, "target"), text=category(alt.Text, "text")
    )
    return [rule, text]


def _key(data: pd.DataFrame, level: float) -> list[str]:
    band = f"band: {level:.0%} interval"
    if (data["low"].notna() & data["high"].isna()).any():
        band += ", up to the top where it has no upper end yet"
    marks = ["dashed: limits of ordinary variation"] if data["lower_limit"].notna().any() else []
    marks += ["hollow: still open"] if data["is_open"].any() else []
    return [band, ", ".join(marks)] if marks else [band]


@unchecked
def lines(
    frame: pd.DataFrame,
    *,
    title: str,
    what: str,
    unit: Unit | str,
    currency: str = "",
    x: str = "label",
    y: str = "value",
    group: str = "segment",
    across: str = "period",
) -> Picture:
    """One line per group over ordered labels, with a legend."""
    labels = frame[x].drop_duplicates().tolist()
    groups = frame[group].drop_duplicates().tolist()
    colour = category(alt.Color, group, sort=groups, scale=alt.Scale(range=PALETTE))
    if max((len(str(name)) for name in groups), default=0) > LONG_NAME:
        colour = colour.legend(columns=2, labelLimit=340)
    tips = [tip(group, group.replace("_", " "), text=True), tip(x, across, text=True)]
    tips += [tip(y, what, unit)] + ([tip("n", "n", Unit.COUNT)] if "n" in frame else [])
    picture = chart(frame).encode(
        x=ordered(x, labels, across),
        y=amount(y, what, unit, currency, zero=unit is Unit.SHARE),
        color=colour,
        tooltip=tips,
    )
    drawn = picture.mark_line(point={"size": 50, "filled": True})
    return finished(drawn, title)


@unchecked
def curves(
    frame: pd.DataFrame,
    *,
    title: str,
    x: str,
    y: str,
    group: str,
    across: str,
    what: str,
    unit: Unit = Unit.SHARE,
    focus: str = "",
) -> Picture:
    """Step curves per cohort: the one in `focus` (default: the last) in colour, the others pale."""
    groups = frame[group].drop_duplicates().tolist()
    newest = focus if focus in groups else groups[-1]
    shades = [BLUE if name == newest else PALE for name in groups]
    colour = category(alt.Color, group, sort=groups, scale=alt.Scale(domain=groups, range=shades))
    base = chart(frame).encode(
        x=quantity(alt.X, x, title=across, axis=alt.Axis(tickCount=6), scale=alt.Scale(nice=False))
    )
    tips = [tip(group, "cohort", text=True), tip(x, across, Unit.COUNT), tip(y, what, unit)]
    line = base.mark_line(interpolate="step-after").encode(
        y=amount(y, what, unit, zero=True), color=colour, tooltip=tips
    )
    layers = [line]
    if {"low", "high"} <= set(frame.columns):
        band = base.transform_filter(alt.datum[group] == newest)
        band = band.mark_area(interpolate="step-after", opacity=0.15, color=BLUE)
        layers.insert(
            0, band.encode(y=amount("low", what, unit, zero=True), y2=alt.Y2(field="high"))
        )
    return finished(layered(*layers), title, f"blue: {newest}")


@unchecked
def small_multiples(
    frame: pd.DataFrame, *, title: str, what: str, unit: Unit, currency: str = ""
) -> Picture:
    """The same trend under other fair definitions, one panel per parameter.

    `frame`: parameter, setting, label, value, is_default.
    """
    labels = frame["label"].drop_duplicates().tolist()
    data = frame.assign(kind=frame["is_default"].map({True: "as chosen", False: "other fair"}))
    scale = alt.Scale(domain=["as chosen", "other fair"], range=[BLUE, PALE])
    tips = [
        tip("parameter", "parameter", text=True),
        tip("setting", "setting", text=True),
        tip("label", "period", text=True),
        tip("value", what, unit),
    ]
    line = alt.Chart().mark_line(strokeWidth=2)
    line = line.encode(
        x=ordered("label", labels, "period", count=MANY + 1),
        y=quantity(
            alt.Y,
            "value",
            title=unit_name(unit, currency) or what,
            axis=alt.Axis(format=axis_format(unit), tickCount=4),
            scale=alt.Scale(zero=False),
        ),
        color=category(alt.Color, "kind", scale=scale),
        detail=category(alt.Detail, "setting"),
        tooltip=tips,
    )
    chosen = line.transform_filter("datum.kind == 'as chosen'")
    others = line.transform_filter("datum.kind != 'as chosen'")
    values = inline(rows(data, ["parameter", "setting", "label", "value", "kind"]))
    facet = alt.FacetSpec(
        data=values,
        facet=category(alt.Facet, "parameter", title=None),
        spec=layered(others, chosen, width=PANEL, height=120),
        columns=2,
    )
    return finished(facet, title, height=None)


@unchecked
def sparkline(values: list[float | None], *, title: str = "") -> Picture:
    """A small line without axes, its last point marked."""
    data = [{"at": place, "value": value} for place, value in enumerate(values)]
    base = small_chart(data).encode(
        x=quantity(alt.X, "at", axis=None),
        y=quantity(alt.Y, "value", axis=None, scale=alt.Scale(zero=False)),
    )
    last = base.transform_filter(alt.datum["at"] == len(values) - 1)
    layers = [base.mark_line(color=INK, strokeWidth=1.5), last.mark_point(filled=True, color=RED)]
    setting = {"width": 120, "height": 28, "title": title, "config": CONFIG}
    return Picture(layered(*layers), setting)
