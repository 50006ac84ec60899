"""A small project in a temporary folder: notebooks of every behaviour, and a data set of one table."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.review.conftest import write_notebook

ROOT = Path(__file__).parents[2]
PARAMETERS = 'dataset = "data/shop"\nas_of = None\nperiods = 8'
ACCOUNTS = "account_id,name,signed_on\na,Ann,2025-01-02\nb,Bob,2025-12-31\n"
COUNTS = (
    "from pathlib import Path\nwith open('../runs.txt', 'a') as file: file.write({name!r} + '\\n')"
)


def make_project(root: Path, notebooks: Mapping[str, list[str]]) -> Path:
    """The root of a project with these notebooks (name -> cells); each notes that it ran in runs.txt."""
    (root / "params").mkdir(parents=True, exist_ok=True)
    for name, cells in notebooks.items():
        first = COUNTS.format(name=name)
        path = root / "notebooks" / f"{name}.ipynb"
        write_notebook(path, first, *cells, parameters=PARAMETERS)
    data = root / "data" / "shop"
    data.mkdir(parents=True, exist_ok=True)
    (data / "dataset.yaml").write_text("name: Corner shop\nsource: .\ncurrency: EUR\n")
    (data / "accounts.csv").write_text(ACCOUNTS)
    return root


def kpi(root: Path, *arguments: str, **variables: str) -> subprocess.Popen[str]:
    """The command `kpi`, started in the project."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), **variables}
    for name in ("KPI_WARM_SOCKET", "JUPYTER_PATH"):
        environment.pop(name, None)
    return subprocess.Popen(
        [sys.executable, "-m", "kpi_lib.cli", *arguments],
        cwd=root,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def finish(running: subprocess.Popen[str], seconds: float = 120) -> tuple[int, str, str]:
    """Exit code, standard output, standard error."""
    out, err = running.communicate(timeout=seconds)
    return running.returncode, out, err


def statuses(folder: Path) -> dict[str, str]:
    """Status per notebook, as results.json tells it."""
    found: dict[str, Any] = json.loads((folder / "results.json").read_text())
    return {run["name"]: run["status"] for run in found["notebooks"]}


def runs(root: Path) -> list[str]:
    """The notebooks that ran, in order, once per run."""
    noted = root / "runs.txt"
    return noted.read_text().split() if noted.exists() else []
