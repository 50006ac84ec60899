"""What the figure is made of, and who is behind it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from kpi_lib.charts import lines
from kpi_lib.charts.parts import Drawing, main_value, picture_of
from kpi_lib.charts.table import column_title, table
from kpi_lib.kpi import Kpi, Part, Unit
from kpi_lib.measure import Measurement
from kpi_lib.view import View
from kpi_lib.wording import format_count, format_interval, format_value

if TYPE_CHECKING:
    import pandas as pd

    from kpi_lib.charts.picture import Picture


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


def _text(drawing: Drawing, column: str, value: Any) -> str:
    return format_value(float(value), str(drawing.unit(column) or ""), drawing.currency)


def _largest(drawing: Drawing) -> str:
    name, column = drawing.named[0], main_value(drawing)
    rows = drawing.labelled(name).dropna(subset=[column])
    if rows.empty:
        return f"{drawing.part.title}: no figure can be told."
    if name == "period" and len(drawing.named) > 1:
        return _newest_kinds(drawing, rows, column)
    top = rows.iloc[int(rows[column].argmax())]
    who = top["label"] if isinstance(top[name], str) else f"{column_title(name)} {top['label']}"
    said = f"The largest: {who} with {_text(drawing, column, top[column])}"
    whole = float(rows[column].sum())
    if drawing.unit(column) is Unit.SHARE or len(rows) < 2 or whole <= 0:
        return f"{said}."
    share = format_value(float(top[column]) / whole, "share")
    return f"{said}, {share} of {_text(drawing, column, whole)}."


def _newest_kinds(drawing: Drawing, rows: pd.DataFrame, column: str) -> str:
    """The kinds of the newest period, the largest first."""
    newest = rows["label"].iloc[-1]
    kinds = rows[rows["label"] == newest].sort_values(column, ascending=False)
    named = kinds[drawing.named[1]].tolist()
    told = [f"{k} {_text(drawing, column, v)}" for k, v in zip(named, kinds[column], strict=True)]
    return f"In {newest}: {', '.join(told)}."


def _latest(drawing: Drawing) -> str:
    """The figures of the headline period, or of the last row where it is not among them."""
    rows = drawing.labelled(drawing.named[0])
    row = _focused(rows, drawing.focus).iloc[-1]
    told = [
        fact(drawing, column, row[column])
        for column in drawing.measured
        if row[column] == row[column]
    ]
    return f"{row['label']}: {', '.join(told)}."


def _focused(rows: pd.DataFrame, focus: str) -> pd.DataFrame:
    """The rows of the label in focus; where there are none, those of the last label."""
    label = focus if (rows["label"] == focus).any() else rows["label"].iloc[-1]
    return rows[rows["label"] == label]


def fact(drawing: Drawing, column: str, value: Any) -> str:
    """A figure with what it is: stage 88 days, mrr EUR 4,518 per month."""
    title, text = column_title(column), _text(drawing, column, value)
    if drawing.unit(column) is Unit.DAYS:
        title = title.removesuffix("days").strip()
    return f"{title} {text}".strip()


def _end_of_curves(drawing: Drawing) -> str:
    share = next(n for n in drawing.measured if drawing.unit(n) is Unit.SHARE)
    days = next(n for n in drawing.measured if drawing.unit(n) is Unit.DAYS)
    named = [n for n in drawing.named if n != days]
    rows = drawing.labelled(named[0]) if named else drawing.frame.assign(label="all")
    row = _focused(rows, drawing.focus).iloc[-1]
    at = _text(drawing, days, row[days])
    return f"{row['label']}: {fact(drawing, share, row[share])} after {at}."


def _length(drawing: Drawing) -> str:
    account = next((n for n in ("account_id", "account") if n in drawing.frame), "")
    if not account:
        return f"{drawing.part.title}: {format_count(len(drawing.frame), 'row')}."
    count = int(drawing.frame[account].nunique())
    return f"{drawing.part.title}: {format_count(count, 'account')}."


def _ledger(drawing: Drawing) -> str:
    row = drawing.labelled(drawing.named[0]).iloc[-1]
    came = float(row[["new", "expansion", "reactivation"]].sum())
    went = float(row[["contraction", "churn"]].sum())
    opening, closing = (_text(drawing, name, row[name]) for name in ("opening", "closing"))
    return (
        f"In {row['label']} it went from {opening} to {closing}: "
        f"{_text(drawing, 'new', came)} came, {_text(drawing, 'churn', went)} went."
    )


def segments(measurement: Measurement, frame: pd.DataFrame) -> View:
    """The figure per segment over the periods, and the extremes of the headline period."""
    if not measurement.params.segment:
        return View(
            "No segment is chosen: set `segment` to a column of accounts to split the figure."
        )
    kpi, currency = measurement.kpi, measurement.currency
    columns = ["segment", "label", "value", "low", "high", "n"]
    units = dict.fromkeys(("value", "low", "high"), kpi.unit) | {"n": Unit.COUNT}
    now = frame[frame["label"] == measurement.headline.label]
    return View(
        segment_sentence(measurement, now),
        picture=lambda: _segment_lines(measurement, frame),
        table=lambda: table(now[columns], units=units, currency=currency),
        frame=frame,
    )


def _segment_lines(measurement: Measurement, frame: pd.DataFrame) -> Picture:
    kpi = measurement.kpi
    return lines.lines(
        frame[["segment", "label", "value", "n"]],
        title=f"{kpi.title} by {measurement.params.segment.replace('_', ' ')}",
        what=kpi.title.lower(),
        unit=kpi.unit,
        currency=measurement.currency,
    )


def segment_sentence(measurement: Measurement, now: pd.DataFrame) -> str:
    """The highest and the lowest segment of one period with their intervals."""
    told = now.dropna(subset=["value"]).sort_values(["value", "segment"])
    if len(told) < 2:
        return f"Fewer than two segments have a value in {measurement.headline.label}."
    low, high = told.iloc[0], told.iloc[-1]
    apart = low["high"] < high["low"]
    judged = "their intervals do not touch" if apart else "their intervals overlap"
    return (
        f"In {measurement.headline.label} {_one(measurement, high)} is highest and "
        f"{_one(measurement, low)} lowest; {judged}."
    )


def _one(measurement: Measurement, row: Any) -> str:
    unit, currency = measurement.kpi.unit, measurement.currency
    span = format_interval(row["low"], row["high"], unit, currency, bare=True)
    count = format_count(row["n"])
    return f"{row['segment']} ({format_value(row['value'], unit, currency)}, {span}, n {count})"


def behind(measurement: Measurement, frame: pd.DataFrame) -> View:
    """The accounts (deals, orders) behind the number, as a table and one picture."""
    kpi = measurement.kpi
    listed = kpi.who or _generic(kpi)
    shown = frame.drop(columns=[n for n in ("period", "segment") if kpi.who is None and n in frame])
    return View(
        behind_sentence(kpi, listed, shown, measurement.currency),
        picture=lambda: behind_picture(listed, shown, measurement.currency),
        table=lambda: table(shown, units=listed.units, currency=measurement.currency),
        frame=frame,
    )


def _generic(kpi: Kpi) -> Part:
    title = f"{kpi.title}, one by one"
    return Part(
        name="behind", title=title, meaning="", compute=kpi.observe, units={"value": kpi.unit}
    )


def behind_sentence(kpi: Kpi, listed: Part, frame: pd.DataFrame, currency: str) -> str:
    """How many are listed, what they add up to in money, and who comes first."""
    if frame.empty:
        return f"{listed.title}: nobody is on the list."
    drawing = Drawing(listed, frame, currency, {})
    noun = "account" if "account_id" in frame and frame["account_id"].is_unique else "row"
    said = f"{listed.title}: {format_count(len(frame), noun)}"
    money = [n for n in drawing.measured if drawing.unit(n) in {Unit.MONEY, Unit.MONEY_PER_MONTH}]
    if money and money[0] == "mrr":
        said += f", together {_text(drawing, money[0], frame[money[0]].sum())}"
    first = frame.iloc[0]
    named = next((n for n in ("account", "name", "account_id", "unit_id") if n in frame), "")
    facts = [fact(drawing, n, first[n]) for n in drawing.measured[:3] if first[n] == first[n]]
    return f"{said}. First comes {first[named]}: {', '.join(facts)}." if named else f"{said}."


def behind_picture(listed: Part, frame: pd.DataFrame, currency: str) -> Picture | None:
    """Idle days against money where both are there, else one bar per account."""
    from kpi_lib.charts.timeline import bubbles

    drawing = Drawing(listed, frame, currency, {})
    days = [n for n in drawing.measured if drawing.unit(n) is Unit.DAYS]
    money = [n for n in drawing.measured if drawing.unit(n) is Unit.MONEY_PER_MONTH]
    name = next((n for n in ("account", "name", "account_id") if n in frame), "")
    if frame.empty or not name:
        return None
    if not (days and money):
        return picture_of(listed, frame, currency=currency, view="bars")
    top = frame.assign(first=[place < 5 for place in range(len(frame))])
    return bubbles(
        top,
        title=listed.title,
        x=days[0],
        y=money[0],
        name=name,
        across=days[0].replace("_", " "),
        what=money[0].upper() if money[0] == "mrr" else money[0].replace("_", " "),
        x_unit="days",
        y_unit=Unit.MONEY_PER_MONTH,
        currency=currency,
        urgent="first",
        subtitle="named: the first five of the list",
    )
