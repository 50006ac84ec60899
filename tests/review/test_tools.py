"""Other programs get warm kernels unchanged: papermill's command, nbval, and what `kpi warm` starts."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from kpi_lib.review.doctor import examine
from kpi_lib.review.errors import InputError
from kpi_lib.review.project import find_project
from kpi_lib.review.tools import run_warm
from tests.review.conftest import write_notebook

WHO_FORKED = (
    "import os\nfrom pathlib import Path\nprint(n)\nx = Path(f'/proc/{os.getppid()}/cmdline')"
)
NOTED = "_ = Path('parent').write_text(x.read_text())"


@pytest.fixture
def notebook(tmp_path: Path) -> Path:
    return write_notebook(
        tmp_path / "small.ipynb", WHO_FORKED, NOTED, parameters="n = 1  # days: x"
    )


def call(command: Sequence[str | Path], folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", *map(str, command)],
        cwd=folder,
        env=os.environ,
        capture_output=True,
        text=True,
    )


@pytest.mark.parametrize("kernel", ["kpi-warm", "python3"])
def test_papermill_runs_in_a_forked_kernel(kernel: str, warm: str, notebook: Path) -> None:
    made = notebook.with_name("out.ipynb")
    done = call(["papermill", notebook, made, "-k", kernel, "-p", "n", "7"], notebook.parent)
    assert done.returncode == 0, done.stderr
    assert '"7\\n"' in made.read_text()
    assert "warm_server" in notebook.with_name("parent").read_text()


@pytest.mark.slow
def test_nbval_runs_in_a_forked_kernel(notebook: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("KPI_WARM_SOCKET", "JUPYTER_PATH"):
        monkeypatch.delenv(name, raising=False)
    plugin = ["-p", "kpi_lib.review.pytest_warm", "--nbval-lax", "-p", "no:cacheprovider"]
    done = call(["pytest", "-q", *plugin, notebook], notebook.parent)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "warm_server" in notebook.with_name("parent").read_text()


def test_the_exit_code_of_a_program_is_passed_on(warm: str) -> None:
    assert run_warm([sys.executable, "-c", "raise SystemExit(3)"]) == 3


def test_a_program_that_is_not_there() -> None:
    with pytest.raises(InputError, match="no-such-program: no such program"):
        run_warm(["no-such-program"])


def test_the_project_is_found_from_inside_it(tmp_path: Path) -> None:
    for folder in ("notebooks", "params", "deep/below"):
        (tmp_path / folder).mkdir(parents=True)
    assert find_project(tmp_path / "deep" / "below").root == tmp_path.resolve()
    inside = find_project(tmp_path).named(tmp_path / "data" / "x")
    assert inside == "data/x"
    assert find_project(tmp_path).named(Path("/elsewhere")) == "/elsewhere"


def test_the_doctor_says_why_kernels_are_cold(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KPI_WARM", "0")
    found = {finding.what: finding for finding in examine()}
    assert found["warm kernels"].is_wrong
    assert "KPI_WARM=0" in str(found["warm kernels"])
    assert set(found) == {"bytecode", "warm kernels", "chromium", "java", "postgres"}
