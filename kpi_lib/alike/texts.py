"""Many expressions that differ in constants only (the day asked about, a window): compiled once.

Turning an expression into SQL takes several times as long as running it on a small company. The
scores of an account on sixty month ends are sixty expressions of one shape, so the first is
compiled with marks in place of the constants that vary, and the text is filled in for the others.
Whatever does not fit exactly is compiled on its own; the rows are the same either way.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Hashable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import ibis
import ibis.expr.operations as ops
import ibis.expr.types as ir
from ibis.common.graph import Node

from kpi_lib.alike.shapes import Differences, literals_of, marks_of, shape_of
from kpi_lib.compiled import KEPT, compiled
from kpi_lib.engine import backend_of, drop_kept, keep_text, name_text, run, run_text

if TYPE_CHECKING:
    import pandas as pd

FILLED_IN = "duckdb"
"""The engine whose text is filled in; elsewhere every expression is compiled on its own."""

_FEW = 2
"""Expressions of a shape, besides the first, that are compiled apart: marks have to pay for themselves."""

_NUMBERS = itertools.count()

Make = Callable[[ir.Table], ir.Table]
"""A question about the rows of one table."""


def run_each(expressions: Iterable[ir.Table]) -> Iterator[pd.DataFrame]:
    """The rows of each expression, as `engine.run` gives them, in the order given.

    All of them are about the tables of one data set. Expressions that come to the same text are run
    once and share one frame: do not change it in place.
    """
    texts = _Texts()
    seen: dict[str, pd.DataFrame] = {}
    for expression in expressions:
        text = texts.of(expression)
        if text is None:
            yield run(expression)
            continue
        if text not in seen:
            seen[text] = run_text(texts.backend, text, expression.schema())
        yield seen[text]


def run_on_each(asked: Iterable[tuple[object, ir.Table, Make]]) -> Iterator[pd.DataFrame]:
    """The rows of `make(table)` for each (key, table, make), as `run_each` gives them.

    Whatever has the same key makes the same of tables with the same columns. So for tables that
    `kept_each` gave it is made once, and its text is read for the others with their names.
    """
    texts = _Texts()
    made: dict[Hashable, tuple[str, str, ibis.Schema]] = {}
    seen: dict[str, pd.DataFrame] = {}
    for key, table, make in asked:
        name = _kept_name(table)
        whole = (key, table.schema())
        if whole not in made or not name:
            expression = make(table)
            text = texts.of(expression)
            if text is None:
                yield run(expression)
                continue
            made[whole] = (name, text, expression.schema())
        of, text, schema = made[whole]
        text = text.replace(of, name) if of else text
        if text not in seen:
            seen[text] = run_text(texts.backend, text, schema)
        yield seen[text]


def _kept_name(table: ir.Table) -> str:
    """The name of a table that is kept in the session, "" for other expressions."""
    node = table.op()
    return node.name if isinstance(node, ops.DatabaseTable) and node.name.startswith(KEPT) else ""


@contextmanager
def kept_each(expressions: Iterable[ir.Table]) -> Iterator[list[ir.Table]]:
    """The rows of each expression in a table, for questions that come back to them.

    Tables of the session that go away at the end, one for all expressions that come to the same
    text; where none are made, the expressions themselves.
    """
    texts = _Texts()
    names: dict[str, str] = {}
    try:
        yield [_kept(expression, texts, names) for expression in expressions]
    finally:
        for name in names.values():
            drop_kept(texts.backend, name)


def _kept(expression: ir.Table, texts: _Texts, names: dict[str, str]) -> ir.Table:
    """The expression, or the table that holds its rows, whose name is in `names` under its text."""
    text = texts.of(expression)
    if text is None:
        return expression
    if text not in names:
        name = f"{KEPT}{next(_NUMBERS)}_"
        keep_text(texts.backend, name, text)
        names[text] = name
    return _table(names[text], expression, texts.backend)


class Names:
    """Gives expressions over one data set names in its engine, under which others build on them.

    Where the engine's text is not filled in, an expression stays as it is.
    """

    def __init__(self) -> None:
        self._texts = _Texts()
        self._known: dict[str, ir.Table] = {}
        self._read: list[Node] = []  # small tables live as long as the expressions that hold them

    def named(self, expression: ir.Table) -> ir.Table:
        """The same rows, read from a view of the session: nothing runs."""
        return self._under_a_name(expression, name_text)

    def kept(self, expression: ir.Table) -> ir.Table:
        """The same rows, computed now and kept as a table of the session as long as it lasts."""
        return self._under_a_name(expression, keep_text)

    def _under_a_name(
        self, expression: ir.Table, give: Callable[[Any, str, str], None]
    ) -> ir.Table:
        node = expression.op()
        text = None if isinstance(node, ops.PhysicalTable) else self._texts.of(expression)
        if text is None:
            return expression
        if text not in self._known:
            name = f"{KEPT}{next(_NUMBERS)}_"
            give(self._texts.backend, name, text)
            self._read.append(node)
            self._known[text] = _table(name, expression, self._texts.backend)
        return self._known[text]


def _table(name: str, expression: ir.Table, backend: Any) -> ir.Table:
    """A table or view of the session that holds the rows of an expression."""
    return ops.DatabaseTable(name, schema=expression.schema(), source=backend).to_expr()


class _Texts:
    """The SQL of expressions over one data set, from forms seen before where one fits."""

    def __init__(self) -> None:
        self.backend: Any = None
        self._forms: dict[int, list[_Form]] = {}

    def of(self, expression: ir.Table) -> str | None:
        """The text, with the small tables it reads made known; None where texts are not filled in."""
        self.backend = self.backend or backend_of(expression)
        if self.backend.name != FILLED_IN:
            return None
        node = expression.op()
        forms = self._forms.setdefault(shape_of(node), [])
        for form in forms:
            text = form.filled(node, self.backend)
            if text is not None:
                return text
        forms.append(_Form(node, compiled(expression, self.backend)))
        return forms[-1].text


@dataclass
class _Form:
    """An expression, its text, and, once several of its shape have come, its text with marks."""

    node: Node
    text: str
    marks: dict[ops.Literal, ops.Literal] = field(default_factory=dict)
    marked: str = ""
    is_marked: bool = False
    apart: int = 0

    def filled(self, other: Node, backend: Any) -> str | None:
        """The text of `other`, None unless it differs in constants and small tables only."""
        found = Differences()
        if not found.same(self.node, other):
            return None
        if found.literals and self.apart < _FEW:
            self.apart += 1
            return compiled(other.to_expr(), backend)
        text = self._with_constants(found.literals, backend) if found.literals else self.text
        if text is None:
            return None
        for name, table in found.tables.items():
            if isinstance(table, ops.InMemoryTable):
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
        self.marks = marks_of(literals_of(self.node))
        self.marked = compiled(self.node.replace(self.marks).to_expr(), backend)
        if self._filled_in({}, backend) != self.text:
            self.marked = ""

    def _filled_in(self, literals: dict[ops.Literal, ops.Literal], backend: Any) -> str:
        text = self.marked
        for own, mark in self.marks.items():
            text = text.replace(_written(mark, backend), _written(literals.get(own, own), backend))
        return text


@lru_cache(maxsize=4096)
def _written(literal: ops.Literal, backend: Any) -> str:
    """How the engine writes a constant."""
    compiler = backend.compiler
    return str(
        compiler.visit_Literal(literal, value=literal.value, dtype=literal.dtype).sql(FILLED_IN)
    )
