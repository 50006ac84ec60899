"""Pictures of the evidence: how early the KPI warns, and what other fair definitions say."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kpi_lib.charts.encode import amount, category, chart, either, quantity, small_chart, tip
from kpi_lib.charts.layers import layered
from kpi_lib.charts.picture import Picture, finished
from kpi_lib.charts.theme import BLUE, GREY, INK, PALE, RED, alt, unchecked
from kpi_lib.kpi import Unit

if TYPE_CHECKING:
    import pandas as pd


@unchecked
def lead_curve(
    frame: pd.DataFrame, *, title: str, needed: float | None = None, subtitle: str = ""
) -> Picture:
    """How well the KPI tells lost from renewed accounts, by months before the decision.

    `frame`: lead (months), auc, low, high, n, lost. One half is no better than a coin.
    """
    base = chart(frame).encode(
        x=quantity(
            alt.X,
            "lead",
            title="months before the renewal, or before the next order was due",
            axis=_months(frame),
        )
    )
    tips = [
        tip("lead", "months before", Unit.COUNT),
        tip("auc", "AUC", Unit.RATIO),
        tip("low", "from", Unit.RATIO),
        tip("high", "to", Unit.RATIO),
        tip("n", "decisions", Unit.COUNT),
        tip("lost", "of them lost", Unit.COUNT),
    ]
    domain = alt.Scale(domain=[_floor(frame["low"]), 1.0])
    y = quantity(alt.Y, "auc", title="AUC (0.5 is a coin, 1 is certain)", scale=domain)
    band = base.mark_area(opacity=0.16, color=BLUE).encode(
        y=quantity(alt.Y, "low", scale=domain), y2=alt.Y2(field="high")
    )
    line = base.mark_line(color=BLUE, point={"filled": True, "size": 60, "color": BLUE})
    coin = small_chart([{"auc": 0.5, "text": "a coin"}])
    coin_line = coin.mark_rule(color=GREY, strokeDash=[4, 4]).encode(y=quantity(alt.Y, "auc"))
    layers = [band, line.encode(y=y, tooltip=tips), coin_line]
    if needed is not None:
        layers.append(_needed(needed))
    return finished(layered(*layers), title, subtitle)


def _months(frame: pd.DataFrame) -> Any:
    return alt.Axis(values=frame["lead"].drop_duplicates().tolist(), format="d")


def _floor(lows: Any) -> float:
    """The bottom of the axis: a tenth below the lowest bound, never above 0.4."""
    known = lows.dropna()
    lowest = float(known.min()) if len(known) else 0.4
    return max(0.0, min(0.4, int(lowest * 10) / 10))


def _needed(months: float) -> Any:
    base = small_chart([{"lead": months, "text": "time we need to respond"}])
    rule = base.mark_rule(color=RED, strokeDash=[2, 3]).encode(x=quantity(alt.X, "lead"))
    text = base.mark_text(color=RED, align="left", dx=5, fontSize=11)
    return layered(
        rule,
        text.encode(x=quantity(alt.X, "lead"), y=alt.YValue(10), text=category(alt.Text, "text")),
    )


@unchecked
def specification_curve(
    frame: pd.DataFrame, *, title: str, what: str, unit: Unit, currency: str = ""
) -> Picture:
    """The last change under every fair definition, from lowest to highest, ours marked.

    `frame`: setting (in words), value, low, high, is_default.
    """
    data = frame.sort_values(["value", "setting"], kind="stable").reset_index(drop=True)
    data = data.assign(place=range(1, len(data) + 1))
    tips = [
        tip("setting", "definition", text=True),
        tip("value", what, unit),
        tip("low", "from", unit),
        tip("high", "to", unit),
    ]
    x = quantity(
        alt.X,
        "place",
        title="fair definitions, sorted by what they say",
        axis=alt.Axis(tickMinStep=1, tickCount=8, format="d"),
    )
    base = chart(data).encode(x=x)
    y = amount("value", what, unit, currency, zero=False)
    colour = either("datum.is_default", RED, BLUE)
    edge = amount("low", what, unit, currency, zero=False)
    spans = base.mark_rule(color=PALE).encode(y=edge, y2=alt.Y2(field="high"))
    dots = base.mark_point(filled=True, size=55, opacity=1).encode(y=y, color=colour, tooltip=tips)
    zero = (
        small_chart([{"at": 0}]).mark_rule(color=INK, strokeWidth=1).encode(y=quantity(alt.Y, "at"))
    )
    return finished(layered(spans, zero, dots), title, "orange: the definition chosen here")
