"""How two expressions of one shape differ: in constants, small tables and kept tables."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import lru_cache
from typing import Any

import ibis.expr.datatypes as dt
import ibis.expr.operations as ops
from ibis.common.graph import Graph, Node

from kpi_lib.compiled import KEPT

_COUNTERS = {"JoinReference": "identifier", "SelfReference": "identifier"}
"""Numbers that ibis hands out to tell references apart; they do not reach the text."""


def shape_of(node: Node) -> int:
    """A number that expressions of one shape share: the kinds of their parts, in order."""
    return hash(tuple(type(part).__name__ for part in Graph.from_bfs(node)))


@lru_cache(maxsize=512)
def literals_of(node: Node) -> tuple[ops.Literal, ...]:
    """The constants in an expression."""
    return tuple(part for part in Graph.from_bfs(node) if isinstance(part, ops.Literal))


def marks_of(literals: Sequence[ops.Literal]) -> dict[ops.Literal, ops.Literal]:
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


@dataclass
class Differences:
    """Constants, tables in memory and kept tables by which two expressions of one shape differ."""

    literals: dict[ops.Literal, ops.Literal] = field(default_factory=dict)
    tables: dict[str, ops.PhysicalTable] = field(default_factory=dict)
    _constants: dict[ops.Literal, ops.Literal] = field(default_factory=dict)
    _met: dict[int, Any] = field(default_factory=dict)

    def same(self, one: Any, other: Any) -> bool:
        """Whether both have one shape, and each thing of the first always stands for the same."""
        if isinstance(one, Node):
            return type(one) is type(other) and self._same_node(one, other)
        if isinstance(one, (tuple, list)):
            return len(one) == len(other) and all(map(self.same, one, other))
        if isinstance(one, dict):
            return list(one) == list(other) and all(self.same(one[key], other[key]) for key in one)
        return bool(one == other)

    def _same_node(self, one: Node, other: Node) -> bool:
        if id(one) in self._met:
            return bool(self._met[id(one)] == other)
        self._met[id(one)] = other
        if isinstance(one, ops.Literal):
            return self._same_constant(one, other)
        if one is other:
            return all(self._same_constant(part, part) for part in literals_of(one))
        if isinstance(one, (ops.InMemoryTable, ops.DatabaseTable)):
            return self._same_table(one, other)
        skipped = _COUNTERS.get(type(one).__name__)
        named = zip(one.__argnames__, one.__args__, other.__args__, strict=True)
        return all(self.same(mine, its) for name, mine, its in named if name != skipped)

    def _same_constant(self, one: ops.Literal, other: ops.Literal) -> bool:
        if self._constants.setdefault(one, other) != other:
            return False
        if one != other:
            self.literals[one] = other
        return bool(one.dtype == other.dtype)

    def _same_table(self, one: ops.PhysicalTable, other: ops.PhysicalTable) -> bool:
        if isinstance(one, ops.InMemoryTable):
            if one.name != other.name and not one.data.to_frame().equals(other.data.to_frame()):
                self.tables[one.name] = other
        elif one.name.startswith(KEPT) and other.name.startswith(KEPT):
            self.tables[one.name] = other
        elif one != other:
            return False
        return bool(one.schema == other.schema)
