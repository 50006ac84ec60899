"""When lead conversion is a poor KPI for a business, found from its data."""

from __future__ import annotations

from typing import Protocol

from kpi_lib.customers.sales.leads import LOST, WON, outcomes
from kpi_lib.engine import run
from kpi_lib.kpi import RuleOutcome
from kpi_lib.schema import Tables

_MOST = 0.5


class Rule(Protocol):
    """The parameter that says how long a lead may take."""

    @property
    def horizon_days(self) -> int:
        """Days."""
        ...


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
