"""Two figures that move when the cost of a customer is made to look low."""

from __future__ import annotations

import ibis.expr.types as ir

from kpi_lib.customers.sales.acquisition import Choice, cost_by_period, new_customers, shown_periods
from kpi_lib.customers.subscribed import ratio
from kpi_lib.schema import Tables


def audit(tables: Tables, params: Choice) -> ir.Table:
    """One row per period: period, support_share, first_amount (money per month), customers.

    `support_share`: what is booked as support, of all spend on sales, marketing and support.
    `first_amount`: mean of what a new customer pays first.
    """
    periods = shown_periods(tables, params)
    sales = cost_by_period(tables, periods, "all", params)
    sales = sales.select("period", sales=sales["cost"])
    whole = cost_by_period(tables, periods, "loaded", params)
    whole = whole.select(of=whole["period"], whole=whole["cost"])
    rows = sales.left_join(whole, sales["period"] == whole["of"]).drop("of")
    first = _first_amounts(tables, new_customers(tables, periods))
    rows = rows.left_join(first, rows["period"] == first["of"]).drop("of")
    return rows.select(
        "period",
        "first_amount",
        support_share=ratio(rows["whole"] - rows["sales"], rows["whole"]),
        customers=rows["came"].fill_null(0),
    ).order_by("period")


def _first_amounts(tables: Tables, new: ir.Table) -> ir.Table:
    """Per period: of, first_amount, came."""
    paid = tables["subscriptions"]
    paid = paid.filter(paid["monthly_amount"] > 0)
    paid = paid.select(who=paid["account_id"], on=paid["started_on"], amount=paid["monthly_amount"])
    rows = new.join(paid, [new["account_id"] == paid["who"], new["started_on"] == paid["on"]])
    sums = rows.group_by(of=rows["period"], who=rows["account_id"]).aggregate(
        amount=rows["amount"].cast("float64").sum()
    )
    return sums.group_by("of").aggregate(first_amount=sums["amount"].mean(), came=sums.count())
