"""Small notebooks, one per way in which a notebook can behave, and a warm process for all tests."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import nbformat
import pytest

from kpi_lib.review.warm import unavailable, warm_kernels

# The imports of a driver: without this, jsonschema spends 2 s on parsers nobody uses.
sys.modules.setdefault("rfc3987_syntax", None)  # type: ignore[arg-type]


def write_notebook(path: Path, *cells: str, parameters: str = "") -> Path:
    """A notebook of code cells, the first of them tagged `parameters` when it is given."""
    made = [nbformat.v4.new_code_cell(source) for source in cells]  # type: ignore[no-untyped-call]
    if parameters:
        tagged = nbformat.v4.new_code_cell(parameters)  # type: ignore[no-untyped-call]
        tagged.metadata["tags"] = ["parameters"]
        made.insert(0, tagged)
    notebook = nbformat.v4.new_notebook(cells=made)  # type: ignore[no-untyped-call]
    notebook.metadata["kernelspec"] = {
        "name": "python3",
        "display_name": "Python 3",
        "language": "python",
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(nbformat.writes(notebook), encoding="utf-8")  # type: ignore[no-untyped-call]
    return path


@pytest.fixture(scope="session")
def warm() -> Iterator[str]:
    """The name of the warm kernel, of which one process serves the whole session."""
    if reason := unavailable():
        pytest.skip(f"warm kernels: {reason}")
    with warm_kernels():
        yield "kpi-warm"
