"""What the laws share: everything a KPI says about some tables, and how two of those compare."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import ibis.expr.types as ir
import numpy as np
import pandas as pd

from kpi_lib.catalogue import catalogue
from kpi_lib.engine import run
from kpi_lib.kpi import Kpi, KpiParams
from kpi_lib.measure import measure
from kpi_lib.schema import Tables

CARDS = list(catalogue().values())
COMMON = ("unit_id", "account_id", "period", "value", "segment")
Frames = dict[str, pd.DataFrame]


def name_of(kpi: Kpi) -> str:
    """The name under which pytest shows a KPI."""
    return kpi.name


def declared(kpi: Kpi) -> dict[str, tuple[str, ...]]:
    """Every table a KPI may read, with its columns."""
    return {**kpi.needs, **kpi.optional, **kpi.one_of}


def variants(kpi: Kpi) -> list[KpiParams]:
    """The default parameters, and one set for each other fair value of each parameter."""
    found = [kpi.Params()]
    for name, field in kpi.Params.model_fields.items():
        extra = field.json_schema_extra if isinstance(field.json_schema_extra, dict) else {}
        fair = extra.get("fair", [])
        values = fair if isinstance(fair, list) else []
        found += [kpi.Params.model_validate({name: v}) for v in values if v != field.default]
    return found


def expressions(kpi: Kpi, tables: Tables, params: KpiParams) -> dict[str, ir.Table]:
    """Observations, score, parts and the list of a KPI."""
    parts = {part.name: part for part in (*kpi.parts, *([kpi.who] if kpi.who else []))}
    found = {"observe": kpi.observe(tables, params)}
    if kpi.score is not None:
        found["score"] = kpi.score(tables, params)
    return found | {name: part.compute(tables, params) for name, part in parts.items()}


def everything(kpi: Kpi, tables: Tables, params: KpiParams | None = None) -> Frames:
    """The same, executed."""
    chosen = params or kpi.Params()
    return {name: run(rows) for name, rows in expressions(kpi, tables, chosen).items()}


def trend(kpi: Kpi, tables: Tables, params: KpiParams | None = None) -> pd.DataFrame:
    """The KPI's value, n and share resolved per period."""
    found = measure(kpi, tables, params or kpi.Params()).trend
    return found[["period", "value", "n", "resolved"]]


def assert_same(one: Frames, other: Frames, *, ordered: bool = True) -> None:
    """Fails unless both say the same: text and dates exactly, numbers to 1e-9.

    Observations and scores have no order; the rows of lists and parts have, unless told otherwise.
    """
    assert list(one) == list(other)
    for name in one:
        loose = not ordered or name in ("observe", "score")
        left, right = (_plain(frames[name], loose) for frames in (one, other))
        pd.testing.assert_frame_equal(
            left, right, check_dtype=False, rtol=1e-9, atol=1e-9, obj=name
        )


def _plain(frame: pd.DataFrame, loose: bool) -> pd.DataFrame:
    if not loose or frame.empty:
        return frame.reset_index(drop=True)
    numbers = [str(name) for name in frame if pd.api.types.is_float_dtype(frame[name])]
    names = [str(name) for name in frame if name not in numbers] + numbers
    return frame.sort_values(names, key=_rounded).reset_index(drop=True)


def _rounded(column: pd.Series[Any]) -> pd.Series[Any]:
    return column.round(6) if pd.api.types.is_float_dtype(column) else column.astype(str)


def assert_same_trend(one: pd.DataFrame, other: pd.DataFrame, **scaled: float) -> None:
    """Fails unless `other` is `one`, its columns multiplied by the factors given."""
    for column in ("value", "n", "resolved"):
        wanted = one[column].to_numpy(dtype=float) * scaled.get(column, 1.0)
        np.testing.assert_allclose(
            other[column].to_numpy(dtype=float), wanted, rtol=1e-9, atol=1e-12, err_msg=column
        )


def edited(tables: Tables, edit: Callable[[str, ir.Table], ir.Table]) -> Tables:
    """The tables with each one edited."""
    return replace(tables, tables={name: edit(name, tables[name]) for name in tables})


def limited(tables: Tables, columns: Mapping[str, tuple[str, ...]]) -> Tables:
    """Only the tables and columns named."""
    kept = {
        name: tables[name].select(*wanted) for name, wanted in columns.items() if name in tables
    }
    return replace(tables, tables=kept)
