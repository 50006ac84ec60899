"""`kpi verdicts`: what several companies' reviews say about the same candidates, side by side."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from kpi_lib import catalogue
from kpi_lib.review.errors import InputError
from kpi_lib.review.report.records import RESULTS, NotebookRun, NotRun, Review, read_results
from kpi_lib.review.report.scorecard import verdict_of
from kpi_lib.review.report.words import listing

NOT_FED = "not fed"
"""The tables of a KPI are not there, and nothing says that the business has no such thing."""
ABSENT = "–"


def newest_of_each(out: Path) -> list[Path]:
    """The folder of the newest review of each data set below `out`. Raises InputError without any."""
    found: dict[str, tuple[Review, Path]] = {}
    for results in sorted(out.glob(f"*/*/{RESULTS}")):
        review, folder = _read(results.parent), results.parent
        if review.data_set not in found or review.as_of >= found[review.data_set][0].as_of:
            found[review.data_set] = (review, folder)
    if not found:
        raise InputError(f"{out}: there is no review")
    return [folder for _, folder in found.values()]


def beside(folders: Sequence[Path]) -> list[str]:
    """A Markdown table: one row per KPI of the catalogue, one column per review; then what each adopts.

    What does not fit a business names what to use instead. Raises InputError for a folder without a
    review that can be read.
    """
    reviews = [_read(folder) for folder in folders]
    heads = [f"{one.name}, {one.period}" for one in reviews]
    cells = [_verdicts(one) for one in reviews]
    lines = [_line(["KPI", *heads]), _line(["---"] * (len(heads) + 1))]
    for name, card in catalogue.catalogue().items():
        row = [its.get(name, ABSENT) for its in cells]
        lines.append(_line([card.title, *row]))
    return [*lines, "", *(_adopted(one) for one in reviews)]


def _read(folder: Path) -> Review:
    try:
        return read_results(folder)
    except (FileNotFoundError, NotADirectoryError) as problem:
        raise InputError(f"{folder}: there is no review") from problem
    except (OSError, ValueError) as problem:
        raise InputError(f"{folder}: its review cannot be read: {problem}") from problem


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cell.replace('|', '/') for cell in cells)} |"


def _verdicts(review: Review) -> dict[str, str]:
    """What a review says about each KPI it names."""
    judged = {run.name: _of_run(run) for run in review.notebooks if _is_kpi(run)}
    return judged | {one.name: _of_missing(one) for one in review.not_run}


def _is_kpi(run: NotebookRun) -> bool:
    return run.name in catalogue.names()


def _of_run(run: NotebookRun) -> str:
    if run.record is None:
        return run.status
    found = [finding for finding in run.record.findings if finding.test == "fitting"]
    names = [name for one in found if one.passed is False for name in one.numbers["substitutes"]]
    return _with_substitutes(verdict_of(run.record), names)


def _of_missing(one: NotRun) -> str:
    if one.verdict is None:
        return NOT_FED
    return _with_substitutes(f"{one.verdict.suggestion}: does not fit", one.substitutes)


def _with_substitutes(verdict: str, names: Sequence[str]) -> str:
    return f"{verdict}; use {listing(list(_titles(names)))}" if names else verdict


def _titles(names: Sequence[str]) -> Iterator[str]:
    """Titles of KPIs; a substitute of another kind as it is worded."""
    cards = catalogue.catalogue()
    yield from (cards[name].title if name in cards else name for name in names)


def _adopted(review: Review) -> str:
    records = [run.record for run in review.notebooks if run.record is not None]
    titles = [one.title for one in records if verdict_of(one) == "adopt"]
    return f"{review.name} adopts: {listing(titles) or 'none yet'}."
