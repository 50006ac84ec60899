"""Resamples of accounts for lifetime values: whole accounts are drawn, histories and amounts together."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from kpi_lib.stats.cells import added_up
from kpi_lib.stats.distributions import Floats
from kpi_lib.stats.value_models import Sample, Valued

if TYPE_CHECKING:
    import pandas as pd

DRAWS = 400
SEED = 20_260_630
_CELLS = 4_000_000
"""Counts held at once: more accounts are drawn in more goes."""

_KEYS = ("repeats", "recency", "age", "amount")
_SUMS = ("units", "amount_sum", "amount_squares")


def sample_of(rows: pd.DataFrame, present: np.ndarray | None = None) -> Sample:
    """Reduced rows as a sample, equal histories added up, in an order of their own.

    With `present` (one flag per row) the rows stay as they are, those not present with a count
    of 0.
    """
    kinds = rows["kind"].to_numpy(dtype=object)
    keys = [rows[name].to_numpy(dtype=np.float64) for name in _KEYS]
    sums = [rows[name].to_numpy(dtype=np.float64) for name in _SUMS]
    if present is None:
        kept, sums = added_up((kinds.astype(str), *keys), sums)
        kinds, keys = kinds[kept], [key[kept] for key in keys]
    units = sums[0]
    mean, squares = sums[1] / units, sums[2] / units
    there = np.ones(len(units), dtype=bool) if present is None else present
    repeats, recency, age = (np.where(there, key, 0.0) for key in keys[:3])
    return Sample(
        str(kinds[0]) if len(units) else "",
        repeats,
        recency,
        age,
        np.where(there, mean, 0.0),
        np.where(there, np.maximum(squares - mean**2, 0.0), 0.0),
        np.where(there, units, 0.0),
    )


def draws_of(sample: Sample, found: Valued, seed: int = 0) -> Floats:
    """Values of resamples of the accounts: (draws,); null where there is no value."""
    if found.matrix is None or found.finish is None:
        return np.full(DRAWS, np.nan)
    generator = np.random.default_rng(SEED + seed)
    sums = _drawn(sample.counts, found.matrix, generator)
    return found.finish(sums, generator.standard_normal(DRAWS))


def drawn_with(weights: Floats, sample: Sample, found: Valued) -> Floats:
    """Values of resamples in which each row of the sample counts so often: (draws,); null without one.

    `weights` is (draws, rows); one that gives a row of several accounts draws them all alike.
    """
    if found.matrix is None or found.finish is None:
        return np.full(len(weights), np.nan)
    return found.finish((weights * sample.counts) @ found.matrix, np.zeros(len(weights)))


def joint_draws(pairs: pd.DataFrame, samples: Sequence[Sample], found: Sequence[Valued]) -> Floats:
    """Later minus earlier value in resamples in which an account is drawn for both: (draws,)."""
    if any(one.matrix is None for one in found):
        return np.full(DRAWS, np.nan)
    generator = np.random.default_rng(SEED)
    units = pairs["units"].to_numpy(dtype=np.float64)
    together = pairs["products"].to_numpy(dtype=np.float64) / units
    both = (samples[0].counts > 0) & (samples[1].counts > 0)
    shared = np.where(both, together - samples[0].amounts * samples[1].amounts, 0.0)
    there = [(sample.counts > 0).astype(np.float64)[:, None] for sample in samples]
    parts = [
        one.matrix * flag for one, flag in zip(found, there, strict=True) if one.matrix is not None
    ]
    spreads = np.stack([samples[0].variances, shared, samples[1].variances], axis=1)
    sums = _drawn(units, np.concatenate([*parts, spreads], axis=1), generator)
    noise = _noise(sums[:, -3:], generator)
    width = parts[0].shape[1]
    sides = (sums[:, :width], sums[:, width:-3])
    values = [
        one.finish(side, z) for one, side, z in zip(found, sides, noise, strict=True) if one.finish
    ]
    return np.asarray(values[1] - values[0])


def _noise(spreads: Floats, generator: np.random.Generator) -> tuple[Floats, Floats]:
    """Two standard normal numbers per draw, correlated as the amounts within histories are."""
    first, other = generator.standard_normal((2, len(spreads)))
    size = np.sqrt(spreads[:, 0] * spreads[:, 2])
    shared = np.clip(np.divide(spreads[:, 1], size, out=np.zeros_like(size), where=size > 0), -1, 1)
    return first, shared * first + np.sqrt(1.0 - shared**2) * other


def _drawn(counts: Floats, matrix: Floats, generator: np.random.Generator) -> Floats:
    """Sums of the matrix over each resample of as many accounts as there are: (draws, sums)."""
    total = round(float(counts.sum()))
    if not total:
        return np.zeros((DRAWS, matrix.shape[1]))
    share = counts / counts.sum()
    goes = math.ceil(DRAWS * counts.size / _CELLS)
    sizes = [len(part) for part in np.array_split(np.arange(DRAWS), goes)]
    parts = [generator.multinomial(total, share, size=size) @ matrix for size in sizes]
    return np.asarray(np.concatenate(parts), dtype=np.float64)


def spread(draws: Floats, level: float) -> tuple[float, float, float]:
    """Lower and upper percentile limit, and standard error; null where a draw has no value."""
    if not np.isfinite(draws).all():
        return math.nan, math.nan, math.nan
    low, high = np.quantile(draws, [0.5 - level / 2, 0.5 + level / 2])
    return float(low), float(high), float(draws.std(ddof=1))


def p_value(changes: Floats) -> float:
    """Two-sided, from how many draws lie on the smaller side of zero."""
    sides = ((changes <= 0).sum(), (changes >= 0).sum())
    return min(1.0, 2 * (float(min(sides)) + 1) / (changes.size + 1))
