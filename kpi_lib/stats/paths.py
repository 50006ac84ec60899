"""Counted paths: how often each order of touches was followed by the outcome, and how often not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from kpi_lib.stats.distributions import Floats

MODELS = ("first", "last", "linear", "position", "time_decay", "shapley")
"""The models that split each path's outcome among its own touches."""


@dataclass(frozen=True)
class Rules:
    """What the models leave open.

    `first`, `last`: the shares of a path's first and last touch in the position model, the rest
    falls on those between (the two of a path of two share everything in proportion). `half_life`: a
    touch so many days before the outcome counts half as much as one on its day.
    """

    first: float = 0.4
    last: float = 0.4
    half_life: float = 30.0


@dataclass(frozen=True)
class CountedPaths:
    """Distinct paths with their counts.

    `codes` (paths, longest path): the lever of each touch in order, -1 behind the last one. `converted`,
    `lost`: how often the path was followed by the outcome, and how often not. `value`: what the
    outcomes were worth together. `ages` (as codes): days from the touch to the outcome, on average.
    """

    levers: tuple[str, ...]
    codes: Any
    converted: Floats
    lost: Floats
    value: Floats
    ages: Floats | None = field(default=None)

    @property
    def lengths(self) -> Any:
        """Touches per path."""
        return (self.codes >= 0).sum(axis=1)


def counted_paths(
    paths: Sequence[Sequence[str]],
    converted: Any,
    lost: Any = None,
    value: Any = None,
    ages: Sequence[Sequence[float]] | None = None,
) -> CountedPaths:
    """Paths given as lists of lever names; `lost` defaults to none, `value` to one per outcome.

    Raises ValueError for an empty path, which belongs to no lever.
    """
    if not all(len(path) for path in paths):
        raise ValueError("a path has at least one touch")
    names = sorted({lever for path in paths for lever in path})
    place: Mapping[str, int] = {name: code for code, name in enumerate(names)}
    lengths = np.array([len(path) for path in paths], dtype=np.int64)
    inside = np.arange(lengths.max(initial=1)) < lengths[:, None]
    codes = np.full(inside.shape, -1, dtype=np.int64)
    codes[inside] = [place[lever] for path in paths for lever in path]
    seen = np.asarray(converted, dtype=np.float64)
    days = None
    if ages is not None:
        days = np.zeros(inside.shape)
        days[inside] = [age for path in ages for age in path]
    return CountedPaths(
        levers=tuple(names),
        codes=codes,
        converted=seen,
        lost=np.zeros_like(seen) if lost is None else np.asarray(lost, dtype=np.float64),
        value=seen if value is None else np.asarray(value, dtype=np.float64),
        ages=days,
    )


def touch_shares(paths: CountedPaths, model: str, rules: Rules | None = None) -> Floats:
    """The share of a path's outcome that each of its touches gets: as `codes`, rows add up to 1.

    `time_decay` needs ages. Raises ValueError for a model that does not split paths by touch.
    """
    chosen = rules or Rules()
    inside, lengths = paths.codes >= 0, paths.lengths
    place = np.arange(inside.shape[1])
    is_first, is_last = place == np.zeros_like(lengths)[:, None], place == lengths[:, None] - 1
    if model == "first":
        raw = is_first.astype(np.float64)
    elif model == "last":
        raw = is_last.astype(np.float64)
    elif model == "linear":
        raw = inside.astype(np.float64)
    elif model == "position":
        between = (1 - chosen.first - chosen.last) / np.maximum(lengths - 2, 1)[:, None]
        raw = chosen.first * is_first + chosen.last * is_last
        raw = np.where(is_first | is_last, raw, between * inside)
    elif model == "time_decay":
        raw = _decayed(paths, inside, chosen.half_life)
    elif model == "shapley":
        raw = inside / _repeats(paths.codes)
    else:
        raise ValueError(f"{model!r} does not split a path among its touches")
    raw = np.where(inside, raw, 0.0)
    whole = raw.sum(axis=1, keepdims=True)
    even = inside / np.maximum(lengths, 1)[:, None]
    return np.where(whole > 0, raw / np.where(whole > 0, whole, 1.0), even)


def _decayed(paths: CountedPaths, inside: Any, half_life: float) -> Floats:
    """Halved every half-life, counted from the touch nearest to the outcome (the same shares)."""
    if paths.ages is None:
        raise ValueError("time decay needs the days from each touch to the outcome")
    nearest = np.where(inside, paths.ages, np.inf).min(axis=1, keepdims=True)
    return np.asarray(0.5 ** ((paths.ages - nearest) / half_life), dtype=np.float64)


def _repeats(codes: Any) -> Floats:
    """How often the lever of each touch occurs in its path."""
    rows = len(codes)
    keys = np.arange(rows)[:, None] * (codes.max(initial=0) + 2) + codes + 1
    return np.asarray(np.bincount(keys.ravel())[keys], dtype=np.float64)


def lever_shares(paths: CountedPaths, model: str, rules: Rules | None = None) -> Floats:
    """The same added up by lever: (paths, levers), rows add up to 1."""
    shares = touch_shares(paths, model, rules)
    rows = len(shares)
    keys = np.arange(rows)[:, None] * (len(paths.levers) + 1) + paths.codes + 1
    flat = np.bincount(keys.ravel(), shares.ravel(), minlength=rows * (len(paths.levers) + 1))
    return np.asarray(flat.reshape(rows, -1)[:, 1:], dtype=np.float64)
