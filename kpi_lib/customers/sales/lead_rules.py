"""When lead conversion is a poor KPI for a business, found from its data."""

from __future__ import annotations

from datetime import timedelta
from typing import Protocol

from kpi_lib.customers.sales.leads import LOST, WON, outcomes
from kpi_lib.customers.subscribed import number_of
from kpi_lib.engine import run
from kpi_lib.kpi import RuleOutcome
from kpi_lib.schema import Tables

_MOST = 0.5
_YEAR = timedelta(days=365)


class Rule(Protocol):
    """The parameter that says how long a lead may take."""

    @property
    def horizon_days(self) -> int:
        """Days."""
        ...


def accounts_without_leads(tables: Tables, rule: Rule) -> RuleOutcome | None:
    """Fires when most accounts signed within a year came without a lead: sales opens them itself."""
    del rule
    if "accounts" not in tables or "leads" not in tables:
        return None
    accounts, leads = tables["accounts"], tables["leads"]
    signed = accounts["signed_on"] <= tables.as_of
    recent = accounts.filter(signed, accounts["signed_on"] > tables.as_of - _YEAR)
    linked = recent["account_id"].isin(leads.filter(leads["account_id"].notnull())["account_id"])
    counted = run(recent.aggregate(new=recent.count(), linked=number_of(linked).sum()))
    new = int(counted["new"].iloc[0])
    if not new:
        return None
    alone = new - int(counted["linked"].iloc[0])
    sentence = f"{alone} of {new} accounts signed within a year came without a lead."
    fires = alone > _MOST * new
    return RuleOutcome(fires, sentence, "repeat_orders" if fires else "")


def horizon_too_short(tables: Tables, rule: Rule) -> RuleOutcome | None:
    """Fires when most of the deals ever won took longer than the horizon."""
    rows = outcomes(tables)
    rows = rows.filter(rows["outcome"] == WON)
    late = rows["days"] > rule.horizon_days
    counted = run(rows.aggregate(won=rows.count(), late=rows.count(where=late)))
    won, slow = int(counted["won"].iloc[0]), int(counted["late"].iloc[0])
    if not won:
        return None
    sentence = (
        f"{slow} of {won} leads won took longer than the horizon of {rule.horizon_days} days."
    )
    fires = slow > _MOST * won
    return RuleOutcome(fires, sentence, "a longer `horizon_days`" if fires else "")


def losses_not_recorded(tables: Tables, rule: Rule) -> RuleOutcome | None:
    """Fires when leads are won but none was ever lost."""
    del rule
    rows = outcomes(tables)
    counted = run(
        rows.aggregate(
            won=rows.count(where=rows["outcome"] == WON),
            lost=rows.count(where=rows["outcome"] == LOST),
        )
    )
    won, lost = int(counted["won"].iloc[0]), int(counted["lost"].iloc[0])
    if not won:
        return None
    if lost:
        return RuleOutcome(False, f"{won} leads are won and {lost} lost.")
    sentence = f"{won} leads are won and none is lost, so losses are not written down."
    return RuleOutcome(True, sentence, "`lost_on`, filled in when a lead is given up")
