"""Work and waiting between states, counted on the business calendar."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from kpi_lib.customers.growth.business_days import business_index
from kpi_lib.customers.growth.states import IN_IT
from kpi_lib.customers.growth.velocity_parts import Choice, shown_entries
from kpi_lib.customers.subscribed import ratio, small
from kpi_lib.schema import Tables

WORK_KINDS = {"state": "string", "waiting_share": "float64"}
WORK_KINDS |= dict.fromkeys(("business_days", "working_days", "waiting_days"), "float64")
WORK_KINDS |= {"entered": "int64", "touches": "int64"}


def work(tables: Tables, params: Choice) -> ir.Table:
    """Work and waiting on the business calendar, per state in order.

    Columns: state, waiting_share, business_days, working_days, waiting_days (means per entry so far; the last
    two add up to the first), entered, touches. A business day is a working one when the account was touched on it or within
    `touch_covers_days` business days before, while in the state; all others are waiting.
    """
    if "interactions" not in tables:
        return small({}, WORK_KINDS)
    spells = _spells(tables, params)
    worked = _worked(tables, params, spells)
    joined = spells.left_join(
        worked, [spells["way"] == worked["of"], spells["position"] == worked["at"]]
    )
    sums = joined.group_by("position", "state").aggregate(
        entered=joined.count(),
        business=(joined["until"] - joined["since"]).sum(),
        working=joined["working"].fill_null(0.0).sum(),
        touches=joined["touches"].fill_null(0).sum().cast("int64"),
    )
    sums = sums.order_by("position")
    waiting = sums["business"] - sums["working"]
    return sums.select(
        "state",
        waiting_share=ratio(waiting, sums["business"]),
        business_days=ratio(sums["business"], sums["entered"]),
        working_days=ratio(sums["working"], sums["entered"]),
        waiting_days=ratio(waiting, sums["entered"]),
        entered=sums["entered"],
        touches=sums["touches"],
    )


def _spells(tables: Tables, params: Choice) -> ir.Table:
    """States entered in the periods shown: way, position, state, account_id, dates, business indices."""
    rows = shown_entries(tables, params)
    end = ibis.ifelse(rows["outcome"] == IN_IT, ibis.literal(tables.as_of), rows["left_on"])
    end = ibis.greatest(end.fill_null(ibis.literal(tables.as_of)), rows["entered_on"])
    return rows.select(
        *("position", "state", "account_id", "entered_on"),
        way=rows["journey_id"],
        end_on=end,
        since=business_index(rows["entered_on"], params.holidays),
        until=business_index(end, params.holidays),
    )


def _worked(tables: Tables, params: Choice, spells: ir.Table) -> ir.Table:
    """Business days worked per entry: of (way), at (position), working (float64), touches."""
    touches = tables["interactions"]
    touches = touches.select(who=touches["account_id"], day=touches["at"].date())
    inside = [
        spells["account_id"] == touches["who"],
        touches["day"] >= spells["entered_on"],
        touches["day"] < spells["end_on"],
    ]
    met = spells.join(touches, inside)
    met = met.mutate(touched=business_index(met["day"], params.holidays))
    days = met.group_by("way", "position", "until", "touched").aggregate(touches=met.count())
    order = ibis.window(group_by=["way", "position"], order_by="touched")
    following = days["touched"].lead().over(order)
    days = days.mutate(following=following.fill_null(days["until"]))
    covered = ibis.literal(params.touch_covers_days).cast("float64")
    length = ibis.least(days["following"] - days["touched"], covered)
    days = days.mutate(length=length)
    return days.group_by(of=days["way"], at=days["position"]).aggregate(
        working=days["length"].sum(), touches=days["touches"].sum()
    )
