"""One example of every picture: what the tests draw."""

from __future__ import annotations

from collections.abc import Callable

import pandas as pd

from kpi_lib.charts import bars, chain, judged, lines, timeline
from kpi_lib.charts.chain import Item
from kpi_lib.charts.picture import Picture
from kpi_lib.kpi import Unit

QUARTERS = ["2025Q1", "2025Q2", "2025Q3", "2025Q4"]
NOTHING = float("nan")


def trend_frame() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "label": QUARTERS,
            "value": [70.0, 66.5, 65.0, NOTHING],
            "low": [60.0, 58.0, 52.0, NOTHING],
            "high": [80.0, NOTHING, 79.0, NOTHING],
            "n": [12, 9, 14, 3],
            "resolved": [1.0, 1.0, 0.9, 0.1],
            "is_open": [False, False, False, True],
            "lower_limit": 55.0,
            "upper_limit": 81.0,
        }
    )


def trend() -> Picture:
    return lines.trend(
        trend_frame(), title="By quarter", what="time to value", unit=Unit.DAYS, target=55.0
    )


def weekly() -> Picture:
    weeks = pd.DataFrame(
        {
            "label": [f"week {number:02d}" for number in range(26)],
            "value": [0.1 + number % 5 / 100 for number in range(26)],
            "low": 0.05,
            "high": 0.2,
            "n": 90,
            "resolved": 1.0,
            "is_open": False,
            "lower_limit": NOTHING,
            "upper_limit": NOTHING,
        }
    )
    return lines.trend(weeks, title="By week", what="inactive", unit=Unit.SHARE)


def segments() -> Picture:
    parts = [trend_frame().assign(segment=name) for name in ("enterprise", "mid-market")]
    frame = pd.concat(parts)[["segment", "label", "value", "n"]]
    return lines.lines(frame, title="By segment", what="time to value", unit=Unit.DAYS)


def survival() -> Picture:
    days = list(range(0, 100, 10))
    parts = [
        pd.DataFrame(
            {
                "cohort": name,
                "day": days,
                "share": [day / 100 for day in days],
                "low": [day / 120 for day in days],
                "high": [day / 90 for day in days],
            }
        )
        for name in QUARTERS
    ]
    return lines.curves(
        pd.concat(parts),
        title="Reached",
        x="day",
        y="share",
        group="cohort",
        across="days since the start",
        what="reached",
        focus="2025Q3",
    )


def small_multiples() -> Picture:
    rows = [
        {
            "parameter": name,
            "setting": f"{name} {value}",
            "label": label,
            "value": 60.0 + value,
            "is_default": value == 1,
        }
        for name in ("window", "count")
        for value in (1, 2)
        for label in QUARTERS
    ]
    return lines.small_multiples(
        pd.DataFrame(rows), title="Other definitions", what="time to value", unit=Unit.DAYS
    )


def sparkline() -> Picture:
    return lines.sparkline([1.0, 2.0, None, 1.5])


def bar_chart() -> Picture:
    frame = pd.DataFrame({"owner": ["legal", "us"], "days": [8.1, 40.25]})
    return bars.bars(
        frame, title="Days", name="owner", value="days", what="mean days", unit=Unit.DAYS
    )


def bars_with_intervals() -> Picture:
    frame = pd.DataFrame({"name": ["a", "b"], "value": [0.2, 0.4], "low": 0.1, "high": 0.6})
    return bars.bars(
        frame,
        title="Shares",
        name="name",
        value="value",
        what="share",
        unit=Unit.SHARE,
        low="low",
        high="high",
    )


def waterfall() -> Picture:
    frame = pd.DataFrame({"step": ["opening", "new", "churn"], "size": [100.0, 30.0, -20.0]})
    return bars.waterfall(
        frame,
        title="Ledger",
        name="step",
        value="size",
        what="amount",
        unit=Unit.MONEY_PER_MONTH,
        currency="EUR",
    )


def movements() -> Picture:
    rows = [
        {"label": label, "kind": kind, "amount": amount}
        for label in QUARTERS
        for kind, amount in (("new", 20.0), ("expansion", 5.0), ("churn", -8.0))
    ]
    return bars.movements(
        pd.DataFrame(rows),
        title="Movements",
        x="label",
        kind="kind",
        value="amount",
        what="movement",
        unit=Unit.MONEY_PER_MONTH,
        currency="EUR",
    )


def stacked() -> Picture:
    rows = [{"label": q, "source": s, "amount": 10.0} for q in QUARTERS for s in ("a", "b")]
    return bars.stacked(
        pd.DataFrame(rows),
        title="Sources",
        x="label",
        kind="source",
        value="amount",
        what="amount",
        unit=Unit.MONEY,
        currency="EUR",
    )


def gantt() -> Picture:
    rows = [
        {"account": f"Company {n}", "stage": s, "start": a, "end": b, "marker": 70.0 if n else None}
        for n in range(3)
        for s, a, b in (("contract", 0.0, 8.0), ("access", 8.0, 23.0))
    ]
    return timeline.timeline(
        pd.DataFrame(rows),
        title="Timelines",
        account="account",
        stage="stage",
        start="start",
        end="end",
        marker="marker",
    )


def bubbles() -> Picture:
    frame = pd.DataFrame(
        {"account": ["a", "b"], "idle": [14, 60], "mrr": [900.0, 4000.0], "soon": [False, True]}
    )
    return timeline.bubbles(
        frame,
        title="Quiet and large",
        x="idle",
        y="mrr",
        name="account",
        across="idle",
        what="MRR",
        x_unit=Unit.DAYS,
        y_unit=Unit.MONEY_PER_MONTH,
        currency="EUR",
        urgent="soon",
    )


def candidates() -> Picture:
    frame = pd.DataFrame(
        {
            "kpi": ["one", "two"],
            "lead_months": [3, 0],
            "readability": [0.4, 1.5],
            "suggestion": ["adopt", "drop"],
        }
    )
    return timeline.candidates(frame, title="How early against how readable")


def lead_curve() -> Picture:
    frame = pd.DataFrame(
        {"lead": [1, 3, 6], "auc": [0.8, 0.7, 0.6], "low": 0.55, "high": 0.9, "n": 120, "lost": 22}
    )
    return judged.lead_curve(frame, title="It warns", needed=3.0)


def specification_curve() -> Picture:
    frame = pd.DataFrame(
        {
            "setting": [f"window {number}" for number in range(5)],
            "value": [0.02 * number - 0.05 for number in range(5)],
            "low": -0.1,
            "high": 0.1,
            "is_default": [number == 2 for number in range(5)],
        }
    )
    return judged.specification_curve(
        frame, title="Definitions", what="last change", unit=Unit.SHARE
    )


def chain_of_figures() -> Picture:
    rows = [
        [Item("Touches", ("before and after",))],
        [Item("Return", ("2.31 back per 1 spent", "1.90 to 2.80"), "levers")],
        [Item("Moves")],
        [
            Item("Conversion", ("34 %",), "stage_conversion"),
            Item("Velocity", ("missing",), is_firm=False),
        ],
        [Item("Value", ("EUR 900",)), Item("Profit", ("EUR 90",))],
    ]
    return chain.chain(rows, title="The chain", subtitle="90 % intervals")


EXAMPLES: dict[str, Callable[[], Picture]] = {
    make.__name__: make
    for make in (
        trend, weekly, segments, survival, small_multiples, sparkline, bar_chart,
        bars_with_intervals, waterfall, movements, stacked, gantt, bubbles, candidates,
        lead_curve, specification_curve, chain_of_figures,
    )
}  # fmt: skip
