"""nbval: the stored outputs are what the notebooks give, and an altered number is noticed."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from kpi_lib import judged
from kpi_lib.review.notebook_file import as_text, read_notebook
from kpi_lib.review.project import find_project

PROJECT = find_project(Path(__file__))
NAMES = PROJECT.names()

pytestmark = pytest.mark.slow


def nbval(paths: list[Path], report: Path) -> dict[str, Counter[str]]:
    """Per notebook how many cells passed, failed or were skipped.

    As in a review, kernels are warm where there are any, and each candidate is judged once.
    """
    command = [
        sys.executable, "-m", "pytest", "-p", "kpi_lib.review.pytest_warm", "--nbval-lax",
        "-p", "no:cacheprovider", "-q", f"--junitxml={report}", "--rootdir", str(PROJECT.root),
    ]  # fmt: skip
    ours = {name: text for name, text in os.environ.items() if not name.startswith("PYTEST_")}
    ours[judged.FOLDER] = str(report.parent / "judged")
    done = subprocess.run(
        [*command, *map(str, paths)],
        env=ours, cwd=PROJECT.root, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert report.exists(), done.stdout + done.stderr
    if done.returncode:
        print(done.stdout)  # which cell differs in what: shown beside the test that fails
    found: dict[str, Counter[str]] = {path.stem: Counter() for path in paths}
    for case in ElementTree.parse(report).iter("testcase"):
        found[stem_of(case, paths)][outcome_of(case)] += 1
    return found


def stem_of(case: Any, paths: list[Path]) -> str:
    """Which notebook a test case of the report belongs to."""
    name = f"{case.get('classname')} {case.get('name')} {case.get('file')}"
    return next((path.stem for path in paths if path.stem in name), paths[0].stem)


def outcome_of(case: Any) -> str:
    """passed, failed or skipped."""
    kinds = {child.tag for child in case}
    if kinds & {"failure", "error"}:
        return "failed"
    return "skipped" if "skipped" in kinds else "passed"


@pytest.fixture(scope="module")
def checked(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Counter[str]]:
    """All committed notebooks run once."""
    report = tmp_path_factory.mktemp("nbval") / "report.xml"
    return nbval([PROJECT.notebook(name) for name in NAMES], report)


@pytest.mark.parametrize("name", NAMES)
def test_the_stored_outputs_are_what_the_notebook_gives(
    name: str, checked: dict[str, Counter[str]]
) -> None:
    cells = [c for c in read_notebook(PROJECT.notebook(name)).cells if c.cell_type == "code"]
    assert checked[name] == Counter(passed=len(cells))


def altered(name: str, folder: Path) -> Path:
    """A copy of a notebook beside its parameters, one number in its stored outputs one too large."""
    for part, ending in (("notebooks", ".ipynb"), ("params", ".yaml")):
        (folder / part).mkdir()
        shutil.copy(PROJECT.root / part / f"{name}{ending}", folder / part)
    path = folder / "notebooks" / f"{name}.ipynb"
    notebook = read_notebook(path)
    texts = [
        output.data
        for cell in notebook.cells
        if "nbval-check-output" in cell.metadata.get("tags", [])
        for output in cell.outputs
    ]
    number = re.compile(r"\d+")
    data = next(data for data in texts if number.search(data["text/plain"]))
    data["text/plain"] = number.sub(lambda m: str(int(m[0]) + 1), data["text/plain"], count=1)
    path.write_text(as_text(notebook), encoding="utf-8")
    return path


def test_a_stored_number_that_was_altered_is_noticed(tmp_path: Path) -> None:
    path = altered("start_here", tmp_path)
    found = nbval([path], tmp_path / "report.xml")
    assert found["start_here"]["failed"] == 1
    assert found["start_here"]["passed"] > 1
