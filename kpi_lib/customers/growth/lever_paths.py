"""Touches on their way to an outcome: which journey each belongs to, and its share of the outcome.

A journey of an account ends with an outcome (entering one of the states `outcomes`) or without (gone
before the last of them). Its touches are those since the account's journey before, at most
`look_back_days` old. Everything is an expression; paths are reduced where the data are.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Literal, Protocol

import ibis
import ibis.expr.types as ir

from kpi_lib.customers.growth import states
from kpi_lib.customers.subscribed import ratio
from kpi_lib.periods import Period, period_of
from kpi_lib.schema import Tables, kept, named

LEVER_COLUMNS = ("lever", "name", "channel", "track")
UNSTATED = "not stated"
LeverBy = Literal["lever", "name", "channel", "track"]


class Rule(Protocol):
    """The parameters that say what a lever is and how far back a touch may lie."""

    @property
    def lever_by(self) -> LeverBy:
        """Column of interactions that names the lever."""
        ...

    @property
    def states(self) -> tuple[str, ...]:
        """Demand states in their order."""
        ...

    @property
    def outcomes(self) -> tuple[str, ...]:
        """States whose entering is an outcome."""
        ...

    @property
    def look_back_days(self) -> int:
        """How old a touch may be on the day of the outcome."""
        ...

    @property
    def first_share(self) -> float:
        """Position model: share of the first touch."""
        ...

    @property
    def last_share(self) -> float:
        """Position model: share of the last touch."""
        ...

    @property
    def half_life_days(self) -> float:
        """Time decay: age at which a touch counts half."""
        ...


@named
def touches(tables: Tables, lever_by: LeverBy) -> ir.Table:
    """Every touch with its lever by the column chosen: touch_id, account_id, contact_id, day, at, lever,
    track, channel, cost (null where none is stated)."""
    rows = tables["interactions"]
    rows = rows.filter(rows["at"].date() <= tables.as_of)
    return rows.select(
        "account_id",
        "contact_id",
        "at",
        touch_id=rows["interaction_id"],
        day=rows["at"].date(),
        lever=rows[lever_by].fill_null(UNSTATED),
        track=rows["track"].fill_null(UNSTATED),
        channel=rows["channel"].fill_null(UNSTATED),
        cost=rows["cost"].cast("float64"),
    )


@kept
def journeys(tables: Tables, order: Sequence[str], outcomes: Sequence[str]) -> ir.Table:
    """One row per journey that has ended: journey (a number), account_id, ended_on, after_on, converted (1, 0),
    amount.

    `after_on` is the day on which the journey before ended, null for the first. A loss after the last
    of the outcomes ends no journey, since nothing lay ahead. Two ends on one day are one: the outcome.
    """
    rows = states.entries(tables, list(order))
    last = max((list(order).index(name) + 1 for name in outcomes if name in order), default=0)
    won = rows.filter(rows["state"].isin(list(outcomes)))
    gone = rows.filter(rows["outcome"] == states.GONE, rows["position"] < last)
    nothing = ibis.literal(0).cast("float64")
    ends = ibis.union(
        won.select("account_id", "amount", ended_on=won["entered_on"], converted=ibis.literal(1)),
        gone.select(
            "account_id", amount=nothing, ended_on=gone["left_on"], converted=ibis.literal(0)
        ),
    )
    days = ends.group_by("account_id", "ended_on").aggregate(
        amount=ends["amount"].sum(), converted=ends["converted"].max().cast("int64")
    )
    by_day = ibis.window(group_by="account_id", order_by="ended_on")
    one_by_one = ibis.window(order_by=["account_id", "ended_on"])
    return days.mutate(
        journey=ibis.row_number().over(one_by_one).cast("int64"),
        after_on=days["ended_on"].lag().over(by_day),
    )


@named
def on_the_way(tables: Tables, rule: Rule) -> ir.Table:
    """The touches of ended journeys; see `touches` and `journeys` for the columns, and age (days before the
    end, float64)."""
    chosen = (rule.lever_by, rule.states, rule.outcomes, rule.look_back_days)
    return _on_the_way(tables, *chosen)


@named
def _on_the_way(
    tables: Tables, by: LeverBy, order: Sequence[str], outcomes: Sequence[str], look_back: int
) -> ir.Table:
    rows, ends = touches(tables, by), journeys(tables, list(order), list(outcomes))
    ends = ends.rename(of="account_id")
    inside = [
        rows["account_id"] == ends["of"],
        rows["day"] <= ends["ended_on"],
        rows["day"] >= ends["ended_on"] - ibis.interval(days=look_back),
    ]
    joined = rows.join(ends, inside).drop("of")
    joined = joined.filter(joined["after_on"].isnull() | (joined["day"] > joined["after_on"]))
    return joined.mutate(age=joined["ended_on"].delta(joined["day"], unit="day").cast("float64"))


def in_order() -> Any:
    """The window of a journey's touches in their order; two of one moment stand by their ids."""
    return ibis.window(group_by=JOURNEY, order_by=["at", "touch_id"])


