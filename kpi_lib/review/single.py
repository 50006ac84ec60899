"""`kpi run`: one notebook, with its parameters checked."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

from kpi_lib import catalogue
from kpi_lib.data import Dataset
from kpi_lib.review import parameters
from kpi_lib.review.errors import InputError
from kpi_lib.review.opening import config_of, day_of, name_of, open_data
from kpi_lib.review.plan import files_of, known_names, params_of, why_not
from kpi_lib.review.project import Project
from kpi_lib.review.report.files import check_writable
from kpi_lib.review.runner import Job
from kpi_lib.review.suiting import unsuited


def one_job(
    name: str,
    values: Mapping[str, Any],
    project: Project,
    *,
    dataset: str = "",
    quarter: str = "",
    as_of: date | None = None,
    target: Path | None = None,
) -> Job:
    """The run of one notebook.

    Raises InputError for a wrong name, data set, day or parameter, or a target that cannot be written.
    """
    if name not in project.names():
        raise InputError(f"{name}: no such notebook; there are {', '.join(project.names())}")
    _refuse_twice(values, dataset, quarter or as_of)
    usual = _usual_data(name, project)
    config = config_of(dataset or str(values.get("dataset") or usual), project)
    folder, named = config.path.parent, name_of(config, project)
    chosen = files_of(name, project, folder, with_day=named == usual)
    chosen |= {**values, "dataset": named}
    day = day_of(config, quarter, as_of)
    chosen |= {"as_of": day.isoformat()} if day else {}
    _refuse(_wrong(name, chosen, values, project))
    data = open_data(config, chosen.get("as_of"))
    own = {*parameters.read_file(folder / "params" / f"{name}.yaml"), *values}
    _refuse([*unsuited(name, chosen, own, values, data), *_not_fed(name, data)])
    target = target or Path(f"{name}.ipynb")
    _refuse_unwritable(target)
    return Job(name, project.notebook(name), chosen, target, variables=config.secret_variables)


def _refuse_twice(values: Mapping[str, Any], dataset: str, day: object) -> None:
    """Raises InputError for what an option and `-p` both say."""
    twice = {"dataset": ("--dataset", dataset), "as_of": ("--as-of or --quarter", day)}
    found = [
        f"give {o} or -p {n}, not both" for n, (o, given) in twice.items() if given and n in values
    ]
    _refuse(found)


def _refuse(lines: list[str]) -> None:
    if lines:
        raise InputError(*lines)


def _usual_data(name: str, project: Project) -> str:
    """The data set that the project's parameters name, else the default."""
    chosen = parameters.read_file(project.params / f"{name}.yaml")
    return str(chosen.get("dataset") or params_of(name).model_fields["dataset"].default)


def _wrong(
    name: str, chosen: Mapping[str, Any], values: Mapping[str, Any], project: Project
) -> list[str]:
    known = known_names(name, project)
    strange = [f"-p {key}: {name} has no such parameter" for key in values if key not in known]
    return strange or parameters.problems(name, chosen, params_of(name))


def _not_fed(name: str, data: Dataset) -> list[str]:
    reason = why_not(catalogue.get(name), data) if name in catalogue.names() else ""
    return [f"{name}: this data set cannot feed it: {reason}"] if reason else []


def _refuse_unwritable(target: Path) -> None:
    try:
        check_writable(target)
    except OSError as problem:
        raise InputError(f"{target}: cannot be written: {problem.strerror}") from problem
