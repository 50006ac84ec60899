"""`kpi run`: one notebook, with its parameters checked."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

from kpi_lib import catalogue
from kpi_lib.review import parameters
from kpi_lib.review.errors import InputError
from kpi_lib.review.plan import files_of, known_names, open_data, params_of, why_not
from kpi_lib.review.project import Project
from kpi_lib.review.runner import Job


def one_job(
    name: str,
    values: Mapping[str, Any],
    project: Project,
    *,
    dataset: str = "",
    as_of: date | None = None,
    target: Path | None = None,
) -> Job:
    """The run of one notebook. Raises InputError for a wrong name, data set or parameter."""
    if name not in project.names():
        raise InputError(f"{name}: no such notebook; there are {', '.join(project.names())}")
    known = known_names(name, project)
    params = params_of(name)
    chosen = parameters.read_file(project.params / f"{name}.yaml")
    place = dataset or values.get("dataset") or chosen.get("dataset")
    data = open_data(str(place or params.model_fields["dataset"].default), project)
    chosen = files_of(name, project, data) | {"dataset": project.named(data.folder)}
    chosen |= {"as_of": as_of.isoformat()} if as_of else {}
    chosen |= {key: value for key, value in values.items() if key != "dataset"}
    strange = [f"-p {key}: {name} has no such parameter" for key in values if key not in known]
    lines = strange or parameters.problems(name, chosen, params)
    if lines:
        raise InputError(*lines)
    if reason := name in catalogue.names() and why_not(catalogue.get(name), data):
        raise InputError(f"{name}: this data set cannot feed it: {reason}")
    return Job(name, project.notebook(name), chosen, target or Path(f"{name}.ipynb"))
