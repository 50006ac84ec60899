"""A new KPI works and keeps every law before its author has changed a line."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType

import pytest
import yaml

from kpi_lib.review.errors import InputError
from kpi_lib.review.notebook_file import read_notebook
from kpi_lib.review.parameters import names_in_cell
from kpi_lib.review.project import Project
from kpi_lib.review.skeleton import write_skeletons
from tests import test_laws
from tests.company import company

LAWS: dict[str, Callable[..., None]] = {
    name: law for name, law in inspect.getmembers(test_laws, inspect.isfunction)
    if name.startswith("test_") and "kpi" in inspect.signature(law).parameters
}  # fmt: skip


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    root = tmp_path_factory.mktemp("project")
    for folder in ("kpis", "params", "notebooks"):
        (root / folder).mkdir()
    return write_skeletons("new_idea", Project(root), root)


@pytest.fixture(scope="module")
def module(written: list[Path]) -> ModuleType:
    spec = spec_from_file_location("kpi_lib.kpis.new_idea", written[0])
    assert spec is not None
    assert spec.loader is not None
    made = module_from_spec(spec)
    spec.loader.exec_module(made)
    return made


@pytest.mark.parametrize("law", LAWS)
def test_it_keeps_the_law(law: str, module: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "kpi_lib.kpis.new_idea", module)
    known = {"kpi": module.KPI, "tables": company()}
    LAWS[law](**{name: known[name] for name in inspect.signature(LAWS[law]).parameters})


def test_three_files_of_one_stem(written: list[Path]) -> None:
    assert [f"{path.parent.name}/{path.name}" for path in written] == [
        "kpis/new_idea.py",
        "params/new_idea.yaml",
        "notebooks/new_idea.ipynb",
    ]


def test_the_files_agree_on_the_parameters(written: list[Path], module: ModuleType) -> None:
    values = yaml.safe_load(written[1].read_text())
    assert list(values) == list(module.Params.model_fields)
    assert names_in_cell(read_notebook(written[2])) == list(values)
    assert module.Params.model_validate(values).kickoff_days == 30


@pytest.mark.parametrize("name", ["Gross", "gross-margin", "1st", "class", "", "a__b", "../x"])
def test_a_bad_name_is_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="lower-case words"):
        write_skeletons(name, Project(tmp_path), tmp_path)


def test_nothing_is_overwritten(written: list[Path]) -> None:
    before = [path.read_bytes() for path in written]
    root = written[0].parents[1]
    with pytest.raises(InputError, match=r"params/new_idea\.yaml is there already"):
        write_skeletons("new_idea", Project(root), root)
    assert [path.read_bytes() for path in written] == before
