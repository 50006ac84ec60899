"""When levers are a poor KPI for a business, found from its data; and cheap moves on the number."""

from __future__ import annotations

from datetime import datetime, time, timedelta

import ibis

from kpi_lib.customers.growth.lever_paths import Rule, journeys, on_the_way, touches
from kpi_lib.editing import with_table
from kpi_lib.engine import run
from kpi_lib.kpi import CheapMove, FitRule, RuleOutcome
from kpi_lib.schema import OPEN_END, Tables

_ENOUGH_COSTED = 0.5
_FEWEST_OUTCOMES = 30
_YEAR = timedelta(days=365)


def costs_not_recorded(tables: Tables, rule: Rule) -> RuleOutcome | None:
    """Fires when fewer than half of the touches carry a cost: nothing can be returned per money spent."""
    rows = touches(tables, rule.lever_by)
    counted = run(rows.aggregate(touches=rows.count(), costed=rows["cost"].count()))
    number, costed = int(counted["touches"].iloc[0]), int(counted["costed"].iloc[0])
    if not number:
        return None
    fires = costed < _ENOUGH_COSTED * number
    return RuleOutcome(
        fires, f"{costed} of {number} touches carry a cost.", "acquisition_cost" if fires else ""
    )


def few_outcomes(tables: Tables, rule: Rule) -> RuleOutcome | None:
    """Fires when fewer than 30 touched journeys ended with an outcome within a year."""
    rows = on_the_way(tables, rule)
    if not int(run(rows.aggregate(n=rows.count()))["n"].iloc[0]):
        return None
    recent = rows.filter(rows["converted"] == 1, rows["ended_on"] > tables.as_of - _YEAR)
    found = recent.select("account_id", "ended_on").distinct()
    number = int(run(found.aggregate(n=found.count()))["n"].iloc[0])
    sentence = f"{number} touched journeys ended with an outcome within a year."
    fires = number < _FEWEST_OUTCOMES
    return RuleOutcome(fires, sentence, "the parts by state, over all years" if fires else "")


def losses_not_recorded(tables: Tables, rule: Rule) -> RuleOutcome | None:
    """Fires when journeys end with outcomes and none without: lost deals are not written down."""
    rows = journeys(tables, list(rule.states), list(rule.outcomes))
    counted = run(rows.aggregate(ends=rows.count(), won=rows["converted"].sum()))
    ends = int(counted["ends"].iloc[0])
    if not ends:
        return None
    won = int(counted["won"].iloc[0])
    sentence = f"{won} of {ends} journeys ended with an outcome."
    return RuleOutcome(won == ends, sentence, "`left_at`, filled in when a deal is given up")


def hours_not_booked(tables: Tables, params: object) -> Tables:
    """The tables in which touches by people cost nothing."""
    del params
    rows = tables["interactions"]
    free = ibis.literal(0).cast("float64")
    cost = ibis.ifelse((rows["lever"] == "team") & rows["cost"].notnull(), free, rows["cost"])
    return with_table(tables, "interactions", rows.mutate(cost=cost))


def lost_deals_kept_open(tables: Tables, params: object) -> Tables:
    """The tables in which nobody writes down that a deal is lost."""
    del params
    never = ibis.literal(datetime.combine(OPEN_END, time())).cast("timestamp")
    return with_table(tables, "states", tables["states"].mutate(left_at=never))


MOVES = (
    CheapMove(
        name="hours not booked",
        meaning="Touches by people are entered at no cost, since salaries are paid anyway.",
        edit=hours_not_booked,
        given_away_by="free_share: touches by people that cost nothing, while everybody is paid",
    ),
    CheapMove(
        name="lost deals kept open",
        meaning="Nobody writes down that a deal is lost, so what it cost is never counted.",
        edit=lost_deals_kept_open,
        given_away_by="lost_share: no journey ends without an outcome any more",
    ),
)

FIT_RULES = (
    FitRule(
        name="costs not recorded",
        meaning="Most touches carry no cost.",
        check=costs_not_recorded,
    ),
    FitRule(
        name="few outcomes",
        meaning="A year brings too few outcomes to be split among levers.",
        check=few_outcomes,
        severe=False,
    ),
    FitRule(
        name="losses not recorded",
        meaning="No journey ever ends without an outcome.",
        check=losses_not_recorded,
        severe=False,
    ),
)
