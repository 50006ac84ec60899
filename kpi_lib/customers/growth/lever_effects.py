"""Who was touched by a landmark day of a state, who was not yet, and who moved on after it.

A landmark keeps time from lying: whoever is still in the state on that day is counted by what had
happened *by then*, and by what came *after*. Without one, those who stay longer have more time to be
touched (immortal time). The day is the one by which most of the touched had their first touch.
Source: Anderson, Cain and Gelber (1983), Journal of Clinical Oncology 1.
"""

from __future__ import annotations

from typing import Protocol

import ibis
import ibis.expr.types as ir

from kpi_lib.customers.growth import states
from kpi_lib.customers.growth.lenses import with_ideal
from kpi_lib.customers.growth.lever_paths import UNSTATED, LeverBy, touches
from kpi_lib.customers.subscribed import small
from kpi_lib.schema import Tables, kept, named

MOST_TOUCHES = 5
"""More touches than this count as so many."""
FEWEST_TOUCHED = 20
"""Fewer touched than this give no landmark."""


class Rule(Protocol):
    """The parameters that say who is compared."""

    @property
    def lever_by(self) -> LeverBy:
        """Column of interactions that names the lever."""
        ...

    @property
    def states(self) -> tuple[str, ...]:
        """Demand states in their order."""
        ...

    @property
    def horizon_days(self) -> int:
        """Days after the landmark within which a move counts."""
        ...

    @property
    def landmark_share(self) -> float:
        """Share of the touched that had their first touch by the landmark."""
        ...


@named
def stays(tables: Tables, order: tuple[str, ...]) -> ir.Table:
    """One row per stay of an account in a state: stay, account_id, state, position, entered_on, month,
    outcome, days, exposed, before_days (in the state before, null for the first)."""
    rows = states.entries(tables, list(order))
    by_place = ibis.window(group_by="journey_id", order_by="position")
    before = rows["days"].lag().over(by_place)
    return rows.select(
        *("account_id", "state", "position", "entered_on", "outcome", "days", "exposed"),
        stay=rows["journey_id"] + "/" + rows["state"],
        month=rows["entered_on"].truncate("month"),
        before_days=ibis.ifelse(before >= 0, before, ibis.null("float64")),
    )


@named
def stay_touches(tables: Tables, lever_by: LeverBy, order: tuple[str, ...]) -> ir.Table:
    """The touches of an account while it was in a state: stay, lever, contact_id, position, after (days since
    entering), ahead (days until it left or today)."""
    rows, spans = touches(tables, lever_by), stays(tables, order).rename(of="account_id")
    joined = rows.join(
        spans, [rows["account_id"] == spans["of"], rows["day"] >= spans["entered_on"]]
    )
    after = joined["day"].delta(joined["entered_on"], unit="day").cast("float64")
    joined = joined.mutate(after=after).filter(after <= joined["days"])
    shown = ("stay", "lever", "contact_id", "position", "after")
    return joined.select(*shown, ahead=joined["days"] - joined["after"])


@kept
def landmarks(
    tables: Tables,
    lever_by: LeverBy,
    order: tuple[str, ...],
    share: float,
    fewest: int = FEWEST_TOUCHED,
) -> ir.Table:
    """lever, position, landmark (days since entering the state): the day after the first touch of the
    given share of those touched; no row where fewer than `fewest` were."""
    rows = stay_touches(tables, lever_by, order)
    firsts = rows.group_by("stay", "lever", "position").aggregate(first=rows["after"].min())
    group = ["lever", "position"]
    ranked = firsts.mutate(
        reached=ibis.cume_dist().over(ibis.window(group_by=group, order_by="first")),
        touched=firsts.count().over(ibis.window(group_by=group)),
    )
    enough = ranked.filter(ranked["reached"] >= share, ranked["touched"] >= fewest)
    return enough.group_by(group).aggregate(landmark=enough["first"].min() + 1)


@named
def compared(tables: Tables, rule: Rule) -> ir.Table:
    """One row per lever and stay still in its state on the landmark, long enough ago to be judged.

    lever, state, position, landmark, month, account_id, touches (before the landmark, at most 5), moved
    (1 when it moved on within `horizon_days` after it), before_days.
    """
    return _compared(tables, rule.lever_by, rule.states, rule.landmark_share, rule.horizon_days)


