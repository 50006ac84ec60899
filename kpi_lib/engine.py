"""The one place where an expression is executed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import ibis
import ibis.expr.operations as ops
import ibis.expr.types as ir
from ibis.common.graph import Node

from kpi_lib.compiled import compiled

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

_BATCH = 10_000
"""Rows fetched at a time. DuckDB claims memory for a whole batch, usually a million rows: 30 MB for a
result of any size, which counts against a notebook's share as long as the frame is kept."""


def run(expression: ir.Table) -> pd.DataFrame:
    """The rows of `expression` as a pandas frame with plain types.

    Text is pandas `str` with missing values as NaN. Dates and moments are `datetime64[us]` (dates at
    midnight; `OPEN_END` fits), missing as NaT. Numbers are int64, or float64 with NaN where some
    are missing; decimals become float64. Flags are bool, or object with None where some are
    missing. Lists and other nested values are objects.
    Give the expression an `order_by` when the order of the rows matters.
    """
    return plain_frame(_fetched(expression))


def _fetched(expression: ir.Table) -> pa.Table:
    """The rows as Arrow. Spark's own way there goes through pandas, where the year 2999 does not fit."""
    backend = backend_of(expression)
    if backend.name == "duckdb":
        return _from_text(backend, compiled(expression, backend), expression.schema())
    if backend.name != "pyspark":
        return expression.to_pyarrow()
    backend._run_pre_execute_hooks(expression)
    return backend.raw_sql(backend.compile(expression)).toArrow()


def backend_of(expression: ir.Table) -> Any:
    """The engine of an expression: that of the first table met in it, since all are of one."""
    waiting: list[Node] = [expression.op()]
    seen: set[Node] = set()
    while waiting:
        node = waiting.pop()
        if isinstance(node, ops.DatabaseTable):
            return node.source
        if node not in seen:
            seen.add(node)
            waiting.extend(node.__children__)
    return ibis.get_backend(expression)


def run_text(backend: Any, text: str, schema: ibis.Schema) -> pd.DataFrame:
    """The rows of a query that is already written for DuckDB, as `run` gives them."""
    return plain_frame(_from_text(backend, text, schema))


def _from_text(backend: Any, text: str, schema: ibis.Schema) -> pa.Table:
    rows = backend.con.execute(text).to_arrow_table(_BATCH)
    return rows.combine_chunks().cast(schema.to_pyarrow())


def keep_text(backend: Any, name: str, text: str) -> None:
    """Keep the rows of a query written for DuckDB as a temporary table of the session."""
    backend.con.execute(f'CREATE TEMP TABLE "{name}" AS {text}')


def name_text(backend: Any, name: str, text: str) -> None:
    """Give a query written for DuckDB a name in the session; nothing runs."""
    backend.con.execute(f'CREATE TEMP VIEW "{name}" AS {text}')


def drop_kept(backend: Any, name: str) -> None:
    """Let go of a table that `keep_text` made."""
    backend.con.execute(f'DROP TABLE "{name}"')


def plain_frame(arrow: pa.Table) -> pd.DataFrame:
    """The rows of an Arrow table with the types that `run` gives."""
    for position, field in enumerate(arrow.schema):
        plain = _plain_type(field.type)
        if plain is not None and plain != field.type:
            arrow = arrow.set_column(position, field.name, arrow.column(position).cast(plain))
    frame: pd.DataFrame = arrow.to_pandas()
    return frame


def _plain_type(kind: pa.DataType) -> pa.DataType | None:
    """The Arrow type to turn a column into before it becomes pandas, None to leave it."""
    import pyarrow as pa

    if pa.types.is_date(kind) or pa.types.is_timestamp(kind):
        return pa.timestamp("us")
    if pa.types.is_decimal(kind) or pa.types.is_floating(kind):
        return pa.float64()
    if pa.types.is_integer(kind):
        return pa.int64()
    return pa.string() if pa.types.is_null(kind) else None
