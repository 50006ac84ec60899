"""When recurring revenue is a poor KPI for a business, found from its data."""

from __future__ import annotations

from datetime import timedelta

import ibis

from kpi_lib.customers.money.ledger import Rule
from kpi_lib.customers.money.ledger_lists import currencies
from kpi_lib.customers.subscribed import paying_now
from kpi_lib.engine import run
from kpi_lib.kpi import FitRule, RuleOutcome
from kpi_lib.schema import Tables

_LATELY = timedelta(days=90)
_MOST = 0.5


def metered_contracts(tables: Tables, rule: Rule) -> RuleOutcome | None:
    """Fires when most accounts that used the product in the last 90 days pay no monthly amount."""
    del rule
    if "usage" not in tables:
        return None
    usage = tables["usage"]
    lately = usage.filter(usage["at"].date() > tables.as_of - _LATELY)
    users = lately.select(of=lately["account_id"]).distinct()
    paid = paying_now(tables).select("account_id", pays=ibis.literal(True))
    rows = users.left_join(paid, users["of"] == paid["account_id"])
    counted = run(rows.aggregate(users=rows.count(), pay=rows.count(where=rows["pays"].notnull())))
    using, pay = int(counted["users"].iloc[0]), int(counted["pay"].iloc[0])
    if not using:
        return None
    sentence = f"{using - pay} of {using} accounts that used the product in the last 90 days pay no fixed monthly amount."
    fires = using - pay > _MOST * using
    return RuleOutcome(fires, sentence, "gross_revenue" if fires else "")


METERED_CONTRACTS = FitRule(
    name="metered contracts",
    meaning="Most accounts that use the product pay no fixed monthly amount.",
    check=metered_contracts,
)


def several_currencies(tables: Tables, rule: Rule) -> RuleOutcome | None:
    """Fires when accounts pay in other currencies than the one shown."""
    found = run(currencies(tables, rule))
    if found.empty:
        return None
    shown = rule.currency or tables.currency
    others = found[found["currency"] != shown] if shown else found.iloc[1:]
    names = ", ".join(str(name) for name in others["currency"])
    if others.empty:
        return RuleOutcome(False, "All amounts are in one currency.")
    count = int(others["accounts"].sum())
    return RuleOutcome(True, f"{count} accounts pay in {names}: run once per currency.")
