"""When demo conversion is a poor KPI for a business, found from its data."""

from __future__ import annotations

from typing import Protocol

from kpi_lib.customers.sales import lead_rules
from kpi_lib.customers.sales.demos import clocked, year_before
from kpi_lib.customers.sales.leads import WON, outcomes
from kpi_lib.customers.subscribed import number_of
from kpi_lib.engine import run
from kpi_lib.kpi import RuleOutcome
from kpi_lib.schema import Tables

_HALF = 0.5


class Rule(Protocol):
    """The parameter that says how long a decision may take."""

    @property
    def horizon_days(self) -> int:
        """Days."""
        ...


def few_buy_after_a_demo(tables: Tables, rule: Rule) -> RuleOutcome | None:
    """Fires when most of the leads won within a year saw no demo: the product is sold without.

    None where no demo was ever written down: then nobody knows.
    """
    del rule
    leads = tables["leads"]
    if not int(run(leads.aggregate(demos=leads["demo_on"].count()))["demos"].iloc[0]):
        return None
    rows = outcomes(tables)
    rows = rows.filter(
        rows["outcome"] == WON, rows["closed_on"] > year_before(tables.as_of)
    ).select("lead_id")
    shown = rows["lead_id"].isin(clocked(tables)["leads"]["lead_id"])
    counted = run(rows.aggregate(won=rows.count(), shown=number_of(shown).sum()))
    won = int(counted["won"].iloc[0])
    if not won:
        return None
    without = won - int(counted["shown"].iloc[0])
    sentence = f"{without} of {won} leads won within a year saw no demo or trial before."
    fires = without > _HALF * won
    return RuleOutcome(fires, sentence, "lead_conversion" if fires else "")


def horizon_too_short(tables: Tables, rule: Rule) -> RuleOutcome | None:
    """Fires when most of the demos ever bought took longer than the horizon."""
    found = lead_rules.horizon_too_short(clocked(tables), rule)
    return None if found is None else _of_demos(found)


def losses_not_recorded(tables: Tables, rule: Rule) -> RuleOutcome | None:
    """Fires when demos are bought but none was ever lost."""
    found = lead_rules.losses_not_recorded(clocked(tables), rule)
    return None if found is None else _of_demos(found)


def _of_demos(found: RuleOutcome) -> RuleOutcome:
    sentence = found.sentence.replace("leads won", "demos bought")
    sentence = sentence.replace("leads are won", "demos are bought")
    return RuleOutcome(found.fires, sentence, found.substitute)
