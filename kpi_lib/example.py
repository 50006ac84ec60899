"""Small companies written by hand: tables for worked examples and tests."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

import ibis
import ibis.expr.types as ir

from kpi_lib.contract import CONTRACT
from kpi_lib.schema import OPEN_END, Tables

Rows = Sequence[Mapping[str, Any]]


def small_table(name: str, rows: Rows) -> ir.Table:
    """One table of the contract from rows that state only what matters; the rest is null.

    Ends that are not stated stay open, as in an open data set.
    """
    columns = CONTRACT[name].columns
    ends = {column.name: OPEN_END if column.open_ended else None for column in columns}
    full = {of: [_filled(row, of, end) for row in rows] for of, end in ends.items()}
    return ibis.memtable(full, schema={column.name: column.engine_type for column in columns})


def _filled(row: Mapping[str, Any], column: str, empty: date | None) -> Any:
    value = row.get(column)
    return empty if value is None else value


def small_company(as_of: date, /, currency: str = "EUR", **tables: Rows) -> Tables:
    """Tables of a company written by hand, one keyword per table, each a list of rows.

    >>> company = small_company(date(2026, 1, 31), accounts=[{"account_id": "a"}])
    >>> company["accounts"].count().execute()
    1
    """
    made = {name: small_table(name, rows) for name, rows in tables.items()}
    return Tables(made, as_of, currency=currency)
