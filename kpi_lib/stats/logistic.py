"""Logistic regression with a small ridge penalty, for one sample or for many weightings of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from kpi_lib.stats.distributions import Floats, z_tail, z_two_sided

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd

_STEPS = 50
_LONGEST_STEP = 4.0
_CLOSE = 1e-9
_CONSTANT = 1e-6
"""A standardised feature that spreads less than this over some rows is the same in all of them."""


@dataclass(frozen=True)
class LogisticFit:
    """Intercept first, then one number per feature, in the features' own units."""

    coefficients: Floats
    covariance: Floats
    converged: bool

    def probabilities(self, features: Any) -> Floats:
        """The fitted chance of the outcome for each row."""
        return _chance(self.coefficients[0] + _matrix(features) @ self.coefficients[1:])

    def odds_ratios(self, names: Sequence[str], level: float = 0.95) -> pd.DataFrame:
        """One row per feature: name, odds_ratio, low, high, p_value (Wald), per unit of the feature."""
        import pandas as pd

        log_odds = self.coefficients[1:]
        error = np.sqrt(np.diag(self.covariance)[1:])
        half = z_two_sided(level) * error
        return pd.DataFrame(
            {
                "name": list(names),
                "odds_ratio": np.exp(log_odds),
                "low": np.exp(log_odds - half),
                "high": np.exp(log_odds + half),
                "p_value": [
                    z_tail(b / e) if e > 0 else np.nan for b, e in zip(log_odds, error, strict=True)
                ],
            }
        )


def fit_logistic(
    features: Any, outcome: Any, weights: Any = None, penalty: float = 1.0
) -> LogisticFit:
    """The fit that maximises log-likelihood - penalty / 2 * sum of squared coefficients.

    `features` (rows, features) are standardised for the penalty, which leaves out the intercept; a
    penalty of 0 is maximum likelihood. Newton's method (iteratively reweighted least squares):
    Hastie, Tibshirani, Friedman (2009), 4.4 and le Cessie, van Houwelingen (1992). Raises
    ValueError when the outcome is the same in all rows.
    """
    frame = _matrix(features)
    used = np.ones(len(frame)) if weights is None else np.asarray(weights, dtype=np.float64)
    has = np.asarray(outcome, dtype=np.float64)
    if not 0 < float(used @ has) < float(used.sum()):
        raise ValueError("the outcome is the same in all rows")
    centre, scale = _scaling(frame)
    steps = _newton(_design(frame, centre, scale), has, used[None], penalty)
    back = _unscale(centre, scale)
    return LogisticFit(
        coefficients=back @ steps.coefficients[0],
        covariance=back @ np.linalg.inv(steps.information[0]) @ back.T,
        converged=steps.converged,
    )


def logistic_draws(features: Any, outcome: Any, weight_matrix: Any, penalty: float = 1.0) -> Floats:
    """Coefficients (draws, 1 + features) of the fit under each row of weights (draws, rows).

    Draws without both outcomes give NaN. A thousand draws of 2,000 rows take about a second.
    """
    frame, weights = _matrix(features), np.asarray(weight_matrix, dtype=np.float64)
    has = np.asarray(outcome, dtype=np.float64)
    usable = (weights @ has > 0) & (weights @ (1 - has) > 0)
    centre, scale = _scaling(frame)
    found = np.full((len(weights), frame.shape[1] + 1), np.nan)
    if usable.any():
        design, used = _design(frame, centre, scale), weights[usable]
        start = _newton(design, has, used.mean(axis=0)[None], penalty).coefficients
        steps = _newton(design, has, used, penalty, start)
        found[usable] = steps.coefficients @ _unscale(centre, scale).T
    return found


def cross_fitted_probabilities(
    features: Any, outcome: Any, groups: Any, *, folds: int = 5, seed: int = 0, penalty: float = 1.0
) -> Floats:
    """Each row's chance of the outcome, from a fit that has not seen the rows of its group.

    Groups (accounts) with and without the outcome are dealt to the folds evenly and at random
    (seeded). A fold whose other rows show one outcome only gets its rate, (k + 1/2) / (n + 1).
    """
    frame, has = _matrix(features), np.asarray(outcome, dtype=np.float64)
    fold = group_folds(groups, outcome, folds=folds, seed=seed)
    test = fold == np.unique(fold)[:, None]
    return np.asarray(_left_out(frame, has, test, penalty)[fold, np.arange(len(frame))])


