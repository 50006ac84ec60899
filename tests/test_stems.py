"""A KPI is three files of one stem: module, parameters, notebook."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from nbformat import NotebookNode

from kpi_lib import catalogue
from kpi_lib.kpi import Kpi
from kpi_lib.review.notebook_file import read_notebook
from kpi_lib.review.notebook_rules import broken_rules
from kpi_lib.review.parameters_cell import render_parameters
from kpi_lib.review.template import TITLES
from tests.lawful import CARDS, name_of

ROOT = Path(__file__).parents[1]
OVERVIEWS = {"start_here", "choose_kpis", "growth_system"}
each_kpi = pytest.mark.parametrize("kpi", CARDS, ids=name_of)


def stems(folder: str, ending: str) -> set[str]:
    """The names of the files of a folder, overviews and what starts with _ left out."""
    found = {path.stem for path in (ROOT / folder).glob(f"*{ending}")}
    return {name for name in found if not name.startswith("_")} - OVERVIEWS


def notebook_of(name: str) -> NotebookNode:
    return read_notebook(ROOT / "notebooks" / f"{name}.ipynb")


def file_of(name: str) -> dict[str, object]:
    text = (ROOT / "params" / f"{name}.yaml").read_text(encoding="utf-8")
    found: dict[str, object] = yaml.safe_load(text)
    return found


def test_module_notebook_and_parameters_share_a_stem() -> None:
    assert stems("kpi_lib/kpis", ".py") == stems("notebooks", ".ipynb") == stems("params", ".yaml")
    assert stems("kpi_lib/kpis", ".py") == set(catalogue.names())


@each_kpi
def test_the_file_holds_exactly_the_fields_of_params(kpi: Kpi) -> None:
    values = file_of(kpi.name)
    assert list(values) == list(kpi.Params.model_fields)
    kpi.Params.model_validate(values)
    for registered in ("hypothesis", "drop_if", "decide_on"):
        assert values[registered], registered


@each_kpi
def test_the_parameters_cell_is_what_params_renders(kpi: Kpi) -> None:
    cells = [
        cell.source
        for cell in notebook_of(kpi.name).cells
        if "parameters" in cell.metadata.get("tags", [])
    ]
    assert cells == [render_parameters(kpi.Params, file_of(kpi.name)).rstrip("\n")]


@each_kpi
def test_the_notebook_keeps_the_rules_of_the_house(kpi: Kpi) -> None:
    notebook = notebook_of(kpi.name)
    headings = [
        line
        for cell in notebook.cells
        if cell.cell_type == "markdown"
        for line in cell.source.splitlines()
        if line.startswith(("# ", "## "))
    ]
    assert headings == [f"# {kpi.title}", *(f"## {title}" for title in TITLES)]
    assert broken_rules(notebook, is_kpi=True) == []