JOURNEY = "journey"


def paths(tables: Tables, rule: Rule) -> ir.Table:
    """The same, each touch in its place.

    Besides: place (from 1), length (touches of the journey), repeats (of this lever in it), distinct
    (levers in it), nearest (age of the last touch).
    """
    rows = on_the_way(tables, rule)
    whole = ibis.window(group_by=JOURNEY)
    rows = rows.mutate(
        place=ibis.row_number().over(in_order()) + 1,
        length=rows.count().over(whole),
        repeats=rows.count().over(ibis.window(group_by=[JOURNEY, "lever"])),
        nearest=rows["age"].min().over(whole),
    )
    one = ratio(_ONE, rows["repeats"])
    return rows.mutate(distinct=one.sum().over(whole))


def shares(rows: ir.Table, rule: Rule) -> dict[str, ir.FloatingValue]:
    """The share of its journey's outcome that each touch of `paths` gets, by model.

    The same as `stats.paths.touch_shares`: shares of a journey add up to 1 in every model.
    """
    first, last = rows["place"] == 1, rows["place"] == rows["length"]
    decay, whole = decayed(rows, rule.half_life_days), ibis.window(group_by=JOURNEY)
    return {
        "first": _number(first),
        "last": _number(last),
        "linear": ratio(_ONE, rows["length"]),
        "position": _by_position(rows, first, last, rule),
        "time_decay": ratio(decay, decay.sum().over(whole)),
        "shapley": ratio(_ONE, rows["repeats"].cast("float64") * rows["distinct"]),
    }


def decayed(rows: ir.Table, half_life_days: float) -> ir.FloatingValue:
    """1 for the last touch of a journey, half of it for one that is a half-life older."""
    halvings = (rows["nearest"] - rows["age"]) / _float(half_life_days)
    return (halvings * _float(math.log(2))).exp()


def _by_position(
    rows: ir.Table, first: ir.BooleanValue, last: ir.BooleanValue, rule: Rule
) -> ir.FloatingValue:
    """The ends get their shares, those between the rest."""
    ends = position_ends(rows["length"], rule)
    middle = _float(1 - rule.first_share - rule.last_share)
    between = middle / (rows["length"] - 2).cast("float64").nullif(0.0)
    return ibis.cases((rows["length"] == 1, _ONE), (first, ends[0]), (last, ends[1]), else_=between)


def position_ends(length: ir.IntegerValue, rule: Rule) -> tuple[ir.FloatingValue, ir.FloatingValue]:
    """What the first and the last touch get; where nobody is between, they share all in proportion."""
    both = rule.first_share + rule.last_share
    of_two = (rule.first_share / both, rule.last_share / both) if both > 0 else (0.5, 0.5)
    usual = (rule.first_share, rule.last_share)
    found = [
        ibis.ifelse(length == 2, _float(two), _float(many))
        for two, many in zip(of_two, usual, strict=True)
    ]
    return found[0], found[1]


def credited(tables: Tables, periods: Sequence[Period], rule: Rule, model: str) -> ir.Table:
    """The touches of journeys that ended in one of the periods, with period and value.

    value: the money a touch is credited with; 0 where the journey ended without an outcome.
    """
    rows = paths(tables, rule)
    rows = rows.mutate(share=shares(rows, rule)[model])
    rows = rows.mutate(
        period=period_of(rows["ended_on"], list(periods)), value=rows["share"] * rows["amount"]
    )
    return rows.filter(rows["period"].notnull())


def _number(flag: ir.BooleanValue) -> ir.FloatingValue:
    return ibis.ifelse(flag, 1, 0).cast("float64")


def _float(number: float) -> ir.FloatingScalar:
    return ibis.literal(number).cast("float64")


_ONE = ibis.literal(1).cast("float64")
"""A true double: engines read 1.0 as a decimal."""
