"""Editing the tables of a data set as expressions: how a cheap move is played through."""

from __future__ import annotations

from dataclasses import replace

import ibis
import ibis.expr.types as ir

from kpi_lib.schema import Tables


def with_table(tables: Tables, name: str, table: ir.Table) -> Tables:
    """The same tables with one of them replaced; what reads only the others is not made again."""
    return replace(tables, tables={**tables.tables, name: table}, before=tables)


def append_rows(table: ir.Table, rows: ir.Table) -> ir.Table:
    """The table with further rows; columns that `rows` does not state are null, types stay."""
    columns = {
        name: rows[name].cast(kind) if name in rows.columns else ibis.null(kind)
        for name, kind in table.schema().items()
    }
    return table.union(rows.select(**columns))
