"""When lift is a poor KPI for a business, found from its data; and cheap moves on the number."""

from __future__ import annotations

from kpi_lib.customers.growth import lift, lift_parts
from kpi_lib.customers.growth.lift_lists import payers
from kpi_lib.editing import with_table
from kpi_lib.engine import run
from kpi_lib.kpi import CheapMove, FitRule, RuleOutcome
from kpi_lib.schema import Tables
from kpi_lib.stats.exposed import is_flat

_ENOUGH = 50


def _is_empty(tables: Tables) -> bool:
    """Whether no touch is known."""
    rows = tables["interactions"]
    return not int(run(rows.aggregate(n=rows.count()))["n"].iloc[0])


def few_comparable(tables: Tables, rule: lift.Rule) -> RuleOutcome | None:
    """Fires when fewer than 50 exposed accounts have comparable ones in their stratum."""
    if _is_empty(tables):
        return None
    rows = lift.matched(lift.units(tables, rule), "observed")
    number = int(run(rows.aggregate(n=rows["weight"].sum()))["n"].fillna(0).iloc[0])
    sentence = f"{number} exposures have comparable accounts that were not exposed."
    return RuleOutcome(number < _ENOUGH, sentence, "levers" if number < _ENOUGH else "")


def chosen_levers(tables: Tables, rule: lift_parts.Rule) -> RuleOutcome | None:
    """Fires when a lever goes to accounts that were different before the exposure."""
    if _is_empty(tables):
        return None
    by = ("lever", "state")
    chosen = set()
    for name in ("money_before", "time_before"):
        found = lift_parts.lifts(tables, rule, name, by)
        chosen |= {" in ".join(key) for key, one in found.items() if is_flat(one) is False}
    if not chosen:
        return RuleOutcome(False, "No lever is seen to go to accounts that were different before.")
    names = ", ".join(sorted(chosen)).replace("_", " ")
    sentence = f"Before the exposure, accounts differed already: {names}."
    return RuleOutcome(True, sentence, "a test with lots for these levers")


def costs_missing(tables: Tables, rule: object) -> RuleOutcome | None:
    """Fires when no costs of goods and service are recorded: profit is revenue less touches then."""
    del rule
    if _is_empty(tables):
        return None
    fires = "costs" not in tables
    said = "No costs of goods and service are" if fires else "Costs of goods and service are"
    return RuleOutcome(fires, f"{said} recorded.", "lift of revenue less touches" if fires else "")


def failures_forgotten(tables: Tables, params: object) -> Tables:
    """The tables without the touches of accounts that never paid.

    They become comparable ones. Where everybody had been touched, a stratum comes in that was left out, so that a
    period may also fall.
    """
    del params
    rows, paid = tables["interactions"], payers(tables)
    rows = rows.filter(rows["account_id"].isin(paid["payer"]))
    return with_table(tables, "interactions", rows)


MOVES = (
    CheapMove(
        name="failures forgotten",
        meaning="Touches of accounts that never signed are deleted from the records.",
        edit=failures_forgotten,
        given_away_by="unpaid_share: nobody touches only those who end up buying",
    ),
)

FIT_RULES = (
    FitRule(
        name="few comparable",
        meaning="Too few of the accounts exposed have comparable ones.",
        check=few_comparable,
    ),
    FitRule(
        name="chosen levers",
        meaning="A lever goes to accounts that differed before.",
        check=chosen_levers,
        severe=False,
    ),
    FitRule(
        name="costs missing",
        meaning="Goods and service are not recorded by account.",
        check=costs_missing,
        severe=False,
    ),
)
