"""An account's own rhythm: the usual gap between its order days, and how long a silence it allows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

LEAST_DAYS = 31
"""No shorter silence counts, since accounts are looked at once a month."""


def usual_gaps(days: pd.DataFrame, keys: Sequence[str], on: str = "ordered_on") -> pd.Series[float]:
    """Median days between successive order days per group; null for a single day.

    `days` holds each day of a group once, in order of time.
    """
    gaps = days.groupby(list(keys))[on].diff().dt.days.rename("gap")
    found: pd.Series[float] = gaps.groupby([days[key] for key in keys]).median()
    return found


def allowed_silence(usual_days: pd.Series[float], multiple: float) -> pd.Series[float]:
    """Days without an order after which an account is silent: so many usual gaps, a month at least."""
    allowed: pd.Series[float] = (usual_days * multiple).clip(lower=LEAST_DAYS).round()
    return allowed
