"""`kpi ready`: which KPIs a data set can feed, what the others lack, and what is wrong in it."""

from __future__ import annotations

from dataclasses import dataclass

from kpi_lib import catalogue
from kpi_lib.data import Dataset, open_dataset
from kpi_lib.review.errors import InputError
from kpi_lib.review.opening import find_data
from kpi_lib.review.plan import why_not
from kpi_lib.review.project import Project


@dataclass(frozen=True)
class Feeds:
    """Whether the data set can feed a KPI; `reason` says why not."""

    name: str
    title: str
    reason: str


def readiness(data: Dataset) -> list[Feeds]:
    """One entry per KPI of the catalogue, those that can run first."""
    cards = catalogue.catalogue().values()
    found = [Feeds(card.name, card.title, why_not(card, data)) for card in cards]
    return sorted(found, key=lambda one: (bool(one.reason), one.name))


@dataclass(frozen=True)
class Answer:
    """What `kpi ready` prints, and whether errors in the data keep every KPI from running."""

    lines: list[str]
    is_blocked: bool


def answer(dataset: str, project: Project) -> Answer:
    """What a data set can feed. Raises InputError when it cannot be opened at all."""
    from kpi_lib.data import DataError

    try:
        data = open_dataset(find_data(dataset, project), require_clean=False)
    except DataError as problem:
        raise InputError(*str(problem).splitlines()) from problem
    feeds = readiness(data)
    told = [f"yes  {f.name}" if not f.reason else f"no   {f.name}: {f.reason}" for f in feeds]
    lines = [_head(data, feeds), *told, *(str(problem) for problem in data.problems)]
    return Answer(lines, any(problem.severity == "error" for problem in data.problems))


def _head(data: Dataset, feeds: list[Feeds]) -> str:
    """One line: how many KPIs, and whether errors in the data stand in the way."""
    able = sum(not one.reason for one in feeds)
    errors = sum(problem.severity == "error" for problem in data.problems)
    what = f"the tables of {able} of {len(feeds)} KPIs are there, but none runs until"
    if errors:
        mended = "the error is mended" if errors == 1 else f"the {errors} errors are mended"
        return f"{data.name}, known until {data.last_day}: {what} {mended}"
    return f"{data.name}, known until {data.last_day}: can feed {able} of {len(feeds)} KPIs"
