"""What a review is to run: which KPIs a data set can feed, as of which day, with which parameters."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from kpi_lib import catalogue, overview
from kpi_lib.data import Config, Dataset
from kpi_lib.evidence.fitting import not_fitting, said_against
from kpi_lib.kpi import Cadence, Kpi, KpiParams
from kpi_lib.review import fingerprint, parameters
from kpi_lib.review.errors import InputError
from kpi_lib.review.notebook_file import read_source
from kpi_lib.review.opening import config_of, day_of, name_of, open_data
from kpi_lib.review.project import Project
from kpi_lib.review.report.records import NotRun, VerdictRecord
from kpi_lib.review.runner import Job
from kpi_lib.review.suiting import unsuited


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


@dataclass(frozen=True)
class _Opened:
    """A data set with the yaml it was opened by."""

    config: Config
    data: Dataset


def make_plan(request: Request, project: Project) -> Plan:
    """The plan of a review. Raises InputError with one line per thing that is wrong."""
    _refuse_own(request.values)
    config = config_of(request.dataset, project)
    day = day_of(config, request.quarter, request.as_of)
    data = open_data(config, day)
    as_of = data.last_day
    label = request.quarter.upper() or as_of.isoformat()
    short_name = data.folder.resolve().name
    folder = request.out / short_name / label
    chosen, not_run = choose(request, project, data)
    common: dict[str, Any] = {"dataset": name_of(config, project), "as_of": as_of.isoformat()}
    if not request.evidence:
        common["with_evidence"] = False
    jobs = _jobs(chosen, common, request.values, project, _Opened(config, data), folder)
    return Plan(data, short_name, as_of, label, folder, tuple(jobs), tuple(not_run))


def cadence_named(text: str) -> Cadence | None:
    """The cadence of that name, None for an empty text. Raises InputError for any other."""
    try:
        return Cadence(text) if text else None
    except ValueError as problem:
        known = ", ".join(one.value for one in Cadence)
        raise InputError(f"--cadence {text}: write one of {known}") from problem


def _refuse_own(values: Mapping[str, Any]) -> None:
    """Raises InputError for parameters that a review sets itself, the same for all notebooks."""
    own = {
        "as_of": "a review is of one day; give it with --quarter or --as-of",
        "dataset": "a review is of one data set; give it as the first argument",
    }
    if lines := [f"-p {name}: {why}" for name, why in own.items() if name in values]:
        raise InputError(*lines)


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
            not_run.append(left_out(cards[name], data, reason))
        else:
            kpis.append(name)
    names = [n for n in overviews + kpis if not request.only or n in request.only]
    return names, not_run


def left_out(kpi: Kpi, data: Dataset, reason: str) -> NotRun:
    """A KPI that is not run: dropped where the business has no such tables, else without a verdict."""
    found = None
    if kpi.name not in data.leave_out:
        found = not_fitting(kpi, data, kpi.Params())
    if found is None:
        return NotRun(name=kpi.name, title=kpi.title, reason=reason)
    verdict = VerdictRecord(suggestion="drop", because=said_against(found))
    return NotRun(
        name=kpi.name,
        title=kpi.title,
        reason=verdict.because,
        verdict=verdict,
        substitutes=found.numbers["substitutes"],
    )


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
    opened: _Opened,
    folder: Path,
) -> list[Job]:
    problems: list[str] = []
    used: set[str] = set()
    jobs = []
    data, variables = opened.data, opened.config.secret_variables
    for name in names:
        known = known_names(name, project)
        params = params_of(name)
        chosen = {k: v for k, v in common.items() if k in known}
        chosen = {**files_of(name, project, data.folder), **chosen}
        chosen |= {k: v for k, v in values.items() if k in known}
        used |= set(values) & set(known)
        problems += parameters.problems(name, chosen, params)
        own = {*parameters.read_file(data.folder / "params" / f"{name}.yaml"), *values}
        problems += unsuited(name, chosen, own, values, data)
        told = {**chosen, **_of_related(name, project, data.folder)}
        mark = fingerprint.of_run(project.notebook(name), told, data.fingerprint())
        target = folder / f"{name}.ipynb"
        jobs.append(Job(name, project.notebook(name), chosen, target, mark, variables))
    problems += [
        f"-p {name}: no notebook of this review has it" for name in values if name not in used
    ]
    if problems:
        raise InputError(*dict.fromkeys(problems))
    return jobs


def _of_related(name: str, project: Project, data_set: Path) -> dict[str, Any]:
    """The parameters of the KPIs that a composite joins with this one: its page may show them."""
    if name not in catalogue.names():
        return {}
    others = [one for one in catalogue.related(name) if one != name]
    return {f"{one}.yaml": files_of(one, project, data_set) for one in others}


def files_of(
    name: str, project: Project, data_set: Path, *, with_day: bool = False
) -> dict[str, Any]:
    """The project's parameters of a notebook, with those in the data set's folder laid over them.

    The day in the project's file is that of the data set it names: it is taken `with_day` only.
    """
    ours = parameters.read_file(project.params / f"{name}.yaml")
    theirs = parameters.read_file(data_set / "params" / f"{name}.yaml")
    if not with_day:
        ours.pop("as_of", None)
    return {**ours, **theirs}


def params_of(name: str) -> type[BaseModel]:
    """What checks a notebook's parameters: the KPI's own, the overview's, or what all KPIs share."""
    if name in catalogue.names():
        return catalogue.get(name).Params
    return overview.PARAMS.get(name, KpiParams)


def known_names(name: str, project: Project) -> list[str]:
    """The parameters a notebook has: those set in its parameters cell."""
    try:
        return parameters.names_in_cell(read_source(project.notebook(name))) or []
    except (OSError, ValueError, SyntaxError) as problem:
        raise InputError(
            f"{name}: notebook cannot be read: {str(problem).splitlines()[0]}"
        ) from problem
