"""Bootstrap over clusters (accounts), and bounds that hold for several figures at once."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from kpi_lib.stats.distributions import Floats

if TYPE_CHECKING:
    import pandas as pd


def cluster_weights(clusters: Any, draws: int, seed: int) -> Floats:
    """How often each row counts in each resample of whole clusters: (draws, rows).

    Clusters are drawn with replacement, as many as there are; the same seed gives the same weights
    whatever the order of the rows. Source: Davison and Hinkley (1997), 3.8.
    """
    names, row_cluster = np.unique(np.asarray(clusters), return_inverse=True)
    if not names.size:
        return np.zeros((draws, 0))
    make = _counts if names.size * draws <= MOST_KEPT else _counts.__wrapped__
    return np.take(make(names.size, draws, seed), row_cluster, axis=1).astype(np.float64)


@lru_cache(maxsize=4)
def _counts(clusters: int, draws: int, seed: int) -> Any:
    """How often each cluster is drawn: (draws, clusters), as the smallest whole numbers that hold it.

    The last ones are kept for the next KPI: drawing takes longer than what is done with them.
    """
    generator = np.random.default_rng(seed)
    counts = generator.multinomial(clusters, np.full(clusters, 1 / clusters), size=draws)
    found = counts.astype(np.min_scalar_type(int(counts.max(initial=0))))
    found.setflags(write=False)
    return found


MOST_KEPT = 40_000_000
"""Numbers kept in memory at most (40 MB, at a byte each)."""


def simultaneous_bounds(estimates: Any, draws: Any, level: float) -> pd.DataFrame:
    """One row per figure: estimate, standard_error, lower, upper.

    With chance `level` all the lower bounds hold at once, and so with all the upper ones (each side
    is one-sided). `draws` is (draws, figures); draws with an unknown figure are left out. Max-t:
    Westfall and Young (1993), chapter 2. Bounds are null with fewer than 20 draws left.
    """
    import pandas as pd

    centre = np.asarray(estimates, dtype=np.float64)
    values = np.asarray(draws, dtype=np.float64).reshape(-1, centre.size)
    values = values[np.isfinite(values).all(axis=1)]
    if len(values) < MIN_DRAWS:
        nothing = np.full(centre.shape, np.nan)
        columns = {"standard_error": nothing, "lower": nothing, "upper": nothing}
        return pd.DataFrame({"estimate": centre} | columns)
    error = values.std(axis=0, ddof=1)
    distance = (values - centre)[:, error > 0] / error[error > 0]
    above, below = _reach(distance, level), _reach(-distance, level)
    columns = {"standard_error": error, "lower": centre - above * error}
    return pd.DataFrame({"estimate": centre} | columns | {"upper": centre + below * error})


MIN_DRAWS = 20


def _reach(distance: Floats, level: float) -> float:
    """The largest distance over the figures that is exceeded with chance 1 - level."""
    return float(np.quantile(distance.max(axis=1), level)) if distance.shape[1] else 0.0
