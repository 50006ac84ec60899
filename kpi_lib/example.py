"""Small companies written by hand: tables for worked examples and tests."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime, time
from typing import Any

import ibis.expr.types as ir

from kpi_lib.contract import CONTRACT
from kpi_lib.customers.subscribed import small
from kpi_lib.schema import OPEN_END, Column, Tables

Rows = Sequence[Mapping[str, Any]]


def small_table(name: str, rows: Rows) -> ir.Table:
    """One table of the contract from rows that state only what matters; the rest is null.

    Ends that are not stated stay open, as in an open data set; a moment may be given as a day.
    """
    columns = CONTRACT[name].columns
    full = {column.name: [_filled(row, column) for row in rows] for column in columns}
    return small(full, {column.name: column.engine_type for column in columns})


def _filled(row: Mapping[str, Any], column: Column) -> Any:
    value = row.get(column.name)
    if value is None and column.open_ended:
        value = OPEN_END
    if column.kind == "at" and isinstance(value, date) and not isinstance(value, datetime):
        return datetime.combine(value, time())
    return value


def small_company(as_of: date, /, **tables: Rows) -> Tables:
    """Tables of a company written by hand, one keyword per table, each a list of rows.

    >>> company = small_company(date(2026, 1, 31), accounts=[{"account_id": "a"}])
    >>> company["accounts"].count().execute()
    1
    """
    made = {name: small_table(name, rows) for name, rows in tables.items()}
    return Tables(made, as_of, currency="EUR")
