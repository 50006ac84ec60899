"""Lift from the sums of accounts: exposed against comparable, accounts as clusters.

Each account brings `value` and `weight`, summed over its units (`customers.lift.matched`): the lift is the
ratio of the sums, its standard error that of the influence of the accounts.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from kpi_lib.stats.distributions import Floats, t_two_sided

FEWEST = 10
"""Fewer exposed units, or fewer comparable ones, than this: no estimate."""


@dataclass(frozen=True)
class Lift:
    """Mean money per exposed unit more than that of comparable units, with its interval; or why not."""

    value: float
    low: float
    high: float
    exposed: int
    comparable: int
    reason: str = ""


def lift_of(value: Floats, weight: Floats, exposed: int, comparable: int, level: float) -> Lift:
    """The lift of the accounts given, one entry each; NaN with a reason where it cannot be told.

    Student's t with one degree of freedom less than there are accounts.
    Source: cluster-robust variance of a ratio of sums, Cameron and Miller (2015), J. Human Resources 50.
    """
    reason = _too_thin(exposed, comparable)
    if reason:
        return Lift(math.nan, math.nan, math.nan, exposed, comparable, reason)
    total, clusters = float(weight.sum()), len(value)
    lift = float(value.sum()) / total
    squares = float(((value - lift * weight) ** 2).sum()) * clusters / max(clusters - 1, 1)
    half = float(t_two_sided(level, clusters - 1)) * math.sqrt(squares) / total
    return Lift(lift, lift - half, lift + half, exposed, comparable)


def _too_thin(exposed: int, comparable: int) -> str:
    if exposed < FEWEST:
        return f"{exposed} exposed with comparable accounts; it takes {FEWEST}"
    if comparable < FEWEST:
        return f"{comparable} comparable accounts; it takes {FEWEST}"
    return ""


MOSTLY = 0.5
"""From this share of touches in the last fifth of the stay on, the lever is sent at the end."""


def is_flat(before: Lift) -> bool | None:
    """Whether nothing differed before the exposure; None where that cannot be told.

    An outcome that is the same for everybody (no money before the first sale) tells nothing.
    """
    if before.reason or before.low == before.high:
        return None
    return before.low <= 0 <= before.high


def reading(whole: Lift, flat: list[bool | None], late_share: float) -> str:
    """What a lift may be read as, once the placebos and the timing are heard: one plain phrase."""
    if whole.reason:
        return f"cannot be told: {whole.reason}"
    if False in flat:
        return "chosen: those exposed were different before"
    if late_share >= MOSTLY:
        return "sent at the end: it follows what was about to happen"
    checked = "nothing differed before" if True in flat else "no time before to check"
    if whole.low > 0:
        return f"goes with more money; {checked}"
    return "goes with less money" if whole.high < 0 else "no difference to be seen"


def is_known(number: float) -> bool:
    """Whether a figure could be told."""
    return bool(np.isfinite(number))
