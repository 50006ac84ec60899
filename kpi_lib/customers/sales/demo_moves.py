"""Cheap moves on demo conversion: the share improves, nobody more is convinced."""

from __future__ import annotations

import ibis

from kpi_lib.editing import with_table
from kpi_lib.schema import Tables

_SOON_DAYS = 90


def weak_demos_not_entered(tables: Tables, params: object) -> Tables:
    """The tables in which a demo that led to a no within 90 days was never written down."""
    del params
    leads = tables["leads"]
    soon = (leads["lost_on"].delta(leads["demo_on"], unit="day") <= _SOON_DAYS).fill_null(False)
    weak = soon & leads["won_on"].isnull()
    demo_on = ibis.ifelse(weak, ibis.null("date"), leads["demo_on"])
    return with_table(tables, "leads", leads.mutate(demo_on=demo_on))


def token_plans(tables: Tables, params: object) -> Tables:
    """The tables in which each lost demo takes a free plan that is booked as bought."""
    del params
    leads = tables["leads"]
    token = leads["demo_on"].notnull() & leads["lost_on"].notnull() & leads["won_on"].isnull()
    nothing = ibis.null("date")
    edited = leads.mutate(
        won_on=ibis.ifelse(token, leads["lost_on"], leads["won_on"]),
        lost_on=ibis.ifelse(token, nothing, leads["lost_on"]),
    )
    return with_table(tables, "leads", edited)
