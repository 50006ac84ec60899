"""Cheap moves on the engagement score: the number improves, the customer does not."""

from __future__ import annotations

from datetime import timedelta

import ibis
import ibis.expr.types as ir

from kpi_lib.customers.subscribed import dates
from kpi_lib.customers.use.engagement import Rule
from kpi_lib.editing import append_rows, with_table
from kpi_lib.schema import Tables

_WEEKS = 26


def weekly_mail(tables: Tables, rule: Rule) -> Tables:
    """The tables after half a year in which every person opens a report once a week from a mail."""
    weeks = [tables.as_of - timedelta(days=7 * back) for back in range(_WEEKS)]
    on, people = dates({"day": weeks}), _people(tables)
    event = rule.core_features[0] if rule.core_features else "report_opened"
    rows = on.cross_join(people)
    rows = rows.filter(rows["created_on"] <= rows["day"]).select(
        "account_id",
        "contact_id",
        at=rows["day"].cast("timestamp"),
        event=ibis.literal(event),
        channel=ibis.literal("ui"),
    )
    return with_table(tables, "usage", append_rows(tables["usage"], rows))


def _people(tables: Tables) -> ir.Table:
    contacts = tables["contacts"]
    people = contacts.filter(~contacts["is_service"].fill_null(False))
    return people.select("account_id", "contact_id", "created_on")


def fewer_seats(tables: Tables, rule: Rule) -> Tables:
    """The tables with half the seats in every contract, at the same price."""
    del rule
    for name in ("subscriptions", "accounts"):
        rows = tables[name]
        seats = ibis.greatest((rows["seats"].cast("float64") / 2).floor().cast("int64"), 1)
        tables = with_table(tables, name, rows.mutate(seats=seats))
    return tables
