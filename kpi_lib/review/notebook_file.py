"""Notebook files: read, prepared for a run, and as text. The place where nbformat's lack of types ends."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import nbformat
from nbformat import NotebookNode
from nbformat.v4.rwbase import rejoin_lines, split_lines

from kpi_lib.review.parameters_cell import literal


def read_notebook(path: Path) -> NotebookNode:
    """The notebook in a file. Raises OSError, or ValueError when it is not one."""
    notebook: NotebookNode = nbformat.read(path, as_version=4)  # type: ignore[no-untyped-call]
    return notebook


def read_source(path: Path) -> NotebookNode:
    """The notebook in a file without its stored outputs and counts, which are most of it.

    Raises OSError, or ValueError when it is not a notebook.
    """
    found = json.loads(path.read_text(encoding="utf-8"))
    try:
        for cell in found["cells"]:
            if cell["cell_type"] == "code":
                cell |= {"outputs": [], "execution_count": None}
    except (KeyError, TypeError):
        return read_notebook(path)  # of another form: for nbformat to say
    notebook: NotebookNode = nbformat.reads(json.dumps(found), as_version=4)  # type: ignore[no-untyped-call]
    return notebook


def as_text(notebook: NotebookNode) -> str:
    """The notebook as the text of a file."""
    return str(nbformat.writes(notebook)) + "\n"  # type: ignore[no-untyped-call]


def as_record(notebook: NotebookNode) -> str:
    """The notebook as the text of a file nobody edits: one line for each cell.

    Indented it would be a third longer, and written five times slower.
    """
    split_lines(notebook)  # type: ignore[no-untyped-call]
    cells = ",\n".join(map(_line, notebook.cells))
    parts = [f'"cells": [\n{cells}\n]']
    parts += [f'"{name}": {_line(notebook[name])}' for name in sorted(notebook) if name != "cells"]
    rejoin_lines(notebook)  # type: ignore[no-untyped-call]
    return "{" + ",\n".join(parts) + "}\n"


def _line(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, sort_keys=True)


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
    """The notebook with its parameters in a cell of their own, tagged as papermill tags it.

    The cell stands behind the one tagged `parameters`, or first where there is none. One that is
    left from an earlier run goes.
    """
    cells = [cell for cell in notebook.cells if "injected-parameters" not in _tags(cell)]
    if parameters:
        lines = [f"{name} = {literal(value)}" for name, value in parameters.items()]
        made = nbformat.v4.new_code_cell("\n".join(["# Parameters", *lines]))  # type: ignore[no-untyped-call]
        made.metadata["tags"] = ["injected-parameters"]
        place = next((i for i, cell in enumerate(cells) if "parameters" in _tags(cell)), -1)
        cells.insert(place + 1, made)
    notebook.cells = cells
    return notebook


def _tags(cell: NotebookNode) -> list[str]:
    return list(cell.metadata.get("tags", []))
