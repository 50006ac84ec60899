"""Cheap moves on inactive customers: the number improves, the customer does not."""

from __future__ import annotations

from datetime import timedelta

import ibis
import ibis.expr.types as ir

from kpi_lib.customers.subscribed import dates, only
from kpi_lib.customers.use.quiet import Rule, states
from kpi_lib.editing import append_rows, with_table
from kpi_lib.schema import Tables

_WEEKS = 26


def log_in_script(tables: Tables, rule: Rule) -> Tables:
    """The tables after half a year in which each account quiet today logs in weekly."""
    weeks = [tables.as_of - timedelta(days=7 * back) for back in range(_WEEKS)]
    on, quiet = dates({"day": weeks}), _quiet_today(tables, rule)
    event = rule.activity_events[0] if rule.activity_events else "logged_in"
    rows = on.cross_join(quiet).select(
        account_id=quiet["of"],
        at=on["day"].cast("timestamp"),
        event=ibis.literal(event),
        channel=ibis.literal("ui"),
    )
    if "contacts" in tables:
        contacts = tables["contacts"]
        people = contacts.filter(~contacts["is_service"].fill_null(False))
        person = people.group_by(of=people["account_id"])
        person = person.aggregate(contact_id=people["contact_id"].min())
        rows = rows.left_join(person, rows["account_id"] == person["of"]).drop("of")
    return with_table(tables, "usage", append_rows(tables["usage"], rows))


def _quiet_today(tables: Tables, rule: Rule) -> ir.Table:
    rows = states(tables, only(tables.as_of), rule)
    rows = rows.filter(rows["is_inactive"], ~rows["is_api"])
    return rows.select(of=rows["account_id"])


def free_of_charge(tables: Tables, rule: Rule) -> Tables:
    """The tables with the running contracts of today's inactive accounts set to an amount of 0."""
    quiet = _quiet_today(tables, rule).mutate(is_quiet=ibis.literal(True))
    rows = tables["subscriptions"]
    joined = rows.left_join(quiet, rows["account_id"] == quiet["of"]).drop("of")
    free = joined["is_quiet"].fill_null(False) & (joined["ended_on"] > tables.as_of)
    amount = ibis.ifelse(free, 0.0, joined["monthly_amount"].cast("float64"))
    return with_table(
        tables, "subscriptions", joined.mutate(monthly_amount=amount).drop("is_quiet")
    )
