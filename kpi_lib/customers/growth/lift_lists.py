"""Profit and touches of the last year by account and by person, the whale curve, how the books are kept."""

from __future__ import annotations

from datetime import timedelta

import ibis
import ibis.expr.types as ir

from kpi_lib.customers.growth import account_profit
from kpi_lib.customers.growth.account_profit import DAYS_PER_MONTH, GOODS, REVENUE, SERVICE, TOUCHES
from kpi_lib.customers.growth.lever_lists import with_role
from kpi_lib.customers.subscribed import ratio, with_account
from kpi_lib.schema import Tables, kept

YEAR = 365
STEPS = 20
"""Points of the whale curve."""


@kept
def profits(tables: Tables) -> ir.Table:
    """Accounts that paid in the last 365 days: account_id, revenue, goods, service, touches, profit (money)."""
    since = tables.as_of - timedelta(days=YEAR - 1)
    found = account_profit.amounts(tables)
    found = found.filter(found["day"] >= since)
    parts = [found.select("of", "kind", "amount")]
    if "subscriptions" in tables:
        rows = account_profit.contracts(tables)
        start = ibis.greatest(rows["start"].delta(ibis.literal(since), unit="day"), 0)
        until = ibis.least(rows["until"].delta(ibis.literal(since), unit="day"), YEAR)
        days = ibis.ifelse(until > start, until - start, 0).cast("float64")
        paid = days * rows["per_month"] / DAYS_PER_MONTH
        parts.append(rows.select("of", kind=ibis.literal(REVENUE), amount=paid))
    every = ibis.union(*parts) if len(parts) > 1 else parts[0]
    sums = every.group_by(account_id=every["of"]).aggregate(
        **{
            kind: every["amount"].sum(where=every["kind"] == kind).fill_null(0.0)
            for kind in (REVENUE, GOODS, SERVICE, TOUCHES)
        },
        profit=every["amount"].sum(),
    )
    return sums.filter(sums["revenue"] > 0)


def accounts(tables: Tables, params: object) -> ir.Table:
    """Accounts that paid in the last year, the least profitable first: account, owner, profit and its parts."""
    del params
    rows = with_account(tables, profits(tables))
    shown = ("account_id", "account", "owner", "profit", REVENUE, GOODS, SERVICE, TOUCHES)
    return rows.order_by("profit", "account_id").select(*shown)


def whale(tables: Tables, params: object) -> ir.Table:
    """Cumulative profit, the most profitable accounts first, in twenty steps.

    share_of_accounts (text), cumulative and all_alike (money: what it would be if all brought the same),
    losing (accounts up to here that cost more than they paid).
    """
    del params
    rows = profits(tables)
    order = ibis.window(order_by=[ibis.desc("profit"), "account_id"])
    placed = rows.mutate(
        place=ibis.row_number().over(order) + 1,
        n=rows.count().over(ibis.window()),
        total=rows["profit"].sum().over(ibis.window()),
        lost=ibis.ifelse(rows["profit"] < 0, 1, 0),
    )
    step = ratio(placed["place"] * STEPS, placed["n"]).ceil().cast("int64")
    placed = placed.mutate(step=step)
    sums = placed.group_by("step").aggregate(
        brought=placed["profit"].sum(), lost=placed["lost"].sum(), upto=placed["place"].max(),
        n=placed["n"].max(), total=placed["total"].max(),
    )  # fmt: skip
    sofar = ibis.cumulative_window(order_by="step")
    sums = sums.mutate(
        cumulative=sums["brought"].sum().over(sofar),
        losing=sums["lost"].sum().over(sofar).cast("int64"),
        all_alike=ratio(sums["total"] * sums["upto"], sums["n"]),
        share_of_accounts=(sums["step"] * (100 // STEPS)).cast("string") + " %",
    )
    return sums.order_by("step").select("share_of_accounts", "cumulative", "all_alike", "losing")


def people(tables: Tables, params: object) -> ir.Table:
    """The touches of the accounts above by person, the dearest first: contact_id, account_id, account, role,
    touched (touches), touches (money, below 0), profit (of the whole account).

    Touches of nobody known stand together per account ("" as contact_id), so that the money adds up to that
    of the accounts.
    """
    del params
    rows, whole = _last_year(tables), profits(tables).select("profit", of="account_id")
    rows = rows.mutate(contact_id=rows["contact_id"].fill_null(""))
    sums = rows.group_by("contact_id", "account_id").aggregate(
        touched=rows.count(), touches=-rows["cost"].cast("float64").fill_null(0.0).sum()
    )
    sums = sums.join(whole, sums["account_id"] == whole["of"]).drop("of")
    sums = with_role(tables, with_account(tables, sums))
    shown = ("contact_id", "account_id", "account", "role", "touched", "touches", "profit")
    return sums.order_by("touches", "account_id", "contact_id").select(*shown)


def books(tables: Tables, params: object) -> ir.Table:
    """How the books are kept, in one row: touched (touches of the last year), unpaid_share (of them, to accounts
    that have paid nothing so far). No row where nobody was touched."""
    del params
    rows, paid = _last_year(tables), payers(tables)
    rows = rows.left_join(paid, rows["account_id"] == paid["payer"])
    sums = rows.aggregate(touched=rows.count(), unpaid=rows.count(where=rows["payer"].isnull()))
    sums = sums.filter(sums["touched"] > 0)
    shown = sums.select("touched", unpaid_share=ratio(sums["unpaid"], sums["touched"]))
    return shown.order_by("touched")


def _last_year(tables: Tables) -> ir.Table:
    rows, since = tables["interactions"], tables.as_of - timedelta(days=YEAR - 1)
    return rows.filter(rows["at"].date() >= since, rows["at"].date() <= tables.as_of)


def payers(tables: Tables) -> ir.Table:
    """payer: accounts with a contract or an order."""
    found = [
        tables[name].select(payer="account_id")
        for name in ("subscriptions", "orders")
        if name in tables
    ]
    return (ibis.union(*found) if len(found) > 1 else found[0]).distinct()
