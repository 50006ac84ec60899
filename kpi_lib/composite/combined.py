"""The estimator of a composite: each part by its own, all of them in the same resamples of accounts."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

import ibis
import ibis.expr.types as ir
import numpy as np

from kpi_lib.composite.card import Combine, Figures
from kpi_lib.composite.computed import (
    CELL,
    VALUE,
    Computed,
    Member,
    cells_of,
    counted,
    draws_in,
    not_counting,
    places_of,
    points_in,
)
from kpi_lib.composite.rows import (
    CLUSTER,
    PART,
    column_of,
    own_frame,
    own_rows,
    stacked,
    with_cluster,
)
from kpi_lib.kpi import Better, Difference
from kpi_lib.stats.cells import difference, estimates
from kpi_lib.stats.distributions import Floats
from kpi_lib.stats.power import normal_multiple
from kpi_lib.stats.resamples import draws_of, shared_weights
from kpi_lib.stats.value_draws import p_value, spread

if TYPE_CHECKING:
    import pandas as pd

_METHOD = "seeded bootstrap of accounts, shared by the parts"

_ANY_LEVEL = 0.9
"""The value of an estimate does not depend on the level of its interval."""


@dataclass(frozen=True)
class Combined:
    """What `combine` makes of the parts, with the interval that their shared resamples give.

    An account is drawn for all parts at once; a row without an account is drawn by itself. A period
    counts the fewest units of any part, and as much as resolved as the least resolved of them.
    """

    members: tuple[Member, ...]
    combine: Combine
    also: tuple[str, ...] = ()
    threshold: float | None = None
    better: Better = Better.HIGHER
    beside: tuple[tuple[str, str], ...] = ()
    """Parts that count only beside another one, with its name. Then any of them may be lacking."""

    @property
    def columns(self) -> tuple[str, ...]:
        """`part`, and the columns of each part's estimator under the name of the part."""
        own = {column_of(m.name, column) for m in self.members for column in m.estimator.columns}
        return (PART, *sorted(own))

    def counted(self, observations: ir.Table) -> ir.Table:
        """The rows that each part counts."""
        shared = [n for n in observations.columns if n != PART and n not in self.columns]
        own = {
            m.name: m.estimator.counted(own_rows(observations, m.name))
            for m in self._there(observations)
        }
        return stacked(own, shared).select(*observations.columns)

    def reduce(self, observations: ir.Table, by: Sequence[str]) -> ir.Table:
        """What each part reduces to, per cell of `by` and account; additive."""
        shared = list(dict.fromkeys([*by, CLUSTER]))
        rows = with_cluster(observations)
        each = {
            m.name: m.estimator.reduce(own_rows(rows, m.name), shared) for m in self._there(rows)
        }
        return stacked(each, shared)

    def _there(self, rows: ir.Table) -> list[Member]:
        """The parts that were observed: those whose columns stand in the rows."""
        return [
            m
            for m in self.members
            if {column_of(m.name, name) for name in m.estimator.columns} <= set(rows.columns)
        ]

    def estimate(self, reduced: pd.DataFrame, by: Sequence[str], level: float) -> pd.DataFrame:
        """*by, value, low, high, standard_error, n, resolved, chance, and a reason where there is none.

        `chance`: share of the draws beyond the threshold, on its better side; null without one.
        Further figures have their name, name_low and name_high; each part its own column of values.
        """
        found = self.computed(reduced, by, level)
        columns = counted(found) | self._spreads(found.draws[VALUE], level)
        columns["chance"] = self._chance(found.draws[VALUE])
        for name in self.also:
            ends = self._spreads(found.draws[name], level)
            columns[name] = found.points[name]
            columns |= {f"{name}_{end}": ends[end] for end in ("low", "high")}
        columns |= {m.name: found.parts[m.title]["value"].to_numpy() for m in self.members}
        return estimates(found.keys, by, columns, found.reasons())

    def points(self, reduced: pd.DataFrame, by: Sequence[str]) -> pd.DataFrame:
        """*by, value, n, resolved, reason: as `estimate`, without resamples."""
        keys, _, parts, points = self.pointed(reduced, by)
        found = Computed(keys, points, {}, parts, self._otherwise)
        return estimates(keys, by, counted(found), found.reasons())

    def draws(self, reduced: pd.DataFrame, weights: Floats) -> Floats:
        """The value in resamples that an outer composite makes: (draws,)."""
        values = {}
        for member in self.members:
            rows = own_frame(reduced, member.name)
            mine = weights[:, (reduced[PART] == member.name).to_numpy()]
            values[member.name] = draws_of(member.estimator, rows, mine, _ANY_LEVEL)
        return self._combined(values)[VALUE]

    def difference(
        self, earlier: pd.DataFrame, later: pd.DataFrame, *, level: float, power: float
    ) -> Difference:
        """Later minus earlier of two independent sets of accounts."""
        sides = [self.pointed(rows, [], level) for rows in (earlier, later)]
        if reason := self._lacking(sides[1]) or self._lacking(sides[0]):
            return difference(_METHOD, reason)
        first, second = (self._drawn(side, level, seed) for seed, side in enumerate(sides))
        points = (first.points[VALUE][0], second.points[VALUE][0])
        return _change(points, (first.draws[VALUE][0], second.draws[VALUE][0]), level, power)

    def reduce_pairs(self, observations: ir.Table, earlier: date, later: date) -> ir.Table:
        """The reduced rows of both periods; `is_later` tells them apart."""
        rows = observations.filter(observations["period"].isin([earlier, later]))
        return self.reduce(
            rows.mutate(is_later=rows["period"] == ibis.literal(later)), ["is_later"]
        )

    def paired_difference(self, pairs: pd.DataFrame, *, level: float, power: float) -> Difference:
        """Later minus earlier, the same accounts drawn for both."""
        both = self.pointed(pairs, ["is_later"], level)
        if reason := self._lacking(both, 2):
            return difference(_METHOD, reason)
        found = self._drawn(both, level)
        points, draws = found.points[VALUE], found.draws[VALUE]
        return _change((points[0], points[1]), (draws[0], draws[1]), level, power)

    def _lacking(self, pointed: _Pointed, cells: int = 1) -> str:
        """Why so many cells do not all have a value, the last of them first; "" where they have."""
        keys, _, parts, points = pointed
        if len(keys) < cells:
            return "nothing was observed in one of the periods"
        found = Computed(keys, points, {}, parts, self._otherwise)
        return next(filter(None, map(found.reason, reversed(range(cells)))), "")

    @property
    def _otherwise(self) -> str:
        return _NOTHING_BESIDE if self.beside else ""

    def units_needed(
        self, reduced: pd.DataFrame, change: float, *, level: float, power: float
    ) -> int | None:
        """Units, of the part with the fewest, in each of two independent sets that show `change`."""
        found = self.computed(reduced, [], level)
        error = spread(found.draws[VALUE][0], level)[2]
        if not error > 0 or not change > 0:
            return None
        fewest = float(counted(found)["n"][0])
        return math.ceil(
            fewest * (normal_multiple(level, power) * error * math.sqrt(2) / change) ** 2
        )

    def computed(
        self, reduced: pd.DataFrame, by: Sequence[str], level: float, seed: int = 0
    ) -> Computed:
        """Points and draws of every cell of `by`; without a point there are no draws either."""
        return self._drawn(self.pointed(reduced, by, level), level, seed)

    def _drawn(self, pointed: _Pointed, level: float, seed: int = 0) -> Computed:
        keys, frames, parts, points = pointed
        drawn = {m.name: np.full((len(keys), 0), np.nan) for m in self.members}
        places, count = places_of(frames)
        wanted = self._wanted(parts)
        for weights in shared_weights(count, seed):
            for m in self.members:
                mine = weights[:, places[m.name]]
                block = draws_in(m, frames[m.name], mine, wanted[m.name], level)
                drawn[m.name] = np.concatenate([drawn[m.name], block], axis=1)
        told = {name: np.isfinite(point)[:, None] for name, point in points.items()}
        draws = {n: np.where(told[n], one, np.nan) for n, one in self._combined(drawn).items()}
        return Computed(keys, points, draws, parts, self._otherwise)

    def _wanted(self, parts: Mapping[str, pd.DataFrame]) -> dict[str, np.ndarray]:
        """The cells in which each part counts: all, or those in which it and its other have a value."""
        known = {m.name: np.isfinite(parts[m.title][VALUE].to_numpy()) for m in self.members}
        both = {name: known[name] & known[other] for name, other in self.beside}
        both |= {other: both[name] for name, other in self.beside}
        return {name: both.get(name, np.ones_like(one)) for name, one in known.items()}

    def pointed(
        self, reduced: pd.DataFrame, by: Sequence[str], level: float = _ANY_LEVEL
    ) -> _Pointed:
        """The cells, and in each the parts and what comes of them: keys, rows, parts, points."""
        keys, cells = cells_of(reduced, by)
        rows = reduced.assign(**{CELL: cells})
        frames = {m.name: own_frame(rows, m.name) for m in self.members}
        parts = {m.title: points_in(m, frames[m.name], len(keys), level) for m in self.members}
        points = {m.name: parts[m.title]["value"].to_numpy() for m in self.members}
        if self.beside:  # others' figures are no units of ours
            wanted = self._wanted(parts)
            parts = {
                m.title: not_counting(
                    parts[m.title],
                    ~wanted[m.name] | np.full(len(keys), m.name not in dict(self.beside)),
                )
                for m in self.members
            }
        return keys, frames, parts, self._combined(points)

    def _combined(self, values: Figures) -> Figures:
        """The headline as `value`, and the further figures, each of the shape of the parts."""
        shape = next(iter(values.values())).shape
        with np.errstate(all="ignore"):
            made = self.combine(values)
        named = made if isinstance(made, Mapping) else {VALUE: made}
        names = (VALUE, *self.also)
        return {
            name: np.broadcast_to(np.asarray(one, dtype=np.float64), shape)
            for name, one in zip(names, named.values(), strict=True)
        }

    def _spreads(self, draws: Floats, level: float) -> dict[str, Floats]:
        ends = np.array([spread(row, level) for row in draws]).reshape(-1, 3)
        return dict(zip(("low", "high", "standard_error"), ends.T, strict=True))

    def _chance(self, draws: Floats) -> Floats:
        if self.threshold is None:
            return np.full(len(draws), np.nan)
        sign = 1.0 if self.better is Better.HIGHER else -1.0
        beyond = sign * draws > sign * self.threshold
        return np.where(np.isfinite(draws).all(axis=1), beyond.mean(axis=1), np.nan)


_Pointed = tuple["pd.DataFrame", dict[str, "pd.DataFrame"], dict[str, "pd.DataFrame"], Figures]

_NOTHING_BESIDE = "no figure of the period can be set beside ours"


def _change(
    points: tuple[Any, Any], draws: tuple[Floats, Floats], level: float, power: float
) -> Difference:
    changes = draws[1] - draws[0]
    low, high, error = spread(changes, level)
    value = float(points[1] - points[0])
    if not error > 0:
        return difference(_METHOD, "the resamples tell no spread", value=value)
    visible = normal_multiple(level, power) * error
    return difference(
        _METHOD, value=value, low=low, high=high, p_value=p_value(changes), smallest_visible=visible
    )
