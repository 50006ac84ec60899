"""Who is behind the number: a list, and one picture."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kpi_lib.charts.parts import Drawing, picture_of
from kpi_lib.charts.table import table
from kpi_lib.charts.timeline import bubbles
from kpi_lib.kpi import Kpi, Part, Unit
from kpi_lib.measure import Measurement
from kpi_lib.sections.made_of import fact, text_of
from kpi_lib.view import View
from kpi_lib.wording import format_count

if TYPE_CHECKING:
    import pandas as pd

    from kpi_lib.charts.picture import Picture


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
        said += f", together {text_of(drawing, money[0], frame[money[0]].sum())}"
    first = frame.iloc[0]
    named = next((n for n in ("account", "name", "account_id", "unit_id") if n in frame), "")
    facts = [fact(drawing, n, first[n]) for n in drawing.measured[:3] if first[n] == first[n]]
    return f"{said}. First comes {first[named]}: {', '.join(facts)}." if named else f"{said}."


def behind_picture(listed: Part, frame: pd.DataFrame, currency: str) -> Picture | None:
    """Idle days against money where both are there, else one bar per account."""
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
