"""Cheap moves on acquisition cost: the figure falls, no customer is won for less."""

from __future__ import annotations

import ibis

from kpi_lib.editing import append_rows, with_table
from kpi_lib.schema import Tables


def sales_booked_as_support(tables: Tables, params: object) -> Tables:
    """The tables in which what sales spent without a channel is booked as support."""
    del params
    rows = tables["spend"]
    moved = (rows["department"] == "sales") & rows["channel"].isnull()
    named = ibis.ifelse(moved, "support", rows["department"])
    return with_table(tables, "spend", rows.mutate(department=named))


def pilots_counted(tables: Tables, params: object) -> Tables:
    """The tables in which each contract brings a second account that pays 1 a month."""
    del params
    rows = tables["subscriptions"]
    pilots = rows.mutate(
        account_id=rows["account_id"] + "-pilot",
        subscription_id=rows["subscription_id"] + "-pilot",
        monthly_amount=ibis.literal(1).cast("float64"),
    )
    return with_table(tables, "subscriptions", append_rows(rows, pilots))
