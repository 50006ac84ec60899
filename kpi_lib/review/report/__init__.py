"""The offline report of a review: one page for the board, one page per executed notebook."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["write_report"]


def write_report(folder: Path) -> Path:
    """The path of the `index.html` written into a review's folder.

    Reads `<folder>/results.json` (see `records.Review`) and the executed notebooks
    `<folder>/<name>.ipynb`; writes `index.html`, one `<name>.html` per notebook and
    `assets/vega.js`. Each file appears whole or not at all; the same input gives the same bytes.
    Raises FileNotFoundError without results.json, ValueError when it is not of our form.
    """
    from kpi_lib.review.report.write import write_all  # late: readers of records need no nbformat

    return write_all(folder)
