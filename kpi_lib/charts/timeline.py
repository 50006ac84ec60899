"""Accounts drawn one by one: their stages on a line of days, and how quiet the large ones are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kpi_lib.charts.encode import amount, category, chart, either, quantity, room, small_chart, tip
from kpi_lib.charts.layers import layered
from kpi_lib.charts.picture import Picture, finished
from kpi_lib.charts.theme import BLUE, INK, ORANGE, PALETTE, RED, alt, unchecked
from kpi_lib.kpi import Unit
from kpi_lib.wording import format_count

if TYPE_CHECKING:
    import pandas as pd

ROW = 22
"""Height of one account in pixels."""


@unchecked
def timeline(
    frame: pd.DataFrame,
    *,
    title: str,
    account: str,
    stage: str,
    start: str,
    end: str,
    marker: str = "",
    across: str = "days since the start",
) -> Picture:
    """One horizontal line per account: its stages as bars over days, the moment of value marked.

    `frame`: one row per stage of an account; `start` and `end` in days; `marker` the day of the
    mark, the same on every row of an account, or null where it is not reached.
    """
    order = frame[account].drop_duplicates().tolist()
    stages = frame[stage].drop_duplicates().tolist()
    rows = category(alt.Y, account, sort=order, title=None)
    tips = [
        tip(account, "account", text=True),
        tip(stage, "stage", text=True),
        tip(start, "from day", Unit.DAYS),
        tip(end, "to day", Unit.DAYS),
    ]
    base = chart(frame)
    colour = category(alt.Color, stage, sort=stages, scale=alt.Scale(domain=stages, range=PALETTE))
    bar = base.mark_bar(height={"band": 0.72}, opacity=0.9).encode(
        y=rows,
        x=quantity(alt.X, start, title=across, axis=alt.Axis(tickCount=8)),
        x2=alt.X2(field=end),
        color=colour,
        tooltip=tips,
    )
    layers = [bar]
    if marker:
        layers.append(_mark(frame, account, marker, rows))
    subtitle = "diamond: the first value" if marker else ""
    return finished(layered(*layers), title, subtitle, max(3, len(order)) * ROW)


def _mark(frame: pd.DataFrame, account: str, marker: str, rows: Any) -> Any:
    reached = frame[[account, marker]].drop_duplicates().dropna()
    base = chart(reached).mark_point(shape="diamond", filled=True, size=110, color=INK, opacity=1)
    tips = [tip(account, "account", text=True), tip(marker, "value on day", Unit.DAYS)]
    return base.encode(y=rows, x=quantity(alt.X, marker), tooltip=tips)


@unchecked
def bubbles(
    frame: pd.DataFrame,
    *,
    title: str,
    x: str,
    y: str,
    name: str,
    across: str,
    what: str,
    x_unit: Unit | str | None,
    y_unit: Unit | str | None,
    currency: str = "",
    urgent: str = "",
    subtitle: str = "",
) -> Picture:
    """One dot per account; `urgent` names a flag whose accounts are drawn in red and named."""
    data = frame.assign(mark=frame[urgent] if urgent else False)
    tips = [
        tip(name, name.replace("_", " "), text=True),
        tip(x, across, x_unit),
        tip(y, what, y_unit),
    ]
    base = chart(data, list(dict.fromkeys([name, x, y, "mark"]))).encode(
        x=amount(x, across, x_unit, currency, vertical=False, scale=room(frame[x])),
        y=amount(y, what, y_unit, currency, zero=True),
        tooltip=tips,
    )
    colour = either("datum.mark", RED, BLUE)
    dots = base.mark_point(filled=True, size=90, opacity=0.8).encode(color=colour)
    named = base.transform_filter("datum.mark").mark_text(
        align="left", dx=8, fontSize=11, color=INK
    )
    return finished(layered(dots, named.encode(text=category(alt.Text, name))), title, subtitle)


@unchecked
def candidates(frame: pd.DataFrame, *, title: str) -> Picture:
    """Every KPI as a row, the one that warns earliest first: how well its changes can be seen.

    `frame`: kpi, lead_months, readability (interesting change over the smallest visible one),
    suggestion.
    """
    order = frame["suggestion"].drop_duplicates().sort_values().tolist()
    tips = [
        tip("kpi", "KPI", text=True),
        tip("suggestion", "verdict", text=True),
        tip("lead_months", "lead (months)", Unit.RATIO),
        tip("readability", "readability", Unit.RATIO),
    ]
    data = frame.sort_values(["lead_months", "readability"], ascending=False)
    data = data.assign(lead=data["lead_months"].map(_months_ahead))
    base = chart(data).encode(
        x=quantity(
            alt.X,
            "readability",
            title="interesting change over the smallest visible change",
            scale=alt.Scale(domain=[0, 1.25 * max(1.0, float(frame["readability"].max()))]),
        ),
        y=category(alt.Y, "kpi", sort=list(data["kpi"]), title=None, axis=alt.Axis(labelLimit=220)),
        tooltip=tips,
    )
    shade = category(alt.Color, "suggestion", sort=order, scale=alt.Scale(range=PALETTE))
    dots = base.mark_point(filled=True, size=140, opacity=1).encode(color=shade)
    leads = base.mark_text(align="left", dx=12, fontSize=12, color=INK).encode(
        text=category(alt.Text, "lead")
    )
    line = small_chart([{"at": 1}]).mark_rule(strokeDash=[4, 4], color=ORANGE)
    line = line.encode(x=quantity(alt.X, "at"))
    subtitle = "the earliest first; right of the dashed line a change worth acting on can be seen"
    return finished(layered(line, dots, leads), title, subtitle, max(3, len(data)) * ROW)


def _months_ahead(months: float) -> str:
    return f"{format_count(months, 'month')} ahead" if months else "not ahead"
