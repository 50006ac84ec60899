"""The planned looks at an experiment, and what the present one may conclude.

Looking several times gives chance several occasions, so the chance of a false alarm that is accepted in
all is shared out over the planned looks (`stats.spending`). It applies to the registered comparison
only: the last change of the figure. A look that was not planned is descriptive.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise
from statistics import median

from kpi_lib.kpi import Difference, KpiParams
from kpi_lib.measure import Measurement
from kpi_lib.periods import add_months
from kpi_lib.stats.spending import at_most, boundaries, nominal, spent

LATE_DAYS = 7
"""A review of so many days after a planned look still is that look."""


@dataclass(frozen=True)
class Look:
    """One planned look. `fraction` of the time (0 to 1), chance of a false alarm `given_out` by
    then (0 to 1), and the two-sided p-value `below` which the registered comparison counts."""

    day: date
    fraction: float
    given_out: float
    below: float


@dataclass(frozen=True)
class Standing:
    """Where a day stands in the plan.

    `number` counts from 1 and is None where the day is no planned look. `counts` says whether the
    registered comparison is a finding at this look: None where it cannot be told or was not planned.
    """

    looks: tuple[Look, ...]
    number: int | None
    counts: bool | None
    p_value: float | None
    most: float
    """The chance of any false alarm (0 to 1) where the looks compare periods that share no data."""


def planned_days(params: KpiParams) -> tuple[date, ...]:
    """The planned days in order; the day of the decision is the last of them."""
    days = {*params.looks, *([params.decide_on] if params.decide_on else [])}
    last = params.decide_on or max(days, default=None)
    return tuple(sorted(day for day in days if last is not None and day <= last))


def planned(params: KpiParams) -> tuple[Look, ...]:
    """The planned looks; none where no day is registered.

    The time runs from one usual step before the first look to the last one.
    """
    days = planned_days(params)
    if not days:
        return ()
    fractions = _fractions(days)
    limits = boundaries(fractions, params.level)
    return tuple(
        Look(day, fraction, spent(fraction, params.level), nominal(limit))
        for day, fraction, limit in zip(days, fractions, limits, strict=True)
    )


def _fractions(days: Sequence[date]) -> tuple[float, ...]:
    if len(days) == 1:
        return (1.0,)
    start = start_of(days)
    length = (days[-1] - start).days
    return tuple((day - start).days / length for day in days)


def start_of(days: Sequence[date]) -> date:
    """When the time of at least two planned days begins: one usual step before the first.

    Steps are whole months where all the days are ends of months, else days.
    """
    one = timedelta(days=1)
    nexts = [day + one for day in days]
    if all(day.day == 1 for day in nexts):
        months = [12 * day.year + day.month for day in nexts]
        step = int(median(later - earlier for earlier, later in pairwise(months)))
        return add_months(nexts[0], -step) - one
    steps = [(later - earlier).days for earlier, later in pairwise(days)]
    return days[0] - timedelta(days=int(median(steps)))


def look_on(days: Sequence[date], day: date) -> int | None:
    """Which planned look (from 1) a day is, or is at most `LATE_DAYS` late for; None for none."""
    late = [(day - planned_day).days for planned_day in days]
    found = [n for n, lateness in enumerate(late, start=1) if 0 <= lateness <= LATE_DAYS]
    return found[-1] if found else None


def standing(measured: Measurement) -> Standing:
    """Where the day of a measurement stands in the plan, and whether its last change counts."""
    looks = planned(measured.params)
    number = look_on([look.day for look in looks], measured.as_of)
    limits = boundaries(tuple(look.fraction for look in looks), measured.params.level)
    p_value = measured.change.p_value
    counts = _counts(measured.change, looks[number - 1].below) if number else None
    return Standing(looks, number, counts, p_value, at_most(limits))


def _counts(change: Difference, below: float) -> bool | None:
    return (
        None
        if change.p_value is None or change.p_value != change.p_value
        else change.p_value < below
    )
