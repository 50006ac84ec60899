"""`<name>.html`: an executed notebook as an article, code hidden, everything in place offline."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from kpi_lib.review.report.cells import (
    Cell,
    Section,
    Stop,
    published,
    read_cells,
    sections_of,
    source_of,
    stop_of,
    tags_of,
)
from kpi_lib.review.report.outputs import outputs_html
from kpi_lib.review.report.parameters import parameters_html
from kpi_lib.review.report.records import NotebookRun, Review
from kpi_lib.review.report.templates import asset, render
from kpi_lib.review.report.text import anchor_of, markdown, without_colours
from kpi_lib.review.report.words import day_text, listing

_NOTEBOOK_LINK = re.compile(
    r'<a href="(?:\./|notebooks/)?(?P<name>\w+)\.ipynb[^"]*"[^>]*>(?P<words>.*?)</a>', re.DOTALL
)

_CHART_LINK = re.compile(r'"href":"(?P<name>\w+)\.ipynb"')
"""A mark of a chart that opens a notebook, in the data of its specification."""


@dataclass(frozen=True)
class SectionView:
    """A section as HTML; `missing` says why it holds less than it should."""

    title: str
    anchor: str
    html: str
    missing: str


@dataclass(frozen=True)
class StopView:
    """What a reader learns of a notebook that did not finish."""

    sentence: str
    error: str
    holds: str
    details: str


def _linked(html: str, review: Review) -> str:
    """Links between notebooks as links between their pages; without a page only the words stay."""
    names = {run.name for run in review.notebooks}

    def link(found: re.Match[str]) -> str:
        name, words = found["name"], found["words"]
        return f'<a href="{name}.html">{words}</a>' if name in names else words

    def mark(found: re.Match[str]) -> str:
        name = found["name"]
        return f'"href":"{name}.html"' if name in names else '"href":""'

    return _CHART_LINK.sub(mark, _NOTEBOOK_LINK.sub(link, html))


def _cell_html(cell: Cell, cells: Sequence[Cell]) -> str:
    if cell["cell_type"] == "markdown":
        return markdown(source_of(cell), trusted=True)
    if cell["cell_type"] != "code":
        return ""
    table = parameters_html(cells) if "parameters" in tags_of(cell) else ""
    return table + outputs_html(cell)


def _section(section: Section, cells: Sequence[Cell], stop: Stop | None) -> SectionView:
    missing = ""
    if not section.was_run:
        here = stop is not None and stop.section == section.title
        missing = (
            "The notebook stopped here." if here else "Not computed: the notebook stopped before."
        )
    html = "\n".join(part for cell in section.cells if (part := _cell_html(cell, cells)))
    return SectionView(section.title, anchor_of(section.title), html, missing)


def _holds(sections: Sequence[Section]) -> str:
    """Which sections are complete and which are not, in words."""
    titled = [section for section in sections if section.title and section.code]
    whole = [section.title for section in titled if section.was_run]
    rest = [section.title for section in titled if not section.was_run]
    said = f"What still holds: {listing(whole)}." if whole else "No section is complete."
    return f"{said} Missing or incomplete: {listing(rest)}." if rest else said


def _stopped(run: NotebookRun, sections: Sequence[Section], stop: Stop | None) -> StopView | None:
    """The note on top of a notebook that failed; None when all is well."""
    if run.status == "ok" and stop is None:
        return None
    if stop is None:
        sentence = f"It ended as: {run.status}."
        return StopView(sentence, run.message, _holds(sections), "")
    where = f"in the section “{stop.section}”" if stop.section else "at its head"
    status = "" if run.status in ("ok", "failed") else f" ({run.status})"
    sentence = f"It stopped {where}, at code cell {stop.number} of {stop.count}{status}."
    error = f"{stop.error}: {without_colours(stop.message)}" if stop.error else run.message
    details = f"{stop.source}\n\n{without_colours(stop.traceback)}".strip()
    return StopView(sentence, error, _holds(sections), details)


def _nothing(review: Review, run: NotebookRun, reason: str) -> str:
    """The page of a notebook that left nothing to show."""
    said = StopView(f"It ended as: {run.status}.", run.message, reason, "")
    head = SectionView("", "section", f"<h1>{run.title}</h1>", "")
    return _page(review, run, [head], said)


def _page(
    review: Review, run: NotebookRun, sections: Sequence[SectionView], stopped: StopView | None
) -> str:
    return render(
        "notebook.html.j2",
        review=review,
        title=run.title,
        as_of=day_text(review.as_of),
        css=asset("report.css") + asset("notebook.css"),
        js=asset("report.js"),
        charts_js=asset("charts.js"),
        sections=sections,
        stopped=stopped,
        has_charts=any('class="vega-embed"' in section.html for section in sections),
    )


def notebook_page(review: Review, run: NotebookRun, folder: Path) -> str:
    """The page of one notebook, readable whatever became of the run."""
    try:
        cells = read_cells(folder / f"{run.name}.ipynb")
    except FileNotFoundError:
        return _nothing(review, run, "No executed notebook was left behind.")
    except ValueError as error:
        return _nothing(review, run, f"{error}.")
    every = sections_of(cells)
    stop, sections = stop_of(every), published(every)
    views = [_section(section, cells, stop) for section in sections]
    views = [replace(view, html=_linked(view.html, review)) for view in views]
    return _page(review, run, views, _stopped(run, sections, stop))
