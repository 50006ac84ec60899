"""Resamples that several figures share: an account drawn twice for one is drawn twice for all."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Protocol, runtime_checkable

import numpy as np

from kpi_lib.stats.distributions import Floats

if TYPE_CHECKING:
    import pandas as pd

    from kpi_lib.kpi import Estimator

DRAWS = 400
SEED = 20_260_630
_CELLS = 4_000_000
"""Weights held at once: where there are more, fewer resamples are made in one go."""


@runtime_checkable
class Resampled(Protocol):
    """An estimator that has a quicker, or a truer, way to its values in resamples."""

    def points(self, reduced: pd.DataFrame, by: Sequence[str]) -> pd.DataFrame:
        """What it estimates, the interval left out: *by, value, n, resolved, reason."""
        ...

    def draws(self, reduced: pd.DataFrame, weights: Floats) -> Floats:
        """The value in each resample, (draws,), null where there is none.

        `weights` (draws, rows) says how often each row of `reduced` counts in each.
        """
        ...


def points_of(
    estimator: Estimator, reduced: pd.DataFrame, by: Sequence[str], level: float
) -> pd.DataFrame:
    """What an estimator says of each cell: *by, value, n, resolved, reason, and perhaps more."""
    if isinstance(estimator, Resampled):
        return estimator.points(reduced, by)
    return estimator.estimate(reduced, by, level)


def draws_of(estimator: Estimator, reduced: pd.DataFrame, weights: Floats, level: float) -> Floats:
    """The value of an estimator in each resample of its reduced rows: (draws,), null for none.

    Reduced rows are additive, so a row that counts twice is there twice. Estimators that are
    `Resampled` do it themselves.
    """
    if reduced.empty:
        return np.full(len(weights), np.nan)
    if isinstance(estimator, Resampled):
        return estimator.draws(reduced, weights)
    draw, row = np.nonzero(weights)
    times = weights[draw, row].astype(np.int64)
    repeated = reduced.iloc[np.repeat(row, times)].assign(resample=np.repeat(draw, times))
    cells = estimator.estimate(repeated, ["resample"], level)
    values = np.full(len(weights), np.nan)
    values[cells["resample"].to_numpy(dtype=np.int64)] = cells["value"].to_numpy(dtype=np.float64)
    return values


def shared_weights(clusters: int, seed: int = 0) -> Iterator[Floats]:
    """How often each cluster counts in each of `DRAWS` resamples, in blocks of (draws, clusters).

    Each cluster counts as often as a Poisson number of mean 1 says, so that their number varies
    too, and a count of few is as uncertain as it is. Source: Hanley and MacGibbon (2006), Computer
    Methods and Programs in Biomedicine 83:57.
    """
    generator = np.random.default_rng(SEED + seed)
    block = max(1, _CELLS // max(1, clusters))
    for start in range(0, DRAWS, block):
        size = (min(block, DRAWS - start), clusters)
        yield generator.poisson(1.0, size).astype(np.float64)


def by_content(codes: Sequence[np.ndarray], contents: Sequence[Floats], count: int) -> np.ndarray:
    """Places 0, 1, ... for clusters 0, 1, ..., in an order that follows from what is in their rows.

    `codes` and `contents` have one array per frame: the cluster of each row, and its numbers (rows,
    columns). Neither the names of clusters nor the order of rows matter; two of the same content may
    change places, which changes nothing.
    """
    total = np.zeros(count)
    for frame, (code, content) in enumerate(zip(codes, contents, strict=True)):
        factors = np.random.default_rng([SEED, frame]).uniform(1.0, 2.0, content.shape[1])
        total += np.bincount(code, np.nan_to_num(content) @ factors, minlength=count)
    places = np.empty(count, dtype=np.int64)
    places[np.argsort(total, kind="stable")] = np.arange(count)
    return places
