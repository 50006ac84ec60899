"""The notebooks that look at several KPIs together: start_here, choose_kpis and growth_system."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict

from kpi_lib.kpi import parameter
from kpi_lib.schema import Tables

if TYPE_CHECKING:
    import pandas as pd

    from kpi_lib.data import Dataset
    from kpi_lib.view import View


class StartHere(BaseModel):
    """What may be chosen in start_here."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    dataset: str = parameter(
        "data/sample/saas", meaning="folder or yaml file of the data set, relative to the project"
    )
    as_of: date | None = parameter(
        None, meaning="last day known, as 2026-06-30; empty means the last day in the data"
    )


class ChooseKpis(StartHere):
    """What may be chosen in choose_kpis."""

    with_evidence: bool = parameter(True, meaning="whether to judge the KPIs, which takes longer")


class GrowthSystem(StartHere):
    """What may be chosen in growth_system."""

    with_evidence: bool = parameter(
        True, meaning="whether to judge if each link can be read, which takes longer"
    )
    level: float = parameter(
        0.9, gt=0.5, lt=1, unit="share", meaning="confidence level of the intervals"
    )


PARAMS: Mapping[str, type[StartHere]] = {
    "growth_system": GrowthSystem,
    "choose_kpis": ChooseKpis,
    "start_here": StartHere,
}
"""The parameters of each overview, the one first that measures most itself."""


def begin(name: str, namespace: Mapping[str, Any]) -> Overview:
    """The overview of that name, its parameters taken from a notebook's `globals()`.

    Raises KeyError for an unknown name, pydantic's ValidationError for a parameter out of bounds,
    DataError for a data set that cannot be used.
    """
    from kpi_lib.data import open_dataset

    kind = PARAMS[name]
    chosen = {field: namespace[field] for field in kind.model_fields if field in namespace}
    params = kind.model_validate(chosen)
    return Overview(params, open_dataset(params.dataset, as_of=params.as_of))


@dataclass(frozen=True)
class Overview:
    """All KPIs and one open data set."""

    params: StartHere
    data: Dataset

    @cached_property
    def tables(self) -> Tables:
        """The tables as known on the day asked for (default: the last day in the data)."""
        return self.data.as_of(self.params.as_of)

    @property
    def catalogue(self) -> View:
        """Every KPI with its question, unit, role and owner, from the cards."""
        from kpi_lib.sections import side_by_side

        return side_by_side.catalogue_view()

    @property
    def ready(self) -> View:
        """Which KPIs this data set can feed, and what the others lack."""
        from kpi_lib.sections import side_by_side

        return side_by_side.ready_view(self.data)

    @property
    def data_report(self) -> View:
        """What was read, what was wrong with it."""
        from kpi_lib.sections import data_read

        return data_read.report(self.data)

    @property
    def assumptions(self) -> View:
        """The five assumptions behind consumer KPIs, checked on this data set."""
        from kpi_lib.sections.assumptions import assumptions

        return assumptions(self.tables)

    @cached_property
    def verdicts(self) -> pd.DataFrame | None:
        """Every candidate that can be fed or does not fit, judged; None where that is switched off."""
        if not getattr(self.params, "with_evidence", False):
            return None
        from kpi_lib.candidates import candidates, unfed
        from kpi_lib.evidence.choosing import choose

        run = {"dataset": self.params.dataset, "as_of": self.params.as_of}
        return choose(candidates(self.data, **run), self.data, unfed=unfed(self.data, **run))

    @property
    def side_by_side(self) -> View:
        """All candidates against the six tests."""
        from kpi_lib.sections import candidates
        from kpi_lib.sections.assumptions import marked

        return candidates.side_by_side(self.verdicts, marked(self.tables))

    @property
    def reasons(self) -> View:
        """Why each candidate got its verdict."""
        from kpi_lib.sections import candidates

        return candidates.reasons(self.verdicts)

    @property
    def early_and_readable(self) -> View:
        """Lead time against readability."""
        from kpi_lib.sections import candidates

        return candidates.early_and_readable(self.verdicts)

    @property
    def suggested_set(self) -> View:
        """The set that the findings suggest to start with."""
        from kpi_lib.sections import candidates

        return candidates.suggested_set(self.verdicts)

    @cached_property
    def chain(self) -> View:
        """Levers, conversion and velocity, lift: one picture, and its figures as a table."""
        from kpi_lib.sections.growth import growth_told, growth_view

        level = getattr(self.params, "level", 0.9)
        run = {"dataset": self.params.dataset, "as_of": self.params.as_of, "level": level}
        judged = bool(getattr(self.params, "with_evidence", False))
        return growth_view(growth_told(self.data, self.tables, judged, run), level)
