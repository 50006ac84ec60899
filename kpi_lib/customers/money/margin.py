"""What customers pay on average, what is left of it, and how long a cost takes to come back."""

from __future__ import annotations

import math

import ibis
import ibis.expr.types as ir

from kpi_lib.customers.subscribed import paying, paying_now, ratio, with_account
from kpi_lib.engine import run
from kpi_lib.periods import complete_periods, period_of
from kpi_lib.schema import OPEN_END, Tables

_MONTHS = 12


def arpa(tables: Tables) -> float:
    """Mean amount of the accounts paying on `as_of` (money per month), NaN for none."""
    rows = paying_now(tables)
    return float(run(rows.aggregate(mean=rows["amount"].mean()))["mean"].iloc[0])


def gross_margin(tables: Tables, given: float | None = None) -> float:
    """Share of what customers pay that is left after goods and service; NaN where no costs are known.

    The one given, else 1 - costs / amounts paid over the last 12 complete months (what runs on the
    last day of each month).
    """
    if given is not None:
        return given
    if "costs" not in tables:
        return math.nan
    periods = complete_periods(tables.as_of, "month", _MONTHS)
    costs = tables["costs"]
    costs = costs.filter(period_of(costs["month"], periods).notnull())
    paid = paying(tables, periods)
    spent = run(costs.aggregate(sum=costs["amount"].cast("float64").sum()))["sum"].iloc[0]
    earned = run(paid.aggregate(sum=paid["amount"].sum()))["sum"].iloc[0]
    known = spent == spent and earned == earned and earned > 0
    return 1 - float(spent) / float(earned) if known else math.nan


def payback_months(cost: float, amount: float, margin: float) -> float:
    """Months until a customer has paid its cost back: cost / (amount per month x gross margin).

    NaN where one of them is unknown or nothing is left of what it pays.

    >>> payback_months(1200.0, 200.0, 0.5)
    12.0
    """
    left = amount * margin
    return cost / left if left > 0 else math.nan


def with_payback(tables: Tables, rows: ir.Table, given: float | None) -> ir.Table:
    """New customers with what they pay now and when they have paid their cost (`value`) back.

    Columns: account, started_on, source, mrr, cost, payback_months, ends_on; the newest first.
    """
    now = paying_now(tables)
    now = now.select(of=now["account_id"], mrr=now["amount"])
    rows = rows.left_join(now, rows["account_id"] == now["of"]).drop("of")
    ends = tables["subscriptions"]
    ends = ends.group_by(of=ends["account_id"]).aggregate(until=ends["ended_on"].max())
    rows = rows.left_join(ends, rows["account_id"] == ends["of"]).drop("of")
    rows = with_account(tables, rows)
    margin = gross_margin(tables, given)
    left = rows["mrr"] * (ibis.null("float64") if math.isnan(margin) else margin)
    rows = rows.mutate(
        cost=rows["value"],
        payback_months=ratio(rows["value"], left),
        ends_on=rows["until"].nullif(ibis.literal(OPEN_END)),
    )
    rows = rows.order_by(ibis.desc("started_on"), "account_id")
    shown = ["account", "started_on", "source", "mrr", "cost", "payback_months", "ends_on"]
    return rows.select(*shown)
