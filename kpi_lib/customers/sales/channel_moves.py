"""Cheap moves on channel cost: the figure falls, nothing is bought for less."""

from __future__ import annotations

import ibis

from kpi_lib.editing import append_rows, with_table
from kpi_lib.schema import Tables


def contacts_as_leads(tables: Tables, params: object) -> Tables:
    """The tables in which everybody who came brings a second contact, entered as a lead of its own."""
    del params
    rows = tables["leads"]
    second = rows.select(
        "created_on", "source", "campaign", "segment", "is_ideal", lead_id=rows["lead_id"] + "-too"
    )
    return with_table(tables, "leads", append_rows(rows, second))


def money_without_a_channel(tables: Tables, params: object) -> Tables:
    """The tables in which a third of each channel's money is booked without naming a channel."""
    del params
    rows = tables["spend"]
    part = ibis.ifelse(rows["channel"].notnull(), 2 / 3, 1.0).cast("float64")
    moved = rows.filter(rows["channel"].notnull())
    moved = moved.mutate(
        channel=ibis.null("string"),
        campaign=ibis.null("string"),
        amount=moved["amount"].cast("float64") * ibis.literal(1 / 3).cast("float64"),
    )
    kept = rows.mutate(amount=rows["amount"].cast("float64") * part)
    return with_table(tables, "spend", append_rows(kept, moved))
