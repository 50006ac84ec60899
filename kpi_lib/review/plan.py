"""What a review is to run: which KPIs a data set can feed, as of which day, with which parameters."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from kpi_lib import catalogue, overview
from kpi_lib.data import DataError, Dataset, open_dataset
from kpi_lib.kpi import Cadence, Kpi, KpiParams
from kpi_lib.periods import quarter_end
from kpi_lib.review import fingerprint, parameters
from kpi_lib.review.errors import InputError
from kpi_lib.review.notebook_file import read_notebook
from kpi_lib.review.project import Project
from kpi_lib.review.report.records import NotRun
from kpi_lib.review.runner import Job


@dataclass(frozen=True, kw_only=True)
class Request:
    """What somebody asks for. `values` are parameters that win over every file."""

    dataset: str
    quarter: str = ""
    as_of: date | None = None
    only: tuple[str, ...] = ()
    cadence: Cadence | None = None
    evidence: bool = True
    values: Mapping[str, Any] = field(default_factory=dict)
    out: Path = Path("reviews")


@dataclass(frozen=True)
class Plan:
    """The runs of a review, what is left out and why, and where everything goes."""

    data: Dataset
    short_name: str
    as_of: date
    label: str
    folder: Path
    jobs: tuple[Job, ...]
    not_run: tuple[NotRun, ...]


def make_plan(request: Request, project: Project) -> Plan:
    """The plan of a review. Raises InputError with one line per thing that is wrong."""
    data = open_data(request.dataset, project)
    as_of, label = _day(request, data)
    short_name = data.folder.resolve().name
    folder = request.out / short_name / label
    chosen, not_run = choose(request, project, data)
    common: dict[str, Any] = {"dataset": project.named(data.folder), "as_of": as_of.isoformat()}
    if not request.evidence:
        common["with_evidence"] = False
    jobs = _jobs(chosen, common, request.values, project, data, folder)
    return Plan(data, short_name, as_of, label, folder, tuple(jobs), tuple(not_run))


def cadence_named(text: str) -> Cadence | None:
    """The cadence of that name, None for an empty text. Raises InputError for any other."""
    try:
        return Cadence(text) if text else None
    except ValueError as problem:
        known = ", ".join(one.value for one in Cadence)
        raise InputError(f"--cadence {text}: write one of {known}") from problem


def find_data(dataset: str, project: Project) -> Path:
    """Where a data set is looked for: from the current folder, then from the project's."""
    inside = project.root / dataset
    return inside if not Path(dataset).exists() and inside.exists() else Path(dataset)


def open_data(dataset: str, project: Project) -> Dataset:
    """The data set, open. Raises InputError with its errors, one line each."""
    try:
        return open_dataset(find_data(dataset, project))
    except DataError as problem:
        raise InputError(*str(problem).splitlines()) from problem


def _day(request: Request, data: Dataset) -> tuple[date, str]:
    if request.quarter and request.as_of:
        raise InputError("give --quarter or --as-of, not both")
    if not request.quarter:
        day = request.as_of or data.last_day
        return day, day.isoformat()
    try:
        return quarter_end(request.quarter, data.quarter_starts_in), request.quarter.upper()
    except ValueError as problem:
        raise InputError(f"--quarter: {problem}") from problem


def choose(request: Request, project: Project, data: Dataset) -> tuple[list[str], list[NotRun]]:
    """The names of the notebooks to run, overviews first, and what the data set cannot feed."""
    present = project.names()
    unknown = [name for name in request.only if name not in present]
    if unknown:
        raise InputError(
            *(f"--only {n}: no such notebook; there are {', '.join(present)}" for n in unknown)
        )
    cards = catalogue.catalogue()
    overviews = [n for n in present if n not in cards] if request.cadence is None else []
    kpis, not_run = [], []
    for name in (n for n in present if n in cards):
        if request.cadence and cards[name].cadence is not request.cadence:
            continue
        reason = why_not(cards[name], data)
        if reason:
            not_run.append(NotRun(name=name, title=cards[name].title, reason=reason))
        else:
            kpis.append(name)
    names = [n for n in overviews + kpis if not request.only or n in request.only]
    return names, not_run


def why_not(kpi: Kpi, data: Dataset) -> str:
    """Why a data set cannot feed a KPI, or asks to leave it out; empty when it can."""
    if kpi.name in data.leave_out:
        return data.leave_out[kpi.name]
    return "; ".join(catalogue.ready(kpi, data.knowledge.present).lacks)


def _jobs(
    names: list[str],
    common: Mapping[str, Any],
    values: Mapping[str, Any],
    project: Project,
    data: Dataset,
    folder: Path,
) -> list[Job]:
    problems: list[str] = []
    used: set[str] = set()
    jobs = []
    for name in names:
        known = known_names(name, project)
        params = params_of(name)
        chosen = {k: v for k, v in common.items() if k in known}
        chosen = {**files_of(name, project, data), **chosen}
        chosen |= {k: v for k, v in values.items() if k in known}
        used |= set(values) & set(known)
        problems += parameters.problems(name, chosen, params)
        mark = fingerprint.of_run(project.notebook(name), chosen, data.fingerprint())
        jobs.append(Job(name, project.notebook(name), chosen, folder / f"{name}.ipynb", mark))
    problems += [
        f"-p {name}: no notebook of this review has it" for name in values if name not in used
    ]
    if problems:
        raise InputError(*problems)
    return jobs


def files_of(name: str, project: Project, data: Dataset) -> dict[str, Any]:
    """The project's parameters of a notebook, with those of the data set laid over them."""
    ours = parameters.read_file(project.params / f"{name}.yaml")
    theirs = parameters.read_file(data.folder / "params" / f"{name}.yaml")
    return {**ours, **theirs}


def params_of(name: str) -> type[BaseModel]:
    """What checks a notebook's parameters: the KPI's own, the overview's, or what all KPIs share."""
    if name in catalogue.names():
        return catalogue.get(name).Params
    return overview.PARAMS.get(name, KpiParams)


def known_names(name: str, project: Project) -> list[str]:
    """The parameters a notebook has: those set in its parameters cell."""
    try:
        return parameters.names_in_cell(read_notebook(project.notebook(name))) or []
    except (OSError, ValueError, SyntaxError) as problem:
        raise InputError(
            f"{name}: notebook cannot be read: {str(problem).splitlines()[0]}"
        ) from problem
