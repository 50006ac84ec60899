"""What the figure is made of."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from kpi_lib.charts.parts import Drawing, main_value, picture_of
from kpi_lib.charts.table import column_title, table
from kpi_lib.kpi import Part, Unit
from kpi_lib.view import View
from kpi_lib.wording import format_count, format_value

if TYPE_CHECKING:
    import pandas as pd


_NOT_ADDED = {Unit.SHARE, Unit.POINTS, Unit.RATIO}
"""Units whose values do not add up to a whole."""

_AVERAGES = ("median", "mean", "average", "p90")
"""Columns called so hold one figure for many units each, and do not add up either."""


def part(
    one: Part,
    frame: pd.DataFrame,
    *,
    currency: str = "",
    labels: Mapping[str, str] | None = None,
    view: str = "",
    focus: str = "",
) -> View:
    """One part of the figure: its picture, its table, and what stands out (in period `focus`)."""
    drawing = Drawing(one, frame, currency, labels or {}, focus)
    return View(
        part_sentence(drawing, view or one.view),
        picture=lambda: picture_of(
            one, frame, currency=currency, labels=labels, view=view, focus=focus
        ),
        table=lambda: table(with_labels(frame, labels), units=one.units, currency=currency),
        frame=frame,
    )


def with_labels(frame: pd.DataFrame, labels: Mapping[str, str] | None) -> pd.DataFrame:
    """The frame with period days written as the trend writes them."""
    from kpi_lib.charts.values import plain

    if not labels or "period" not in frame:
        return frame
    texts = [str(plain(value)) for value in frame["period"]]
    return frame.assign(period=[labels.get(text, text) for text in texts])


def part_sentence(drawing: Drawing, view: str) -> str:
    """What stands out in a part: the largest of some bars, the last of a line, the length of a list."""
    if drawing.frame.empty:
        return f"{drawing.part.title}: there is nothing to show."
    tell = {"bars": _largest, "waterfall": _largest, "lines": _latest, "curve": _end_of_curves}
    if {"opening", "closing"} <= set(drawing.frame.columns) and "new" in drawing.frame:
        return _ledger(drawing)
    return tell.get(view, _length)(drawing)


def text_of(drawing: Drawing, column: str, value: Any) -> str:
    """A figure of one column with its unit."""
    return format_value(float(value), str(drawing.unit(column) or ""), drawing.currency)


def _largest(drawing: Drawing) -> str:
    name, column = drawing.named[0], main_value(drawing)
    known = drawing.frame[column].notna()
    sizes = drawing.frame[column][known]
    if sizes.empty:
        return f"{drawing.part.title}: no figure can be told."
    if name == "period":
        kinds = len(drawing.named) > 1
        return _newest_kinds(drawing, column) if kinds else _latest(drawing)
    named = drawing.frame[name][known].iloc[int(sizes.argmax())]
    top, whole = float(sizes.max()), float(sizes.sum())
    label = drawing.label(name, named)
    who = label if isinstance(named, str) else f"{column_title(name)} {label}"
    said = f"The largest: {who} with {text_of(drawing, column, top)}"
    if not _adds_up(drawing, column) or len(sizes) < 2 or whole <= 0 or sizes.min() < 0:
        return f"{said}."
    share = format_value(top / whole, "share")
    return f"{said}, {share} of {text_of(drawing, column, whole)}."


def _adds_up(drawing: Drawing, column: str) -> bool:
    return drawing.unit(column) not in _NOT_ADDED and not column.startswith(_AVERAGES)


def _newest_kinds(drawing: Drawing, column: str) -> str:
    """The kinds of the newest period, the largest first."""
    rows = drawing.labelled("period").dropna(subset=[column])
    newest = rows["label"].iloc[-1]
    kinds = rows[rows["label"] == newest].sort_values(column, ascending=False)
    named = kinds[drawing.named[1]].tolist()
    told = [f"{k} {text_of(drawing, column, v)}" for k, v in zip(named, kinds[column], strict=True)]
    return f"{when(newest)}: {', '.join(told)}."


def _latest(drawing: Drawing) -> str:
    """The figures of the headline period; of the first and the last row where they lie ahead."""
    name = drawing.named[0]
    labels = drawing.texts(name)
    places = [_in_focus(labels, drawing.focus)] if name == "period" else [0, -1]
    return " ".join(_row_facts(drawing, labels[place], place) for place in places)


def _row_facts(drawing: Drawing, label: str, place: int) -> str:
    row = drawing.frame.iloc[place]
    told = [fact(drawing, n, row[n]) for n in drawing.measured if row[n] == row[n]]
    return f"{label}: {', '.join(told)}."


def _in_focus(labels: list[str], focus: str) -> int:
    """The place of the last row of the label in focus; where there is none, of the last row."""
    places = [place for place, label in enumerate(labels) if label == focus]
    return places[-1] if places else len(labels) - 1


def fact(drawing: Drawing, column: str, value: Any) -> str:
    """A figure with what it is: stage 88 days, mrr EUR 4,518 per month."""
    title, text = column_title(column), text_of(drawing, column, value)
    if drawing.unit(column) is Unit.DAYS:
        title = title.removesuffix("days").strip()
    return f"{title} {text}".strip()


def _end_of_curves(drawing: Drawing) -> str:
    share = next(n for n in drawing.measured if drawing.unit(n) is Unit.SHARE)
    days = next(n for n in drawing.measured if drawing.unit(n) is Unit.DAYS)
    named = [n for n in drawing.named if n != days]
    labels = drawing.texts(named[0]) if named else ["all"] * len(drawing.frame)
    place = _in_focus(labels, drawing.focus)
    row = drawing.frame.iloc[place]
    at = text_of(drawing, days, row[days])
    return f"{labels[place]}: {fact(drawing, share, row[share])} after {at}."


def _length(drawing: Drawing) -> str:
    account = next((n for n in ("account_id", "account") if n in drawing.frame), "")
    if not account and len(drawing.frame) == 1 and drawing.measured:
        return _row_facts(drawing, drawing.texts(drawing.named[0])[0], 0)
    if not account:
        return f"{drawing.part.title}: {format_count(len(drawing.frame), 'row')}."
    count = int(drawing.frame[account].nunique())
    return f"{drawing.part.title}: {format_count(count, 'account')}."


def when(label: str) -> str:
    """In 2026Q2, in 2026-05; a week is named by its last day: in the week to 2026-06-30."""
    return f"In the week to {label}" if label.count("-") == 2 else f"In {label}"


def _ledger(drawing: Drawing) -> str:
    row = drawing.labelled(drawing.named[0]).iloc[-1]
    came = float(row[["new", "expansion", "reactivation"]].sum())
    went = float(row[["contraction", "churn"]].sum())
    opening, closing = (text_of(drawing, name, row[name]) for name in ("opening", "closing"))
    return (
        f"{when(row['label'])} it went from {opening} to {closing}: "
        f"{text_of(drawing, 'new', came)} came, {text_of(drawing, 'churn', went)} went."
    )
