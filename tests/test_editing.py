"""What is made from tables is made once, and again after an edit only where the edit reaches it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date

import ibis
import ibis.expr.types as ir
import pytest

from kpi_lib.editing import with_table
from kpi_lib.engine import run
from kpi_lib.schema import Tables, found_once, named

DAY = date(2025, 12, 31)


def rows(*numbers: int) -> ir.Table:
    return ibis.memtable({"number": list(numbers)})


@pytest.fixture
def tables() -> Tables:
    return Tables({"one": rows(1), "two": rows(2)}, DAY)


def counting(read: Callable[[Tables], object]) -> tuple[Callable[[Tables], object], list[int]]:
    """What is asked of tables, and how often it was made."""
    made: list[int] = []

    def make(tables: Tables) -> object:
        made.append(1)
        return read(tables)

    return lambda tables: tables.once("asked", lambda: make(tables)), made


def test_what_reads_no_edited_table_is_not_made_again(tables: Tables) -> None:
    ask, made = counting(lambda one: one["one"])
    edited = with_table(tables, "two", rows(3))
    assert ask(tables) is ask(edited) is ask(with_table(edited, "two", rows(4)))
    assert made == [1]


def test_what_reads_an_edited_table_is_made_again(tables: Tables) -> None:
    ask, made = counting(lambda one: one["one"])
    edited = with_table(tables, "one", rows(3))
    assert ask(tables) is tables["one"]
    assert ask(edited) is edited["one"]
    assert ask(with_table(edited, "two", rows(4))) is edited["one"]
    assert made == [1, 1]


def test_what_is_built_on_something_made_reads_what_that_read(tables: Tables) -> None:
    """Also where that was made before, or of tables edited in the midst of it."""

    @named
    def below(one: Tables) -> ir.Table:
        return one["one"]

    below(tables)
    ask, made = counting(lambda one: below(with_table(one, "two", rows(9))))
    other, made_too = counting(below)
    edited = with_table(tables, "one", rows(3))
    for question in (ask, other):
        assert question(tables) is tables["one"]
        assert question(edited.__class__(edited.tables, DAY, before=tables)) is edited["one"]
        tables._made.pop("asked")
    assert made == made_too == [1, 1]


def test_whether_a_table_is_there_does_not_depend_on_its_rows(tables: Tables) -> None:
    ask, made = counting(lambda one: "two" in one and len(one) == len(list(one)))
    assert ask(tables) is ask(with_table(tables, "two", rows(3))) is True
    assert made == [1]


def test_a_further_table_or_another_day_may_change_any_answer(tables: Tables) -> None:
    ask, made = counting(lambda one: one["one"])
    ask(tables)
    ask(with_table(tables, "three", rows(3)))
    ask(replace(with_table(tables, "two", rows(3)), as_of=date(2025, 1, 1)))
    assert len(made) == 3


def test_what_fails_while_it_is_made_is_tried_again(tables: Tables) -> None:
    ask, made = counting(lambda one: one["none"])
    for _ in range(2):
        with pytest.raises(KeyError):
            ask(tables)
    assert made == [1, 1]
    read, again = counting(lambda one: one["two"])
    assert read(tables) is read(with_table(tables, "one", rows(3)))
    assert again == [1]


def test_a_question_is_asked_once_for_the_same_arguments_until_an_edit_reaches_it(
    tables: Tables,
) -> None:
    asked: list[object] = []

    @found_once
    def largest(one: Tables, name: str, below: list[int]) -> int:
        asked.append((name, *below))
        found = one[name].filter(lambda row: row["number"] < max(below))
        return int(run(found.aggregate(most=found["number"].max()))["most"].iloc[0])

    assert [largest(tables, "one", [8, 9]) for _ in range(3)] == [1, 1, 1]
    assert largest(with_table(tables, "two", rows(3)), "one", [8, 9]) == 1
    assert asked == [("one", 8, 9)]
    assert largest(with_table(tables, "one", rows(1, 3)), "one", [8, 9]) == 3
    assert largest(tables, "two", [8, 9]) == 2
    assert largest(tables, "one", below=[8, 9]) == 1
    assert len(asked) == 4
