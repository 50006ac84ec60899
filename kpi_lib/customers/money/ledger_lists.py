"""Tables behind recurring revenue: the ledger, what is contracted, who moved, other currencies."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

import ibis
import ibis.expr.types as ir

from kpi_lib.customers.money.ledger import KINDS, Rule, balances, entries, movement
from kpi_lib.customers.subscribed import dates, in_currency, ratio, with_account
from kpi_lib.periods import Period, add_months
from kpi_lib.schema import OPEN_END, Tables

_AHEAD = 12


def ledger_table(tables: Tables, periods: Sequence[Period], rule: Rule) -> ir.Table:
    """One row per period: period, the sums of `KINDS`, quick_ratio, arr.

    Money per month, arr money per year; quick_ratio is null where nothing was lost. Periods
    without any amount stand there with zeros.
    """
    rows = entries(tables, periods, rule)
    sums = rows.group_by(at=rows["period"]).aggregate(
        **{kind: rows["value"].sum(where=rows["kind"] == kind) for kind in KINDS}
    )
    shown = dates({"period": [p.start for p in periods]})
    full = shown.left_join(sums, shown["period"] == sums["at"]).drop("at")
    full = full.mutate(**{kind: full[kind].fill_null(0.0) for kind in KINDS})
    gained = full["new"] + full["expansion"] + full["reactivation"]
    quick = ratio(gained, full["contraction"] + full["churn"])
    return full.mutate(quick_ratio=quick, arr=full["closing"] * 12).order_by("period")


def movements(tables: Tables, periods: Sequence[Period], rule: Rule) -> ir.Table:
    """Units whose amount changed: account_id, account, owner, movement, opening, closing, change.

    Money per month, the largest change first.
    """
    rows = balances(tables, periods, rule)
    rows = rows.mutate(movement=movement(rows), change=rows["closing"] - rows["opening"])
    rows = with_account(tables, rows.filter(rows["movement"] != "none"))
    rows = rows.order_by(ibis.desc(rows["change"].abs()), "unit_id", "period")
    shown = ["account_id", "account", "owner", "unit_id", "movement", "opening", "closing"]
    return rows.select(*shown, "change")


def month_ends(tables: Tables) -> ir.Table:
    """The next 12 months, the one of the day after `as_of` first: month, before (day before), at (last day)."""
    starts = [add_months(tables.as_of + timedelta(days=1), ahead) for ahead in range(_AHEAD + 1)]
    ends = [start - timedelta(days=1) for start in starts[1:]]
    return dates(
        {
            "month": starts[:-1],
            "before": [max(tables.as_of, s - timedelta(days=1)) for s in starts[:-1]],
            "at": ends,
        }
    )


def contracted(tables: Tables, rule: Rule) -> ir.Table:
    """One row for each of the next 12 months: month, contracted, up_for_renewal (money per month).

    `contracted` is paid on the month's last day by contracts of today, each until the end of its
    term (or of its notice), none renewed; a contract without a fixed term is not counted beyond today.
    `up_for_renewal` is what reaches that end within the month.
    """
    months, rows = month_ends(tables), in_currency(tables, rule.currency)
    today = ibis.literal(tables.as_of)
    rows = rows.filter(rows["monthly_amount"] > 0, rows["ended_on"] > today)
    term = rows["term_ends_on"].nullif(ibis.literal(OPEN_END)).fill_null(tables.as_of)
    rows = rows.mutate(until=ibis.least(rows["ended_on"], term))
    rows = rows.filter(rows["until"] > today)
    joined = months.join(rows, rows["until"] > months["before"])
    amount = joined["monthly_amount"].cast("float64")
    lasts = joined["until"] > joined["at"]
    sums = joined.group_by(of=joined["month"]).aggregate(
        contracted=amount.sum(where=lasts), up_for_renewal=amount.sum(where=~lasts)
    )
    full = months.left_join(sums, months["month"] == sums["of"])
    return full.select(
        "month",
        contracted=full["contracted"].fill_null(0.0),
        up_for_renewal=full["up_for_renewal"].fill_null(0.0),
    ).order_by("month")


def currencies(tables: Tables, rule: Rule) -> ir.Table:
    """What is paid on `as_of` per currency: currency, accounts, mrr (money per month)."""
    del rule
    rows, today = tables["subscriptions"], ibis.literal(tables.as_of)
    rows = rows.filter(rows["monthly_amount"] > 0, rows["started_on"] <= today)
    rows = rows.filter(rows["ended_on"] > today)
    name = rows["currency"].fill_null(tables.currency or "not stated")
    sums = rows.group_by(currency=name).aggregate(
        accounts=rows["account_id"].nunique(), mrr=rows["monthly_amount"].cast("float64").sum()
    )
    return sums.order_by(ibis.desc("mrr"), "currency")
