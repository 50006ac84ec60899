"""The parameters cell: Python that says what Params say, in a form papermill can read."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from papermill.translators import PythonTranslator

from kpi_lib.kpi import KpiParams, parameter
from kpi_lib.review.parameters_cell import literal, render_file, render_parameters


class Params(KpiParams):
    window_days: int = parameter(14, ge=1, unit="days", meaning="length of the window")
    events: tuple[str, ...] = parameter((), meaning="names of events")


def values_in(source: str) -> dict[str, Any]:
    """What running the cell sets."""
    found: dict[str, Any] = {}
    exec(source, {}, found)
    return found


def read_by_papermill(source: str) -> dict[str, str]:
    """Name and help of every parameter that papermill's inspector finds."""
    return {one.name: one.help for one in PythonTranslator.inspect({"source": source})}


def test_one_line_each_in_the_order_of_the_fields() -> None:
    lines = render_parameters(Params, {"window_days": 21}).splitlines()
    assert [line.split(" = ")[0] for line in lines] == list(Params.model_fields)
    assert "window_days = 21  # days: length of the window" in lines


def test_the_cell_sets_what_params_accept() -> None:
    given_values = {"looks": ["2026-09-30"], "decide_on": date(2026, 12, 31), "events": ["a", "b"]}
    found = values_in(render_parameters(Params, given_values))
    made = Params.model_validate(found)
    assert made.looks == (date(2026, 9, 30),)
    assert made.decide_on == date(2026, 12, 31)
    assert made.events == ("a", "b")
    assert set(found) == set(Params.model_fields)


TRICKY = [
    "share >= 0.2",
    "a # b",
    'say "no"',
    "back\\slash",
    "two\nlines",
    "{braces} | pipe [x='y']",
    "",
]


@pytest.mark.parametrize("text", TRICKY)
def test_papermill_reads_every_line_whatever_the_text(text: str) -> None:
    source = render_parameters(Params, {"hypothesis": text, "drop_if": text})
    assert values_in(source)["drop_if"] == text
    found = read_by_papermill(source)
    assert list(found) == list(Params.model_fields)
    assert found["drop_if"] == "the result that would make us drop it"
    assert found["window_days"] == "days: length of the window"


@given(st.text())
def test_any_text_survives(text: str) -> None:
    assert values_in(f"text = {literal(text)}")["text"] == text


def test_an_unknown_name_is_refused() -> None:
    with pytest.raises(ValueError, match="widow_days"):
        render_parameters(Params, {"widow_days": 3})


def test_a_meaning_that_papermill_would_drop_is_refused() -> None:
    class Odd(KpiParams):
        odd: int = parameter(1, meaning="x = 1")

    with pytest.raises(ValueError, match="odd"):
        render_parameters(Odd, {})


@given(st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), max_size=80))
def test_the_file_holds_the_same_values_as_the_cell(text: str) -> None:
    chosen = {"hypothesis": text, "looks": [date(2026, 9, 30)], "decide_on": date(2026, 12, 31)}
    read = yaml.safe_load(render_file(Params, chosen))
    assert list(read) == list(Params.model_fields)
    assert Params.model_validate(read) == Params.model_validate(
        values_in(render_parameters(Params, chosen))
    )
