"""A KPI read under each of its fair definitions: figure, last change, segments, order of accounts."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import ibis.expr.types as ir

from kpi_lib.alike import kept_each, run_each, run_on_each
from kpi_lib.evidence.finding import Settings
from kpi_lib.evidence.scores import score_of
from kpi_lib.kpi import Difference, Estimator, Kpi
from kpi_lib.measure import (
    HALF,
    Cell,
    cannot_tell,
    cell_of,
    headline_position,
    periods_of,
    placed,
    rows_of,
    with_dates,
)
from kpi_lib.schema import Tables
from kpi_lib.sentence import is_distinguishable
from kpi_lib.stats.resamples import points_of
from kpi_lib.sweep import Variation

if TYPE_CHECKING:
    import pandas as pd

MOST_SEGMENTS = 5
"""Segments compared: those with the most units, so that few pairs are told apart by luck."""

Pair = tuple[str, str]
Signs = Mapping[Pair, int]


@dataclass(frozen=True)
class Reading:
    """What one definition says.

    `signs`: pairs of segments that it tells apart, 1 where the second is higher, else -1. `order`:
    a figure per account (its value for a stock, its score for a cohort), empty without accounts.
    """

    variation: Variation
    headline: Cell
    change: Difference
    signs: Signs
    order: pd.Series[float]


@dataclass(frozen=True)
class Frames:
    """What was fetched, one entry per definition.

    `reduced` by segment and period; `pairs`: what `reduce_pairs` gives for the last two periods,
    None for cohorts; `orders`: a figure per account.
    """

    reduced: Sequence[pd.DataFrame]
    pairs: Sequence[pd.DataFrame | None]
    orders: Sequence[pd.Series[float]]


def readings(
    kpi: Kpi, tables: Tables, chosen: Sequence[Variation], settings: Settings
) -> list[Reading]:
    """One reading per definition, in the order given; the first decides which segments are compared."""
    observed = (kpi.observed(tables, variation.params) for variation in chosen)
    if not kpi.paired:
        frames = _fetched(kpi, tables, chosen, list(observed))
    else:
        with kept_each(observed) as kept:
            frames = _fetched(kpi, tables, chosen, kept)
    return readings_of(kpi, tables, chosen, frames, settings)


def direction(change: Difference, level: float) -> int | None:
    """1 for a rise, -1 for a fall, 0 for noise; None where it cannot be told."""
    distinct = is_distinguishable(change, level)
    if change.value is None or distinct is None:
        return None
    return int(math.copysign(1, change.value)) if distinct and change.value else 0


def _fetched(
    kpi: Kpi, tables: Tables, chosen: Sequence[Variation], observed: Sequence[ir.Table]
) -> Frames:
    estimators = [kpi.estimator(variation.params) for variation in chosen]
    both = list(zip(estimators, observed, strict=True))
    reduced = run_on_each(
        (e, rows, partial(e.reduce, by=["segment", "period"])) for e, rows in both
    )
    owns = [with_dates(frame) for frame in reduced]
    return Frames(owns, _pairs(kpi, tables, chosen, both), _orders(kpi, tables, chosen, both))


def readings_of(
    kpi: Kpi, tables: Tables, chosen: Sequence[Variation], frames: Frames, settings: Settings
) -> list[Reading]:
    """The readings on fetched frames; of `tables` only the day is read."""
    estimators = [kpi.estimator(variation.params) for variation in chosen]
    cells = _cells(estimators, frames.reduced, settings.level)
    read: list[Reading] = []
    for variation, estimator, own, found, twice, order in zip(
        chosen, estimators, frames.reduced, cells, frames.pairs, frames.orders, strict=True
    ):
        headline, previous = _last_two(kpi, tables, variation, found)
        change = _change(estimator, own, twice, previous, headline, settings)
        newest = rows_of(own, [headline.start])
        asked = read[0].signs if read else _pairs_of(estimator, newest)
        signs = _signs(estimator, newest, asked, settings)
        read.append(Reading(variation, headline, change, signs, order))
    return read


def _pairs(
    kpi: Kpi,
    tables: Tables,
    chosen: Sequence[Variation],
    both: Sequence[tuple[Estimator, ir.Table]],
) -> list[pd.DataFrame] | list[None]:
    """Sufficient statistics of the same accounts in the last two periods; None for cohorts."""
    if not kpi.paired:
        return [None] * len(both)
    first, second = (period.start for period in periods_of(tables, chosen[0].params)[-2:])
    ends = {"earlier": first, "later": second}
    return list(run_on_each((e, rows, partial(e.reduce_pairs, **ends)) for e, rows in both))


def _orders(
    kpi: Kpi,
    tables: Tables,
    chosen: Sequence[Variation],
    both: Sequence[tuple[Estimator, ir.Table]],
) -> list[pd.Series[float]]:
    """A figure per account under each definition."""
    import pandas as pd

    if not kpi.has_account_level:
        return [pd.Series(dtype="float64")] * len(both)
    if kpi.paired:
        last = periods_of(tables, chosen[0].params)[-1].start
        found = run_on_each((e, rows, partial(_values, e, last)) for e, rows in both)
    else:
        found = run_each(score_of(kpi, tables, variation.params) for variation in chosen)
    return [frame.set_index("account_id")["score"].astype("float64") for frame in found]


def _values(estimator: Estimator, period: object, observed: ir.Table) -> ir.Table:
    rows = estimator.counted(observed)
    newest = rows.filter((rows["period"] == period) & rows["account_id"].notnull())
    return newest.group_by("account_id").aggregate(score=newest["value"].cast("float64").mean())


def _cells(
    estimators: Sequence[Estimator], owns: Sequence[pd.DataFrame], level: float
) -> list[pd.DataFrame]:
    """Estimates per period under each definition; one call for all with the same estimator."""
    import pandas as pd

    alike: dict[Estimator, list[int]] = {}
    for place, estimator in enumerate(estimators):
        alike.setdefault(estimator, []).append(place)
    found: dict[int, pd.DataFrame] = {}
    for estimator, places in alike.items():
        together = pd.concat([owns[place].assign(definition=place) for place in places])
        cells = estimator.estimate(together, ["definition", "period"], level)
        nothing = cells.iloc[:0]
        own = dict(iter(cells.groupby("definition")))
        found |= {place: with_dates(own.get(place, nothing)) for place in places}
    return [found[place] for place in range(len(owns))]


def _last_two(
    kpi: Kpi, tables: Tables, variation: Variation, cells: pd.DataFrame
) -> tuple[Cell, Cell | None]:
    trend = placed(cells, periods_of(tables, variation.params))
    position = headline_position(trend, kpi.paired)
    return cell_of(trend, position), cell_of(trend, position - 1) if position else None


def _change(
    estimator: Estimator,
    own: pd.DataFrame,
    pairs: pd.DataFrame | None,
    previous: Cell | None,
    headline: Cell,
    settings: Settings,
) -> Difference:
    if previous is None or previous.n == 0 or headline.n == 0:
        return cannot_tell("one of the last two periods holds nothing")
    if pairs is not None:
        return estimator.paired_difference(pairs, level=settings.level, power=settings.power)
    earlier, later = (rows_of(own, [cell.start]) for cell in (previous, headline))
    return estimator.difference(earlier, later, level=settings.level, power=settings.power)


def _pairs_of(estimator: Estimator, newest: pd.DataFrame) -> list[Pair]:
    """The pairs of the largest segments, by name."""
    cells = points_of(estimator, newest, ["segment"], HALF)
    named = cells[cells["segment"].fillna("") != ""]
    largest = named.sort_values(["n", "segment"], ascending=[False, True]).head(MOST_SEGMENTS)
    return list(itertools.combinations(sorted(largest["segment"].astype(str)), 2))


def _signs(
    estimator: Estimator,
    newest: pd.DataFrame,
    asked: Sequence[Pair] | Mapping[Pair, int],
    settings: Settings,
) -> Signs:
    """Which of the asked pairs of segments can be told apart."""
    signs = {}
    for pair in asked:
        first, second = (newest[newest["segment"] == name] for name in pair)
        if first.empty or second.empty:
            continue
        change = estimator.difference(first, second, level=settings.level, power=settings.power)
        sign = direction(change, settings.level)
        if sign:
            signs[pair] = sign
    return signs
