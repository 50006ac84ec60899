"""The figure under other fair definitions: one parameter at a time, and all of them together."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from kpi_lib.alike import run_each
from kpi_lib.kpi import Kpi, KpiParams
from kpi_lib.measure import cell_of, estimates_of, headline_position, periods_of, with_dates
from kpi_lib.schema import Tables

if TYPE_CHECKING:
    import ibis.expr.types as ir
    import pandas as pd

MOST_COMBINATIONS = 200
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
    """The trend of each definition, by its number, without process limits."""
    reduced = reduced_each(kpi, tables, chosen, ["period"])
    return {
        v.number: estimates_of(
            kpi.estimator(v.params), rows, periods_of(tables, v.params), v.params.level
        )
        for v, rows in zip(chosen, reduced, strict=True)
    }


def reduced_each(
    kpi: Kpi, tables: Tables, chosen: Sequence[Variation], by: Sequence[str]
) -> Iterator[pd.DataFrame]:
    """Counts and sums per cell of `by`, for each definition."""
    expressions = (kpi.estimator(v.params).reduce(_observed(kpi, tables, v), by) for v in chosen)
    return map(with_dates, run_each(expressions))


def _observed(kpi: Kpi, tables: Tables, variation: Variation) -> ir.Table:
    """The observations; those of another definition are read once, so they get no name."""
    observe = kpi.observe if variation.changed else kpi.observed
    return observe(tables, variation.params)


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
    } | settings_of(variation, names)


def settings_of(variation: Variation, names: Iterable[str]) -> dict[str, str]:
    """The value each of these parameters has in a definition, as text."""
    return {name: _text(getattr(variation.params, name)) for name in names}


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
