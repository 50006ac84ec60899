"""Where the days of a wait went: each day shared equally among the stages open on it."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from kpi_lib.customers.subscribed import ratio, small
from kpi_lib.schema import Tables, kept

NOBODY = "nobody's"
"""Stage and owner of the days on which no stage was open."""


@kept
def spells(tables: Tables, waits: ir.Table) -> ir.Table:
    """Onboarding stages within the wait of their account, of at least one day.

    `waits` has account_id, start_on, until_on. Columns: account_id, stage, owner, from_day,
    to_day (not in it). A stage still open runs to the end of the wait.
    """
    if "onboarding" not in tables:
        kinds = {"account_id": "string", "stage": "string", "owner": "string"}
        kinds |= {"from_day": "date", "to_day": "date"}
        return small({}, kinds)
    rows = tables["onboarding"]
    rows = rows.select(
        "stage", "owner", of=rows["account_id"], entered=rows["entered_at"], left=rows["left_at"]
    )
    joined = waits.join(rows, waits["account_id"] == rows["of"])
    found = joined.select(
        "account_id",
        stage=joined["stage"].fill_null("not stated"),
        owner=joined["owner"].fill_null("not stated"),
        from_day=ibis.greatest(joined["entered"].date(), joined["start_on"]),
        to_day=ibis.least(joined["left"].date(), joined["until_on"]),
    )
    return found.filter(found["from_day"] < found["to_day"])


def _segments(waits: ir.Table, found: ir.Table) -> ir.Table:
    """The wait cut wherever a stage opens or closes: account_id, since, until, length (days)."""
    cuts = (
        waits.select("account_id", cut=waits["start_on"])
        .union(waits.select("account_id", cut=waits["until_on"]))
        .union(found.select("account_id", cut=found["from_day"]))
        .union(found.select("account_id", cut=found["to_day"]))
        .distinct()
    )
    order = ibis.window(group_by="account_id", order_by="cut")
    rows = cuts.mutate(until=cuts["cut"].lead().over(order))
    rows = rows.filter(rows["until"].notnull())
    length = rows["until"].delta(rows["cut"], unit="day")
    return rows.select("account_id", "until", since=rows["cut"], length=length)


@kept
def shared_days(tables: Tables, waits: ir.Table) -> ir.Table:
    """The wait in pieces: of (account), since, until, stage, owner, share (days, float64).

    A piece in which several stages are open stands there once for each, with an equal share of its
    days; a piece with none is nobody's.
    """
    found = spells(tables, waits)
    segments = _segments(waits, found).rename(of="account_id")
    inside = [
        segments["of"] == found["account_id"],
        found["from_day"] <= segments["since"],
        found["to_day"] >= segments["until"],
    ]
    rows = segments.left_join(found, inside)
    rows = rows.mutate(stage=rows["stage"].fill_null(NOBODY), owner=rows["owner"].fill_null(NOBODY))
    open_stages = rows.count().over(group_by=["of", "since"])
    return rows.select(
        "of", "since", "until", "stage", "owner", share=ratio(rows["length"], open_stages)
    )


def days_by_stage(tables: Tables, waits: ir.Table) -> ir.Table:
    """Days of each wait by stage and owner: account_id, stage, owner, days (float64).

    Each day is shared equally among the stages open on it; days with none open are nobody's. So
    the days of an account add up to its wait.
    """
    rows = shared_days(tables, waits)
    sums = rows.group_by("of", "stage", "owner").aggregate(days=rows["share"].sum())
    return sums.rename(account_id="of")


def timeline(tables: Tables, waits: ir.Table) -> ir.Table:
    """One row per spell of a stage, and per gap between stages, in days since the start.

    `waits` has account_id, start_on, until_on, days, outcome. Columns: account_id, stage, stage_owner,
    from_day, to_day (not in it), value_day (null where not reached), waited (days).
    """
    stages = spells(tables, waits)
    pieces = shared_days(tables, waits)
    gaps = pieces.filter(pieces["stage"] == NOBODY)
    gaps = gaps.select(
        "stage", "owner", account_id=gaps["of"], from_day=gaps["since"], to_day=gaps["until"]
    )
    rows = stages.union(gaps.select(*stages.columns)).rename(of="account_id")
    joined = waits.join(rows, waits["account_id"] == rows["of"])
    start = joined["start_on"]
    value = ibis.ifelse(joined["outcome"] == 1, joined["days"], ibis.null("float64"))
    return joined.select(
        "account_id",
        "stage",
        stage_owner=joined["owner"],
        from_day=joined["from_day"].delta(start, unit="day"),
        to_day=joined["to_day"].delta(start, unit="day"),
        value_day=value,
        waited=joined["days"],
    )
