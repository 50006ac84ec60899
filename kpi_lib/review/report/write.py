"""All files of a report, in an order that never leaves a page pointing at nothing."""

from __future__ import annotations

from pathlib import Path

from kpi_lib.review.report.changes import previous_review
from kpi_lib.review.report.files import write_whole
from kpi_lib.review.report.notebook_page import notebook_page
from kpi_lib.review.report.page import index_page
from kpi_lib.review.report.records import read_results
from kpi_lib.review.report.vega import bundle


def write_all(folder: Path) -> Path:
    """The path of `index.html`, written last, once everything it links to is there."""
    review = read_results(folder)
    pages = {run.name: notebook_page(review, run, folder) for run in review.notebooks}
    if any('src="assets/vega.js"' in page for page in pages.values()):
        (folder / "assets").mkdir(exist_ok=True)
        write_whole(folder / "assets" / "vega.js", bundle())
    for name, page in pages.items():
        write_whole(folder / f"{name}.html", page)
    return write_whole(folder / "index.html", index_page(review, previous_review(folder, review)))
