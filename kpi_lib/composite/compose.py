"""An ordinary KPI made of a composite's card and the cards of its parts."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import ibis
import ibis.expr.types as ir
import yaml

from kpi_lib.composite import beside
from kpi_lib.composite.card import Composite, CompositeParams
from kpi_lib.composite.combined import Combined
from kpi_lib.composite.computed import Member
from kpi_lib.composite.rows import stacked
from kpi_lib.composite.shown import over_time, parts_list
from kpi_lib.composite.tables_read import tables_read
from kpi_lib.kpi import CheapMove, FitRule, Kpi, KpiParams
from kpi_lib.measure import periods_of
from kpi_lib.periods import Period, complete_periods
from kpi_lib.schema import Tables

Observe = Callable[[Tables, Any], ir.Table]
Estimate = Callable[[Any], Combined]

_SHARED = ("dataset", "as_of", "period", "segment", "level", "power")
"""Parameters of the run, which every part takes from its composite."""

_COMMON = ("unit_id", "account_id", "period", "value", "segment")
_DAYS = {"week": 7, "month": 31, "quarter": 92}


def compose(card: Composite, parts: Mapping[str, Kpi]) -> Kpi:
    """The KPI that measures a composite. `parts` holds the card of each part, in order.

    Raises TypeError for a cheap move that no part has, or tables that cannot be asked for together.
    """

    def given(part: Kpi, params: Any) -> KpiParams:
        return params_for(card, part, params)

    combine = beside.combine_gaps(card, card.beside, parts) if card.beside else card.combine

    def observe(tables: Tables, params: Any) -> ir.Table:
        there = beside.there(parts, tables) if card.beside else parts
        rows = {
            name: _rows(tables, part.observed(tables, given(part, params)), part, params)
            for name, part in there.items()
        }
        if card.beside:
            figures = beside.figures(card.beside, parts, given, tables, params)
            rows |= {
                beside.name_of(name): _rows(tables, figures[name], part, params)
                for name, part in parts.items()
            }
        return tables.keep(stacked(rows, _COMMON))  # every list and test reads all parts again

    def estimator(params: Any) -> Combined:
        members = tuple(
            Member(name, part.title, part.estimator(given(part, params)))
            for name, part in parts.items()
        )
        if card.beside:
            return beside.estimator(card, card.beside, combine, members, params)
        return Combined(members, combine, tuple(card.also), params.threshold, card.better)

    made = _made(card, parts, given, observe, estimator)
    if card.beside:
        return beside.compared(made, card.beside, parts, given)
    return replace(made, parts=(over_time(card, parts, made),), who=parts_list(parts, made))


def _made(
    card: Composite, parts: Mapping[str, Kpi], given: Any, observe: Observe, estimator: Estimate
) -> Kpi:
    """The card, filled from those of the parts."""
    needs, optional, one_of = tables_read(list(parts.values()))
    return Kpi(
        **{name: getattr(card, name) for name in _WORDS},
        needs=needs,
        optional=optional,
        one_of=one_of,
        observe=observe,
        estimator=estimator,
        paired=True,
        looks_back=_looks_back(parts),
        has_account_level=False,
        cheap_moves=tuple(_moves(card, parts, given)),
        fit_rules=tuple(_rule(part, rule, given) for part in parts.values() for rule in part.fit_rules),
    )  # fmt: skip


_WORDS = (
    *("name", "title", "question", "unit", "better", "role", "cadence", "owner", "family"),
    *("source", "formula", "Params", "noun", "cautions", "okr", "okr_target", "references"),
)
"""What a composite's card and a KPI's have in common."""


def params_for(card: Composite, part: Kpi, params: CompositeParams) -> KpiParams:
    """The parameters of a part.

    Its defaults, under those in `part_values`, under those that follow from the composite's own,
    under those of the run. Raises pydantic's ValidationError for what the part refuses, ValueError
    for a line of `part_values` that names no part.
    """
    values = {**_values(card, params).get(part.name, {})}
    values |= card.settings(params).get(part.name, {})
    values |= {name: getattr(params, name) for name in _SHARED}
    further = 0 if part.paired else params.window_periods - 1
    return part.Params.model_validate(values | {"periods": params.periods + further})


def _values(card: Composite, params: CompositeParams) -> dict[str, dict[str, Any]]:
    """What `part_values` says, by part and field; the last word on a field holds."""
    found: dict[str, dict[str, Any]] = {}
    for line in params.part_values:
        place, _, text = line.partition(":")
        part, _, name = place.strip().partition(".")
        if part not in card.parts or not name:
            raise ValueError(
                f"part_values {line!r}: write <part>.<parameter>: <value>, with a part of "
                f"{', '.join(card.parts)}"
            )
        found.setdefault(part, {})[name] = yaml.safe_load(text)
    return found


def _rows(tables: Tables, rows: ir.Table, part: Kpi, params: CompositeParams) -> ir.Table:
    """A part's observations in the periods of the composite; its cases as often as windows hold them."""
    periods = periods_of(tables, params)
    window = 1 if part.paired else params.window_periods
    unit = ibis.literal(f"{part.name} ") + rows["unit_id"]
    if window > 1:
        first = rows["period"].cast("string")
        unit = ibis.literal(f"{part.name} ") + first + ibis.literal(" ") + rows["unit_id"]
    rows = rows.mutate(unit_id=unit)
    windows = _windows(tables, periods, params, window)
    found = rows.join(windows, rows["period"] == windows["holds"])
    return found.select(**{n: found["shown" if n == "period" else n] for n in rows.columns})


def _windows(
    tables: Tables, periods: list[Period], params: CompositeParams, window: int
) -> ir.Table:
    """Which periods each shown one holds: shown, holds (first days)."""
    reach = params.periods + window - 1
    every = complete_periods(tables.as_of, params.period, reach, tables.quarter_starts_in)
    pairs = [
        (shown.start, every[place + back].start)
        for place, shown in enumerate(periods)
        for back in range(window)
    ]
    columns = {"shown": [one for one, _ in pairs], "holds": [one for _, one in pairs]}
    return ibis.memtable(columns, schema=ibis.schema(dict.fromkeys(columns, "date")))


def _looks_back(parts: Mapping[str, Kpi]) -> Any:
    """Days a value looks back: those of the window, where a part counts cases."""
    if all(part.paired for part in parts.values()):
        return None
    return lambda params: _DAYS[params.period] * params.window_periods


def _moves(card: Composite, parts: Mapping[str, Kpi], given: Any) -> list[CheapMove]:
    moves = {move.name: (part, move) for part in parts.values() for move in part.cheap_moves}
    if strange := [name for name in card.cheap_moves if name not in moves]:
        raise TypeError(f"{card.name}: no part has the cheap move {', '.join(strange)}")
    return [
        replace(move, given_away_by=away, edit=_with(move.edit, part, given))
        for name, away in card.cheap_moves.items()
        for part, move in [moves[name]]
    ]


def _rule(part: Kpi, rule: FitRule, given: Any) -> FitRule:
    return replace(rule, name=f"{part.title}: {rule.name}", check=_with(rule.check, part, given))


def _with(function: Any, part: Kpi, given: Any) -> Any:
    """A function of tables and a part's parameters as one of the composite's."""
    return lambda tables, params: function(tables, given(part, params))
