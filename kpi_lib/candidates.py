"""Which candidates a data set can feed, and the parameters registered for each."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kpi_lib.catalogue import Readiness, catalogue, ready
from kpi_lib.kpi import Kpi, KpiParams
from kpi_lib.registered import registered

if TYPE_CHECKING:
    from kpi_lib.data import Dataset


def readiness(data: Dataset) -> dict[str, Readiness]:
    """Per KPI whether the data set can feed it; one that it asks to leave out is not run."""
    found = {name: ready(kpi, data.knowledge.present) for name, kpi in catalogue().items()}
    for name, reason in data.leave_out.items():
        if name in found:
            found[name] = Readiness(False, (f"left out: {reason}",))
    return found


def candidates(data: Dataset, **run: Any) -> dict[str, tuple[Kpi, KpiParams]]:
    """The cards that the data set can feed, by name, each with its parameters; see `registered`."""
    able = [catalogue()[name] for name, one in readiness(data).items() if one.can_run]
    return {kpi.name: (kpi, registered(kpi, data, **run)) for kpi in able}


def unfed(data: Dataset, **run: Any) -> dict[str, tuple[Kpi, KpiParams]]:
    """The other cards, whose tables are not there; without those the data set asks to leave out."""
    lacking = [catalogue()[name] for name, one in readiness(data).items() if not one.can_run]
    asked = [kpi for kpi in lacking if kpi.name not in data.leave_out]
    return {kpi.name: (kpi, registered(kpi, data, **run)) for kpi in asked}
