"""What became of each lead: won, lost, or still open, and after how many days."""

from __future__ import annotations

from collections.abc import Sequence

import ibis
import ibis.expr.types as ir

from kpi_lib.customers.subscribed import with_segment
from kpi_lib.periods import Period, period_of
from kpi_lib.schema import Tables, named

OPEN, WON, LOST = 0, 1, 2
"""Outcomes of a lead on the last day known."""

OWN_SEGMENTS = ("source", "campaign", "segment", "is_ideal")
"""Columns of leads by which they can be split; others are looked up in the lead's account."""

NOT_STATED = "not stated"


@named
def outcomes(tables: Tables) -> ir.Table:
    """One row per lead created by `as_of`.

    Columns: lead_id, account_id (null until linked), created_on, source, campaign, segment, is_ideal
    (text: ideal, other, not stated), closed_on (null while open), outcome (0 open, 1 won, 2 lost),
    days (float64: from creation to won, lost or `as_of`; below 0 where a deal was won before the
    lead was created), exposed (float64: days from creation to `as_of`). A lead that is both won
    and lost has the outcome of the earlier day, won on the same day.
    """
    leads = tables["leads"]
    leads = leads.filter(leads["created_on"] <= tables.as_of)
    won, lost = leads["won_on"].notnull(), leads["lost_on"].notnull()
    is_won = won & (~lost | (leads["won_on"] <= leads["lost_on"]))
    is_lost = lost & ~is_won
    nothing = ibis.null("date")
    closed = ibis.cases((is_won, leads["won_on"]), (is_lost, leads["lost_on"]), else_=nothing)
    today = ibis.literal(tables.as_of)
    created = leads["created_on"]
    return leads.select(
        "lead_id",
        "account_id",
        "created_on",
        *[leads[name].fill_null(NOT_STATED).name(name) for name in OWN_SEGMENTS[:3]],
        is_ideal=_ideal(leads["is_ideal"]),
        closed_on=closed,
        outcome=ibis.cases((is_won, WON), (is_lost, LOST), else_=OPEN).cast("int64"),
        days=closed.fill_null(today).delta(created, unit="day").cast("float64"),
        exposed=today.delta(created, unit="day").cast("float64"),
    )


def _ideal(flag: ir.BooleanValue) -> ir.StringValue:
    told = ibis.ifelse(flag, "ideal", "other")
    return ibis.ifelse(flag.isnull(), NOT_STATED, told)


def created_in(rows: ir.Table, periods: Sequence[Period]) -> ir.Table:
    """The leads created in one of the periods, with `period`."""
    rows = rows.mutate(period=period_of(rows["created_on"], list(periods)))
    return rows.filter(rows["period"].notnull())


def closed_in(rows: ir.Table, periods: Sequence[Period]) -> ir.Table:
    """Leads won and lost in each period, whenever they were created: period, won, lost."""
    rows = rows.mutate(period=period_of(rows["closed_on"], list(periods)))
    rows = rows.filter(rows["period"].notnull())
    return rows.group_by("period").aggregate(
        won=rows.count(where=rows["outcome"] == WON), lost=rows.count(where=rows["outcome"] == LOST)
    )


def split_by(tables: Tables, rows: ir.Table, segment: str) -> ir.Table:
    """The leads with the column `segment`: their own, or that of the account they are linked to.

    Own columns are source, campaign, segment and is_ideal. "" gives one segment. Raises ValueError
    when `segment` is a column of neither.
    """
    if segment in OWN_SEGMENTS:
        return rows.mutate(segment=rows[segment])
    if segment and ("accounts" not in tables or segment not in tables["accounts"].columns):
        own = ", ".join(OWN_SEGMENTS)
        raise ValueError(f"segment {segment!r} is not a column of accounts, nor of leads ({own})")
    return with_segment(tables, rows.drop("segment"), segment)
