"""The skeleton of every KPI notebook: which cells stand where, and which may be written freely."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import nbformat
from nbformat import NotebookNode

from kpi_lib.kpi import Kpi
from kpi_lib.review.parameters_cell import render_parameters

CHECKED = ("nbval-check-output",)
PROMPT = "Write here:"
"""Starts the text of a cell that nobody has written yet."""

TITLES = (
    "Parameters",
    "Definition",
    "Data",
    "The number",
    "What it is made of",
    "Who is behind it",
    "Other definitions",
    "Does it deserve to be a KPI?",
    "When it misleads",
    "Next",
    "Explore",
    "References",
)
"""The H2 titles of a KPI notebook, in order."""

OWN_SECTIONS = ("What it is made of", "Who is behind it")
"""Sections that may hold cells of the KPI's own, at their end."""

METADATA: dict[str, Any] = {
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}


V4: Any = nbformat.v4
"""nbformat's functions that make cells and notebooks; they have no types."""


@dataclass(frozen=True)
class TemplateCell:
    """One cell of the skeleton. `free` cells keep their `head` and hold the KPI's own words."""

    key: str
    kind: Literal["markdown", "code"]
    source: str
    tags: tuple[str, ...] = ()
    free: bool = False
    head: str = ""


def text(key: str, title: str, body: str) -> TemplateCell:
    """A shared text under an H2 title, or without one."""
    return TemplateCell(key, "markdown", f"## {title}\n\n{body}" if title else body)


def own(key: str, head: str, prompt: str) -> TemplateCell:
    """A text that each KPI writes, under a fixed head."""
    return TemplateCell(key, "markdown", f"{head}\n\n{PROMPT} {prompt}", free=True, head=head)


def code(key: str, source: str, tags: tuple[str, ...] = CHECKED) -> TemplateCell:
    """A shared code cell; its outputs are compared unless its tags say otherwise."""
    return TemplateCell(key, "code", source, tags)


def template(kpi: Kpi, values: Mapping[str, Any]) -> list[TemplateCell]:
    """The cells of the notebook of a KPI, its parameters set to `values`."""
    return [
        *_opening(kpi, values),
        *_figure(),
        *_composition(),
        *_evidence(),
        *_closing(),
    ]


def _opening(kpi: Kpi, values: Mapping[str, Any]) -> list[TemplateCell]:
    start = (
        "from kpi_lib import draw, record, say, show, start\n\n"
        f'experiment = start("{kpi.name}", globals())\n'
        "show(experiment.registration)"
    )
    return [
        own("title", f"# {kpi.title}", "the question it answers, why it matters, who acts on it."),
        text(
            "parameters-text",
            "Parameters",
            "Everything on this page follows from these values. Change one and run the page again. "
            "The values that are registered stand in the file of the same name under `params`.",
        ),
        code("parameters", render_parameters(kpi.Params, values), ("parameters",)),
        text(
            "start-text",
            "",
            "A KPI is an experiment. This is what is registered for it; it counts as far as it was written down before the first look at the data.",
        ),
        code("start", start),
        own("definition-text", "## Definition", "what is counted and what is not, and why."),
        code("definition", "say(experiment.formula)\nshow(experiment.card)"),
        text(
            "data-text",
            "Data",
            "The tables this page reads, as they were known on the day asked for, and every problem "
            "that the checks found in them. Rows recorded later are hidden.",
        ),
        code("data", "show(experiment.data_report)\nsay(experiment.data_report)"),
    ]


def _figure() -> list[TemplateCell]:
    return [
        own("number-text", "## The number", "how to read the figure, and what a good one is."),
        code("number", "say(experiment.number)"),
        text(
            "trend-text",
            "",
            "The line shows whole periods only, with the interval of each and the number of units "
            "behind it. A point outside the dashed limits is a signal; inside them the line moves "
            "as it always does.",
        ),
        code("trend", "draw(experiment.trend)\nsay(experiment.trend)"),
    ]


def _composition() -> list[TemplateCell]:
    return [
        own("made-of-text", "## What it is made of", "which parts the figure has."),
        text(
            "segments-text",
            "",
            "The same figure by segment. Two segments differ when their intervals do not touch.",
        ),
        code("segments", "draw(experiment.segments)\nsay(experiment.segments)"),
        own("behind-text", "## Who is behind it", "who is on the list, and what to do with it."),
        code("behind", "show(experiment.behind)\nsay(experiment.behind)"),
    ]


def _evidence() -> list[TemplateCell]:
    return [
        text(
            "sweep-text",
            "Other definitions",
            "Another fair person might have chosen other values. Each panel changes one parameter "
            "and leaves the rest alone.",
        ),
        code("sweep", "draw(experiment.sweep)\nsay(experiment.sweep)"),
        text(
            "specification-text",
            "",
            "All fair values together: what the last change would be under each combination. A "
            "conclusion that lives in a few of them only is a choice, not a finding.",
        ),
        code("specification", "draw(experiment.specification)\nsay(experiment.specification)"),
        text(
            "verdict-text",
            "Does it deserve to be a KPI?",
            "Six questions, asked of the KPI itself on this data. *Cannot be told* is an answer too, "
            "and it says what is missing.",
        ),
        code("verdict", "show(experiment.verdict)\nsay(experiment.verdict)"),
        text(
            "lead-text",
            "",
            "How well the KPI, as it stood so many months before an account decided to stay (at its "
            "renewal, or with its next order), tells the accounts that leave from those that stay.",
        ),
        code("lead", "draw(experiment.lead)\nsay(experiment.lead)"),
    ]


def _closing() -> list[TemplateCell]:
    return [
        own("misleads-text", "## When it misleads", "what it cannot see, and when not to use it."),
        code("misleads", "say(experiment.cautions)\nshow(experiment.cautions)"),
        own("next-text", "## Next", "who does what, by when."),
        code("next", "say(experiment.okr)"),
        text("record-text", "", "The result travels inside this page, for the review to collect."),
        code("record", "record(experiment)", ()),
        text(
            "explore-text",
            "Explore",
            "Move a control and the trend follows. Nothing on this page depends on it.",
        ),
        code("explore", "experiment.explore()", ("interactive", "nbval-ignore-output")),
        text("references-text", "References", "Where the definition and the methods come from."),
        code("references", "say(experiment.references)"),
    ]


def slug(title: str) -> str:
    """A title as part of a cell id."""
    words = "".join(letter if letter.isalnum() else " " for letter in title.lower()).split()
    return "-".join(words) or "opening"


def new_cell(cell: TemplateCell) -> NotebookNode:
    """The cell as nbformat writes it, not yet executed."""
    make = V4.new_code_cell if cell.kind == "code" else V4.new_markdown_cell
    metadata = {"tags": sorted(cell.tags)} if cell.tags else {}
    made: NotebookNode = make(source=cell.source, id=cell.key, metadata=metadata)
    return made


def skeleton(kpi: Kpi, values: Mapping[str, Any]) -> NotebookNode:
    """A new notebook for a KPI: the template with prompts where its own words go."""
    cells = [new_cell(cell) for cell in template(kpi, values)]
    made: NotebookNode = V4.new_notebook(cells=cells, metadata=METADATA)
    return made