def repeatedly_cross_fitted(
    features: Any, outcome: Any, groups: Any, *, folds: int, seeds: Sequence[int]
) -> Floats:
    """The mean of `cross_fitted_probabilities` over foldings with these seeds, fitted together."""
    frame, has = _matrix(features), np.asarray(outcome, dtype=np.float64)
    _, codes = np.unique(np.asarray(groups), return_inverse=True)
    dealt = [group_folds(codes, outcome, folds=folds, seed=seed) for seed in seeds]
    tests = [fold == np.unique(fold)[:, None] for fold in dealt]
    chances = _left_out(frame, has, np.concatenate(tests), penalty=1.0)
    first = np.cumsum([0, *(len(test) for test in tests)])
    rows = np.arange(len(frame))
    own = [chances[fold + start, rows] for fold, start in zip(dealt, first, strict=False)]
    return np.asarray(np.mean(own, axis=0), dtype=np.float64)


def _left_out(frame: Floats, has: Floats, test: Any, penalty: float) -> Floats:
    """Chances (parts, rows) from fits that each leave out the rows marked in `test` (parts, rows).

    One design serves all: the penalty of each fit is that of features standardised over its own rows.
    """
    seen = (~test).astype(np.float64)
    count, hits = seen.sum(axis=1), seen @ has
    chances = np.repeat(((hits + 0.5) / (count + 1))[:, None], len(frame), axis=1)
    usable = (hits > 0) & (hits < count)
    if usable.any():
        centre, scale = _scaling(frame)
        design, used = _design(frame, centre, scale), seen[usable]
        mean = used @ design[:, 1:] / count[usable, None]
        spread = np.sqrt(
            np.clip(used @ design[:, 1:] ** 2 / count[usable, None] - mean**2, 0, None)
        )
        own = penalty * np.where(spread > _CONSTANT, spread, 1.0) ** 2
        start = _newton(design, has, used.mean(axis=0)[None], penalty).coefficients
        chances[usable] = _chance(_newton(design, has, used, own, start).coefficients @ design.T)
    return chances


def group_folds(groups: Any, outcome: Any, *, folds: int = 5, seed: int = 0) -> Any:
    """A fold number per row; the rows of a group share it, whatever the order of the rows."""
    names, row_group = np.unique(np.asarray(groups), return_inverse=True)
    has = np.bincount(row_group, weights=np.asarray(outcome, dtype=np.float64)) > 0
    generator = np.random.default_rng(seed)
    dealt = np.concatenate([generator.permutation(np.flatnonzero(has == side)) for side in (1, 0)])
    number = np.empty(names.size, dtype=np.int64)
    number[dealt] = np.arange(names.size) % max(1, min(folds, names.size))
    return number[row_group]


@dataclass(frozen=True)
class _Steps:
    coefficients: Floats
    information: Floats
    converged: bool


def _newton(
    design: Floats,
    outcome: Floats,
    weights: Floats,
    penalty: Floats | float,
    start: Floats | float = 0.0,
) -> _Steps:
    """Newton steps for all weightings together; products of columns are formed once.

    `penalty` is one number, or one per weighting and column without the intercept.
    """
    rows, width = design.shape
    products = (design[:, :, None] * design[:, None, :]).reshape(rows, width * width)
    ridge = np.full((len(weights), width), _CLOSE)
    ridge[:, 1:] += penalty
    on_diagonal = ridge[:, :, None] * np.eye(width)
    coefficients = np.zeros((len(weights), width)) + start
    for _ in range(_STEPS):
        chance = _chance(coefficients @ design.T)
        information = (weights * chance * (1 - chance)) @ products
        information = information.reshape(-1, width, width) + on_diagonal
        slope = (weights * (outcome - chance)) @ design - coefficients * ridge
        step = np.linalg.solve(information, slope[:, :, None])[:, :, 0]
        longest = np.abs(step).max(axis=1, keepdims=True)
        coefficients = coefficients + step * np.minimum(1, _LONGEST_STEP / np.maximum(longest, 1))
        if longest.max() < _CLOSE:
            return _Steps(coefficients, information, converged=True)
    return _Steps(coefficients, information, converged=False)


def _chance(log_odds: Floats) -> Floats:
    return np.asarray(1 / (1 + np.exp(-np.clip(log_odds, -500, 500))), dtype=np.float64)


def _matrix(features: Any) -> Floats:
    frame = np.asarray(features, dtype=np.float64)
    return frame[:, None] if frame.ndim == 1 else frame


def _scaling(frame: Floats) -> tuple[Floats, Floats]:
    spread = frame.std(axis=0)
    return frame.mean(axis=0), np.where(spread > 0, spread, 1.0)


def _design(frame: Floats, centre: Floats, scale: Floats) -> Floats:
    return np.column_stack([np.ones(len(frame)), (frame - centre) / scale])


def _unscale(centre: Floats, scale: Floats) -> Floats:
    """The matrix that turns standardised coefficients into those of the features' own units."""
    back = np.diag(np.r_[1.0, 1 / scale])
    back[0, 1:] = -centre / scale
    return back
