"""When there will be enough: from what is missing and the present rate."""

from __future__ import annotations

import math
from datetime import date, timedelta
from typing import Any

from kpi_lib.evidence.finding import Settings
from kpi_lib.evidence.outcomes import History
from kpi_lib.wording import format_count

DAYS_PER_YEAR = 365.25
FURTHEST_YEARS = 100
"""Nobody waits longer: beyond, no day is named."""


def enough_on(as_of: date, missing: float, per_year: float) -> date | None:
    """The day on which `missing` more will have come at this rate; None where none come."""
    if not (per_year > 0 and missing / per_year <= FURTHEST_YEARS):
        return None
    return as_of + timedelta(days=round(missing / per_year * DAYS_PER_YEAR))


def when(as_of: date, missing: float, per_year: float) -> str:
    """The same as the end of a clause: "at the present rate of 8 a year by 2026-11", or nothing."""
    day = enough_on(as_of, missing, per_year)
    return "" if day is None else f"at the present rate of {per_year:.3g} a year by {day:%Y-%m}"


def with_date(said: str, when_said: str) -> str:
    """A clause, and when it will be over where that can be said."""
    return f"{said}; {when_said}" if when_said else said


def too_few(losses: int, past: History, settings: Settings, which: str = "") -> str:
    """How many losses there are, how many the test needs, and when they will be there.

    `which` says of which losses it speaks; their rate is their share of the rate of all.
    """
    needed = settings.least_losses
    counted = f"{format_count(losses, past.words.account)}{which}; this test needs {needed}"
    return with_date(counted, when(past.as_of, needed - losses, rate_of(losses, past)))


def rate_of(losses: int, past: History) -> float:
    """Losses a year among those that count: the present rate of all, times their share of all."""
    return past.losses_per_year * (losses / past.losses if past.losses else 0.0)


def losses_needed(row: Any, settings: Settings) -> int | None:
    """Losses with which a row of the lead table would be told either way, if its estimates stay as they are.

    A useful skill has to be told from none, a smaller one from `smallest_useful_skill`. Limits are
    taken to close in with the square root of the losses. None where the estimate stands on the line.
    """
    gaps: list[tuple[float, float]]
    useful = settings.smallest_useful_skill
    if row["skill"] < useful:
        gaps = [(row["skill_high"] - row["skill"], useful - row["skill"])]
    else:
        above = (row["auc"] - row["auc_low"], row["auc"] - 0.5)
        gaps = [(row["skill"] - row["skill_low"], row["skill"]), above]
    if any(not room > 0 for _, room in gaps):
        return None
    return math.ceil(float(row["losses"]) * max((half / room) ** 2 for half, room in gaps))
