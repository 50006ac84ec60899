"""Small tables of observations, and the engine that reduces them, for the tests of this folder."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

import ibis
import ibis.expr.types as ir
import pandas as pd
import pytest

from kpi_lib import engine

EARLIER, LATER = date(2026, 1, 1), date(2026, 4, 1)

KINDS = {
    "unit_id": "string",
    "account_id": "string",
    "period": "date",
    "value": "float64",
    "weight": "float64",
    "entered": "float64",
    "outcome": "int64",
    "kind": "string",
    "segment": "string",
}


def observations(values: Sequence[float | None], **columns: Any) -> ir.Table:
    """A table with these values; other columns default to one unit per account in one period."""
    count = len(values)
    names = [f"unit {number}" for number in range(count)]
    defaults: dict[str, Any] = {
        "unit_id": names,
        "account_id": names,
        "period": EARLIER,
        "weight": 1.0,
        "entered": 0.0,
        "outcome": 1,
        "kind": "closing",
        "segment": "",
    }
    given = {
        name: column if isinstance(column, (list, tuple)) else [column] * count
        for name, column in (defaults | {"value": list(values)} | columns).items()
    }
    return ibis.memtable({name: list(given[name]) for name in KINDS}, schema=ibis.schema(KINDS))


def run(expression: ir.Table) -> pd.DataFrame:
    """The rows of an expression as a frame."""
    return engine.run(expression)


def one(estimator: Any, table: ir.Table, level: float = 0.9) -> pd.Series[Any]:
    """The single cell of all rows."""
    frame = estimator.estimate(run(estimator.reduce(table, [])), [], level)
    assert len(frame) == 1
    cell: pd.Series[Any] = frame.iloc[0]
    return cell


def printed(number: float, digits: int) -> Any:
    """What equals a printed number: within half a unit of its last digit."""
    return pytest.approx(number, abs=0.5 * 10.0**-digits, rel=0)
