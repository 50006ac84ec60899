"""The planned looks in words: how they share out the chance of a false alarm, and what today counts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kpi_lib.charts.table import table
from kpi_lib.charts.units import day
from kpi_lib.evidence.looks import Look, Standing
from kpi_lib.kpi import Unit
from kpi_lib.measure import Measurement
from kpi_lib.view import View
from kpi_lib.wording import format_count, format_p_value, format_value

if TYPE_CHECKING:
    import pandas as pd

NOTHING_PLANNED = (
    "No looks are planned, so that each look is descriptive: with every further one, chance has one "
    "occasion more."
)


def looks(measured: Measurement, found: Standing) -> View:
    """What the looks ask for, and what the present one says of the registered comparison."""
    if not found.looks:
        return View(NOTHING_PLANNED)
    frame = _frame(found)
    units = {"time passed": Unit.SHARE, "chance given out": Unit.SHARE}
    return View(
        f"{_today(measured, found)} {_shared_out(measured, found)}".strip(),
        table=lambda: table(frame, units=units),
        frame=frame,
    )


def _today(measured: Measurement, found: Standing) -> str:
    """Whether the present day is a planned look, and what it says."""
    if found.number is None:
        coming = [look for look in found.looks if look.day > measured.as_of]
        following = f"; the next is on {day(coming[0].day)}" if coming else ""
        return (
            f"{day(measured.as_of)} is no planned look{following}: what this page says of the last "
            "change describes, and decides nothing."
        )
    look, count = found.looks[found.number - 1], len(found.looks)
    which = f"This is planned look {found.number} of {count} ({day(look.day)})."
    return f"{which} {_conclusion(measured, found, look)}"


def _conclusion(measured: Measurement, found: Standing, look: Look) -> str:
    if found.counts is None:
        reason = measured.change.reason or "the change has no p-value"
        return f"Whether the last change counts cannot be told: {reason}."
    p_value, limit = format_p_value(found.p_value), _limit(look)
    if found.counts:
        return f"The last change counts: its p-value of {p_value} is below the {limit} asked for."
    return (
        f"The last change does not count: its p-value is {p_value}, and a value below {limit} is "
        "asked for."
    )


def _shared_out(measured: Measurement, found: Standing) -> str:
    """Why the looks ask for different things, in plain words."""
    alpha = f"{100 * (1 - measured.params.level):g} %"
    if len(found.looks) == 1:
        return f"One look is planned, so it may use the whole chance of a false alarm, {alpha}."
    asked = ", ".join(f"{_limit(look)} on {day(look.day)}" for look in found.looks)
    return (
        f"{format_count(len(found.looks), 'look')} are planned. Each gives chance an occasion, so the "
        f"{alpha} of false alarms that we accept are shared out: little early, most at the end "
        f"(O'Brien-Fleming type). The last change counts with a p-value below {asked}. Where the looks "
        f"compare periods without common data, the false alarms are at most "
        f"{format_value(found.most, Unit.SHARE)} in all."
    )


def _limit(look: Look) -> str:
    """The p-value asked for, to two digits that matter."""
    return "almost 0" if look.below < 1e-4 else f"{look.below:.2g}"


def _frame(found: Standing) -> pd.DataFrame:
    import pandas as pd

    rows = [
        {
            "look": number,
            "day": look.day,
            "time passed": look.fraction,
            "chance given out": look.given_out,
            "p-value below": look.below,
        }
        for number, look in enumerate(found.looks, start=1)
    ]
    return pd.DataFrame(rows)
