"""Where the data of a data set end, and what it means to ask for a day after that."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta

from kpi_lib.data.config import Config
from kpi_lib.data.errors import DataError, Problem
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
