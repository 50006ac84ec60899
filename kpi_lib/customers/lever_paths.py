"""Touches on their way to an outcome: which journey each belongs to, and its share of the outcome.

A journey of an account ends with an outcome (entering one of the states `outcomes`) or without (gone
before the last of them). Its touches are those since the account's journey before, at most
`look_back_days` old. Everything is an expression; paths are reduced where the data are.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal, Protocol

import ibis
import ibis.expr.types as ir

from kpi_lib.customers import states
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
    """One row per journey that has ended: account_id, ended_on, after_on, converted (1, 0), amount.

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
    return days.mutate(after_on=days["ended_on"].lag().over(by_day))


@named
def paths(tables: Tables, rule: Rule) -> ir.Table:
    """Every touch of an ended journey, in its place; see `touches` and `journeys` for the columns.

    Besides: place (from 1), length (touches of the journey), repeats (of this lever in it), distinct
    (levers in it), age (days before the end, float64).
    """
    return _paths(tables, rule.lever_by, rule.states, rule.outcomes, rule.look_back_days)


@named
def _paths(
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
    whole = ibis.window(group_by=["account_id", "ended_on"])
    same = ibis.window(group_by=["account_id", "ended_on", "lever"])
    by_time = ibis.window(group_by=["account_id", "ended_on"], order_by=["at", "touch_id"])
    age = joined["ended_on"].delta(joined["day"], unit="day").cast("float64")
    joined = joined.mutate(
        place=ibis.row_number().over(by_time) + 1,
        length=joined.count().over(whole),
        repeats=joined.count().over(same),
        age=age,
    )
    one = ibis.literal(1).cast("float64") / joined["repeats"].cast("float64")
    return joined.mutate(distinct=one.sum().over(whole), nearest=joined["age"].min().over(whole))


def shares(rows: ir.Table, rule: Rule) -> dict[str, ir.FloatingValue]:
    """The share of its journey's outcome that each touch of `paths` gets, by model.

    The same as `stats.paths.touch_shares`: shares of a journey add up to 1 in every model.
    """
    length = rows["length"].cast("float64")
    first, last = rows["place"] == 1, rows["place"] == rows["length"]
    halvings = (rows["nearest"] - rows["age"]) / _float(rule.half_life_days)
    decay = (halvings * _float(math.log(2))).exp()
    whole = ibis.window(group_by=["account_id", "ended_on"])
    return {
        "first": _number(first),
        "last": _number(last),
        "linear": _ONE / length,
        "position": _by_position(rows, first, last, rule),
        "time_decay": decay / decay.sum().over(whole),
        "shapley": _ONE / (rows["repeats"].cast("float64") * rows["distinct"]),
    }


def _by_position(
    rows: ir.Table, first: ir.BooleanValue, last: ir.BooleanValue, rule: Rule
) -> ir.FloatingValue:
    """The ends get their shares, those between the rest; where nobody is between, the ends share all."""
    ends = rule.first_share + rule.last_share
    of_two = (rule.first_share / ends, rule.last_share / ends) if ends > 0 else (0.5, 0.5)
    between = (rows["length"] - 2).cast("float64").nullif(0.0)
    return ibis.cases(
        (rows["length"] == 1, _ONE),
        ((rows["length"] == 2) & first, _float(of_two[0])),
        (rows["length"] == 2, _float(of_two[1])),
        (first, _float(rule.first_share)),
        (last, _float(rule.last_share)),
        else_=_float(1 - ends) / between,
    )


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
