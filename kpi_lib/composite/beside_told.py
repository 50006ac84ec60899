"""How one comparison is drawn and told: ours in resamples, limits of the gap, what they say."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from kpi_lib.composite.computed import CELL, Member, places_of
from kpi_lib.kpi import Unit
from kpi_lib.stats.distributions import Floats
from kpi_lib.stats.resamples import draws_of, shared_weights
from kpi_lib.wording import format_interval, format_value

if TYPE_CHECKING:
    import pandas as pd


def draws(member: Member, rows: pd.DataFrame, level: float) -> Floats:
    """The part in resamples of its accounts: (draws,)."""
    places, count = places_of({member.name: rows.assign(**{CELL: 0})})
    blocks = shared_weights(count)
    mine = places[member.name]
    return np.concatenate(
        [draws_of(member.estimator, rows, block[:, mine], level) for block in blocks]
    )


def with_interval(cell: Any, unit: Unit, currency: str) -> str:
    """A figure with its interval behind it."""
    said = format_value(cell["value"], unit, currency)
    if not np.isfinite(cell["low"]):
        return said
    return f"{said} ({format_interval(cell['low'], cell['high'], unit, currency)})"


def ends(gaps: Floats, level: float) -> tuple[float, float]:
    """Percentile limits; a draw without an end (no median, no customer) lies beyond all others."""
    if np.isnan(gaps).any():
        return np.nan, np.nan
    ordered = np.sort(gaps)
    low, high = (ordered[round((len(gaps) - 1) * (0.5 + side * level / 2))] for side in (-1, 1))
    return low, high


def told(low: float, high: float) -> str:
    """What the interval of a gap says."""
    if np.isnan(low):
        return "no interval"
    if low > 0:
        return "we are behind"
    return "we are ahead" if high < 0 else "cannot be told"
