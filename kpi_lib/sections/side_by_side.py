"""All KPIs beside each other: the catalogue, and which of them a data set can feed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kpi_lib.candidates import readiness
from kpi_lib.catalogue import catalogue
from kpi_lib.charts.table import table
from kpi_lib.view import View
from kpi_lib.wording import format_count

if TYPE_CHECKING:
    from kpi_lib.data import Dataset


def catalogue_view() -> View:
    """One row per card: KPI, question, unit, better, role, looked at, who acts."""
    import pandas as pd

    rows = [
        {
            "KPI": kpi.title,
            "question": kpi.question,
            "unit": kpi.unit.value,
            "better": kpi.better.value,
            "role": kpi.role.value,
            "looked at": kpi.cadence.value,
            "who acts": kpi.owner,
        }
        for kpi in catalogue().values()
    ]
    frame = pd.DataFrame(rows)
    roles = frame["role"].value_counts().sort_index()
    told = ", ".join(f"{count} {role}" for role, count in roles.items())
    said = f"The catalogue holds {format_count(len(frame), 'candidate')}: {told}."
    return View(said, table=lambda: table(frame), frame=frame)


def ready_view(data: Dataset) -> View:
    """One row per KPI: whether it can run on this data set, and what it lacks."""
    import pandas as pd

    found = readiness(data)
    rows = [
        {
            "KPI": catalogue()[name].title,
            "can run": one.can_run,
            "what is missing": "; ".join(one.lacks) or "nothing",
        }
        for name, one in found.items()
    ]
    frame = pd.DataFrame(rows)
    count = sum(one.can_run for one in found.values())
    said = f"{data.name} can feed {count} of {format_count(len(found), 'candidate')}."
    return View(said, table=lambda: table(frame), frame=frame)
