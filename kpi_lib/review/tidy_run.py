"""Executing the committed notebooks, so that their stored outputs can be compared later."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from nbclient import NotebookClient

from kpi_lib.review.notebook_file import as_text, clear, read_notebook
from kpi_lib.review.report.files import write_whole
from kpi_lib.review.warm import warm_kernels

TIMEOUT = 600
"""Seconds for one cell."""


def run_notebooks(paths: Iterable[Path]) -> None:
    """Execute each notebook in a kernel of its own, in its folder, and write it with its outputs.

    Raises nbclient's CellExecutionError at the first cell that fails; that notebook is not written.
    """
    with warm_kernels():
        for path in paths:
            run_notebook(path)


def run_notebook(path: Path) -> None:
    """Execute one notebook and write it with its outputs."""
    notebook = read_notebook(path)
    clear(notebook)
    resources = {"metadata": {"path": str(path.parent)}}
    client: Any = NotebookClient(
        notebook,
        timeout=TIMEOUT,
        kernel_name="python3",
        resources=resources,
        record_timing=False,
    )
    client.execute()
    write_whole(path, as_text(notebook))
