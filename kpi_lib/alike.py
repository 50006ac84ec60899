"""Many expressions that differ in constants only (the day asked about, a window): compiled once.

Turning an expression into SQL takes several times as long as running it on a small company. The
scores of an account on sixty month ends are sixty expressions of one shape, so the first is
compiled with marks in place of the constants that vary, and the text is filled in for the others.
Whatever does not fit exactly is compiled on its own; the rows are the same either way.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import ibis
import ibis.expr.datatypes as dt
import ibis.expr.operations as ops
import ibis.expr.types as ir
from ibis.common.graph import Graph, Node

from kpi_lib.engine import plain_frame, run

if TYPE_CHECKING:
    import pandas as pd

FILLED_IN = "duckdb"
"""The engine whose text is filled in; elsewhere every expression is compiled on its own."""

_COUNTERS = {"JoinReference": "identifier", "SelfReference": "identifier"}
"""Numbers that ibis hands out to tell references apart; they do not reach the text."""


def run_each(expressions: Iterable[ir.Table]) -> Iterator[pd.DataFrame]:
    """The rows of each expression, as `engine.run` gives them, in the order given.

    All of them are about the tables of one data set. Expressions that come to the same text are run
    once and share one frame: do not change it in place.
    """
    forms: list[_Form] = []
    seen: dict[str, pd.DataFrame] = {}
    backend: Any = None
    for expression in expressions:
        backend = backend or ibis.get_backend(expression)
        if backend.name != FILLED_IN:
            yield run(expression)
            continue
        text = _text_of(expression, forms, backend)
        if text not in seen:
            arrow = backend.con.sql(text).to_arrow_table()
            seen[text] = plain_frame(arrow.cast(expression.schema().to_pyarrow()))
        yield seen[text]


def _text_of(expression: ir.Table, forms: list[_Form], backend: Any) -> str:
    """The SQL of an expression, from a form seen before where one fits; its tables are made known."""
    for form in forms:
        text = form.filled(expression.op(), backend)
        if text is not None:
            return text
    backend._run_pre_execute_hooks(expression)
    forms.append(_Form(expression.op(), str(backend.compile(expression))))
    return forms[-1].text


@dataclass
class _Form:
    """An expression, its text, and, once a second one of its shape came, its text with marks."""

    node: Node
    text: str
    marks: dict[ops.Literal, ops.Literal] = field(default_factory=dict)
    marked: str = ""
    is_marked: bool = False

    def filled(self, other: Node, backend: Any) -> str | None:
        """The text of `other`, None unless it differs in constants and small tables only."""
        found = _Differences()
        if not found.same(self.node, other):
            return None
        text = self._with_constants(found.literals, backend) if found.literals else self.text
        if text is None:
            return None
        for name, table in found.tables.items():
            backend._register_in_memory_table(table)
            text = text.replace(name, table.name)
        return text

    def _with_constants(self, literals: dict[ops.Literal, ops.Literal], backend: Any) -> str | None:
        if not self.is_marked:
            self._mark(backend)
        if not self.marked or not literals.keys() <= self.marks.keys():
            return None
        return self._filled_in(literals, backend)

    def _mark(self, backend: Any) -> None:
        """Put marks for all constants that can have one; kept only if filling in restores the text."""
        self.is_marked = True
        literals = [node for node in Graph.from_bfs(self.node) if isinstance(node, ops.Literal)]
        self.marks = _marks(literals)
        self.marked = str(backend.compile(self.node.replace(self.marks).to_expr()))
        if self._filled_in({}, backend) != self.text:
            self.marked = ""

    def _filled_in(self, literals: dict[ops.Literal, ops.Literal], backend: Any) -> str:
        text = self.marked
        for own, mark in self.marks.items():
            text = text.replace(_written(mark, backend), _written(literals.get(own, own), backend))
        return text


def _marks(literals: Sequence[ops.Literal]) -> dict[ops.Literal, ops.Literal]:
    """A constant of the same type, not met in practice, for each literal that can have one."""
    known = [literal for literal in literals if literal.value is not None]
    marks = {literal: _mark(literal.dtype, place) for place, literal in enumerate(known)}
    return {literal: mark for literal, mark in marks.items() if mark is not None}


def _mark(kind: dt.DataType, place: int) -> ops.Literal | None:
    if kind.is_date():
        return ops.Literal(date(9000 + place, 11, 23), kind)
    if kind.is_timestamp():
        return ops.Literal(datetime(9000 + place, 11, 23, 7, 7, 7), kind)
    if kind.is_integer():
        return ops.Literal(2 ** (8 * kind.nbytes - 1) - 3 - place, kind)
    return None


@lru_cache(maxsize=4096)
def _written(literal: ops.Literal, backend: Any) -> str:
    """How the engine writes a constant."""
    compiler = backend.compiler
    return str(
        compiler.visit_Literal(literal, value=literal.value, dtype=literal.dtype).sql(FILLED_IN)
    )


@dataclass
class _Differences:
    """Constants and tables in memory by which two expressions of one shape differ."""

    literals: dict[ops.Literal, ops.Literal] = field(default_factory=dict)
    tables: dict[str, ops.InMemoryTable] = field(default_factory=dict)
    _met: dict[Any, Any] = field(default_factory=dict)

    def same(self, one: Any, other: Any) -> bool:
        """Whether both have one shape, and each thing of the first always stands for the same."""
        if isinstance(one, Node):
            return isinstance(other, type(one)) and self._same_node(one, other)
        if isinstance(one, (tuple, list)):
            return len(one) == len(other) and all(map(self.same, one, other))
        if isinstance(one, dict):
            return list(one) == list(other) and all(self.same(one[key], other[key]) for key in one)
        return bool(one == other)

    def _same_node(self, one: Node, other: Node) -> bool:
        if one in self._met:
            return bool(self._met[one] == other)
        self._met[one] = other
        if isinstance(one, ops.Literal) and isinstance(other, ops.Literal):
            if one != other:
                self.literals[one] = other
            return bool(one.dtype == other.dtype)
        if isinstance(one, ops.InMemoryTable) and isinstance(other, ops.InMemoryTable):
            return bool(one.schema == other.schema) and self._note(one, other)
        skipped = _COUNTERS.get(type(one).__name__)
        names = [name for name in one.__argnames__ if name != skipped]
        return all(self.same(getattr(one, name), getattr(other, name)) for name in names)

    def _note(self, one: ops.InMemoryTable, other: ops.InMemoryTable) -> bool:
        """Keep the other table in mind where its rows are others."""
        if one.name != other.name and not one.data.to_frame().equals(other.data.to_frame()):
            self.tables[one.name] = other
        return True
