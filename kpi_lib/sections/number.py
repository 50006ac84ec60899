"""The headline and the trend."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kpi_lib.charts import lines
from kpi_lib.kpi import Unit
from kpi_lib.measure import Measurement
from kpi_lib.sentence import sentence
from kpi_lib.view import View
from kpi_lib.wording import format_count, format_interval, in_a_sentence

if TYPE_CHECKING:
    import pandas as pd

    from kpi_lib.charts.picture import Picture


def number(measurement: Measurement) -> View:
    """The figure with interval, n, period and change, in words."""
    return View(sentence(measurement), picture=lambda: trend_picture(measurement))


def trend(measurement: Measurement) -> View:
    """The line over the periods shown, and which of them are signals."""
    said = trend_sentence(measurement)
    return View(said, picture=lambda: trend_picture(measurement), frame=measurement.trend)


def trend_picture(measurement: Measurement) -> Picture:
    """The trend with its interval band and process limits."""
    kpi, params = measurement.kpi, measurement.params
    target = params.model_dump().get("target_days")
    return lines.trend(
        measurement.trend,
        title=f"{kpi.title} by {params.period}",
        what=in_a_sentence(kpi.title),
        unit=kpi.unit,
        currency=measurement.currency,
        target=float(target) if target else None,
        level=params.level,
    )


def trend_sentence(measurement: Measurement) -> str:
    """The span of the values, and the periods outside the limits of ordinary variation."""
    frame, kpi = measurement.trend, measurement.kpi
    told = frame[frame["value"].notna() & ~frame["is_open"]]
    if told.empty:
        return "No period has a value yet."
    low, high = float(told["value"].min()), float(told["value"].max())
    span = format_interval(low, high, kpi.unit, measurement.currency)
    first, last = told["label"].iloc[0], told["label"].iloc[-1]
    between = span.replace(" to ", " and ")
    said = f"From {first} to {last} the value lies between {between}. {_limits(measurement)}"
    return f"{said} {_shared_days(measurement)}".strip()


def _limits(measurement: Measurement) -> str:
    frame = measurement.trend
    if frame["lower_limit"].isna().all():
        return "There are too few periods to say what ordinary variation is."
    kpi = measurement.kpi
    lower, upper = float(frame["lower_limit"].iloc[0]), float(frame["upper_limit"].iloc[0])
    goes_below = kpi.unit is Unit.POINTS or bool((frame["value"] < 0).any())
    lower = lower if goes_below else max(0.0, lower)
    span = format_interval(lower, upper, kpi.unit, measurement.currency)
    signals = frame[frame["is_signal"]]["label"].tolist()
    if not signals:
        return f"No period leaves the limits of ordinary variation ({span}), so no single move calls for an explanation."
    return f"Outside the limits of ordinary variation ({span}): {_listed(signals)}. Something changed there."


def _shared_days(measurement: Measurement) -> str:
    """Where the limits come from when neighbouring values share days, else nothing."""
    kpi, period = measurement.kpi, measurement.params.period
    unknown = measurement.trend["lower_limit"].isna().all()
    if measurement.apart == 1 or unknown or kpi.looks_back is None:
        return ""
    window = f"{kpi.looks_back(measurement.params)}-day window"
    return (
        f"Neighbouring {period}s share days of the {window}, so the limits come from values "
        f"{measurement.apart} {period}s apart."
    )


def _listed(labels: list[str], most: int = 4) -> str:
    """The newest labels, and how many more there are."""
    more = len(labels) - most
    shown = ", ".join(labels[-most:])
    return f"{shown}, and {format_count(more, 'earlier period')}" if more > 0 else shown


def trend_rows(frame: pd.DataFrame) -> list[dict[str, object]]:
    """The trend as plain rows for the record: label, start, value, low, high, n, resolved."""
    from kpi_lib.charts.values import rows

    names = {"period": "start"}
    columns = ["label", "period", "value", "low", "high", "n", "resolved"]
    return [{names.get(k, k): v for k, v in row.items()} for row in rows(frame, columns)]
