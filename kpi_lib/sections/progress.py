"""The progress of an objective in words: where it began, where it is, whether that is real, the odds."""

from __future__ import annotations

from kpi_lib.charts.units import day
from kpi_lib.evidence.progress import Progress
from kpi_lib.kpi import Better, Kpi, Unit
from kpi_lib.measure import Cell, Measurement
from kpi_lib.sentence import chance_clause, noun_of
from kpi_lib.wording import (
    format_change,
    format_count,
    format_interval,
    format_number,
    format_value,
    plural,
)


def progress_sentences(measured: Measurement, found: Progress) -> str:
    """Where the objective stands, as sentences; empty where the card names no goal."""
    if found.goal is None:
        return ""
    parts = [_where(measured, found), _real(measured, found), _ahead(measured, found)]
    return " ".join(part for part in parts if part)


def is_reached(kpi: Kpi, value: float, target: float) -> bool:
    """Whether a value is at the target or better, to the digits that are shown."""
    if format_number(value, kpi.unit) == format_number(target, kpi.unit):
        return True
    return value < target if kpi.better is Better.LOWER else value > target


def _value(measured: Measurement, value: float | None) -> str:
    return format_value(value, measured.kpi.unit, measured.currency)


def _cell(measured: Measurement, cell: Cell) -> str:
    units = format_count(cell.n, noun_of(measured.kpi))
    return f"{_value(measured, cell.value)} ({units}, {cell.label})"


def _where(measured: Measurement, found: Progress) -> str:
    """From where to where by when, and how much of the step is done."""
    if found.begun_on is None:
        return ""
    if found.baseline is None:
        newer = " and no newer figure counts yet" if found.begun_on < measured.as_of else ""
        first = _cell(measured, found.now)
        return f"The objective counts from {day(found.begun_on)}; the baseline is {first}{newer}."
    goal = _value(measured, found.goal)
    by = f" by {day(found.due_on)}" if found.due_on else ""
    said = f"Progress since {day(found.begun_on)}: from {_cell(measured, found.baseline)} to {goal}{by}"
    return f"{said}; now {_cell(measured, found.now)}, {_done(measured, found)}."


def _done(measured: Measurement, found: Progress) -> str:
    share, now, goal = found.share, found.now.value, found.goal
    if now is None or goal is None or share is None:
        return "which cannot be compared"
    if is_reached(measured.kpi, now, goal):
        return "which is at the goal"
    if share <= 0:
        return (
            "none of the step so far" if share == 0 else "further from the goal than at the start"
        )
    return f"{format_value(share, Unit.SHARE)} of the step"


def _real(measured: Measurement, found: Progress) -> str:
    """The change since the baseline with its interval, and whether chance explains it."""
    change, unit = found.change, measured.kpi.unit
    if found.baseline is None or change is None:
        return ""
    if change.value is None:
        return f"Whether that is a change cannot be told: {change.reason}."
    if change.value == 0:
        return "Nothing has changed since."
    size = format_change(change.value, unit, measured.currency)
    direction = "more" if change.value > 0 else "less"
    ends = ""
    if change.low is not None and change.high is not None:
        span = _span(change.low, change.high, measured)
        ends = f" ({100 * measured.params.level:g} % interval of the change {span})"
    return f"That is {size} {direction}{ends}, {chance_clause(change, measured.params.level)}."


def _span(low: float, high: float, measured: Measurement) -> str:
    """Both ends of a change; shares change by percentage points."""
    unit = measured.kpi.unit
    if unit is not Unit.SHARE:
        return format_interval(low, high, unit, measured.currency)
    return f"{format_number(low, unit)} to {format_number(high, unit)} percentage points"


def _ahead(measured: Measurement, found: Progress) -> str:
    """The odds of being at the goal on the day, under the present trend."""
    if found.due_on is None:
        return "No day is named by which it is to be reached."
    if found.due_on <= measured.as_of:
        return f"The day, {day(found.due_on)}, has come."
    period = measured.params.period
    if found.odds is None or found.expected is None:
        few = f"{format_count(found.seen, period)} with a value"
        return f"The odds of reaching it cannot be told: {few} {'is' if found.seen == 1 else 'are'} too few."
    side = "or less" if measured.kpi.better is Better.LOWER else "or more"
    hits = max(1, min(99, round(100 * found.odds)))
    return (
        f"If it goes on as in the last {found.seen} {plural(period, found.seen)}, "
        f"{_value(measured, found.goal)} {side} is there on {day(found.due_on)} in about {hits} of 100 "
        f"cases; expected is {_value(measured, found.expected)}."
    )
