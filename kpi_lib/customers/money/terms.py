"""Where each paying account stands in its subscription year, and when it decides on renewal."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from kpi_lib.schema import OPEN_END, Tables, kept


def months_between(earlier: ir.DateValue, later: ir.DateValue) -> ir.IntegerValue:
    """Whole months from one date to another (negative if it lies before)."""
    months = (later.year() - earlier.year()) * 12 + later.month() - earlier.month()
    return months - ibis.ifelse(later.day() < earlier.day(), 1, 0)


@kept
def standing(tables: Tables) -> ir.Table:
    """One row per account paying on `tables.as_of`.

    Columns: account_id, mrr (money per month), paying_since (start of its present subscription),
    month_of_year (1 to 12, counted from there), months_to_renewal (whole months to the end of the
    term, 0 when it has passed, null when no term is known).
    """
    today = ibis.literal(tables.as_of)
    rows = tables["subscriptions"]
    rows = rows.filter(rows["monthly_amount"] > 0)
    first = rows.group_by(key=rows["subscription_id"]).aggregate(since=rows["started_on"].min())
    now = rows.filter(rows["started_on"] <= today, rows["ended_on"] > today)
    now = now.join(first, now["subscription_id"] == first["key"])
    by_account = now.group_by("account_id").aggregate(
        mrr=now["monthly_amount"].cast("float64").sum(),
        paying_since=now["since"].min(),
        renews_on=now["term_ends_on"].nullif(ibis.literal(OPEN_END)).min(),
    )
    left = ibis.greatest(months_between(today, by_account["renews_on"]), 0)
    month = months_between(by_account["paying_since"], today) % 12 + 1
    known = by_account["renews_on"].notnull()
    return by_account.select(
        "account_id",
        "mrr",
        "paying_since",
        month_of_year=month,
        months_to_renewal=ibis.ifelse(known, left, ibis.null("int64")),
    )


def renewed_accounts(tables: Tables) -> ir.Table:
    """Accounts that went on paying beyond the end of a term: account_id."""
    rows = tables["subscriptions"]
    ends = rows.filter(rows["term_ends_on"].notnull() & (rows["term_ends_on"] <= tables.as_of))
    ends = ends.select(of=ends["account_id"], term=ends["term_ends_on"]).distinct()
    paid = rows.filter(rows["monthly_amount"] > 0)
    beyond = [
        paid["account_id"] == ends["of"],
        paid["started_on"] <= ends["term"],
        paid["ended_on"] > ends["term"],
    ]
    return paid.join(ends, beyond).select("account_id").distinct()
