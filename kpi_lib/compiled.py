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
from ibis.common.graph import Graph, Node

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
        description, names = described(expression.op())
    except UnknownPartError:
        backend._run_pre_execute_hooks(expression)
        return str(backend.compile(expression))
    if any(not name.startswith(KEPT) for name in names):
        backend._run_pre_execute_hooks(expression)
    file = _folder() / hashlib.sha256(f"{ibis.options.sql!r}{description}".encode()).hexdigest()
    places = {name: f"kpi_table_{place}_" for place, name in enumerate(names)}
    with suppress(OSError, UnicodeDecodeError):
        return _replaced(file.read_text(encoding="utf-8"), {p: n for n, p in places.items()})
    text = str(backend.compile(expression))
    kept = _replaced(text, places)
    if _replaced(kept, {place: name for name, place in places.items()}) == text:
        _keep(file, kept)
    return text


def described(root: Node) -> tuple[str, list[str]]:
    """All that the text of an expression depends on, and the names of the session's tables in it.

    Raises UnknownPartError where a part is not of the known kinds.
    """
    graph = Graph.from_bfs(root)
    places = {node: place for place, node in enumerate(graph)}
    names: list[str] = []
    return "\n".join(_described(node, places, names) for node in graph), names


def _described(node: Node, places: dict[Node, int], names: list[str]) -> str:
    kind = type(node)
    if kind.__module__.partition(".")[0] != "ibis" or isinstance(node, ops.ScalarUDF | ops.AggUDF):
        raise UnknownPartError(kind)
    if isinstance(node, ops.InMemoryTable | ops.DatabaseTable):
        return _table(node, names)
    skipped = "identifier" if kind.__name__ in _REFERENCES else ""
    parts = zip(node.__argnames__, node.__args__, strict=True)
    told = [f"{name}={_part(part, places)}" for name, part in parts if name != skipped]
    return f"{kind.__module__}.{kind.__name__} {' '.join(told)}"


def _table(node: ops.PhysicalTable, names: list[str]) -> str:
    """A table: its kind, its columns, and its name, or its place among the session's own."""
    name, known = node.name, isinstance(node, ops.DatabaseTable)
    if _SESSION_NAME.fullmatch(name):
        if name not in names:
            names.append(name)
        name = f"kpi_table_{names.index(name)}_"
    elif not known:
        raise UnknownPartError(name)
    columns = [f"{column!r}: {kind!r}" for column, kind in node.schema.items()]
    where = (node.namespace.catalog, node.namespace.database) if known else ()
    return f"{type(node).__name__} {name!r} {where} {columns}"


def _part(part: Any, places: dict[Node, int]) -> str:
    """An argument of a node; another node is told by its place."""
    if isinstance(part, Node):
        return f"#{places[part]}"
    if isinstance(part, Enum | dt.DataType | _PLAIN):
        return f"{type(part).__name__} {part!r}"
    if isinstance(part, tuple | list | frozenset):
        inner = [_part(one, places) for one in part]
        return f"{type(part).__name__}({', '.join(inner)})"
    if isinstance(part, dict | FrozenDict | FrozenOrderedDict | ibis.Schema):
        pairs = (f"{_part(key, places)}: {_part(one, places)}" for key, one in part.items())
        return f"{type(part).__name__}{{{', '.join(pairs)}}}"
    raise UnknownPartError(type(part))


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
