"""Those touched against those not yet touched: odds, effect of one more touch, and what was so before.

All from counted cells (a frame): lever, state, month (stratum), segment, ideal, touches (at the landmark),
n (units), moved (of them), and for the placebo known, before_sum, before_squares. Association only.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from kpi_lib.stats.distributions import Floats, t_two_sided, z_two_sided
from kpi_lib.stats.logistic import fit_logistic

if TYPE_CHECKING:
    import pandas as pd

GROUP = ["lever", "state"]
FEWEST = 10
"""Fewer touched or untouched units than this, or none with one of the two ends: no estimate."""
LINEAR, SATURATING = "each touch alike", "each touch less"


def groups_of(cells: pd.DataFrame) -> Iterator[tuple[tuple[str, str], pd.DataFrame]]:
    """The cells of each lever and state, in their order."""
    for key, rows in cells.groupby(GROUP, sort=True):
        names: Any = key
        yield (str(names[0]), str(names[1])), rows


def too_thin(rows: pd.DataFrame) -> str:
    """Why nothing can be said of a lever in a state; "" where something can."""
    touched = rows["touches"] > 0
    with_it, without = (rows.loc[side, "n"].sum() for side in (touched, ~touched))
    if with_it < FEWEST:
        return f"{with_it:.0f} touched; it takes {FEWEST}"
    if without < FEWEST:
        return f"{without:.0f} not touched; it takes {FEWEST}"
    moved, all_of = rows["moved"].sum(), rows["n"].sum()
    return "" if 0 < moved < all_of else "all of them ended the same way"


def mantel_haenszel(tables: Sequence[Any], level: float) -> tuple[float, float, float]:
    """Common odds ratio over strata, and its interval; NaN where a side is empty.

    `tables`: four arrays over strata: touched and moved, touched and not, others moved, others not. Strata
    may be thin. Source: Mantel and Haenszel (1959); variance of the logarithm by Robins, Breslow
    and Greenland (1986), Biometrics 42.
    """
    a, b, c, d = (np.asarray(one, dtype=np.float64) for one in tables)
    total = np.maximum(a + b + c + d, 1.0)
    up, down = a * d / total, b * c / total
    top, bottom = float(up.sum()), float(down.sum())
    if top <= 0 or bottom <= 0:
        return (math.inf if top > 0 else math.nan if bottom <= 0 else 0.0, math.nan, math.nan)
    same, other = (a + d) / total, (b + c) / total
    variance = (
        (same * up).sum() / (2 * top**2)
        + (same * down + other * up).sum() / (2 * top * bottom)
        + (other * down).sum() / (2 * bottom**2)
    )
    centre, half = math.log(top / bottom), z_two_sided(level) * math.sqrt(float(variance))
    return top / bottom, math.exp(centre - half), math.exp(centre + half)


def effectiveness(cells: pd.DataFrame, level: float) -> pd.DataFrame:
    """One row per lever and state: touched, others, share_touched, share_others, odds_ratio, low, high, reason.

    The odds ratio compares within the month of entering the state (Mantel-Haenszel); shares are plain.
    """
    import pandas as pd

    rows = []
    for key, own in groups_of(cells):
        touched = (own["touches"] > 0).to_numpy()
        _, month = np.unique(own["month"].to_numpy(), return_inverse=True)
        moved, left = own["moved"].to_numpy(float), (own["n"] - own["moved"]).to_numpy(float)
        tables = [
            np.bincount(month, number * side)
            for side in (touched, ~touched)
            for number in (moved, left)
        ]
        a, b, c, d = (float(one.sum()) for one in tables)
        reason = too_thin(own)
        found = (math.nan,) * 3 if reason else mantel_haenszel(tables, level)
        if not reason and not all(map(math.isfinite, found)):
            reason = "one side never moved on, or always did"
        shares = (a / (a + b) if a + b else math.nan, c / (c + d) if c + d else math.nan)
        rows.append((*key, int(a + b), int(c + d), *shares, *found, reason))
    columns = [*GROUP, "touched", "others", "share_touched", "share_others"]
    return pd.DataFrame(rows, columns=[*columns, "odds_ratio", "low", "high", "reason"])


def elasticity(cells: pd.DataFrame, level: float) -> pd.DataFrame:
    """One row per lever and state: units, per_touch (log-odds), low, high, form, first, second, third, reason.

    Logistic regression on the cells; month (as a trend), segment and fit with the ideal customer are
    held equal. `per_touch`: change of the log-odds per further touch. `form`: whether log(1 + touches)
    describes the cells better than touches; `first`, `second`, `third`: what that touch adds (log-odds)
    in the better form. One unit of the penalty keeps thin data from running away.
    """
    import pandas as pd

    rows = []
    for key, own in groups_of(cells):
        reason = too_thin(own)
        if reason:
            rows.append((*key, int(own["n"].sum()), *[math.nan] * 3, "", *[math.nan] * 3, reason))
            continue
        rows.append((*key, int(own["n"].sum()), *_fitted(own, level), ""))
    columns = [*GROUP, "units", "per_touch", "low", "high", "form", "first", "second", "third"]
    return pd.DataFrame(rows, columns=[*columns, "reason"])


def _fitted(own: pd.DataFrame, level: float) -> tuple[Any, ...]:
    touches = own["touches"].to_numpy(dtype=np.float64)
    held = _held_equal(own)
    fits = [_fit(own, curve, held) for curve in (touches, np.log1p(touches))]
    slope, error, _ = fits[0]
    saturates = len(np.unique(touches)) > 2 and fits[1][2] > fits[0][2]
    steps = np.diff(np.log1p(np.arange(4.0))) * fits[1][0] if saturates else np.full(3, slope)
    steps = np.where(np.arange(1, 4) <= touches.max(), steps, np.nan)
    half = z_two_sided(level) * error
    form = SATURATING if saturates else LINEAR
    return (slope, slope - half, slope + half, form, *map(float, steps))


def _fit(own: pd.DataFrame, curve: Floats, held: Floats) -> tuple[float, float, float]:
    """Slope of the curve, its standard error, and the log-likelihood."""
    features = np.column_stack([curve, held])
    moved, left = own["moved"].to_numpy(float), (own["n"] - own["moved"]).to_numpy(float)
    outcome = np.r_[np.ones(len(own)), np.zeros(len(own))]
    weights = np.r_[moved, left]
    used = weights > 0
    twice = np.r_[features, features]
    fit = fit_logistic(twice[used], outcome[used], weights[used])
    chance = np.clip(fit.probabilities(features), 1e-12, 1 - 1e-12)
    likelihood = float(moved @ np.log(chance) + left @ np.log(1 - chance))
    return float(fit.coefficients[1]), float(np.sqrt(fit.covariance[1, 1])), likelihood


def _held_equal(own: pd.DataFrame) -> Floats:
    """Months passed, and a column for each segment and answer on fit but one of each."""
    months = own["month"].to_numpy().astype("datetime64[M]").astype(np.float64)
    columns = [months]
    for name in ("segment", "ideal"):
        kinds = np.unique(own[name].to_numpy(dtype=str))
        columns += [(own[name].to_numpy(dtype=str) == kind).astype(float) for kind in kinds[1:]]
    return np.column_stack(columns)


def placebo(cells: pd.DataFrame, level: float) -> pd.DataFrame:
    """One row per lever and state: known, others_known, slower, low, high, differs (flag or null), reason.

    The outcome before the exposure: how long the unit took through the state before. `slower`: mean
    log-days of those touched less that of the others; a lever cannot have changed it, so an interval
    without 0 says that it was sent to others than it passed by. Welch's interval, within all months.
    """
    import pandas as pd

    rows = []
    for key, own in groups_of(cells):
        touched = own["touches"] > 0
        one, two = (_spread(own[side]) for side in (touched, ~touched))
        if min(one[0], two[0]) < FEWEST:
            rows.append((*key, int(one[0]), int(two[0]), *[math.nan] * 3, None, _unknown(one, two)))
            continue
        gap, parts = one[1] - two[1], [one[2] / one[0], two[2] / two[0]]
        variance = sum(parts)
        squares = parts[0] ** 2 / (one[0] - 1) + parts[1] ** 2 / (two[0] - 1)
        degrees = variance**2 / squares if squares > 0 else math.inf
        half = float(t_two_sided(level, degrees)) * math.sqrt(variance) if variance > 0 else 0.0
        differs = bool(gap - half > 0 or gap + half < 0)
        rows.append((*key, int(one[0]), int(two[0]), gap, gap - half, gap + half, differs, ""))
    columns = [*GROUP, "known", "others_known", "slower", "low", "high", "differs", "reason"]
    return pd.DataFrame(rows, columns=columns)


def _spread(own: pd.DataFrame) -> tuple[float, float, float]:
    """Units with a known state before, their mean log-days and variance."""
    n, total, squares = (float(own[c].sum()) for c in ("known", "before_sum", "before_squares"))
    if n < 2:
        return n, math.nan, math.nan
    return n, total / n, max(squares - total**2 / n, 0.0) / (n - 1)


def _unknown(one: tuple[float, ...], two: tuple[float, ...]) -> str:
    if one[0] + two[0] == 0:
        return "no state lies before"
    return (
        f"{one[0]:.0f} touched and {two[0]:.0f} others have a state before; it takes {FEWEST} each"
    )


MOSTLY = 0.5
"""From this share of touches in the last fifth of the stay on, the lever is sent at the end."""


def reading(low: float, high: float, differs: bool | None, late: float, reason: str) -> str:
    """What the odds ratio's interval may be read as, once the checks are heard: one plain phrase."""
    if differs:
        return "chosen: those touched were different before"
    if late >= MOSTLY:
        return "sent at the end: it follows what was about to happen"
    if reason:
        return f"cannot be told: {reason}"
    if low > 1:
        checked = "nothing differed before" if differs is False else "no time before to check"
        return f"goes with moving on; {checked}"
    return "goes with staying" if high < 1 else "no difference to be seen"
