"""Bars: amounts per thing, waterfalls from one figure to another, movements per period."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from kpi_lib.charts.encode import amount, category, chart, either, ordered, quantity, room, tip
from kpi_lib.charts.layers import layered
from kpi_lib.charts.picture import Picture, finished
from kpi_lib.charts.theme import BLUE, GREEN, GREY, INK, ORANGE, PALETTE, alt, unchecked
from kpi_lib.charts.units import axis_format, readable
from kpi_lib.kpi import Unit

if TYPE_CHECKING:
    import pandas as pd

ROW = 26
"""Height of one bar in pixels."""


@unchecked
def bars(
    frame: pd.DataFrame,
    *,
    title: str,
    name: str,
    value: str,
    what: str,
    unit: Unit | str | None,
    currency: str = "",
    low: str = "",
    high: str = "",
    beside: Sequence[str] = (),
    subtitle: str = "",
) -> Picture:
    """One horizontal bar per row in the order given, the figure at its end, the interval as a line.

    `beside` names counts that the tooltip tells too.
    """
    order = frame[name].drop_duplicates().tolist()
    tips = [tip(name, name.replace("_", " "), text=True), tip(value, what, unit)]
    tips += [tip(column, column.replace("_", " "), Unit.COUNT) for column in beside]
    base = chart(frame.assign(right=frame[value].clip(lower=0))).encode(
        y=category(alt.Y, name, sort=order, title=None), tooltip=tips
    )
    scale = None if low and high else room(frame[value])
    x = amount(value, what, unit, currency, zero=True, vertical=False, scale=scale)
    colour = either(f"datum['{value}'] < 0", ORANGE, BLUE)
    layers = [base.mark_bar(height={"band": 0.7}).encode(x=x, color=colour)]
    if low and high:
        layers.append(
            base.mark_rule(color=INK, strokeWidth=1.5).encode(
                x=quantity(alt.X, low), x2=alt.X2(field=high)
            )
        )
    else:
        text = base.mark_text(align="left", dx=4, fontSize=12, color=INK)
        layers.append(
            text.encode(
                x=quantity(alt.X, "right"), text=quantity(alt.Text, value, format=axis_format(unit))
            )
        )
    return finished(layered(*layers), title, subtitle, max(2, len(order)) * ROW)


@unchecked
def waterfall(
    frame: pd.DataFrame,
    *,
    title: str,
    name: str,
    value: str,
    what: str,
    unit: Unit | str | None,
    currency: str = "",
    total: str = "total",
) -> Picture:
    """Steps that add up to a whole, each starting where the one before ended, the whole last."""
    steps = _steps(frame, name, value, total)
    order = steps["step"].tolist()
    scale = room(steps["end"])  # a step starts where one ended, or at 0
    base = chart(steps).encode(y=category(alt.Y, "step", sort=order, title=None))
    colour = category(
        alt.Color,
        "kind",
        scale=alt.Scale(domain=["adds", "takes away", "whole"], range=[BLUE, ORANGE, GREY]),
        legend=None,
    )
    drawn = base.mark_bar(height={"band": 0.7}).encode(
        x=amount("start", what, unit, currency, vertical=False, scale=scale),
        x2=alt.X2(field="end"),
        color=colour,
        tooltip=[tip("step", "step", text=True), tip("size", what, unit)],
    )
    text = base.mark_text(align="left", dx=5, fontSize=12, color=INK)
    text = text.encode(
        x=quantity(alt.X, "right"), text=quantity(alt.Text, "size", format=axis_format(unit))
    )
    subtitle = "blue adds, orange takes away, grey is the whole"
    return finished(layered(drawn, text), title, subtitle, len(order) * ROW)


def _steps(frame: pd.DataFrame, name: str, value: str, total: str) -> pd.DataFrame:
    import pandas as pd

    sizes = frame[value].fillna(0.0).astype(float)
    ends = sizes.cumsum()
    whole = float(sizes.sum())
    steps = pd.DataFrame(
        {
            "step": [readable(str(one)) for one in frame[name]],
            "size": sizes,
            "start": ends - sizes,
            "end": ends,
        }
    )
    steps["kind"] = ["adds" if size >= 0 else "takes away" for size in sizes]
    last = {"step": total, "size": whole, "start": 0.0, "end": whole, "kind": "whole"}
    steps = pd.concat([steps, pd.DataFrame([last])], ignore_index=True)
    return steps.assign(right=steps[["start", "end"]].max(axis=1))


@unchecked
def movements(
    frame: pd.DataFrame,
    *,
    title: str,
    x: str,
    kind: str,
    value: str,
    what: str,
    unit: Unit | str | None,
    currency: str = "",
) -> Picture:
    """What came in (above the line) and what went (below) per period, stacked, the net as a dot."""
    labels = frame[x].drop_duplicates().tolist()
    kinds = frame[kind].drop_duplicates().tolist()
    base = chart(frame).encode(x=ordered(x, labels, "period", band=True))
    colour = category(
        alt.Color, kind, sort=kinds, scale=alt.Scale(domain=kinds, range=_shades(kinds))
    )
    tips = [tip(x, "period", text=True), tip(kind, "movement", text=True), tip(value, what, unit)]
    stacked = base.mark_bar().encode(
        y=amount(value, what, unit, currency, zero=True), color=colour, tooltip=tips
    )
    net = base.mark_point(filled=True, color=INK, size=45, opacity=1).encode(
        y=alt.Y(aggregate="sum", field=value, type="quantitative"),
        tooltip=[tip(x, "period", text=True), _sum_tip(value, unit)],
    )
    return finished(layered(stacked, net), title, "dot: the net of the period")


def _sum_tip(value: str, unit: Unit | str | None) -> Any:
    return alt.Tooltip(
        aggregate="sum", field=value, type="quantitative", title="net", format=axis_format(unit)
    )


def _shades(kinds: list[str]) -> list[str]:
    """Blues and greens for what comes in, oranges for what goes, the same word the same colour."""
    known = {
        "new": BLUE,
        "expansion": "#56B4E9",
        "reactivation": GREEN,
        "contraction": ORANGE,
        "churn": "#D55E00",
    }
    spare = iter(PALETTE * len(kinds))
    return [known.get(name, "") or next(spare) for name in kinds]


@unchecked
def stacked(
    frame: pd.DataFrame,
    *,
    title: str,
    x: str,
    kind: str,
    value: str,
    what: str,
    unit: Unit | str | None,
    currency: str = "",
) -> Picture:
    """Amounts per period stacked by kind, in the order in which the kinds come."""
    labels = frame[x].drop_duplicates().tolist()
    kinds = frame[kind].dropna().drop_duplicates().tolist()
    tips = [tip(x, "period", text=True), tip(kind, "kind", text=True), tip(value, what, unit)]
    colour = category(alt.Color, kind, sort=kinds, scale=alt.Scale(domain=kinds, range=PALETTE))
    drawn = chart(frame, [x, kind, value]).mark_bar()
    drawn = drawn.encode(
        x=ordered(x, labels, "period", band=True),
        y=amount(value, what, unit, currency, zero=True),
        color=colour,
        tooltip=tips,
    )
    return finished(drawn if kinds == sorted(kinds) else _in_order(drawn, kind, kinds), title)


def _in_order(drawn: Any, kind: str, kinds: list[str]) -> Any:
    """The bars stacked in the order of the kinds, the first at the bottom; else it is that of the letters."""
    place = f"-indexof({json.dumps(kinds)}, datum['{kind}'])"
    return drawn.transform_calculate(place=place).encode(order=quantity(alt.Order, "place"))