@named
def _compared(
    tables: Tables, by: LeverBy, order: tuple[str, ...], share: float, horizon: int
) -> ir.Table:
    marks, spans = landmarks(tables, by, order, share), stays(tables, order)
    here = marks.rename(at="position")
    rows = spans.join(here, spans["position"] == here["at"]).drop("at")
    rows = rows.filter(
        rows["days"] >= rows["landmark"], rows["exposed"] >= rows["landmark"] + horizon
    )
    hits = before_landmark(stay_touches(tables, by, order), marks)
    rows = rows.left_join(hits, [rows["stay"] == hits["of"], rows["lever"] == hits["what"]])
    number = rows["hits"].fill_null(0)
    soon = rows["days"] <= rows["landmark"] + horizon
    moved = (rows["outcome"] == states.MOVED_ON) & soon
    return rows.select(
        *("lever", "state", "position", "landmark", "month", "account_id", "before_days"),
        touches=ibis.ifelse(number > MOST_TOUCHES, MOST_TOUCHES, number).cast("int64"),
        moved=ibis.ifelse(moved, 1, 0).cast("int64"),
    )


def before_landmark(seen: ir.Table, marks: ir.Table) -> ir.Table:
    """Touches per stay and lever before the landmark: of, what, hits."""
    marks = marks.rename(what="lever", at="position")
    inside = [seen["lever"] == marks["what"], seen["position"] == marks["at"]]
    joined = seen.join(marks, inside)
    joined = joined.filter(joined["after"] < joined["landmark"])
    return joined.group_by(of=joined["stay"], what=joined["lever"]).aggregate(hits=joined.count())


@kept
def segments(tables: Tables) -> ir.Table:
    """of (account), segment: what its leads say, else accounts; no row where neither does.

    A prospect's leads carry no account: its contacts tell whose they are.
    """
    found = []
    if "leads" in tables:
        rows = tables["leads"].select(
            "account_id", "contact_id", segment=tables["leads"]["segment"]
        )
        found.append(_said(rows, rows["account_id"], 1))
        if "contacts" in tables:
            people = tables["contacts"].select(who="contact_id", whose="account_id")
            met = rows.join(people, rows["contact_id"] == people["who"])
            found.append(_said(met, met["whose"], 1))
    if "accounts" in tables:
        found.append(_said(tables["accounts"], tables["accounts"]["account_id"], 2))
    if not found:
        return small({}, {"of": "string", "segment": "string"})
    rows = ibis.union(*found) if len(found) > 1 else found[0]
    rows = rows.filter(rows["of"].notnull(), rows["segment"].notnull())
    own = rows.group_by("of").aggregate(
        first=rows["segment"].max(where=rows["source"] == 1), second=rows["segment"].max()
    )
    return own.select("of", segment=ibis.coalesce(own["first"], own["second"]))


def _said(rows: ir.Table, of: ir.StringValue, source: int) -> ir.Table:
    return rows.select(
        of=of, segment=rows["segment"].cast("string"), source=ibis.literal(source).cast("int64")
    )


def cells(tables: Tables, rule: Rule) -> ir.Table:
    """The rows of `compared`, counted: what `stats.touched` reads, with position and landmark.

    The log-days of the state before are of days + 1, so that a day of 0 has one.
    """
    rows, who = with_ideal(tables, compared(tables, rule)), segments(tables)
    rows = rows.left_join(who, rows["account_id"] == who["of"])
    rows = rows.mutate(
        segment=rows["segment"].fill_null(UNSTATED),
        ideal=rows["is_ideal"],
        logged=(rows["before_days"] + 1).ln(),
    )
    keys = ("lever", "state", "position", "landmark", "month", "segment", "ideal", "touches")
    return rows.group_by(*keys).aggregate(
        n=rows.count(),
        moved=rows["moved"].sum(),
        known=rows["logged"].count(),
        before_sum=rows["logged"].sum().fill_null(0.0),
        before_squares=(rows["logged"] * rows["logged"]).sum().fill_null(0.0),
    )


@kept
def timing(tables: Tables, lever_by: LeverBy, order: tuple[str, ...]) -> ir.Table:
    """lever, position, ended (touches of stays that ended), late (of them in the last fifth of the stay).

    Touches at random times would fall there in one of five.
    """
    rows = stay_touches(tables, lever_by, order)
    whole = rows["after"] + rows["ahead"]
    rows = rows.mutate(late=ibis.ifelse(rows["ahead"] * 5 <= whole, 1, 0))
    return rows.group_by("lever", "position").aggregate(ended=rows.count(), late=rows["late"].sum())
