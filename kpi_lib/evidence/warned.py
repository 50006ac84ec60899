"""How many of those that past lists named have left, against all that were at risk."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

import numpy as np

from kpi_lib.evidence.finding import Settings
from kpi_lib.periods import add_months
from kpi_lib.stats.bootstrap import cluster_weights

if TYPE_CHECKING:
    import pandas as pd

FOLLOWED_MONTHS = 12
"""How long after its review a named account is followed: one yearly term."""


def counted(reviews: pd.DataFrame, accounts: pd.DataFrame, as_of: date) -> pd.DataFrame:
    """The reviews with how many were at risk, named, lost, and the shares of them."""
    both = accounts["is_named"].astype(bool) & accounts["has_left"].astype(bool)
    sums = accounts.assign(both=both).groupby("review")[["is_named", "has_left", "both"]].sum()
    sums = sums.assign(at_risk=accounts.groupby("review").size()).reindex(reviews["review"])
    counts = sums.fillna(0).astype("int64").reset_index(drop=True)
    renamed = {"is_named": "named", "has_left": "left", "both": "named_left"}
    made = reviews.join(counts.rename(columns=renamed))
    divided = {"precision": ("named_left", "named"), "base_rate": ("left", "at_risk")}
    divided["recall"] = ("named_left", "left")
    shares = {name: made[of] / made[by].where(made[by] > 0) for name, (of, by) in divided.items()}
    return made.assign(**shares, months_followed=[followed(day, as_of) for day in made["day"]])


def followed(day: date, as_of: date) -> int:
    """Whole months of what came after a review that are known today, at most `FOLLOWED_MONTHS`."""
    known = sum(
        add_months(day + timedelta(days=1), months) <= as_of + timedelta(days=1)
        for months in range(1, FOLLOWED_MONTHS + 1)
    )
    return known


def lift_of(
    accounts: pd.DataFrame, settings: Settings
) -> tuple[float | None, float | None, float | None]:
    """Precision over base rate of all reviews together, low, high: accounts are drawn anew."""
    if accounts.empty:
        return None, None, None
    named = accounts["is_named"].to_numpy(dtype=np.float64)
    left = accounts["has_left"].to_numpy(dtype=np.float64)
    if not (named * left).sum():
        return (0.0 if named.sum() and left.sum() else None), None, None
    weights = cluster_weights(accounts["account_id"], settings.draws, settings.seed)
    with np.errstate(invalid="ignore", divide="ignore"):
        drawn = _ratio(weights @ (named * left), weights @ named, weights @ left, weights.sum(1))
    drawn = drawn[np.isfinite(drawn)]
    alpha = settings.alpha / 2
    value = float(_ratio((named * left).sum(), named.sum(), left.sum(), len(named)))
    if not len(drawn):
        return value, None, None
    low, high = np.quantile(drawn, [alpha, 1 - alpha])
    return value, float(low), float(high)


def _ratio(both: Any, named: Any, left: Any, count: Any) -> Any:
    return (both / named) / (left / count)
