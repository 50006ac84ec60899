"""Cheap moves on recurring revenue: the number improves, the customer does not."""

from __future__ import annotations

from datetime import timedelta

import ibis
import ibis.expr.types as ir

from kpi_lib.editing import append_rows, with_table
from kpi_lib.kpi import CheapMove
from kpi_lib.schema import OPEN_END, Tables

_HALF_YEAR = timedelta(days=183)
_TOKEN = 0.1


def _lost(tables: Tables) -> ir.Table:
    """The last rows of subscriptions that ended for good within the last half year."""
    rows = tables["subscriptions"]
    last = rows.group_by(of=rows["subscription_id"]).aggregate(last_on=rows["started_on"].max())
    joined = rows.join(
        last, [rows["subscription_id"] == last["of"], rows["started_on"] == last["last_on"]]
    ).drop("of", "last_on")
    recent = joined["ended_on"] > tables.as_of - _HALF_YEAR
    return joined.filter(recent, joined["ended_on"] <= tables.as_of)


def churn_as_contraction(tables: Tables, params: object) -> Tables:
    """The tables in which each lost subscription goes on at a tenth of its amount."""
    del params
    lost = _lost(tables)
    kept = lost.mutate(
        started_on=lost["ended_on"],
        ended_on=ibis.literal(OPEN_END),
        monthly_amount=lost["monthly_amount"].cast("float64") * _TOKEN,
        cancelled_on=ibis.null("date"),
    )
    return with_table(tables, "subscriptions", append_rows(tables["subscriptions"], kept))


def notice_ignored(tables: Tables, params: object) -> Tables:
    """The tables in which each lost subscription stays open."""
    del params
    rows, lost = tables["subscriptions"], _lost(tables)
    lost = lost.select(of=lost["subscription_id"], on=lost["started_on"], lost=ibis.literal(True))
    keys = [rows["subscription_id"] == lost["of"], rows["started_on"] == lost["on"]]
    joined = rows.left_join(lost, keys).drop("of", "on")
    ends = ibis.ifelse(joined["lost"].fill_null(False), OPEN_END, joined["ended_on"])
    return with_table(tables, "subscriptions", joined.mutate(ended_on=ends).drop("lost"))


MOVES = (
    CheapMove(
        name="churn booked as contraction",
        meaning="A customer that leaves is kept at 10 % of its amount instead of being ended.",
        edit=churn_as_contraction,
        given_away_by="inactive_customers",
    ),
    CheapMove(
        name="notice ignored",
        meaning="Contracts that ended in the last half year stay open in the books.",
        edit=notice_ignored,
        given_away_by="inactive_customers",
    ),
)
"""What every figure made from the ledger can be moved by."""
