"""When an engagement score is a poor KPI for a business, found from its data."""

from __future__ import annotations

from kpi_lib.customers.subscribed import only
from kpi_lib.customers.use.engagement import PARTS, Rule, scored
from kpi_lib.engine import run
from kpi_lib.kpi import RuleOutcome
from kpi_lib.schema import Tables

_MOST = 0.5
_UNKNOWN = 0.5


def served_by_machine(tables: Tables, rule: Rule) -> RuleOutcome | None:
    """Fires when more than half of the paying accounts are served by machine."""
    rows = scored(tables, only(tables.as_of), rule)
    counted = run(rows.aggregate(paying=rows.count(), api=rows.count(where=rows["is_api"])))
    paying, api = int(counted["paying"].iloc[0]), int(counted["api"].iloc[0])
    if not paying:
        return None
    said = (
        f"In {api} of {paying} paying accounts at least 80 % of the events are API calls: nobody "
        "holds a seat there, so that seats and people say nothing."
    )
    return RuleOutcome(api > _MOST * paying, said, "continuity of call volume per account")


def unknown_parts(tables: Tables, rule: Rule) -> RuleOutcome | None:
    """Fires when a part that has weight is unknown in more than half of the accounts."""
    rows = scored(tables, only(tables.as_of), rule)
    rows = rows.filter(~rows["is_api"])
    known = {name: rows[name].count() for name in PARTS}
    row = run(rows.aggregate(accounts=rows.count(), **known)).iloc[0]
    if not row["accounts"]:
        return None
    used = [name for name in PARTS if rule.weights[name] > 0]
    lacking = [name for name in used if row[name] < _UNKNOWN * row["accounts"]]
    named = ", ".join(name.replace("_", " ") for name in lacking) or "none"
    said = (
        f"Parts that are unknown in more than half of the {int(row['accounts'])} accounts: {named}."
    )
    return RuleOutcome(bool(lacking), said)
