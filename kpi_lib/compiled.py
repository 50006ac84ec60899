"""DuckDB's text of an expression, compiled once and kept on disk, as Python keeps its bytecode.

Turning an Ibis expression into SQL takes several times as long as running it on a small company,
and a notebook asks the same questions on every run. So a text is kept under a hash of all that makes
it: every part of the expression, the versions of what compiles it, their options. It holds no rows,
and belongs to no data set: tables of a session are named in it by their place. An expression with
any part that is not described completely is compiled anew each time.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from contextlib import suppress
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

import ibis
import ibis.expr.datatypes as dt
import ibis.expr.operations as ops
import ibis.expr.types as ir
from ibis.common.collections import FrozenDict, FrozenOrderedDict
from ibis.common.graph import Node

from kpi_lib.caching import keep, make_room

KEPT = "kpi_kept_"
"""How the names of kept tables begin."""

MOST = 5_000
"""Texts on disk above which the oldest half goes."""

_SESSION_NAME = re.compile(rf"{KEPT}\d+_|ibis_\w*memtable_\w{{20,}}")
"""Names that differ from session to session and cannot be part of another name."""
_REFERENCES = ("JoinReference", "SelfReference")
"""Their numbers tell references apart, and never reach the text."""
_PLAIN = str | int | float | bool | bytes | Decimal | date | datetime | time | timedelta | None


class UnknownPartError(Exception):
    """An expression holds something that cannot be described completely."""


def compiled(expression: ir.Table, backend: Any) -> str:
    """The text of an expression for DuckDB, with the tables in memory that it reads made known."""
    try:
        description, tables = described(expression.op())
    except UnknownPartError:
        backend._run_pre_execute_hooks(expression)
        return str(backend.compile(expression))
    for table in tables.values():
        if isinstance(table, ops.InMemoryTable):
            backend._register_in_memory_tables(table.to_expr())
    file = _folder() / hashlib.sha256(f"{ibis.options.sql!r}{description}".encode()).hexdigest()
    places = {name: f"kpi_table_{place}_" for place, name in enumerate(tables)}
    with suppress(OSError, UnicodeDecodeError):
        return _replaced(file.read_text(encoding="utf-8"), {p: n for n, p in places.items()})
    text = str(backend.compile(expression))
    kept = _replaced(text, places)
    if _replaced(kept, {place: name for name, place in places.items()}) == text:
        _keep(file, kept)
    return text


def described(root: Node) -> tuple[str, Mapping[str, ops.PhysicalTable]]:
    """All that the text of an expression depends on, and the session's tables in it by their names.

    Raises UnknownPartError where a part is not of the known kinds.
    """
    found = _Description(root)
    return "\n".join(map(found.line, found.met)), found.tables


class _Description:
    """The nodes of an expression in the order in which they are met, and what is said of each."""

    def __init__(self, root: Node) -> None:
        self.met = [root]
        """Grows while its nodes are described, until all have been."""
        self.tables: dict[str, ops.PhysicalTable] = {}
        self._places = {root: 0}

    def line(self, node: Node) -> str:
        """One node: its kind and its arguments."""
        kind = type(node)
        is_function = isinstance(node, ops.ScalarUDF | ops.AggUDF)
        if kind.__module__.partition(".")[0] != "ibis" or is_function:
            raise UnknownPartError(kind)
        if isinstance(node, ops.InMemoryTable | ops.DatabaseTable):
            return self._table(node)
        skipped = "identifier" if kind.__name__ in _REFERENCES else ""
        parts = zip(node.__argnames__, node.__args__, strict=True)
        told = [f"{name}={self._part(part)}" for name, part in parts if name != skipped]
        return f"{kind.__module__}.{kind.__name__} {' '.join(told)}"

    def _table(self, node: ops.PhysicalTable) -> str:
        """A table: its kind, its columns, and its name, or its place among the session's own."""
        name, known = node.name, isinstance(node, ops.DatabaseTable)
        if _SESSION_NAME.fullmatch(name):
            self.tables.setdefault(name, node)
            name = f"kpi_table_{list(self.tables).index(name)}_"
        elif not known:
            raise UnknownPartError(name)
        columns = [f"{column!r}: {kind!r}" for column, kind in node.schema.items()]
        where = (node.namespace.catalog, node.namespace.database) if known else ()
        return f"{type(node).__name__} {name!r} {where} {columns}"

    def _part(self, part: Any) -> str:
        """An argument of a node; another node is told by its place."""
        if isinstance(part, Node):
            return f"#{self._place(part)}"
        if isinstance(part, Enum | dt.DataType | _PLAIN):
            return f"{type(part).__name__} {part!r}"
        if isinstance(part, tuple | list | frozenset):
            inner = [self._part(one) for one in part]
            if isinstance(part, frozenset):  # its order is another in every process
                inner.sort()
            return f"{type(part).__name__}({', '.join(inner)})"
        if isinstance(part, dict | FrozenDict | FrozenOrderedDict | ibis.Schema):
            pairs = (f"{self._part(key)}: {self._part(one)}" for key, one in part.items())
            return f"{type(part).__name__}{{{', '.join(pairs)}}}"
        raise UnknownPartError(type(part))

    def _place(self, node: Node) -> int:
        place = self._places.setdefault(node, len(self.met))
        if place == len(self.met):
            self.met.append(node)
        return place


def _replaced(text: str, names: dict[str, str]) -> str:
    for one, other in names.items():
        text = text.replace(one, other)
    return text


@cache
def _folder() -> Path:
    """Where texts are kept: a folder that changes with this module and with all that compiles."""
    source = Path(__file__)
    digest = hashlib.sha256(f"{version('ibis-framework')} {version('sqlglot')}".encode())
    digest.update(source.read_bytes())
    return source.parent / "__pycache__" / f"sql-{digest.hexdigest()[:16]}"


def _keep(file: Path, text: str) -> None:
    """Keep a text; where that is not allowed it is compiled each time."""
    with suppress(OSError):
        _make_room(file.parent)
        keep(file, text.encode("utf-8"))


@cache
def _make_room(folder: Path) -> None:
    """Once per process: the folder, without those of other versions, and not too full."""
    folder.mkdir(parents=True, exist_ok=True)
    make_room(folder, folder.parent.glob("sql-*"), MOST)
