"""What every composite shows of itself: its parts as they stand, and over time."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import ibis
import ibis.expr.types as ir

from kpi_lib.composite.card import Composite
from kpi_lib.composite.rows import own_frame
from kpi_lib.kpi import Kpi, Part
from kpi_lib.measure import periods_of, reduced_by_period, rows_of, with_dates
from kpi_lib.schema import Tables
from kpi_lib.wording import format_count, format_interval, format_value

if TYPE_CHECKING:
    import pandas as pd

_LISTED = ("part", "figure", "interval", "counted", "page", "reason")


def parts_list(parts: Mapping[str, Kpi], kpi: Kpi) -> Part:
    """The parts in the newest period: each figure with its interval and n, and where its page is."""

    def compute(tables: Tables, params: Any) -> ir.Table:
        import pandas as pd

        newest = periods_of(tables, params)[-1].start
        reduced = rows_of(reduced_by_period(kpi, tables, params), [newest])
        method: Any = kpi.estimator(params)
        lines = [
            _line(parts[m.name], m.estimator, own_frame(reduced, m.name), tables, params)
            for m in method.members
            if not reduced.empty
        ]
        listed = pd.DataFrame(lines, columns=list(_LISTED))
        return typed(listed, dict.fromkeys(_LISTED, "string"))

    return Part(
        name="parts",
        title="The parts",
        meaning="Each KPI the figure is made of, as it stands in the newest period under the "
        "parameters of this page, with its own interval, what it counts, and the page that judges it.",
        compute=compute,
    )


def _line(part: Kpi, estimator: Any, rows: Any, tables: Tables, params: Any) -> tuple[str, ...]:
    cell = estimator.estimate(rows.drop(columns="period"), [], params.level).iloc[0]
    noun = part.noun or ("customer" if part.has_account_level else "case")
    told = cell["value"] == cell["value"]
    return (
        part.title,
        format_value(cell["value"], part.unit, tables.currency) if told else "cannot be told",
        format_interval(cell["low"], cell["high"], part.unit, tables.currency) if told else "",
        format_count(int(cell["n"]), noun),
        part.name,
        str(cell.get("reason") or ""),
    )


def over_time(card: Composite, parts: Mapping[str, Kpi], kpi: Kpi) -> Part:
    """The parts beside the figure, period by period."""
    kinds = {name: part.unit for name, part in parts.items()} | {card.name: card.unit, **card.also}

    def compute(tables: Tables, params: Any) -> ir.Table:
        reduced = reduced_by_period(kpi, tables, params)
        cells = with_dates(kpi.estimator(params).estimate(reduced, ["period"], params.level))
        cells = _shown(cells.rename(columns={"value": card.name}), tables, params)
        return typed(cells, {"period": "date"} | dict.fromkeys(kinds, "float64"))

    return Part(
        name="over_time",
        title="The parts over time",
        meaning="Each part and what comes of them, period by period, under the parameters of this "
        "page.",
        compute=compute,
        view="lines",
        units=kinds,
    )


def _shown(cells: pd.DataFrame, tables: Tables, params: Any) -> pd.DataFrame:
    """The cells of the periods that are shown, oldest first."""
    shown = {period.start for period in periods_of(tables, params)}
    return cells[cells["period"].isin(shown)].sort_values("period")


def typed(frame: pd.DataFrame, kinds: Mapping[str, str]) -> ir.Table:
    """A frame as a typed table in the engine, NaN as null."""
    import pyarrow as pa

    shown = frame[list(kinds)].astype(object)
    columns = shown.where(shown.notna(), None).to_dict(orient="list")
    schema = ibis.schema(dict(kinds))
    return ibis.memtable(pa.Table.from_pydict(columns, schema=schema.to_pyarrow()))
