"""A folder of CSV and Parquet files, opened in an in-memory DuckDB."""

from __future__ import annotations

from pathlib import Path

import ibis
import ibis.expr.operations as ops
import ibis.expr.types as ir

from kpi_lib.contract import CONTRACT
from kpi_lib.data import handed
from kpi_lib.data.config import Config, TableSource
from kpi_lib.data.errors import DataError
from kpi_lib.data.files import Files
from kpi_lib.data.stock import Stock
from kpi_lib.data.typed import SCHEMA, load_table

_SCHEMAS = {
    name: ibis.schema({column.name: column.engine_type for column in contract.columns})
    for name, contract in CONTRACT.items()
}
"""The columns of a table once it is open."""


def open_folder(config: Config, root: Path) -> Stock:
    """The tables of a folder, in an in-memory DuckDB of their own."""
    backend = ibis.duckdb.connect()
    backend.con.execute("set enable_progress_bar = false")  # it would stand in notebooks' outputs
    backend.con.execute(f"create schema {SCHEMA}")
    files = Files(config, root, backend.con)
    state = handed.state_of(files)
    place = handed.place_of(files)
    loaded = handed.take(files)
    if loaded is None:
        loaded = [load_table(files, source) for source in _sources(config, files)]
        handed.leave(files, loaded)
    if not loaded:
        raise DataError(
            f"{config.name}: no table found; map files under tables, or name them like accounts.csv"
        )
    return Stock(
        tables={one.name: _table(backend, one.name) for one in loaded},
        present={one.name: frozenset(one.columns) for one in loaded},
        unused={one.name: one.unused for one in loaded if one.unused},
        guesses=tuple(guess for one in loaded for guess in one.guesses),
        problems=tuple(problem for one in loaded for problem in one.problems),
        unreadable={
            (one.name, column): backend.table(table, database=SCHEMA)
            for one in loaded
            for column, table in one.unreadable.items()
        },
        in_memory=backend.con,
        is_small=files.are_small,
        fingerprint=lambda: handed.once(place, "fingerprint", files.fingerprint),
        files_unchanged=lambda: handed.state_of(files) == state,
        place=place,
    )


def _sources(config: Config, files: Files) -> list[TableSource]:
    """The tables to load: those mapped, and files named like a contract table."""
    found = dict(config.tables)
    for file in files.all:
        name = file.stem.lower()
        if file.parent == files.root and name in CONTRACT and name not in config.ignored:
            found.setdefault(name, TableSource(name, csv=config.csv))
    return [found[name] for name in CONTRACT if name in found]


def _table(backend: ibis.BaseBackend, name: str) -> ir.Table:
    """The loaded table as an expression; its columns are known, so the engine is not asked."""
    where = ops.Namespace(catalog="memory", database=SCHEMA)
    return ops.DatabaseTable(name, schema=_SCHEMAS[name], source=backend, namespace=where).to_expr()
