"""Plain papermill runs every notebook: no driver, no kernel of ours."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from kpi_lib.review.notebook_file import read_notebook
from kpi_lib.review.project import find_project
from kpi_lib.review.report.records import ResultRecord, result_in
from kpi_lib.review.tidy import kpi_of, params_of

PROJECT = find_project(Path(__file__))
NAMES = PROJECT.names()

pytestmark = pytest.mark.slow
every_notebook = pytest.mark.parametrize("name", NAMES)


def papermill(*arguments: str, folder: Path = PROJECT.root) -> str:
    """What the papermill command prints. Fails with its messages when it does."""
    command = [sys.executable, "-m", "papermill", *arguments]
    ours = os.environ | {"JUPYTER_PLATFORM_DIRS": "1", "KPI_WARM": "0"}
    done = subprocess.run(
        command, cwd=folder, env=ours, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


@every_notebook
def test_help_prints_every_parameter(name: str) -> None:
    said = papermill("--help-notebook", f"notebooks/{name}.ipynb")
    for field, facts in params_of(name).model_fields.items():
        assert f"  {field}: " in said, field
        assert str(facts.description) in " ".join(said.split()), field


@every_notebook
def test_papermill_runs_it_with_its_file_of_parameters(name: str, tmp_path: Path) -> None:
    target = tmp_path / "out.ipynb"
    switch = (
        ["-p", "with_evidence", "False"] if "with_evidence" in params_of(name).model_fields else []
    )
    papermill(
        f"notebooks/{name}.ipynb", str(target), "-f", f"params/{name}.yaml", *switch,
        "--no-progress-bar",
    )  # fmt: skip
    record = result_in(target)
    if kpi_of(name) is None:
        assert record is None
    else:
        assert ResultRecord.model_validate(record).kpi == name


def test_another_folder_and_another_period_reach_the_page(tmp_path: Path) -> None:
    target = tmp_path / "out.ipynb"
    papermill(
        str(PROJECT.notebook("gross_revenue")), str(target), "-p", "as_of", "2025-12-31",
        "-p", "with_evidence", "False", "-p", "periods", "4", "--no-progress-bar",
        folder=tmp_path,
    )  # fmt: skip
    record = ResultRecord.model_validate(result_in(target))
    assert record.period == "2025Q4"
    assert len(record.trend) == 4
    assert record.verdict is None
    told = next(c for c in read_notebook(target).cells if c.id == "verdict")
    assert "switched off" in str(told.outputs)
