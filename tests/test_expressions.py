"""Traps of the engines, looked for in the expressions of every KPI before any engine runs them."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

import ibis
import ibis.expr.operations as ops
import ibis.expr.types as ir
import pytest

from kpi_lib.kpi import Kpi
from kpi_lib.schema import Tables
from tests.company import company
from tests.lawful import CARDS, expressions, name_of, variants

each_kpi = pytest.mark.parametrize("kpi", CARDS, ids=name_of)
ENGINES = ("postgres", "pyspark", "snowflake", "bigquery", "trino")
CHANGES_WITH_THE_CLOCK = (ops.TimestampNow, ops.DateNow, ops.RandomScalar, ops.RandomUUID)


@cache
def tables() -> Tables:
    return company()


@cache
def all_expressions(kpi_name: str) -> tuple[tuple[str, ir.Table], ...]:
    """Expressions of the defaults, and the observations under every other fair value."""
    kpi = next(card for card in CARDS if card.name == kpi_name)
    found = list(expressions(kpi, tables(), kpi.Params()).items())
    others = [(str(params), kpi.observe(tables(), params)) for params in variants(kpi)[1:]]
    moves = [
        (move.name, kpi.observe(move.edit(tables(), kpi.Params()), kpi.Params()))
        for move in kpi.cheap_moves
    ]
    estimated = kpi.estimator(kpi.Params()).reduce(found[0][1], ["period"])
    return (*found, *others, *moves, ("reduced", estimated))


def hazards(rows: ir.Table) -> Iterator[str]:
    """What an engine may read otherwise than it is meant, one line each."""
    for node in rows.op().find(ops.Node):
        if isinstance(node, ops.Divide):
            yield from _division(node)
        if isinstance(node, ops.TimestampDelta):
            yield "days between moments: cast both to dates"
        if isinstance(node, ops.JoinLink) and node.how == "left":
            found = [
                p for predicate in node.predicates for p in predicate.find(ops.Or, filter=ops.Value)
            ]
            yield from ["OR in the condition of a left join" for _ in found]
        if isinstance(node, ops.JoinLink) and node.how in ("semi", "anti"):
            yield "a join that Postgres lacks: use isin"
        if isinstance(node, ops.Cast) and node.arg.dtype.is_boolean() and node.to.is_numeric():
            yield "a flag turned into a number, which Postgres refuses"
        if isinstance(node, ops.ApproxCountDistinct | ops.ApproxMedian | ops.ApproxQuantile):
            yield "an approximation"
        if isinstance(node, CHANGES_WITH_THE_CLOCK):
            yield "something that is another value each time"
        if isinstance(node, ops.Project):
            yield from _bare_decimals(node)
    yield from _unordered_limits(rows)


def _division(node: ops.Divide) -> Iterator[str]:
    if node.left.dtype.is_integer() and node.right.dtype.is_integer():
        yield "a division of integers"
    whole = node.right
    while isinstance(whole, ops.Cast):
        whole = whole.arg
    if not isinstance(whole, ops.NullIf) and not (isinstance(whole, ops.Literal) and whole.value):
        yield "a denominator that may be 0"


def _bare_decimals(node: ops.Project) -> Iterator[str]:
    for name, value in node.values.items():
        if isinstance(value, ops.Literal) and value.dtype.is_floating() and value.value is not None:
            yield f"{name} is a bare decimal number, which Spark takes for a DECIMAL"


def _unordered_limits(rows: ir.Table) -> Iterator[str]:
    for node in rows.op().find(ops.Limit):
        if not isinstance(node.parent, ops.Sort):
            yield "the first rows of an order that nobody gave"


@each_kpi
def test_no_expression_holds_a_trap(kpi: Kpi) -> None:
    wrong = [
        f"{name}: {line}" for name, rows in all_expressions(kpi.name) for line in hazards(rows)
    ]
    assert not wrong


@each_kpi
def test_lists_have_an_order(kpi: Kpi) -> None:
    """All but what is computed row by row and drawn by its own axes."""
    for part in (*kpi.parts, *([kpi.who] if kpi.who else [])):
        node = part.compute(tables(), kpi.Params()).op()
        while isinstance(node, ops.Project | ops.DropColumns):
            node = node.parent
        assert isinstance(node, ops.Sort | ops.InMemoryTable), part.name


@each_kpi
def test_expressions_can_be_said_in_every_dialect(kpi: Kpi) -> None:
    """Words only: the tests of the backends say whether an engine gives the same numbers."""
    assert kpi.who is not None
    rows = [compute(tables(), kpi.Params()) for compute in (kpi.observe, kpi.who.compute)]
    for engine in ENGINES:
        if engine == "pyspark":
            pytest.importorskip("pyspark")
            assert ibis.pyspark  # loads the options its compiler reads
        assert all("SELECT" in str(ibis.to_sql(one, dialect=engine)) for one in rows), engine


TRAPS = [
    ("whole", "a division of integers"),
    ("whole", "a denominator that may be 0"),
    ("moments", "days between moments: cast both to dates"),
    ("either", "OR in the condition of a left join"),
    ("bare", "half is a bare decimal number, which Spark takes for a DECIMAL"),
    ("first", "the first rows of an order that nobody gave"),
    ("clock", "something that is another value each time"),
    ("rough", "an approximation"),
    ("semi", "a join that Postgres lacks: use isin"),
    ("flag", "a flag turned into a number, which Postgres refuses"),
]


@pytest.mark.parametrize(("name", "line"), TRAPS, ids=[name for name, _ in TRAPS])
def test_the_search_finds_each_trap(name: str, line: str) -> None:
    table = ibis.table({"a": "int64", "b": "int64", "at": "timestamp"}, name="t")
    other = table.view()
    either = (table["a"] == other["a"]) | (table["b"] == other["b"])
    traps = {
        "whole": table.mutate(share=table["a"] / table["b"]),
        "moments": table.mutate(days=table["at"].delta(table["at"], unit="day")),
        "either": table.left_join(other, either),
        "bare": table.select(half=ibis.literal(0.5)),
        "first": table.limit(3),
        "clock": table.mutate(now=ibis.now()),
        "semi": table.semi_join(other, "a"),
        "flag": table.mutate(odd=(table["a"] > 1).cast("float64")),
        "rough": table.aggregate(people=table["a"].approx_nunique()),
    }
    assert line in list(hazards(traps[name]))
