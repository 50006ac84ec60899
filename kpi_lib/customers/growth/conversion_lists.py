"""The journeys behind a pair of states: those still on the way first."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from kpi_lib.customers.growth.conversion import Path, all_passages, shown_passages
from kpi_lib.customers.growth.states import IN_IT, MOVED_ON, entries
from kpi_lib.customers.subscribed import with_account
from kpi_lib.schema import Tables


def state_now(tables: Tables, params: Path) -> ir.Table:
    """The last state each journey entered: way (its id), state, days_in_state (float64, so far)."""
    rows = entries(tables, params.states, params.journeys_of)
    furthest = rows["position"].max().over(ibis.window(group_by="journey_id"))
    rows = rows.mutate(furthest=furthest)
    rows = rows.filter(rows["position"] == rows["furthest"])
    return rows.select("state", way=rows["journey_id"], days_in_state=rows["days"])


def _labelled(tables: Tables, params: Path, rows: ir.Table) -> ir.Table:
    """The journeys with name, owner, state, status."""
    now = state_now(tables, params)
    rows = rows.join(now, rows["journey_id"] == now["way"])
    rows = with_account(tables, rows)
    known = ibis.coalesce(rows["account"], rows["account_id"])
    deal = ibis.coalesce(" (" + rows["opportunity_id"] + ")", ibis.literal(""))
    person = ibis.coalesce(", " + rows["contact_id"], ibis.literal(""))
    outcome = rows["outcome"]
    status = ibis.cases(
        (outcome == IN_IT, "on the way"), (outcome == MOVED_ON, "passed"), else_="gone"
    )
    return rows.mutate(name=known + person + deal, status=status)


def listed(tables: Tables, params: Path) -> ir.Table:
    """The journeys of the cohorts shown: those on the way first, the largest amount first.

    Columns: name, owner, state (the last one entered), status, days, amount (money per year),
    is_ideal, track, started_on.
    """
    rows = _labelled(tables, params, shown_passages(tables, params))
    rows = rows.order_by("outcome", ibis.desc(rows["amount"].fill_null(-1)), "journey_id")
    shown = ("name", "owner", "state", "status", "days", "amount", "is_ideal", "track")
    return rows.select(*shown, "started_on")


def stuck(tables: Tables, params: Path) -> ir.Table:
    """The journeys on the way now, whenever they began: those longest in their state first.

    Columns: name, owner, state, days_in_state, days (since `from_state`), amount (money per year),
    is_ideal, track.
    """
    rows = all_passages(tables, params)
    rows = _labelled(tables, params, rows.filter(rows["outcome"] == IN_IT))
    rows = rows.order_by(ibis.desc("days_in_state"), ibis.desc("days"), "journey_id")
    return rows.select(
        *("name", "owner", "state", "days_in_state", "days", "amount", "is_ideal", "track")
    )
