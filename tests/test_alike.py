"""Expressions compiled once give the rows that each would give on its own."""

from __future__ import annotations

import gc
from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime
from pathlib import Path
from typing import Any

import ibis
import ibis.expr.types as ir
import pandas as pd
import pytest

from kpi_lib.alike import Names, kept_each, run_each, run_on_each, texts
from kpi_lib.engine import run
from kpi_lib.schema import Tables, named

ROWS = ibis.memtable(
    pd.DataFrame(
        {
            "name": ["a", "b", "c", "d"],
            "on": pd.to_datetime(["2025-01-01", "2025-02-01", "2025-03-01", "2025-04-01"]),
            "amount": [1, 2, 3, 4],
        }
    )
).cast({"on": "date"})


def until(day: date) -> ir.Table:
    return ROWS.filter(ROWS["on"] <= day).mutate(asked=ibis.literal(day)).order_by("name")


def at_least(number: int) -> ir.Table:
    kept = ROWS.filter(ROWS["amount"] >= number)
    return kept.mutate(plus_one=kept["amount"] + 1).order_by("name")


def before(hour: int) -> ir.Table:
    moment = datetime(2025, 3, 1, hour)
    return ROWS.filter(ROWS["on"].cast("timestamp") < moment).order_by("name")


def called(name: str) -> ir.Table:
    return ROWS.filter(ROWS["name"] == name).order_by("name")


def gridded(day: date) -> ir.Table:
    grid = ibis.memtable({"until": [day]}, schema={"until": "date"})
    joined = grid.join(ROWS, ROWS["on"] <= grid["until"])
    return joined.select("until", "name", "amount").order_by("name")


DAYS = [date(2025, 1, 15), date(2025, 2, 15), date(2025, 3, 1), date(2025, 2, 15)]
CASES: list[tuple[Callable[[Any], ir.Table], list[Any]]] = [
    (until, DAYS),
    (at_least, [1, 2, 3, 4, 1, 200]),
    (before, [0, 1, 2]),
    (called, ["a", "b", "it's", "mark 1 of a constant"]),
    (gridded, DAYS),
]


@pytest.mark.parametrize(("build", "constants"), CASES)
def test_every_expression_gives_its_own_rows(
    build: Callable[[Any], ir.Table], constants: list[Any]
) -> None:
    together = list(run_each(build(constant) for constant in constants))
    for constant, frame in zip(constants, together, strict=True):
        pd.testing.assert_frame_equal(frame, run(build(constant)))


def test_expressions_of_other_shapes_may_come_between() -> None:
    mixed = [
        until(DAYS[0]),
        at_least(2),
        until(DAYS[1]),
        gridded(DAYS[2]),
        at_least(3),
        called("c"),
    ]
    for expression, frame in zip(mixed, run_each(mixed), strict=True):
        pd.testing.assert_frame_equal(frame, run(expression))


def test_one_constant_that_stands_in_two_places_is_not_confused() -> None:
    """2 is both a bound and an addend in the first, only a bound in the second."""

    def made(bound: int, addend: int) -> ir.Table:
        kept = ROWS.filter(ROWS["amount"] >= bound)
        return kept.mutate(more=kept["amount"] + addend).order_by("name")

    pairs = [(2, 2), (3, 2), (2, 3), (3, 3), (4, 1)]
    for pair, frame in zip(pairs, run_each(made(*pair) for pair in pairs), strict=True):
        pd.testing.assert_frame_equal(frame, run(made(*pair)))


