"""`results.json`: how each notebook of a review ended, and the result it carries."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path

from pydantic import ValidationError

from kpi_lib import catalogue
from kpi_lib.review.definition import definition_of
from kpi_lib.review.journal import noted
from kpi_lib.review.plan import Plan
from kpi_lib.review.report.files import write_whole
from kpi_lib.review.report.records import (
    RESULTS,
    NotebookRun,
    ResultRecord,
    Review,
    read_results,
    result_in,
    to_json,
)
from kpi_lib.review.status import Outcome, first_line


def write_results(plan: Plan, outcomes: Mapping[str, Outcome]) -> Path:
    """The path of results.json, written whole; runs of other notebooks known there are kept."""
    runs = {run.name: run for run in _earlier(plan.folder)}
    runs |= {name: _run(plan, name, outcome) for name, outcome in outcomes.items()}
    review = Review(
        data_set=plan.short_name,
        name=plan.data.name,
        as_of=plan.as_of,
        period=plan.label,
        version=version("kpi-workbook"),
        currency=plan.data.currency,
        notebooks=[runs[name] for name in sorted(runs)],
        not_run=list(plan.not_run),
        problems=[str(problem) for problem in plan.data.problems],
        notes=list(plan.data.notes),
        decisions=noted(plan.folder.parents[1]),
    )
    return write_whole(plan.folder / RESULTS, to_json(review))


def _earlier(folder: Path) -> list[NotebookRun]:
    try:
        known = read_results(folder).notebooks
    except (FileNotFoundError, ValueError):
        return []
    return [run for run in known if (folder / f"{run.name}.ipynb").exists()]


def _run(plan: Plan, name: str, outcome: Outcome) -> NotebookRun:
    record, message = None, outcome.message
    if outcome.is_ok:
        try:
            found = result_in(plan.folder / f"{name}.ipynb")
            record = ResultRecord.model_validate(found) if found else None
        except (OSError, ValidationError) as problem:
            message = f"its result cannot be read: {first_line(str(problem))}"
    return NotebookRun(
        name=name,
        status=outcome.status.value,
        seconds=outcome.seconds,
        message=message,
        record=record,
        definition=definition_of(name) if name in catalogue.names() else None,
        data=plan.data.fingerprint(),
    )
