"""What acquisition cost is made of: its four variants, payback, channels, leads, departments."""

from __future__ import annotations

from typing import TYPE_CHECKING

import ibis
import ibis.expr.types as ir

from kpi_lib.customers.frames import table_of
from kpi_lib.customers.money.margin import arpa, gross_margin, payback_months, with_payback
from kpi_lib.customers.sales.acquisition import (
    VARIANTS,
    Choice,
    Variant,
    cost_by_period,
    costs_of_customers,
    last_year,
    new_customers,
    shown_periods,
    spend_of,
)
from kpi_lib.customers.subscribed import ratio, with_segment
from kpi_lib.engine import run
from kpi_lib.periods import Period, period_of
from kpi_lib.schema import Tables
from kpi_lib.stats.cost_per_unit import CostPerUnit

if TYPE_CHECKING:
    import pandas as pd


def observed(tables: Tables, params: Choice) -> ir.Table:
    """New customers as observations, each with an equal share of its period's cost; see there."""
    rows = costs_of_customers(tables, shown_periods(tables, params), params.variant, params)
    return with_segment(tables, rows.drop("started_on"), params.segment)


def variants(tables: Tables, params: Choice) -> ir.Table:
    """The four variants per period: period, all, acquisition, lagged, loaded (money), customers.

    Null where no customer came, or where the spend is not known.
    """
    periods = shown_periods(tables, params)
    new = new_customers(tables, periods)
    counts = new.group_by(of=new["period"]).aggregate(came=new.count())
    found = cost_by_period(tables, periods, "all", params)
    found = found.left_join(counts, found["period"] == counts["of"]).drop("of", "cost")
    found = found.mutate(customers=found["came"].fill_null(0)).drop("came")
    for variant in VARIANTS:
        costs = cost_by_period(tables, periods, variant, params)
        costs = costs.select("cost", of=costs["period"])
        found = found.left_join(costs, found["period"] == costs["of"]).drop("of")
        found = found.mutate(ratio(found["cost"], found["customers"]).name(variant)).drop("cost")
    return found.order_by("period").select("period", *VARIANTS, "customers")


_YEAR = {"variant": "string"} | dict.fromkeys(("cac", "low", "high", "payback_months"), "float64")
_YEAR |= dict.fromkeys(("arpa", "gross_margin", "spend"), "float64")
_YEAR |= {"customers": "int64", "reason": "string"}


def year(tables: Tables, params: Choice) -> ir.Table:
    """The last twelve months under each variant, one row each.

    Columns: variant, cac with low and high (money), payback_months (cac / (arpa x gross margin)), arpa
    (money per month: mean of the accounts paying at the end), gross_margin (share), spend (money),
    customers, reason. This is where CLV:CAC will read spend and customers from.
    """
    import pandas as pd

    mean, margin = arpa(tables), gross_margin(tables, params.gross_margin)
    rows = [_year_of(tables, params, variant) for variant in VARIANTS]
    found = pd.concat(rows, ignore_index=True)
    found = found.assign(variant=list(VARIANTS), arpa=mean, gross_margin=margin)
    found["payback_months"] = [payback_months(cac, mean, margin) for cac in found["cac"]]
    told = found if (found["customers"] > 0).any() or (found["spend"] > 0).any() else None
    return table_of(told, _YEAR)


def _year_of(tables: Tables, params: Choice, variant: Variant) -> pd.DataFrame:
    rows = costs_of_customers(tables, last_year(tables, params), variant, params)
    method = CostPerUnit()
    cells = method.estimate(run(method.reduce(rows, [])), [], params.level)
    names = {"cost": "spend", "n": "customers", "value": "cac"}
    return cells.rename(columns=names)[["spend", "customers", "cac", "low", "high", "reason"]]


def by_channel(tables: Tables, params: Choice) -> ir.Table:
    """Acquisition spend with a channel over the last twelve months, and who came through it.

    Columns: channel, cac with low and high (money), spend, customers, reason. A customer came through
    the source of its account's first lead. No figure below `min_customers`
    (the reason says so).
    Spend without a channel belongs to none, so channels look cheaper than the whole.
    """
    if "leads" not in tables:
        return table_of(None, _CHANNEL)
    periods = last_year(tables, params)
    spent = spend_of(tables, "acquisition")
    spent = spent.filter(spent["channel"].notnull(), _within(spent["month"], periods))
    sums = spent.group_by("channel").aggregate(spend=spent["amount"].sum())
    came = _with_source(tables, new_customers(tables, periods))
    counts = came.group_by(source=came["source"]).aggregate(came=came.count())
    rows = sums.left_join(counts, sums["channel"] == counts["source"]).drop("source")
    frame = run(rows.mutate(customers=rows["came"].fill_null(0)).drop("came").order_by("channel"))
    return table_of(_refused(frame, params), _CHANNEL).order_by(ibis.desc("customers"), "channel")


