"""The picture of any part of a KPI, chosen by the view that its card asks for.

Which column is what follows from the card's units and from names: the first column that is no id
labels a row; money, days and shares are drawn; `low` and `high` belong to the figure before them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from kpi_lib.charts import bars, lines, timeline
from kpi_lib.charts.picture import Picture
from kpi_lib.charts.table import column_title
from kpi_lib.charts.units import as_unit, plural_name, readable
from kpi_lib.charts.values import plain
from kpi_lib.kpi import Part, Unit

if TYPE_CHECKING:
    import pandas as pd

COMES = ("new", "expansion", "reactivation")
GOES = ("contraction", "churn")
MOST_BARS = 20
MOST_ACCOUNTS = 25
MANY_EMPTY = 0.25
"""From this share of rows without a figure on, their empty places are not drawn."""


@dataclass(frozen=True)
class Drawing:
    """What a picture of a part is made from."""

    part: Part
    frame: pd.DataFrame
    currency: str
    labels: Mapping[str, str]
    """Labels of periods by their first day, as the trend writes them."""
    focus: str = ""
    """Label of the headline period."""

    def unit(self, column: str) -> Unit | None:
        """The unit the card names for a column."""
        return as_unit(self.part.units.get(column))

    @property
    def measured(self) -> list[str]:
        """Columns with a unit, in the order of the frame, bounds left out."""
        names = [str(name) for name in self.frame.columns]
        return [n for n in names if n in self.part.units and n not in {"low", "high"}]

    @property
    def named(self) -> list[str]:
        """Columns that say what a row is: text or days, no ids where a name stands beside."""
        names = [str(n) for n in self.frame.columns if str(n) not in self.part.units]
        readable = [n for n in names if not n.endswith("_id")]
        return readable or names or [str(self.frame.columns[0])]

    def labelled(self, column: str) -> pd.DataFrame:
        """The frame with a text column `label` in place of days or numbers."""
        return self.frame.assign(label=self.texts(column))

    def texts(self, column: str) -> list[str]:
        """The label of each row."""
        return [self.label(column, value) for value in self.frame[column].tolist()]

    def label(self, column: str, value: Any) -> str:
        """The text that stands for a day, a number or a name of this column."""
        text = readable(str(plain(value)))
        return self.labels.get(text, text[:7] if column == "month" else text)


def picture_of(
    part: Part,
    frame: pd.DataFrame,
    *,
    currency: str = "",
    labels: Mapping[str, str] | None = None,
    view: str = "",
    focus: str = "",
) -> Picture | None:
    """The picture of a part's rows, None for a table or where there is nothing to draw.

    `view` overrides the card's; `movements` draws a ledger period by period.
    """
    draw = _VIEWS.get(view or part.view)
    if draw is None or frame.empty:
        return None
    return draw(Drawing(part, frame, currency, labels or {}, focus))


def _bars(drawing: Drawing) -> Picture:
    name, *others = drawing.named
    value = main_value(drawing)
    if name == "period" and others:
        return _stacked(drawing, others[0], value)
    data, left_out = _with_figure(drawing.labelled(name), value)
    data = data.head(MOST_BARS)
    bounds = {"low", "high"} <= set(data.columns)
    return bars.bars(
        data,
        title=drawing.part.title,
        name="label",
        value=value,
        what=column_title(value),
        unit=drawing.unit(value),
        currency=drawing.currency,
        low="low" if bounds else "",
        high="high" if bounds else "",
        beside=[n for n in drawing.measured if drawing.unit(n) is Unit.COUNT and n != value],
        subtitle=f"{left_out} without a figure left out" if left_out else "",
    )


def _with_figure(data: pd.DataFrame, value: str) -> tuple[pd.DataFrame, int]:
    """The rows to draw, and how many are left out: those without a figure, where they are many."""
    told = data[value].notna()
    empty = int((~told).sum())
    few = empty < MANY_EMPTY * len(data) or not told.any()
    return (data, 0) if few else (data[told], empty)


def _stacked(drawing: Drawing, kind: str, value: str) -> Picture:
    return bars.stacked(
        drawing.labelled("period"),
        title=drawing.part.title,
        x="label",
        kind=kind,
        value=value,
        what=column_title(value),
        unit=drawing.unit(value),
        currency=drawing.currency,
    )


def main_value(drawing: Drawing) -> str:
    """The column a bar shows: the change of a ledger, else the first with a figure that is no count."""
    names = drawing.measured
    if {"opening", "change"} <= set(names):
        return "change"
    sizes = (name for name in names if drawing.unit(name) is not Unit.COUNT)
    told = (name for name in sizes if drawing.frame[name].notna().any())
    return next(told, (names or [str(drawing.frame.columns[-1])])[0])


def _waterfall(drawing: Drawing) -> Picture:
    if {"opening", "closing"} <= set(drawing.frame.columns):
        return _ledger_steps(drawing)
    value = main_value(drawing)
    data = drawing.labelled(drawing.named[0])
    return bars.waterfall(
        data,
        title=drawing.part.title,
        name="label",
        value=value,
        what=column_title(value),
        unit=drawing.unit(value),
        currency=drawing.currency,
        total="in all",
    )


def _ledger_steps(drawing: Drawing) -> Picture:
    """What came and went in the last period of a ledger, and the net; opening dwarfs both."""
    import pandas as pd

    row = drawing.labelled(drawing.named[0]).iloc[-1]
    sizes = [(kind, row[kind]) for kind in COMES if kind in row]
    sizes += [(kind, -row[kind]) for kind in GOES if kind in row]
    return bars.waterfall(
        pd.DataFrame(sizes, columns=["step", "size"]),
        title=f"{drawing.part.title}, {row['label']}",
        name="step",
        value="size",
        what="amount",
        unit=drawing.unit("opening"),
        currency=drawing.currency,
        total="net change",
    )


def _movements(drawing: Drawing) -> Picture:
    data = drawing.labelled(drawing.named[0])
    kinds = [kind for kind in (*COMES, *GOES) if kind in data]
    long = data[["label", *kinds]].melt("label", var_name="kind", value_name="height")
    long["height"] = long["height"].where(long["kind"].isin(COMES), -long["height"])
    return bars.movements(
        long,
        title=f"{drawing.part.title} by period",
        x="label",
        kind="kind",
        value="height",
        what="movement",
        unit=drawing.unit(kinds[0]),
        currency=drawing.currency,
    )


def _lines(drawing: Drawing) -> Picture:
    """One line per column of the commonest unit, or per group of a second naming column."""
    names = drawing.named
    data = drawing.labelled(names[0])
    value = main_value(drawing)
    if len(names) > 1:
        long = data.assign(line=data[names[1]].astype(str), height=data[value])
        columns, unit = [value], drawing.unit(value)
    else:
        columns, unit = _alike(drawing)
        long = data[["label", *columns]].melt("label", var_name="line", value_name="height")
        long["line"] = [column_title(name) for name in long["line"]]
    return lines.lines(
        long[["label", "line", "height"]],
        title=drawing.part.title,
        what=column_title(columns[0]) if len(columns) == 1 else plural_name(unit),
        unit=unit or "",
        currency=drawing.currency,
        y="height",
        group="line",
        across=column_title(names[0]),
    )


def _alike(drawing: Drawing) -> tuple[list[str], Unit | None]:
    """The columns of the unit that most columns have (the first, where several do)."""
    units = [drawing.unit(name) for name in drawing.measured]
    unit = max(units, key=units.count)
    return [n for n in drawing.measured if drawing.unit(n) is unit], unit


def _curve(drawing: Drawing) -> Picture:
    """Shares over days, one step curve per cohort."""
    days = next(n for n in drawing.measured if drawing.unit(n) is Unit.DAYS)
    share = next(n for n in drawing.measured if drawing.unit(n) is Unit.SHARE)
    name = next((n for n in drawing.named if n != days), "")
    data = drawing.labelled(name) if name else drawing.frame.assign(label="all")
    return lines.curves(
        data,
        title=drawing.part.title,
        x=days,
        y=share,
        group="label",
        across=f"{column_title(days)} (days)" if days != "day" else "days since the start",
        what=column_title(share),
        focus=drawing.focus,
    )


def _timeline(drawing: Drawing) -> Picture:
    spans = [n for n in drawing.measured if drawing.unit(n) is Unit.DAYS]
    account = next(n for n in ("account", "name", "account_id") if n in drawing.frame)
    kept = drawing.frame[account].drop_duplicates().head(MOST_ACCOUNTS)
    shown = drawing.frame[drawing.frame[account].isin(kept)]
    return timeline.timeline(
        shown.assign(stage=[readable(str(one)) for one in shown["stage"]]),
        title=drawing.part.title,
        account=account,
        stage="stage",
        start=spans[0],
        end=spans[1],
        marker=spans[2] if len(spans) > 2 else "",
    )


_VIEWS: dict[str, Callable[[Drawing], Picture]] = {
    "bars": _bars,
    "waterfall": _waterfall,
    "movements": _movements,
    "lines": _lines,
    "curve": _curve,
    "timeline": _timeline,
}


def period_labels(trend: Any) -> dict[str, str]:
    """Labels of a trend's periods by their first day, as ISO text."""
    return {str(plain(d)): str(t) for d, t in zip(trend["period"], trend["label"], strict=True)}
