"""Where the data of a data set end, and what it means to ask for a day after that."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, timedelta

from kpi_lib.contract import CONTRACT
from kpi_lib.data.checks import Span
from kpi_lib.data.config import Config
from kpi_lib.data.errors import DataError, Problem, Severity
from kpi_lib.data.reach import Extent

TOLERATED = timedelta(days=7)
"""How long after the last day known a data set may still be read for a day.

A quiet weekend, a public holiday or an export made shortly before the quarter ended lie within it.
Beyond it nobody can tell silence from missing data: every customer would look inactive only because
nothing was recorded.
"""


def refuse_beyond(config: Config, day: date, reach: Sequence[Extent], today: date) -> None:
    """Raises DataError where `day` lies too long after the last day the data know.

    That is the newest day of any row up to today, or the day until which dataset.yaml calls the data
    complete (`as_of`), unless it is still to come. Months of a budget tell nothing about it.
    """
    days = [one.last_known for one in reach if one.last_known is not None]
    if config.as_of is not None and config.as_of <= today:
        days.append(config.as_of)
    if not days or day <= max(days) + TOLERATED:
        return
    last = max(days)
    raise DataError(
        f"{config.name}: as_of {day} lies {(day - last).days} days after {last}, the last day the"
        f" data know; choose a day up to {last}, or add the rows that came since"
    )


def quiet_end(config: Config, day: date, newest: date | None) -> tuple[Problem, ...]:
    """A warning where nothing is recorded in the last days before `day`; else nothing.

    `newest` is the newest day among the rows known on `day`. Rows that came later are not looked at,
    so that a report of the day stays the same once there are some.
    """
    complete = config.as_of is not None and day <= config.as_of
    if newest is None or newest >= day or complete:
        return ()
    days = (day - newest).days
    span = f"the {days} days" if days > 1 else "the day"
    rule = f"nothing is recorded after {newest}, in {span} up to {day}"
    todo = "Check that the data are complete; figures take it that nothing happened"
    return (Problem("warning", "", "", rule, 0, (), todo),)


MISSED = 100
"""Rows that did not come, at the pace of the table, before its silence is taken for a stopped export.

Were rows to come as rarely as that by chance, so many would be missed less than once in 10^43 times.
"""


IN_BATCHES = ("targets", "benchmarks")
"""Tables written a year or a quarter at a time: silence between two batches says nothing."""


def silent_tables(config: Config, day: date, spans: Mapping[str, Span]) -> Iterator[Problem]:
    """A problem for each table that falls silent long before `day`, as when an export stops.

    An error where its silence would be read as behaviour of customers (no use, no order), else a
    warning. Nothing is said where dataset.yaml calls the data complete.
    """
    if config.as_of is not None and day <= config.as_of:
        return
    for name, span in spans.items():
        if span.first is None or span.last is None or day - span.last <= TOLERATED:
            continue
        if name in IN_BATCHES:
            continue
        silent, days = (day - span.last).days, (span.last - span.first).days + 1
        missed = span.rows * silent / days
        if missed < MISSED:
            continue
        meaning = CONTRACT[name].silence
        severity: Severity = "error" if meaning else "warning"
        rule = (
            f"nothing is recorded after {span.last}, {silent} days before {day}, where about"
            f" {missed:,.0f} rows would have come at the pace before"
        )
        todo = f"Export the rest, choose a day up to {span.last}, or say as_of in dataset.yaml"
        said = f"{todo}; as it is, {meaning}" if meaning else todo
        yield Problem(severity, name, "", rule, 0, (), said)
