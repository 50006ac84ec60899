"""The normal form of notebooks: reached in one step, kept, and told when it is not there."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import nbformat
import pytest
import yaml
from nbformat import NotebookNode

from kpi_lib import catalogue
from kpi_lib.review.notebook_file import as_text, read_notebook
from kpi_lib.review.notebook_rules import broken_rules
from kpi_lib.review.parameters import read_file
from kpi_lib.review.project import find_project
from kpi_lib.review.template import OWN_SECTIONS, TITLES, skeleton, template
from kpi_lib.review.tidy import STALE, main, params_of, tidy_notebook

PROJECT = find_project(Path(__file__))
NAMES = PROJECT.names()
KPI = "gross_revenue"
V4: Any = nbformat.v4

every_notebook = pytest.mark.parametrize("name", NAMES)


@pytest.fixture
def copied(tmp_path: Path) -> Path:
    """A project of one notebook, free to be spoilt."""
    for folder, ending in (("notebooks", ".ipynb"), ("params", ".yaml")):
        (tmp_path / folder).mkdir()
        shutil.copy(PROJECT.root / folder / f"{KPI}{ending}", tmp_path / folder)
    return tmp_path / "notebooks" / f"{KPI}.ipynb"


def spoil(path: Path, change: Any) -> NotebookNode:
    """The notebook after `change`, written back."""
    notebook = read_notebook(path)
    change(notebook)
    path.write_text(as_text(notebook), encoding="utf-8")
    return notebook


def cell_of(notebook: NotebookNode, key: str) -> Any:
    return next(cell for cell in notebook.cells if cell.id == key)


@every_notebook
def test_committed_notebooks_are_tidy(name: str) -> None:
    assert main([name], check=True) == []


@every_notebook
def test_the_file_of_parameters_holds_the_fields_of_params(name: str) -> None:
    path = PROJECT.params / f"{name}.yaml"
    assert list(yaml.safe_load(path.read_text(encoding="utf-8"))) == list(
        params_of(name).model_fields
    )
    params_of(name).model_validate(read_file(path))


@every_notebook
def test_every_cell_was_executed_without_error_or_warning(name: str) -> None:
    cells = [c for c in read_notebook(PROJECT.notebook(name)).cells if c.cell_type == "code"]
    assert [cell.execution_count for cell in cells] == list(range(1, len(cells) + 1))
    kinds = {output.output_type for cell in cells for output in cell.outputs}
    assert kinds <= {"display_data", "execute_result"}


@every_notebook
def test_nothing_of_this_machine_is_stored(name: str) -> None:
    text = PROJECT.notebook(name).read_text(encoding="utf-8")
    assert str(PROJECT.root) not in text
    assert "/home/" not in text
    assert "0x7f" not in text


def test_tidying_twice_is_tidying_once(copied: Path) -> None:
    spoil(copied, lambda notebook: notebook["metadata"].update(papermill={"duration": 3}))
    tidy_notebook(copied)
    once = copied.read_bytes()
    assert tidy_notebook(copied) == []
    assert copied.read_bytes() == once
    assert tidy_notebook(copied, check=True) == []


def test_checking_writes_nothing(copied: Path) -> None:
    spoil(copied, lambda notebook: notebook["metadata"].update(papermill={"duration": 3}))
    before = copied.read_bytes()
    assert any("normal form" in line for line in tidy_notebook(copied, check=True))
    assert copied.read_bytes() == before


def test_what_papermill_and_lab_leave_behind_goes(copied: Path) -> None:
    original = copied.read_bytes()

    def run_elsewhere(notebook: NotebookNode) -> None:
        notebook.metadata["widgets"] = {"state": {}}
        notebook.metadata["language_info"]["version"] = "3.13.1"
        for number, cell in enumerate(notebook.cells):
            cell.metadata["papermill"] = {"status": "completed"}
            if cell.cell_type == "code":
                cell.execution_count = 100 + number
        injected = V4.new_code_cell("as_of = None", metadata={"tags": ["injected-parameters"]})
        notebook.cells.insert(3, injected)

    spoil(copied, run_elsewhere)
    assert tidy_notebook(copied) == []
    assert copied.read_bytes() == original


def test_a_changed_shared_cell_gets_the_template_back_and_wants_running(copied: Path) -> None:
    spoil(copied, lambda notebook: cell_of(notebook, "trend").update(source="draw(1)"))
    assert any(STALE in line for line in tidy_notebook(copied))
    assert cell_of(read_notebook(copied), "trend").source.startswith("draw(experiment.trend)")
    assert cell_of(read_notebook(copied), "trend").outputs == []


def test_a_changed_parameter_reaches_the_cell(copied: Path) -> None:
    params = copied.parent.parent / "params" / f"{KPI}.yaml"
    params.write_text(params.read_text().replace("periods: 8", "periods: 6"))
    tidy_notebook(copied)
    assert "periods = 6  # periods:" in cell_of(read_notebook(copied), "parameters").source


def test_own_cells_stay_where_they_are_and_get_names(copied: Path) -> None:
    def add(notebook: NotebookNode) -> None:
        place = next(i for i, cell in enumerate(notebook.cells) if cell.id == "behind")
        notebook.cells[place + 1 : place + 1] = [
            V4.new_markdown_cell("One more look."),
            V4.new_code_cell("show(experiment.behind)"),
        ]

    spoil(copied, add)
    tidy_notebook(copied)
    cells = read_notebook(copied).cells
    place = next(i for i, cell in enumerate(cells) if cell.id == "behind")
    assert [cell.id for cell in cells[place + 1 : place + 3]] == [
        "own-who-is-behind-it-1",
        "own-who-is-behind-it-2",
    ]
    assert cells[place + 2].metadata["tags"] == ["nbval-check-output"]


@pytest.mark.parametrize(
    ("key", "source", "said"),
    [
        ("title", "# Gross revenue\n\nGreat!", "exclamation mark"),
        ("title", "# Gross revenue\n\nIt is simply revenue.", "says simply"),
        ("misleads-text", "## When it misleads\n\nWrite here: more.", "nobody has written"),
        ("misleads-text", "## When it fails", "sections must be"),
        ("own-what-it-is-made-of-1", "for x in (1, 2):\n    say(str(x))", "loops belong"),
        ("own-what-it-is-made-of-1", "say([str(x) for x in (1, 2)][0])", "loops belong"),
        ("own-what-it-is-made-of-1", "def f():\n    return 1", "loops belong"),
        ("own-what-it-is-made-of-1", "\n".join(["x = 1"] * 9), "more than 8 lines"),
    ],
)
def test_a_broken_rule_is_told(copied: Path, key: str, source: str, said: str) -> None:
    spoil(copied, lambda notebook: cell_of(notebook, key).update(source=source))
    found = tidy_notebook(copied, check=True)
    assert any(said in line for line in found), found


def test_code_without_a_sentence_before_it_is_told(copied: Path) -> None:
    def double(notebook: NotebookNode) -> None:
        place = next(i for i, cell in enumerate(notebook.cells) if cell.id == "behind")
        notebook.cells.insert(place + 1, V4.new_code_cell("show(experiment.behind)"))

    spoil(copied, double)
    assert any("no sentence before" in line for line in tidy_notebook(copied, check=True))


def test_own_cells_elsewhere_are_told(copied: Path) -> None:
    def add(notebook: NotebookNode) -> None:
        place = next(i for i, cell in enumerate(notebook.cells) if cell.id == "verdict")
        notebook.cells.insert(place + 1, V4.new_markdown_cell("An opinion."))

    spoil(copied, add)
    found = tidy_notebook(copied, check=True)
    assert any("only the sections" in line for line in found), found


def test_the_skeleton_of_a_new_kpi_has_all_sections_and_asks_for_words() -> None:
    kpi = catalogue.get(KPI)
    notebook = skeleton(kpi, {})
    prompts = broken_rules(notebook, is_kpi=True)
    assert prompts
    assert all("nobody has written" in line for line in prompts)
    heads = [cell.source.split("\n")[0] for cell in notebook.cells if cell.source.startswith("## ")]
    assert heads == [f"## {title}" for title in TITLES]


def test_notebooks_share_everything_but_their_own_words_and_parts() -> None:
    shapes = [
        [(cell.key, cell.source) for cell in template(kpi, {}) if not cell.free]
        for kpi in catalogue.catalogue().values()
    ]
    differing = {
        first[0]
        for first, *others in zip(*shapes, strict=True)
        if any(other != first for other in others)
    }
    assert differing == {"parameters", "start"}
    assert set(OWN_SECTIONS) < set(TITLES)
