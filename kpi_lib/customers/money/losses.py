"""Customers that were lost: who, when, what they paid, and the reason on record."""

from __future__ import annotations

from collections.abc import Sequence

import ibis
import ibis.expr.types as ir

from kpi_lib.customers.money.churn import LOST, states
from kpi_lib.customers.money.ledger import Rule, spans
from kpi_lib.customers.subscribed import dates, in_currency, ratio, with_account
from kpi_lib.periods import Period
from kpi_lib.schema import OPEN_END, Tables

NOT_STATED = "not stated"


def losses(tables: Tables, periods: Sequence[Period], rule: Rule) -> ir.Table:
    """One row per account and period in which it was lost.

    Columns: period, account_id, left_on (the day it stopped), mrr (paid before, money per month),
    tenure_days (since it first paid), reason ("not stated" where none is recorded), is_early
    (before the end of its term).
    """
    lost = states(tables, periods, rule)
    lost = lost.filter(lost["state"] == LOST)
    lost = lost.select("period", "account_id", "first_on", mrr=lost["opening"])
    found = _left_on(tables, lost, periods, rule)
    return _with_reason(tables, found, rule)


def _left_on(tables: Tables, lost: ir.Table, periods: Sequence[Period], rule: Rule) -> ir.Table:
    """The same with the day of the last payment that had run out by the end of the period."""
    rows = spans(tables, rule)
    rows = rows.select(of=rows["account_id"], until_day=rows["until_day"])
    ends = dates({"at": [p.start for p in periods], "end": [p.end for p in periods]})
    lost = lost.join(ends, lost["period"] == ends["at"]).drop("at")
    joined = lost.join(rows, [lost["account_id"] == rows["of"], rows["until_day"] <= lost["end"]])
    sums = joined.group_by("period", "account_id", "first_on", "mrr", "end")
    found = sums.aggregate(left_on=joined["until_day"].max())
    days = found["left_on"].delta(found["first_on"], unit="day").cast("float64")
    return found.mutate(tenure_days=days)


def _with_reason(tables: Tables, found: ir.Table, rule: Rule) -> ir.Table:
    """The reason and the term of the contract that ran last."""
    rows = in_currency(tables, rule.currency)
    rows = rows.filter(rows["monthly_amount"] > 0)
    rows = rows.select(
        "subscription_id",
        "started_on",
        "ended_on",
        "reason",
        of=rows["account_id"],
        term=rows["term_ends_on"].nullif(ibis.literal(OPEN_END)),
    )
    joined = found.left_join(
        rows, [found["account_id"] == rows["of"], rows["started_on"] <= found["end"]]
    )
    latest = [ibis.desc("ended_on"), ibis.desc("started_on"), "subscription_id"]
    order = ibis.window(group_by=["account_id", "period"], order_by=latest)
    joined = joined.mutate(place=ibis.row_number().over(order))
    last = joined.filter(joined["place"] < 1)
    return last.select(
        "period",
        "account_id",
        "left_on",
        "mrr",
        "tenure_days",
        reason=last["reason"].fill_null(NOT_STATED),
        is_early=(last["left_on"] < last["term"]).fill_null(False),
    )


def accounts(tables: Tables, periods: Sequence[Period], rule: Rule) -> ir.Table:
    """Who left, the newest first: account_id, account, owner, left_on, reason, mrr, tenure_days."""
    rows = with_account(tables, losses(tables, periods, rule))
    rows = rows.order_by(ibis.desc("left_on"), ibis.desc("mrr"), "account_id")
    return rows.select("account_id", "account", "owner", "left_on", "reason", "mrr", "tenure_days")


def reasons(tables: Tables, periods: Sequence[Period], rule: Rule) -> ir.Table:
    """Losses by reason, the commonest first: reason, share (of the lost), accounts, mrr."""
    rows = losses(tables, periods, rule)
    sums = rows.group_by("reason").aggregate(accounts=rows.count(), mrr=rows["mrr"].sum())
    whole = rows.aggregate(whole=rows.count())
    sums = sums.cross_join(whole)
    sums = sums.mutate(share=ratio(sums["accounts"], sums["whole"]))
    sums = sums.order_by(ibis.desc("accounts"), "reason")
    return sums.select("reason", "share", "accounts", "mrr")
