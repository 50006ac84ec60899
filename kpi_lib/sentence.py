"""What a figure says, in one or two plain sentences with the numbers in them."""

from __future__ import annotations

import math
import re
from typing import Any

from kpi_lib.kpi import Better, Difference, Kpi, Unit
from kpi_lib.measure import Cell, Measurement
from kpi_lib.wording import format_change, format_count, format_interval, format_value


def sentence(measurement: Measurement) -> str:
    """The headline with unit, interval, n and period, then the change and whether it can be told.

    Where a threshold is set, the chance that it is passed follows.
    """
    told = (_headline(measurement), change_sentence(measurement), _beyond(measurement))
    said = " ".join(part for part in told if part)
    still_open = measurement.trend[measurement.trend["is_open"]]
    if still_open.empty:
        return said
    labels = ", ".join(still_open["label"])
    verb = "is" if len(still_open) == 1 else "are"
    return f"{said} {labels} {verb} still open: less than half of the outcomes are known."


def change_sentence(measurement: Measurement) -> str:
    """The change against the period before, and whether it can be told from noise."""
    change, previous = measurement.change, measurement.previous
    if change.value is None or previous is None:
        reason = change.reason or "one of the two values cannot be told"
        return f"The change cannot be told: {reason}."
    unit, currency = measurement.kpi.unit, measurement.currency
    if change.value == 0:
        return f"That is the same as {previous.label}."
    size = format_change(change.value, unit, currency)
    direction = "more" if change.value > 0 else "less"
    end = chance_clause(change, measurement.params.level)
    return f"That is {size} {direction} than {previous.label}, {end}."


def chance_clause(change: Difference, level: float) -> str:
    """Whether a change can be told from noise, as the end of a sentence."""
    distinct = is_distinguishable(change, level)
    if distinct is None:
        return "and whether that is noise cannot be told"
    return "more than chance explains" if distinct else "a difference this size could be chance"


def is_distinguishable(change: Difference, level: float) -> bool | None:
    """Whether a change differs from none at the level asked for; None where it cannot be told."""
    if change.p_value is not None and not math.isnan(change.p_value):
        return change.p_value < 1 - level
    if change.low is None or change.high is None:
        return None
    return change.low > 0 or change.high < 0


def noun_of(kpi: Kpi) -> str:
    """What the units are called in a sentence."""
    return kpi.noun or ("customer" if kpi.has_account_level else "case")


def _headline(measurement: Measurement) -> str:
    """The figure; where a share was never seen to happen, its upper limit instead of a zero."""
    kpi, cell = measurement.kpi, measurement.headline
    units = format_count(cell.n, noun_of(kpi))
    because = _of_headline(measurement, "reason") or ""
    if cell.n == 0:
        return f"{kpi.title} cannot be told: {because or f'nothing was observed in {cell.label}'}."
    if cell.value is None:
        reason = f": {because}" if because else ""
        return f"{kpi.title} cannot be told yet ({units}, {cell.label}){reason}."
    value = format_value(cell.value, kpi.unit, measurement.currency)
    if kpi.unit is Unit.SHARE and cell.value == 0 and cell.low == 0 and cell.high:
        most = format_value(cell.high, kpi.unit)
        seen = f"{value} seen; {_interval(measurement, cell)}{units}, {cell.label}"
        return f"{kpi.title} {_verb(kpi.title)} at most {most} ({seen})."
    return f"{kpi.title} {_verb(kpi.title)} {value} ({_interval(measurement, cell)}{units}, {cell.label})."


def _beyond(measurement: Measurement) -> str:
    """The chance that the figure lies beyond the threshold of the parameters, on its better side."""
    chance = _of_headline(measurement, "chance")
    threshold = measurement.params.model_dump().get("threshold")
    if chance is None or threshold is None:
        return ""
    kpi = measurement.kpi
    limit = format_value(threshold, kpi.unit, measurement.currency)
    side = "exceeds" if kpi.better is Better.HIGHER else "is below"
    return f"The chance that it {side} {limit} is {_share(float(chance))}."


def _share(chance: float) -> str:
    """A chance counted from draws, which never says never."""
    if 0.01 <= chance <= 0.99:
        return f"about {round(100 * chance)} %"
    return "less than 1 %" if chance < 0.5 else "more than 99 %"


def _of_headline(measurement: Measurement, column: str) -> Any:
    """What a column of the trend says of the headline period; None where it is not there or empty."""
    trend = measurement.trend
    if column not in trend.columns:
        return None
    found = trend.loc[trend["label"] == measurement.headline.label, column].dropna()
    return found.iloc[0] if len(found) else None


def _interval(measurement: Measurement, cell: Cell) -> str:
    if cell.low is None and cell.high is None:
        return ""
    level = f"{measurement.params.level:.0%}".replace("%", " %")
    ends = format_interval(
        cell.low, cell.high, measurement.kpi.unit, measurement.currency, bare=True
    )
    return f"{level} interval {ends}; "


def _verb(title: str) -> str:
    head = re.split(" (?:on|of|to|in) ", title)[0]
    return "are" if head.endswith("s") and not head.endswith("ss") else "is"
