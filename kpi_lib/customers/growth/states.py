"""Demand states before and after the sale: who entered which when, and who left it when and how.

A journey is one way of an account (or of one of its contacts) through the ordered states, for one
opportunity. Rows without an opportunity belong to the account's next one (before the sale) or to its
last one (after it). Only what had been written down by `tables.as_of` counts.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import ibis
import ibis.expr.types as ir

from kpi_lib.schema import Tables, kept, named

STATES = (
    *("engaged", "qualified", "opportunity", "committed", "won"),
    *("live", "adopted", "value", "expanded", "renewed"),
)
"""The usual states in their order."""

SALE = "won"
"""The state that is the sale: who leaves before it is lost, who leaves from it on has churned."""

IN_IT, MOVED_ON, GONE = 0, 1, 2
"""Outcomes of a state on the last day known: still in it (censored), a later state, left for good."""

Level = Literal["account", "contact"]


@kept
def entries(tables: Tables, states: Sequence[str], level: Level = "account") -> ir.Table:
    """One row per journey and state it entered by `as_of`; states that are not listed are left out.

    Columns: journey_id, account_id, contact_id (null at account level), opportunity_id, state,
    position (from 1), entered_on (first time), left_on (null while in it), visits, amount (money of
    the row, null where none is stated), next_state and next_on (the next later state it entered,
    wherever some were skipped), outcome (0 in it, 1 moved on, 2 gone), left_as (in it, moved on,
    lost, churned), days (float64: until the next state, or until gone, or until `as_of`; below 0
    where states were written down out of order), exposed (float64: from entering to `as_of`).
    Who went back to an earlier state is still on the way: outcome 0. Raises ValueError when a
    state is listed twice.
    """
    check_states(states)
    rows = _first_entries(_spells(tables, list(states), level))
    order = ibis.window(group_by="journey_id", order_by="position")
    rows = rows.mutate(
        next_state=rows["state"].lead().over(order), next_on=rows["entered_on"].lead().over(order)
    )
    return _with_outcome(tables, rows, _sale(states))


def check_states(states: Sequence[str], start: str = "", goal: str = "") -> None:
    """Raises ValueError when a state is listed twice, or `goal` does not come after `start`."""
    names = list(states)
    if len(set(names)) < len(names):
        raise ValueError(f"a state is listed twice in {', '.join(names)}")
    known = {name: place for place, name in enumerate(names, 1)}
    if (start or goal) and known.get(goal, 0) <= known.get(start, len(names)):
        raise ValueError(f"{goal!r} does not come after {start!r} in {', '.join(names)}")


def _sale(states: Sequence[str]) -> int:
    """The position of the sale; past the end where the sale is not listed."""
    return list(states).index(SALE) + 1 if SALE in states else len(states) + 1


def _spells(tables: Tables, states: list[str], level: Level) -> ir.Table:
    """Rows of the table of states with position, left_on (null while open) and journey_id."""
    rows = tables["states"]
    entered = rows["entered_at"].date()
    rows = rows.filter(rows["state"].isin(states), entered <= tables.as_of)
    places = [(rows["state"] == state, place) for place, state in enumerate(states, 1)]
    left = rows["left_at"].date()
    rows = rows.select(
        "account_id",
        "state",
        "entered_at",
        contact_id=rows["contact_id"] if level == "contact" else ibis.null("string"),
        opportunity=rows["opportunity_id"],
        entered_on=rows["entered_at"].date(),
        left_on=ibis.ifelse(left <= tables.as_of, left, ibis.null("date")),
        amount=rows["amount"].cast("float64"),
        position=ibis.cases(*places, else_=0).cast("int64") if places else ibis.literal(0),
    )
    rows = _with_opportunity(rows, _sale(states))
    nothing = ibis.literal("")
    contact = ("/" + rows["contact_id"]).fill_null(nothing)
    deal = ("/" + rows["opportunity_id"]).fill_null(nothing)
    return rows.mutate(journey_id=rows["account_id"] + contact + deal)


def _with_opportunity(rows: ir.Table, sale: int) -> ir.Table:
    """The rows with opportunity_id: their own, else the account's next (before the sale) or last."""
    rows = rows.mutate(tie=rows["opportunity"].fill_null(""))
    columns = ("entered_at", "position", "tie")
    since, until = list(columns), [ibis.desc(name) for name in columns]
    forth = ibis.cumulative_window(group_by="account_id", order_by=since)
    back = ibis.cumulative_window(group_by="account_id", order_by=until)
    own = rows["opportunity"]
    rows = rows.mutate(so_far=own.count().over(forth), to_come=own.count().over(back))
    last = rows["opportunity"].max().over(ibis.window(group_by=["account_id", "so_far"]))
    coming = rows["opportunity"].max().over(ibis.window(group_by=["account_id", "to_come"]))
    rows = rows.mutate(last=last, coming=coming)
    before = rows["position"] < sale
    found = ibis.ifelse(before, rows["coming"], ibis.coalesce(rows["last"], rows["coming"]))
    rows = rows.mutate(opportunity_id=ibis.coalesce(rows["opportunity"], found))
    return rows.drop("opportunity", "so_far", "to_come", "last", "coming", "entered_at", "tie")