def test_most_of_them_are_not_compiled(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("kpi_lib.compiled._folder", lambda: tmp_path)
    backend = ibis.get_backend(ROWS)
    compiled: list[ir.Expr] = []
    plain = type(backend).compile

    def counted(self: Any, expression: ir.Expr, *args: Any, **options: Any) -> Any:
        compiled.append(expression)
        return plain(self, expression, *args, **options)

    monkeypatch.setattr(type(backend), "compile", counted)
    days = [date(2025, month, 3) for month in range(1, 13)]
    assert len(list(run_each(until(day) for day in days))) == 12
    assert len(compiled) == 4  # three as they are, one with marks


def test_kept_rows_can_be_asked_again_and_go_away() -> None:
    backend = ibis.get_backend(ROWS)
    before = set(backend.list_tables())
    with kept_each(until(day) for day in DAYS) as kept:
        counts = [
            int(frame["n"].iloc[0]) for frame in run_each(t.aggregate(n=t.count()) for t in kept)
        ]
        pd.testing.assert_frame_equal(run(kept[1].order_by("name")), run(until(DAYS[1])))
        assert len(set(backend.list_tables()) - before) == len(set(DAYS))
    assert counts == [1, 2, 3, 2]
    assert set(backend.list_tables()) == before


def test_kept_rows_go_away_after_an_error() -> None:
    before = set(ibis.get_backend(ROWS).list_tables())
    with pytest.raises(RuntimeError), kept_each([until(DAYS[0])]):
        raise RuntimeError
    assert set(ibis.get_backend(ROWS).list_tables()) == before


def test_where_texts_are_not_filled_in_the_rows_are_the_same(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    filled = list(run_each(until(day) for day in DAYS))
    monkeypatch.setattr(texts, "FILLED_IN", "another engine")
    with kept_each(until(day) for day in DAYS) as kept:
        for one, other, plain in zip(filled, run_each(kept), map(until, DAYS), strict=True):
            pd.testing.assert_frame_equal(one, other)
            pd.testing.assert_frame_equal(one, run(plain))


def test_nothing_gives_nothing() -> None:
    assert list(run_each([])) == []


def test_named_and_kept_expressions_give_the_same_rows() -> None:
    names = Names()
    for give in (names.named, names.kept):
        for day in DAYS:
            frame = run(give(until(day)).order_by("name"))
            pd.testing.assert_frame_equal(frame, run(until(day)))


def test_what_is_built_on_a_named_expression_does_not_repeat_it() -> None:
    names = Names()
    base = names.named(until(DAYS[0]))
    again = names.named(until(DAYS[0]))
    assert base.op() == again.op()
    text = str(ibis.to_sql(base.aggregate(total=base["amount"].sum()), dialect="duckdb"))
    assert base.op().name in text
    assert "WHERE" not in text


def test_a_named_expression_outlives_the_small_tables_it_reads() -> None:
    names = Names()
    named = names.named(gridded(DAYS[1]))
    gc.collect()
    pd.testing.assert_frame_equal(run(named.order_by("name")), run(gridded(DAYS[1])))


def test_a_question_about_kept_rows_is_made_once_for_all_of_them() -> None:
    made: list[int] = []

    def largest(table: ir.Table) -> ir.Table:
        made.append(1)
        return table.order_by(ibis.desc("amount")).limit(1)

    def narrow(table: ir.Table) -> ir.Table:
        return table.select("name")

    with kept_each([until(day) for day in DAYS]) as kept:
        assert len({table.op() for table in kept}) == len(set(DAYS))
        found = list(run_on_each(("largest", table, largest) for table in kept))
        assert made == [1]
        for frame, day in zip(found, DAYS, strict=True):
            pd.testing.assert_frame_equal(frame, run(largest(until(day))))
        mixed = [("narrow", narrow(table), largest_name) for table in kept[:2]]
        mixed += [("narrow", kept[2], narrow)]
        for (_, table, make), frame in zip(mixed, run_on_each(mixed), strict=True):
            pd.testing.assert_frame_equal(frame, run(make(table)))


def largest_name(table: ir.Table) -> ir.Table:
    return table.order_by(ibis.desc("name")).limit(1)


def test_tables_make_what_is_asked_for_once() -> None:
    made: list[int] = []

    @named
    def largest(tables: Tables, number: int, *, days: list[date]) -> ir.Table:
        made.append(number)
        return tables["rows"].order_by("name").limit(number)

    tables = Tables({"rows": ROWS}, date(2025, 12, 31))
    same = [largest(tables, 2, days=DAYS).op() for _ in range(3)]
    assert same[0] == same[1] == same[2]
    assert made == [2]
    largest(tables, 3, days=DAYS)
    largest(replace(tables), 2, days=DAYS)
    assert made == [2, 3, 2]
