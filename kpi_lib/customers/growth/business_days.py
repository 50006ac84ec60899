"""Business days as expressions: Monday to Friday, without the holidays named."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

import ibis

MONDAY = date(1970, 1, 5)
_WEEK, _WORKED = 7, 5


def business_index(day: Any, holidays: Sequence[date] = ()) -> Any:
    """Business days from a Monday long ago until the day before `day` (float64).

    The difference of two days is the number of business days from the first to the day before the
    second. A day off has the index of the next business day.
    """
    number = day.delta(ibis.literal(MONDAY), unit="day").cast("float64")
    weeks = (number / _WEEK).floor().cast("float64")
    rest = number - weeks * _WEEK
    worked = ibis.literal(_WORKED).cast("float64")
    index = weeks * _WORKED + ibis.least(rest, worked)
    for holiday in sorted({one for one in holidays if one.weekday() < _WORKED}):
        index = index - ibis.ifelse(day > ibis.literal(holiday), 1.0, 0.0).cast("float64")
    return index