_CHANNEL = {"channel": "string"} | dict.fromkeys(("cac", "low", "high", "spend"), "float64")
_CHANNEL |= {"customers": "int64", "reason": "string"}


def _within(day: ir.DateValue, periods: list[Period]) -> ir.BooleanValue:
    return period_of(day, periods).notnull()


def _with_source(tables: Tables, customers: ir.Table) -> ir.Table:
    """The customers with `source`, that of the first lead of their account (null without one)."""
    leads = tables["leads"].filter(tables["leads"]["account_id"].notnull())
    order = ibis.window(group_by="account_id", order_by=["created_on", "lead_id"])
    leads = leads.mutate(place=ibis.row_number().over(order))
    first = leads.filter(leads["place"] < 1).select("source", of="account_id")
    return customers.left_join(first, customers["account_id"] == first["of"]).drop("of")


def _refused(frame: pd.DataFrame, params: Choice) -> pd.DataFrame:
    """The channels with their figures, withheld below `min_customers`."""
    sums = frame.assign(cost=frame["spend"], units=frame["customers"], rows=1, known=1)
    cells = CostPerUnit().estimate(sums, ["channel"], params.level).set_index("channel")
    found = frame.set_index("channel")
    few = found["customers"] < params.min_customers
    for name, of in (("cac", "value"), ("low", "low"), ("high", "high")):
        found[name] = cells[of].where(~few)
    reason = f"fewer than {params.min_customers}"
    return found.assign(reason=few.map({True: reason, False: ""})).reset_index()


def cost_per_lead(tables: Tables, params: Choice) -> ir.Table:
    """All sales and marketing spend per lead created: period, cost_per_lead (money), leads.

    Empty without leads.
    """
    kinds = {"period": "date", "cost_per_lead": "float64", "leads": "int64"}
    if "leads" not in tables:
        return table_of(None, kinds)
    periods = shown_periods(tables, params)
    leads = tables["leads"].mutate(of=period_of(tables["leads"]["created_on"], periods))
    leads = leads.filter(leads["of"].notnull())
    counts = leads.group_by("of").aggregate(came=leads.count())
    found = cost_by_period(tables, periods, "all", params)
    found = found.left_join(counts, found["period"] == counts["of"]).drop("of")
    found = found.mutate(leads=found["came"].fill_null(0))
    found = found.filter((found["leads"] > 0) | (found["cost"] > 0))
    found = found.mutate(cost_per_lead=ratio(found["cost"], found["leads"]))
    return found.order_by("period").select(*kinds)


def departments(tables: Tables, params: Choice) -> ir.Table:
    """Spend of the last twelve months by who spent it on what: step, department, purpose, spend.

    All departments, also success, which no variant counts; the largest first.
    """
    rows = tables["spend"]
    rows = rows.filter(_within(rows["month"], last_year(tables, params)))
    rows = rows.mutate(purpose=rows["purpose"].fill_null("not stated"))
    sums = rows.group_by("department", "purpose").aggregate(
        spend=rows["amount"].cast("float64").sum()
    )
    sums = sums.mutate(step=sums["department"] + " (" + sums["purpose"] + ")")
    return sums.order_by(ibis.desc("spend"), "step").select("step", "spend")


def listed(tables: Tables, params: Choice) -> ir.Table:
    """The new customers of the periods shown, the newest first; see `margin.with_payback`.

    Columns: account, started_on, source (of its first lead), mrr (money per month now), cost (its
    share of the period's spend, money), payback_months (cost / (mrr x gross margin), null where it
    pays nothing now), ends_on (where notice is given or it has left).
    """
    rows = costs_of_customers(tables, shown_periods(tables, params), params.variant, params)
    rows = rows.filter(rows["weight"] > 0)
    if "leads" in tables:
        rows = _with_source(tables, rows)
    else:
        rows = rows.mutate(source=ibis.null("string"))
    return with_payback(tables, rows, params.gross_margin)
