"""A composite whose parts are compared with the figures of others that stand beside them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import ibis
import ibis.expr.types as ir
import numpy as np

from kpi_lib.composite.beside_shown import BESIDE, Shown
from kpi_lib.composite.card import Beside, Combine, Composite, Figures
from kpi_lib.composite.combined import Combined
from kpi_lib.composite.computed import VALUE, Member
from kpi_lib.kpi import FitRule, Kpi, KpiParams
from kpi_lib.schema import Tables
from kpi_lib.stats.stated import Stated

Given = Callable[[Kpi, Any], KpiParams]


def name_of(part: str) -> str:
    """The name under which the figures beside a part are one more part."""
    return f"{BESIDE}{part}"


def there(parts: Mapping[str, Kpi], tables: Tables) -> dict[str, Kpi]:
    """The parts whose tables are there."""
    return {name: part for name, part in parts.items() if can_run(part, tables)}


def can_run(part: Kpi, tables: Tables) -> bool:
    """Whether all that a part needs is there, and one table of those of which it needs one."""
    return set(part.needs) <= set(tables) and (
        not part.one_of or bool(set(part.one_of) & set(tables))
    )


def figures(
    beside: Beside, parts: Mapping[str, Kpi], given: Given, tables: Tables, params: Any
) -> dict[str, ir.Table]:
    """Observations of the figures beside each part: no account, and of the whole company."""
    segment = "whole company" if params.segment else ""
    found = {}
    for name, part in parts.items():
        rows = beside.figures(tables, part, given(part, params), params)
        own = {column: rows[column] for column in Stated().columns}
        found[name] = rows.select(
            unit_id=ibis.literal(f"{BESIDE}") + rows["unit_id"],
            account_id=ibis.null("string"),
            period=rows["period"],
            value=rows["value"].cast("float64"),
            segment=ibis.literal(segment),
            **own,
        )
    return found


def combine_gaps(card: Composite, beside: Beside, parts: Mapping[str, Kpi]) -> Combine:
    """The composite's own figure of the gaps; the gap of each part too, under `gap_` and its name."""

    def combine(values: Figures) -> Figures:
        found = {
            name: beside.gap(part, values[name], values[name_of(name)])
            for name, part in parts.items()
        }
        headline = np.asarray(card.combine(found), dtype=np.float64)
        return {VALUE: headline} | {f"gap_{name}": gap for name, gap in found.items()}

    return combine


def estimator(
    card: Composite, beside: Beside, combine: Combine, ours: Sequence[Member], params: Any
) -> Combined:
    """What combines the gaps: the parts, and beside each the figures of others."""
    others = tuple(Member(name_of(m.name), f"{m.title}, {beside.whose}s", Stated()) for m in ours)
    return Combined(
        (*ours, *others),
        combine,
        tuple(f"gap_{m.name}" for m in ours),
        params.threshold,
        card.better,
        tuple((m.name, name_of(m.name)) for m in ours),
    )


def compared(kpi: Kpi, beside: Beside, parts: Mapping[str, Kpi], given: Given) -> Kpi:
    """The KPI of such a composite: any part may be lacking, and each figure is listed."""
    may_read = [kpi.needs, kpi.optional, kpi.one_of]
    tables = {name for read in may_read for name in read} - set(beside.needs)
    optional = {
        name: tuple(dict.fromkeys(c for read in may_read for c in read.get(name, ())))
        for name in sorted(tables)
    }
    rules = [_rule(part, rule, given) for part in parts.values() for rule in part.fit_rules]
    shown = Shown(kpi, beside, parts, given)
    return replace(
        kpi,
        needs=beside.needs,
        optional=optional,
        one_of={},
        parts=shown.lists,
        who=shown.who,
        cheap_moves=(*beside.cheap_moves, *kpi.cheap_moves),
        fit_rules=(*beside.fit_rules, *rules),
    )


def _rule(part: Kpi, rule: FitRule, given: Given) -> FitRule:
    """A rule of one part where that is there, a caution here: the gap can do without it."""

    def check(tables: Tables, params: Any) -> Any:
        return rule.check(tables, given(part, params)) if can_run(part, tables) else None

    return replace(rule, name=f"{part.title}: {rule.name}", check=check, severe=False, reads={})
