"""What demo conversion is made of: both denominators, splits, time to paid, what was bought."""

from __future__ import annotations

from typing import Any

import ibis
import ibis.expr.types as ir

from kpi_lib.customers.sales import lead_lists, lead_parts
from kpi_lib.customers.sales.demos import Choice, clocked, shown, split_by
from kpi_lib.customers.sales.lead_parts import cells, shown_periods
from kpi_lib.customers.sales.leads import WON
from kpi_lib.customers.subscribed import number_of, ratio
from kpi_lib.schema import Tables, named

NO_CONTRACT = "no contract on record"


@named
def shown_demos(tables: Tables, params: Choice) -> ir.Table:
    """The demos started in a period of the trend; see `demos.outcomes`."""
    return shown(tables, shown_periods(tables, params), params, "started")


def observed(tables: Tables, params: Choice) -> ir.Table:
    """The demos as observations: unit_id, account_id, period, value (days), outcome, exposed, segment.

    The period is that of the start or of the end, as `denominator` says.
    """
    rows = shown(tables, shown_periods(tables, params), params, params.denominator)
    rows = split_by(tables, rows, params.segment)
    return rows.select(
        "account_id",
        "period",
        "outcome",
        "exposed",
        "segment",
        unit_id=rows["lead_id"],
        value=rows["days"],
    )


def both(tables: Tables, params: Choice) -> ir.Table:
    """The share under both denominators, one row per period in which demos started.

    Columns: period, of_started with low and high (bought within the horizon, of the demos started
    in it; null while they are young), of_ended (bought over ended, of those that ended in it),
    started, ended (demos).
    """
    periods = shown_periods(tables, params)
    first = cells(shown(tables, periods, params, "started"), params, "period")
    second = cells(shown(tables, periods, params, "ended"), params, "period")
    second = second.select(
        of=second["period"], of_ended=second["conversion"], ended=second["leads"]
    )
    joined = first.left_join(second, first["period"] == second["of"])
    joined = joined.mutate(ended=joined["ended"].fill_null(0))
    renamed = joined.rename(of_started="conversion", started="leads")
    names = ["period", "of_started", "low", "high", "of_ended", "started", "ended"]
    return renamed.order_by("period").select(*names)


def split(name: str) -> Any:
    """The part that splits the demos of all periods shown by one of their columns."""

    def compute(tables: Tables, params: Choice) -> ir.Table:
        """*name, demos, bought, lost, conversion, low, high, reason; the largest group first."""
        found = cells(shown_demos(tables, params), params, name).drop("as_if_nobody_left")
        found = found.rename(demos="leads", bought="won")
        return found.order_by(ibis.desc("demos"), name)

    return compute


def curves(tables: Tables, params: Choice) -> ir.Table:
    """Per cohort and day since the demo: see `lead_parts.curves`."""
    return lead_parts.curves(clocked(tables), params)


def durations(tables: Tables, params: Choice) -> ir.Table:
    """Days from the demo to paid, to lost, and so far: see `lead_lists.durations`; `demos` counts."""
    found = lead_lists.durations(clocked(tables), params).rename(demos="leads")
    paid = ibis.ifelse(found["status"] == "won", "paid", found["status"])
    return found.mutate(status=paid)


def left_out(tables: Tables, params: Choice) -> ir.Table:
    """One row: leads, without_demo, closed_before (the demo), demos (what is left and is counted)."""
    rows, kept = tables["leads"], clocked(tables)["leads"]
    seen = rows["demo_on"].notnull() & (rows["demo_on"] <= tables.as_of)
    known = rows["created_on"] <= tables.as_of
    counted = rows.aggregate(leads=rows.count(where=known | seen), with_demo=rows.count(where=seen))
    counted = counted.cross_join(kept.aggregate(demos=kept.count()))
    return counted.select(
        "leads",
        without_demo=counted["leads"] - counted["with_demo"],
        closed_before=counted["with_demo"] - counted["demos"],
        demos=counted["demos"],
    ).order_by("demos")


def _buyers(tables: Tables, params: Choice) -> ir.Table:
    """The demos shown that were bought: period, account_id, plan_bought, monthly_amount (both null
    without a contract): the first price period of the account that pays."""
    rows = shown_demos(tables, params)
    rows = rows.filter(rows["outcome"] == WON).select("period", "account_id", "lead_id")
    if "subscriptions" not in tables:
        return rows.mutate(plan_bought=ibis.null("string"), monthly_amount=ibis.null("float64"))
    paid = tables["subscriptions"]
    paid = paid.filter(paid["monthly_amount"] > 0)
    order = [paid["started_on"], paid["subscription_id"], paid["plan"], paid["monthly_amount"]]
    first = ibis.row_number().over(ibis.window(group_by="account_id", order_by=order))
    paid = paid.mutate(place=first)
    paid = paid.filter(paid["place"] < 1).select(
        of=paid["account_id"],
        plan_bought=paid["plan"].fill_null("not stated"),
        monthly_amount=paid["monthly_amount"].cast("float64"),
    )
    return rows.left_join(paid, rows["account_id"] == paid["of"]).drop("of")


def plans_bought(tables: Tables, params: Choice) -> ir.Table:
    """What the buyers took: plan_bought, share (of the buyers), buyers, monthly_amount (mean)."""
    rows = _buyers(tables, params)
    rows = rows.mutate(plan_bought=rows["plan_bought"].fill_null(NO_CONTRACT))
    sums = rows.group_by("plan_bought").aggregate(
        buyers=rows.count(), monthly_amount=rows["monthly_amount"].mean()
    )
    sums = sums.cross_join(rows.aggregate(whole=rows.count()))
    sums = sums.mutate(share=ratio(sums["buyers"], sums["whole"]))
    sums = sums.order_by(ibis.desc("buyers"), "plan_bought")
    return sums.select("plan_bought", "share", "buyers", "monthly_amount")


def contracts(tables: Tables, params: Choice) -> ir.Table:
    """Per period of the demo: period, buyers, with_contract (share that pays), monthly_amount (mean)."""
    rows = _buyers(tables, params)
    paying = number_of(rows["monthly_amount"].notnull())
    sums = rows.group_by("period").aggregate(
        buyers=rows.count(),
        with_contract=paying.mean(),
        monthly_amount=rows["monthly_amount"].mean(),
    )
    return sums.order_by("period")


def listed(tables: Tables, params: Choice) -> ir.Table:
    """The demos of the periods shown: those still open first, the longest wait first.

    Columns as in `lead_lists.listed`, with demo_on in place of created_on; no reason, no comment.
    """
    found = lead_lists.listed(clocked(tables), params)
    return found.rename(demo_on="created_on").drop("is_ideal")
