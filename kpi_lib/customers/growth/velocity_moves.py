"""Cheap moves on stage velocity: the days get fewer, nobody decides sooner."""

from __future__ import annotations

import ibis

from kpi_lib.customers.growth.conversion import Path
from kpi_lib.editing import with_table
from kpi_lib.schema import Tables

_DAYS = 15


def entered_late(tables: Tables, params: Path) -> Tables:
    """The tables in which `from_state` was written down 15 days after it began."""
    return _shifted(tables, params.from_state, _DAYS)


def dated_early(tables: Tables, params: Path) -> Tables:
    """The tables in which `to_state` was dated 15 days before it began."""
    return _shifted(tables, params.to_state, -_DAYS)


def _shifted(tables: Tables, state: str, days: int) -> Tables:
    rows = tables["states"]
    moved = rows["entered_at"] + ibis.interval(days=days)
    entered = ibis.ifelse(rows["state"] == state, moved, rows["entered_at"])
    return with_table(tables, "states", rows.mutate(entered_at=entered))
