"""`kpi replay`: what past reviews would have said, and whom they would have named."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from tempfile import gettempdir
from typing import Any

from kpi_lib import catalogue
from kpi_lib.candidates import candidates
from kpi_lib.review.errors import InputError
from kpi_lib.review.opening import config_of, open_data
from kpi_lib.review.project import Project
from kpi_lib.review.single import one_job


@dataclass(frozen=True, kw_only=True)
class Asked:
    """Which KPI is replayed, how many quarters, on which data and day; `whole`: judged in full."""

    kpi: str
    quarters: int = 8
    dataset: str = ""
    quarter: str = ""
    as_of: date | None = None
    whole: bool = False


def replay_lines(asked: Asked, values: Mapping[str, Any], project: Project) -> Iterator[str]:
    """What is printed, a paragraph each. Raises InputError for bad input before anything is computed."""
    if asked.kpi not in catalogue.names():
        known = ", ".join(catalogue.names())
        raise InputError(f"{asked.kpi}: no such KPI; known are {known}")
    job = one_job(
        asked.kpi,
        values,
        project,
        dataset=asked.dataset,
        quarter=asked.quarter,
        as_of=asked.as_of,
        target=Path(gettempdir()) / f"{asked.kpi}.ipynb",
    )
    return _told(asked, job.parameters, project)


def _told(asked: Asked, parameters: Mapping[str, Any], project: Project) -> Iterator[str]:
    from kpi_lib.evidence.replay import replay
    from kpi_lib.sections.replay import leavers, replayed, words

    kpi = catalogue.get(asked.kpi)
    params = kpi.Params.model_validate(dict(parameters))
    data = open_data(config_of(params.dataset, project), params.as_of)
    others = candidates(data, dataset=params.dataset, as_of=params.as_of) if asked.whole else {}
    found = replay(kpi, data, params, asked.quarters, whole=asked.whole, others=others)
    yield f"{kpi.title}, {data.name}, as known on {found.as_of}"
    yield words(found).said
    for view in (replayed(found, data.currency), leavers(found)):
        yield view.said
        if (shown := view.shown()) is not None and view.frame is not None and len(view.frame):
            yield repr(shown)
