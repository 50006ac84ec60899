"""What a source hands over: tables with contract types, and how they were read."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import ibis.expr.types as ir

from kpi_lib.data.errors import Guess, Problem


@dataclass(frozen=True, kw_only=True)
class Stock:
    """The tables of a source, unmasked, and what was found while reading them.

    `present` names the columns each table has at the source. `unreadable` holds, per table, rows
    and column, the values that could not be read: row (its key), value (the text), day (when known).
    """

    tables: Mapping[str, ir.Table]
    present: Mapping[str, frozenset[str]]
    unused: Mapping[str, tuple[str, ...]]
    guesses: tuple[Guess, ...] = ()
    problems: tuple[Problem, ...] = ()
    unreadable: Mapping[tuple[str, str], ir.Table] = field(default_factory=dict)
    in_memory: Any = None
    """The DuckDB connection, where the tables lie in its schema `contract` under their own names."""
    is_small: bool = False
    """Whether a query over the tables is planned for longer than it runs."""
    fingerprint: Callable[[], str] = lambda: ""
    files_unchanged: Callable[[], bool] = lambda: False
    """Whether the files are as they were when they were opened; never known of a database."""
    place: Path | None = None
    """Where processes of one run hand each other what they found in the same files."""
