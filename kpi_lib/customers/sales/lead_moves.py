"""Cheap moves on lead conversion: the share improves, nobody is won."""

from __future__ import annotations

from kpi_lib.editing import with_table
from kpi_lib.schema import Tables

_SOON_DAYS = 60


def weak_leads_not_entered(tables: Tables, params: object) -> Tables:
    """The tables without the leads that were lost within 60 days of their creation."""
    del params
    leads = tables["leads"]
    soon = leads["lost_on"].delta(leads["created_on"], unit="day") <= _SOON_DAYS
    never = leads["won_on"].notnull() | leads["lost_on"].isnull() | ~soon
    return with_table(tables, "leads", leads.filter(never))


def demos_only(tables: Tables, params: object) -> Tables:
    """The tables in which a contact becomes a lead only once it saw a demo (or was won without)."""
    del params
    leads = tables["leads"]
    seen = leads["demo_on"].notnull() & (leads["demo_on"] <= tables.as_of)
    return with_table(tables, "leads", leads.filter(seen | leads["won_on"].notnull()))
