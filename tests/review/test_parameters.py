"""Parameters as people write them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from kpi_lib.review.errors import InputError
from kpi_lib.review.notebook_file import read_notebook, with_parameters
from kpi_lib.review.parameters import from_options, names_in_cell, read_file
from tests.review.conftest import write_notebook


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("n=21", 21),
        ("n=0.5", 0.5),
        ("n=true", True),
        ("n=2026-06-30", "2026-06-30"),
        ("n=[a, b]", ["a", "b"]),
        ("n=a=b", "a=b"),
        ("n=", ""),
        ("n=null", None),
        ("n={", "{"),
    ],
)
def test_values_are_read_as_yaml(option: str, value: Any) -> None:
    assert from_options([option]) == {"n": value}


@pytest.mark.parametrize("option", ["n", "=3", "a b=3", "x=postgres://me:secret@host/db"])
def test_what_is_no_parameter_is_refused_without_repeating_it(option: str) -> None:
    with pytest.raises(InputError) as refused:
        from_options([option])
    assert "secret" not in str(refused.value)


@pytest.mark.parametrize(
    ("text", "message"), [("[1, 2]", "must be a list of"), ("a: [", "not YAML")]
)
def test_a_file_that_holds_no_parameters(text: str, message: str, tmp_path: Path) -> None:
    file = tmp_path / "x.yaml"
    file.write_text(text)
    with pytest.raises(InputError, match=message):
        read_file(file)


def test_a_file_that_is_not_there_sets_nothing(tmp_path: Path) -> None:
    assert read_file(tmp_path / "x.yaml") == {}


def test_names_set_in_the_parameters_cell(tmp_path: Path) -> None:
    path = write_notebook(tmp_path / "a.ipynb", "c = 3", parameters="a = 1  # days: x\nb: int = 2")
    assert names_in_cell(read_notebook(path)) == ["a", "b"]
    assert names_in_cell(read_notebook(write_notebook(tmp_path / "b.ipynb", "c = 3"))) is None


def test_the_injected_cell_follows_and_is_replaced(tmp_path: Path) -> None:
    path = write_notebook(tmp_path / "a.ipynb", "c = 3", parameters="a = 1")
    values = {"text": 'say "a = b" # \\ and\nnext', "none": None, "days": ["2026-06-30"], "x": 0.1}
    once = with_parameters(read_notebook(path), {"a": 2})
    twice = with_parameters(once, values)
    assert [cell.metadata.get("tags") for cell in twice.cells] == [
        ["parameters"],
        ["injected-parameters"],
        None,
    ]
    found: dict[str, Any] = {}
    exec(twice.cells[1].source, found)
    assert {name: found[name] for name in values} == values
