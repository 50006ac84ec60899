"""Other programs, started the way the workbook needs them."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence

from kpi_lib.review.errors import InputError
from kpi_lib.review.project import Project
from kpi_lib.review.warm import warm_kernels


def open_lab(project: Project) -> int:
    """The exit code of JupyterLab, opened on `start_here`, with ordinary kernels.

    Kernels are ordinary ones there, since a forked one would not see code edited meanwhile.
    """
    first = project.notebook("start_here")
    place = first if first.exists() else project.notebooks
    command = [
        sys.executable,
        "-m",
        "jupyterlab",
        str(place),
        f"--ServerApp.root_dir={project.root}",
    ]
    return subprocess.call(command)


def run_warm(command: Sequence[str]) -> int:
    """The exit code of a program whose Jupyter clients get forked kernels."""
    program = shutil.which(command[0], path=_search_path())
    if program is None:
        raise InputError(f"{command[0]}: no such program")
    with warm_kernels() as added:
        return subprocess.call([program, *command[1:]], env={**os.environ, **added})


def _search_path() -> str:
    """Where programs are looked for: beside this Python first, then as usual."""
    beside = os.path.dirname(sys.executable)  # noqa: PTH120  # a path list is text
    return os.pathsep.join([beside, os.environ.get("PATH", "")])
