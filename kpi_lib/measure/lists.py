"""Who is behind a figure, what it is made of, and how it differs by segment."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

import ibis.expr.types as ir

from kpi_lib.engine import run
from kpi_lib.kpi import Better, Kpi, KpiParams, Part
from kpi_lib.measure.cells import periods_of, reduce_by, with_dates
from kpi_lib.measure.figure import measure
from kpi_lib.schema import Tables

if TYPE_CHECKING:
    import pandas as pd


def by_segment(kpi: Kpi, tables: Tables, params: KpiParams) -> pd.DataFrame:
    """The KPI per segment and period: segment, period, label, value, low, high, n, resolved.

    Ordered by segment, then period. Without `params.segment` there is one segment, "".
    """
    estimator = kpi.estimator(params)
    by = ["segment", "period"]
    reduced = reduce_by(estimator, kpi.observed(tables, params), by)
    cells = with_dates(estimator.estimate(reduced, by, params.level))
    labels = {period.start: period.label for period in periods_of(tables, params)}
    cells = cells[cells["period"].isin(labels.keys())]
    cells.insert(2, "label", cells["period"].map(labels))
    return cells.sort_values(by).reset_index(drop=True)


def behind(
    kpi: Kpi, tables: Tables, params: KpiParams, *, period: date | None = None
) -> pd.DataFrame:
    """Who is behind the number: the card's own list, or the units of the headline period, worst first.

    `period` is the first day of the period wanted (default: the headline's).
    """
    if kpi.who is not None:
        return run(kpi.who.compute(tables, params))
    start = period or measure(kpi, tables, params).headline.start
    observations = kpi.estimator(params).counted(kpi.observed(tables, params))
    shown = _named(observations.filter(observations["period"] == start), tables)
    worst = shown["value"].desc() if kpi.better is Better.LOWER else shown["value"].asc()
    return run(shown.order_by([worst, shown["unit_id"]]))


def part(kpi: Kpi, tables: Tables, params: KpiParams, name: str) -> pd.DataFrame:
    """One of the tables the figure is made of. Raises KeyError, with the names there are."""
    return run(part_of(kpi, name).compute(tables, params))


def part_of(kpi: Kpi, name: str) -> Part:
    """The card's part of that name. Raises KeyError, with the names there are."""
    for candidate in kpi.parts:
        if candidate.name == name:
            return candidate
    names = ", ".join(candidate.name for candidate in kpi.parts) or "none"
    raise KeyError(f"{kpi.name} has no part {name!r}; its parts: {names}")


def _named(observations: ir.Table, tables: Tables) -> ir.Table:
    if "accounts" not in tables:
        return observations
    names = tables["accounts"].select("account_id", "name", "owner")
    joined = observations.left_join(names, "account_id").drop("account_id_right")
    return joined.relocate("name", "owner", after="unit_id")
