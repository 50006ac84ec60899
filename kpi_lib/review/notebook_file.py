"""Notebook files: read, prepared for a run, and as text. The place where nbformat's lack of types ends."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import nbformat
from nbformat import NotebookNode


def read_notebook(path: Path) -> NotebookNode:
    """The notebook in a file. Raises OSError, or ValueError when it is not one."""
    notebook: NotebookNode = nbformat.read(path, as_version=4)  # type: ignore[no-untyped-call]
    return notebook


def as_text(notebook: NotebookNode) -> str:
    """The notebook as the text of a file."""
    return str(nbformat.writes(notebook)) + "\n"  # type: ignore[no-untyped-call]


def new_output(kind: str, **content: Any) -> NotebookNode:
    """An output of a code cell."""
    output: NotebookNode = nbformat.v4.new_output(kind, **content)  # type: ignore[no-untyped-call]
    return output


def clear(notebook: NotebookNode) -> None:
    """Remove stored outputs and counts, so that none of them can pass for a fresh one."""
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    notebook.metadata.pop("widgets", None)


def with_parameters(notebook: NotebookNode, parameters: dict[str, Any]) -> NotebookNode:
    """The notebook with its parameters injected, as the papermill command would do it."""
    from papermill.parameterize import parameterize_notebook

    notebook.metadata.setdefault("papermill", {})
    notebook.metadata.setdefault("kernelspec", {"name": "python3", "language": "python"})
    if not parameters:
        return notebook
    injected: NotebookNode = parameterize_notebook(notebook, parameters)
    return injected
