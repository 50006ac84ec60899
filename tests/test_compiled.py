"""The kept text of an expression is the one that compiling it gives, whatever was kept before."""

from __future__ import annotations

import itertools
import os
import subprocess
import sys
from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path
from typing import Any

import ibis
import ibis.expr.operations as ops
import ibis.expr.types as ir
import pytest

from kpi_lib import compiled as module
from kpi_lib.compiled import KEPT, compiled
from kpi_lib.engine import run

BACKEND = ibis.duckdb.connect()
SCHEMA = {"a": "int64", "b": "int64", "c": "float64", "t": "string", "on": "date"}


def table(name: str = "rows", schema: dict[str, str] | None = None, catalog: str = "m") -> ir.Table:
    where = ops.Namespace(catalog=catalog, database="main")
    return ops.DatabaseTable(
        name, schema=ibis.schema(schema or SCHEMA), source=BACKEND, namespace=where
    ).to_expr()


ROWS = table()
KINDS: list[Callable[[], ir.Table]] = [
    lambda: ROWS,
    lambda: table("others"),
    lambda: table(catalog="n"),
    lambda: table(schema={**SCHEMA, "a": "!int64"}),
    lambda: ROWS.select("a", "b"),
    lambda: ROWS.select("b", "a"),
    lambda: ROWS.select("a", b="c"),
    lambda: ROWS.filter(ROWS["a"] > 1),
    lambda: ROWS.filter(ROWS["a"] > 2),
    lambda: ROWS.filter(ROWS["a"] >= 1),
    lambda: ROWS.filter(ROWS["b"] > 1),
    lambda: ROWS.filter(ROWS["a"] > 1.0),
    lambda: ROWS.filter(ROWS["a"] > ibis.literal(1, type="int64")),
    lambda: ROWS.filter(ROWS["t"] == "1"),
    lambda: ROWS.filter(ROWS["t"] == "kpi_table_0_"),
    lambda: ROWS.filter(ROWS["on"] > date(2026, 1, 1)),
    lambda: ROWS.filter(ROWS["on"] > date(2026, 1, 2)),
    lambda: ROWS.filter(ROWS["on"].cast("timestamp") > datetime(2026, 1, 1)),
    lambda: ROWS.filter(ROWS["t"].isin(["x", "y"])),
    lambda: ROWS.filter(ROWS["t"].isin(["x, y"])),
    lambda: ROWS.filter(ROWS["t"].isnull()),
    lambda: ROWS.order_by("a"),
    lambda: ROWS.order_by(ibis.desc("a")),
    lambda: ROWS.order_by("a").limit(3),
    lambda: ROWS.order_by("a").limit(3, offset=1),
    lambda: ROWS.mutate(a=ROWS["a"].cast("float64")),
    lambda: ROWS.mutate(a=ROWS["a"].cast("string")),
    lambda: ROWS.mutate(d=ROWS["on"] + ibis.interval(days=1)),
    lambda: ROWS.mutate(d=ROWS["on"] + ibis.interval(months=1)),
    lambda: ROWS.mutate(d=ROWS["on"].truncate("M")),
    lambda: ROWS.mutate(d=ROWS["on"].truncate("Q")),
    lambda: ROWS.group_by("t").aggregate(n=ROWS["a"].sum()),
    lambda: ROWS.group_by("t").aggregate(n=ROWS["a"].sum(where=ROWS["b"] > 0)),
    lambda: ROWS.group_by("t").aggregate(n=ROWS["a"].max()),
    lambda: ROWS.mutate(p=ibis.row_number().over(group_by="t", order_by="a")),
    lambda: ROWS.mutate(p=ibis.row_number().over(group_by="t", order_by=ibis.desc("a"))),
    lambda: ROWS.mutate(s=ROWS["a"].sum().over(ibis.window(preceding=2, order_by="on"))),
    lambda: ROWS.mutate(s=ROWS["a"].sum().over(ibis.window(preceding=3, order_by="on"))),
    lambda: ROWS.join(table("others"), "a"),
    lambda: table("others").join(ROWS, "a"),
    lambda: ROWS.left_join(table("others"), "a"),
    lambda: ROWS.semi_join(table("others"), "a"),
    lambda: ROWS.anti_join(table("others"), "a"),
    lambda: ROWS.join(ROWS.view(), "a"),
    lambda: ROWS.join(ROWS.filter(ROWS["b"] > 1), "a"),
    lambda: ROWS.union(table("others")),
    lambda: ROWS.union(table("others"), distinct=True),
    lambda: ROWS.distinct(),
]
"""Pairs of these differ in one thing each."""


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Nothing is kept yet."""
    place = tmp_path / "sql-1"
    monkeypatch.setattr(module, "_folder", lambda: place)
    return place


@pytest.fixture
def compilations(monkeypatch: pytest.MonkeyPatch) -> list[ir.Expr]:
    """What has been compiled."""
    asked: list[ir.Expr] = []
    plain = type(BACKEND).compile

    def counted(self: Any, expression: ir.Expr, *args: Any, **options: Any) -> Any:
        asked.append(expression)
        return plain(self, expression, *args, **options)

    monkeypatch.setattr(type(BACKEND), "compile", counted)
    return asked


def test_whatever_was_kept_before_the_text_is_its_own() -> None:
    for _, make in itertools.product(("compiled", "read"), KINDS):
        assert compiled(make(), BACKEND) == BACKEND.compile(make())


def test_the_second_time_nothing_is_compiled(compilations: list[ir.Expr]) -> None:
    for make in KINDS:
        compiled(make(), BACKEND)
    assert len(compilations) == len(KINDS)
    for make in KINDS:
        compiled(make(), BACKEND)
    assert len(compilations) == len(KINDS)


def test_an_option_of_the_compiler_gives_another_text(monkeypatch: pytest.MonkeyPatch) -> None:
    expression = ROWS.filter(ROWS["a"] > 1).select("a").filter(ROWS["a"] < 9)
    fused = compiled(expression, BACKEND)
    monkeypatch.setattr(ibis.options.sql, "fuse_selects", False)
    assert compiled(expression, BACKEND) == BACKEND.compile(expression) != fused


def joined(one: str, other: str) -> ir.Table:
    return table(one).join(table(other), "a").select("a", "t")


def test_tables_of_a_session_are_told_apart_by_their_place(compilations: list[ir.Expr]) -> None:
    first = compiled(joined(f"{KEPT}1_", f"{KEPT}2_"), BACKEND)
    again = compiled(joined(f"{KEPT}21_", f"{KEPT}1_"), BACKEND)
    assert len(compilations) == 1
    assert again == BACKEND.compile(joined(f"{KEPT}21_", f"{KEPT}1_")) != first
    twice = joined(f"{KEPT}1_", f"{KEPT}1_")
    assert compiled(twice, BACKEND) == BACKEND.compile(twice)


def test_tables_in_memory_are_found_under_their_own_name(compilations: list[ir.Expr]) -> None:
    for amounts in ([1, 2, 3], [4, 5]):
        rows = ibis.memtable({"amount": amounts})
        assert run(rows.order_by("amount"))["amount"].tolist() == amounts
    assert len(compilations) == 1


def test_an_expression_with_a_part_of_unknown_kind_is_compiled_each_time(
    folder: Path, compilations: list[ir.Expr]
) -> None:
    @ibis.udf.scalar.builtin  # type: ignore[untyped-decorator]
    def ascii(text: str) -> int: ...  # type: ignore[empty-body]

    expression = ROWS.mutate(first=ascii(ROWS["t"]))
    texts = {compiled(expression, BACKEND) for _ in range(2)}
    assert len(texts) == 1
    assert len(compilations) == 2
    assert not folder.exists()


def test_a_folder_that_cannot_be_written_is_no_obstacle(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setattr(module, "_folder", lambda: tmp_path / "file" / "sql-1")
    assert compiled(ROWS.select("a"), BACKEND) == BACKEND.compile(ROWS.select("a"))


def test_what_a_killed_process_left_is_not_read(folder: Path) -> None:
    def die(self: Path, target: Path) -> None:
        raise KeyboardInterrupt

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Path, "replace", die)
        with pytest.raises(KeyboardInterrupt):
            compiled(ROWS.select("b"), BACKEND)
    assert compiled(ROWS.select("b"), BACKEND) == BACKEND.compile(ROWS.select("b"))


def test_texts_of_other_versions_go_and_a_full_folder_loses_its_older_half(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = folder.parent / "sql-0"
    other.mkdir()
    for make in KINDS[:6]:
        compiled(make(), BACKEND)
    assert not other.exists()
    monkeypatch.setattr(module, "MOST", 5)
    module._make_room.cache_clear()
    compiled(KINDS[6](), BACKEND)
    assert len(list(folder.iterdir())) == 4


def test_an_expression_is_described_alike_in_every_process() -> None:
    """Sets of names come in another order in each, and the text would be compiled anew."""
    asked = (
        "import ibis; from kpi_lib.compiled import described; "
        "rows = ibis.duckdb.connect().create_table('rows', schema={name: 'int64' for name in 'abcdefgh'}); "
        "print(described(rows.drop(*'abcdef').op())[0])"
    )
    told = {
        subprocess.run(
            [sys.executable, "-c", asked],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in "123"
    }
    assert len(told) == 1
    assert "DropColumns" in told.pop()
