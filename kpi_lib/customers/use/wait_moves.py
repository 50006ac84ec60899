"""Cheap moves on time to value: the number improves, the customer does not."""

from __future__ import annotations

import ibis

from kpi_lib.customers.use.waits import Rule
from kpi_lib.editing import append_rows, with_table
from kpi_lib.schema import Tables

_LATER_DAYS = 20


def value_set_early(tables: Tables, rule: Rule) -> Tables:
    """The tables in which every account has the value event on the day after it signed."""
    accounts = tables["accounts"]
    day = (accounts["signed_on"] + ibis.interval(days=1)).cast("date")
    rows = accounts.mutate(day=day)
    rows = rows.filter(rows["day"] <= tables.as_of)
    api = rows["product_type"].fill_null("") == "api"
    own = ibis.ifelse(api, rule.api_value_event or rule.value_event, rule.value_event)
    rows = rows.select("account_id", at=rows["day"].cast("timestamp"), event=own)
    repeated = rows
    for _ in range(rule.value_count - 1):
        repeated = repeated.union(rows)
    return with_table(tables, "usage", append_rows(tables["usage"], repeated))


def start_set_late(tables: Tables, rule: Rule) -> Tables:
    """The tables in which every start is recorded 20 days late, none later than `as_of`."""
    del rule
    accounts = tables["accounts"]
    later = {
        name: ibis.least(
            (accounts[name] + ibis.interval(days=_LATER_DAYS)).cast("date"),
            ibis.literal(tables.as_of),
        )
        for name in ("signed_on", "kickoff_on")
    }
    known = {
        name: ibis.ifelse(accounts[name].notnull(), day, ibis.null("date"))
        for name, day in later.items()
    }
    return with_table(tables, "accounts", accounts.mutate(**known))