def _first_entries(spells: ir.Table) -> ir.Table:
    """One row per journey and state; left_on is null while any of its spells is open."""
    still = spells["left_on"].isnull()
    keys = ["journey_id", "account_id", "contact_id", "opportunity_id", "state", "position"]
    rows = spells.group_by(keys).aggregate(
        entered_on=spells["entered_on"].min(),
        last_entered=spells["entered_on"].max(),
        last_left=spells["left_on"].max(),
        still=spells.count(where=still),
        visits=spells.count(),
        amount=spells["amount"].max(),
    )
    left = ibis.ifelse(rows["still"] > 0, ibis.null("date"), rows["last_left"])
    return rows.mutate(left_on=left).drop("last_left", "still")


def _with_outcome(tables: Tables, rows: ir.Table, sale: int) -> ir.Table:
    """The rows with left_on, outcome, left_as, days, exposed."""
    today = ibis.literal(tables.as_of)
    moved = rows["next_on"].notnull()
    came_back = ~moved | (rows["last_entered"] > rows["next_on"])
    stays = ibis.ifelse(rows["left_on"].isnull() & came_back, 1, 0)
    rows = rows.mutate(staying=stays.sum().over(ibis.window(group_by="journey_id")))
    gone = ~moved & rows["left_on"].notnull() & (rows["staying"] == 0)
    left = ibis.ifelse(moved, rows["left_on"].fill_null(rows["next_on"]), rows["left_on"])
    left = ibis.ifelse(moved & (left > rows["next_on"]), rows["next_on"], left)
    end = ibis.cases((moved, rows["next_on"]), (gone, rows["left_on"]), else_=today)
    lost = ibis.ifelse(rows["position"] < sale, "lost", "churned")
    return rows.select(
        *("journey_id", "account_id", "contact_id", "opportunity_id", "state", "position"),
        *("entered_on", "visits", "amount", "next_state", "next_on"),
        left_on=left,
        outcome=ibis.cases((moved, MOVED_ON), (gone, GONE), else_=IN_IT).cast("int64"),
        left_as=ibis.cases((moved, "moved on"), (gone, lost), else_="in it"),
        days=end.delta(rows["entered_on"], unit="day").cast("float64"),
        exposed=today.delta(rows["entered_on"], unit="day").cast("float64"),
    )


@named
def passages(
    tables: Tables,
    states: Sequence[str],
    start: str,
    goal: str,
    level: Level = "account",
    beyond: bool = True,
) -> ir.Table:
    """One row per journey that entered the state `start`: whether and when it got to `goal`.

    Columns: journey_id, account_id, contact_id, opportunity_id, started_on, ended_on (goal, or gone, or
    `as_of`), days (float64), outcome (0 on the way, 1 reached, 2 gone), exposed (float64), amount
    (the largest stated on the way, null where none is). `beyond`: a state later than `goal` counts as having reached it; else
    skipping it is an exit. Raises ValueError when `goal` does not come after `start` in `states`.
    """
    check_states(states, start, goal)
    rows, target = entries(tables, states, level), list(states).index(goal) + 1
    keys = ["journey_id", "account_id", "contact_id", "opportunity_id"]
    inside = rows["position"] >= target if beyond else rows["position"] == target
    day, left = rows["entered_on"], rows["outcome"] == GONE
    ways = rows.group_by(keys).aggregate(
        started_on=day.min(where=rows["state"] == start),
        goal_on=day.min(where=inside),
        past_on=day.min(where=rows["position"] > target),
        gone_on=rows["left_on"].max(where=left),
        amount=rows["amount"].max(),
    )
    return _ended(tables, ways.filter(ways["started_on"].notnull()))


def _ended(tables: Tables, ways: ir.Table) -> ir.Table:
    today = ibis.literal(tables.as_of)
    reached = ways["goal_on"].notnull()
    exit_on = ibis.coalesce(ways["past_on"], ways["gone_on"])
    gone = ~reached & exit_on.notnull()
    ended = ibis.cases((reached, ways["goal_on"]), (gone, exit_on), else_=today)
    return ways.select(
        *("journey_id", "account_id", "contact_id", "opportunity_id", "started_on", "amount"),
        ended_on=ended,
        days=ended.delta(ways["started_on"], unit="day").cast("float64"),
        outcome=ibis.cases((reached, MOVED_ON), (gone, GONE), else_=IN_IT).cast("int64"),
        exposed=today.delta(ways["started_on"], unit="day").cast("float64"),
    )
