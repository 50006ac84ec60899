"""Executing the committed notebooks, so that their stored outputs can be compared later."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from nbclient import NotebookClient

from kpi_lib.judged import keeping
from kpi_lib.review.notebook_file import as_text, clear, read_notebook
from kpi_lib.review.report.files import write_whole
from kpi_lib.review.warm import warm_kernels

TIMEOUT = 600
"""Seconds for one cell."""

AT_ONCE = 2


def run_notebooks(paths: Iterable[Path]) -> None:
    """Execute each notebook in a kernel of its own, in its folder, and write it with its outputs.

    Two at a time, and each KPI is judged once for all of them. Raises nbclient's CellExecutionError
    for the first notebook with a cell that fails; that notebook is not written, the others are.
    """
    with (
        tempfile.TemporaryDirectory() as folder,
        keeping(Path(folder)),
        warm_kernels(),
        ThreadPoolExecutor(AT_ONCE) as pool,
    ):
        list(pool.map(run_notebook, paths))


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
