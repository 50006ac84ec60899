"""The figure under other fair definitions: one parameter at a time, and all of them together."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import TYPE_CHECKING, Any

import ibis
import ibis.expr.types as ir
from pydantic import ValidationError

from kpi_lib.engine import run
from kpi_lib.kpi import Estimator, Kpi, KpiParams
from kpi_lib.measure import cell_of, headline_position, periods_of, trend_of, with_dates
from kpi_lib.schema import Tables

if TYPE_CHECKING:
    import pandas as pd

MOST_COMBINATIONS = 200
BATCH = 24
"""Definitions computed in one query."""

SEED = 20200206


@dataclass(frozen=True)
class Variation:
    """One fair definition: what differs from the default, in words and as parameters."""

    number: int
    changed: Mapping[str, Any]
    params: KpiParams

    @property
    def label(self) -> str:
        """How it differs: window_days 21, min_events 2; or default."""
        return (
            ", ".join(f"{name} {_text(value)}" for name, value in self.changed.items()) or "default"
        )


def fair_values(params: KpiParams) -> dict[str, list[Any]]:
    """Per parameter the fair values that differ from the present one."""
    found = {}
    for name, field in type(params).model_fields.items():
        extra = field.json_schema_extra
        fair = extra.get("fair") if isinstance(extra, dict) else None
        if isinstance(fair, list):
            found[name] = [value for value in fair if value != getattr(params, name)]
    return {name: values for name, values in found.items() if values}


def variations(
    params: KpiParams, *, most: int = MOST_COMBINATIONS, combine: bool = True, seed: int = SEED
) -> list[Variation]:
    """The default, then each fair value on its own, then combinations of them.

    All combinations when there are at most `most`, else a seeded sample of that size, which
    always holds the one-at-a-time definitions. Combinations that `Params` refuses are left out.
    """
    fair = fair_values(params)
    single = [{name: value} for name, values in fair.items() for value in values]
    chosen: list[dict[str, Any]] = [{}, *single]
    if combine:
        chosen += _combinations(fair, most - len(chosen), seed)
    made = [(changed, _changed(params, changed)) for changed in chosen]
    kept = [(changed, new) for changed, new in made if new is not None]
    return [Variation(number, changed, new) for number, (changed, new) in enumerate(kept)]


def sweep(
    kpi: Kpi, tables: Tables, params: KpiParams, *, combine: bool = False,
    most: int = MOST_COMBINATIONS,
) -> pd.DataFrame:  # fmt: skip
    """The headline under each fair definition, the default first.

    Columns: number, label, parameter (the one that differs, "" for the default and for
    combinations), choice (its value as text), is_default, period (label), value, low, high, n,
    resolved, and one column of text per parameter that has fair values.
    """
    import pandas as pd

    chosen = variations(params, combine=combine, most=most)
    names = list(fair_values(params))
    trends = trends_of(kpi, tables, chosen)
    return pd.DataFrame([_row(kpi, v, trends[v.number], names) for v in chosen])


def trends_of(kpi: Kpi, tables: Tables, chosen: Sequence[Variation]) -> dict[int, pd.DataFrame]:
    """The trend of each definition, by its number."""
    trends: dict[int, pd.DataFrame] = {}
    for estimator, batch, reduced in reduced_batches(kpi, tables, chosen, ["period"]):
        for variation in batch:
            rows = reduced[reduced["variation"] == variation.number]
            periods = periods_of(tables, variation.params)
            trends[variation.number] = trend_of(estimator, rows, periods, variation.params.level)
    return trends


def reduced_batches(
    kpi: Kpi, tables: Tables, chosen: Sequence[Variation], by: Sequence[str]
) -> Iterator[tuple[Estimator, list[Variation], pd.DataFrame]]:
    """Counts and sums of many definitions, a few queries for all: estimator, definitions, frame.

    The frame has the column `variation` (its number) before those of `by`.
    """
    keys = ["variation", *by]
    for estimator, batch in batches(kpi, chosen):
        parts = [numbered(kpi.observe(tables, v.params), v.number) for v in batch]
        yield estimator, batch, with_dates(run(estimator.reduce(stacked(parts), keys)))


def batches(
    kpi: Kpi, chosen: Sequence[Variation], size: int = BATCH
) -> Iterator[tuple[Estimator, list[Variation]]]:
    """The definitions in groups that share an estimator, none larger than `size`."""
    groups: list[tuple[Estimator, list[Variation]]] = []
    for variation in chosen:
        estimator = kpi.estimator(variation.params)
        for known_estimator, group in groups:
            if known_estimator == estimator and len(group) < size:
                group.append(variation)
                break
        else:
            groups.append((estimator, [variation]))
    yield from groups


def numbered(table: ir.Table, number: int) -> ir.Table:
    """The table with the number of its definition as column `variation`."""
    return table.mutate(variation=ibis.literal(number, "int64"))


def stacked(tables: Sequence[ir.Table]) -> ir.Table:
    """All rows of the tables, whose columns are brought into one order."""
    columns = sorted(tables[0].columns)
    ordered = [table.select(*columns) for table in tables]
    return ordered[0] if len(ordered) == 1 else ibis.union(*ordered, distinct=False)


def _row(kpi: Kpi, variation: Variation, trend: pd.DataFrame, names: list[str]) -> dict[str, Any]:
    cell = cell_of(trend, headline_position(trend, kpi.paired))
    single = len(variation.changed) == 1
    name, choice = next(iter(variation.changed.items())) if single else ("", "")
    return {
        "number": variation.number,
        "label": variation.label,
        "parameter": name,
        "choice": _text(choice),
        "is_default": not variation.changed,
        "period": cell.label,
        "value": cell.value,
        "low": cell.low,
        "high": cell.high,
        "n": cell.n,
        "resolved": cell.resolved,
    } | {name: _text(getattr(variation.params, name)) for name in names}


def _combinations(fair: Mapping[str, list[Any]], room: int, seed: int) -> list[dict[str, Any]]:
    """Definitions in which at least two parameters differ: all that fit, else a seeded sample."""
    counts = [len(values) + 1 for values in fair.values()]
    total = math.prod(counts)
    several = total - 1 - sum(count - 1 for count in counts)
    if several <= max(room, 0):
        numbers: Sequence[int] = range(total)
    else:
        numbers = Random(seed).sample(range(total), min(total, max(room, 0) + sum(counts)))
    made = (_combination(fair, number) for number in numbers)
    found = [changed for changed in made if len(changed) > 1]
    return list(itertools.islice(found, max(room, 0)))


def _combination(fair: Mapping[str, list[Any]], number: int) -> dict[str, Any]:
    """The combination of that number, counted through the fair values like digits; 0 is default."""
    changed = {}
    for name, values in fair.items():
        number, digit = divmod(number, len(values) + 1)
        if digit:
            changed[name] = values[digit - 1]
    return changed


def _changed(params: KpiParams, changed: Mapping[str, Any]) -> KpiParams | None:
    try:
        return type(params).model_validate({**params.model_dump(), **changed})
    except ValidationError:
        return None


def _text(value: Any) -> str:
    if isinstance(value, (list, tuple)):
        return " + ".join(str(item) for item in value) or "any"
    return "none" if value is None else str(value)
