"""What channel cost is made of: channels and campaigns, returns, the next unit, what is left out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import ibis
import ibis.expr.types as ir
import numpy as np

from kpi_lib.customers.frames import table_of
from kpi_lib.customers.sales import channels, leads
from kpi_lib.customers.sales.channels import Choice, old_enough, shown_periods
from kpi_lib.customers.subscribed import ratio, with_account
from kpi_lib.engine import run
from kpi_lib.periods import Period, complete_periods, period_of
from kpi_lib.schema import Tables
from kpi_lib.stats.distributions import Floats
from kpi_lib.stats.unit_returns import (
    chance_of_least,
    cost_per,
    marginal_cost,
)

if TYPE_CHECKING:
    import pandas as pd


def observed(tables: Tables, params: Choice) -> ir.Table:
    """Leads, or customers, as observations, each with an equal share of its cell's money."""
    rows = channels.costed(
        tables, shown_periods(tables, params), params.spend_months, params.horizon_days, params.per
    )
    rows = rows.rename(segment="lead_segment")
    if params.segment == "channel":
        rows = rows.mutate(segment=rows["channel"])
    else:
        rows = leads.split_by(tables, rows, params.segment)
    return rows.select("unit_id", "account_id", "period", "value", "segment", "weight")


def sums(tables: Tables, periods: list[Period], params: Choice, by: str) -> pd.DataFrame:
    """Per channel or campaign over the periods whose spend is known: name, spend, leads, customers."""
    cost = channels.money(tables, periods, params.spend_months)
    known = channels.known_periods(tables, periods, params.spend_months)
    came = channels.paid_leads(tables, periods, params.horizon_days)
    came = came.filter(came["period"].isin(known["period"]))
    spent = cost.group_by(name=cost[by]).aggregate(spend=cost["cost"].sum())
    counts = came.group_by(of=came[by]).aggregate(
        leads=came.count(), customers=came.count(where=came["is_customer"])
    )
    joined = spent.outer_join(counts, spent["name"] == counts["of"])
    joined = joined.select(
        name=ibis.coalesce(joined["name"], joined["of"]),
        spend=joined["spend"].fill_null(0.0),
        leads=joined["leads"].fill_null(0),
        customers=joined["customers"].fill_null(0),
    )
    counted = (joined["spend"] > 0) | (joined["leads"] > 0)
    return run(joined.filter(counted).order_by("name"))


_PER_LEAD = {"name": "string"} | dict.fromkeys(("cost_per_lead", "low", "high"), "float64")
_PER_LEAD |= {"rank": "int64", "cheapest": "float64", "spend": "float64", "leads": "int64"}
_PER_LEAD |= {"reason": "string"}


def per_lead(by: str) -> Any:
    """The part with the cost of a lead by channel or campaign."""

    def compute(tables: Tables, params: Choice) -> ir.Table:
        """The named column, cost_per_lead with low and high, rank, cheapest, spend, leads, reason.

        Over all periods shown, the most money first. `rank`: 1 is the cheapest. `cheapest`: in which
        share of the resamples it is. Both are null below `min_leads` (the reason says so).
        """
        frame = sums(tables, shown_periods(tables, params), params, by)
        found = _ranked(frame, params, by)
        table = table_of(found, _PER_LEAD).rename({by: "name"})
        return table.order_by(ibis.desc("spend"), by)

    return compute


def _ranked(frame: pd.DataFrame, params: Choice, by: str) -> pd.DataFrame:
    made = {
        name: cost_per(spend, count, f"{by} {name}")
        for name, spend, count in zip(frame["name"], frame["spend"], frame["leads"], strict=True)
    }
    limits = [one.limits(params.level) for one in made.values()]
    enough = frame["leads"] >= params.min_leads
    ranked = enough & (frame["spend"] > 0)
    least = chance_of_least({name: made[name].draws for name in frame.loc[ranked, "name"]})
    value = finite([one.value for one in made.values()])
    few = f"fewer than {params.min_leads} leads: no rank"
    reasons = np.where(enough, np.where(ranked, "", "no money was spent: no rank"), few)
    return frame.assign(
        cost_per_lead=value,
        low=finite([low for low, _ in limits]),
        high=finite([high for _, high in limits]),
        rank=frame["name"].map(_places(frame["name"][ranked], value[ranked.to_numpy()])),
        cheapest=frame["name"].map(least),
        reason=reasons,
    )


def finite(values: list[float]) -> Floats:
    """Numbers in which what has no end is null."""
    found = np.array(values, dtype=np.float64)
    return np.where(np.isfinite(found), found, np.nan)


def _places(names: pd.Series[str], values: Any) -> dict[str, int]:
    ordered = sorted(zip(values, names, strict=True))
    return {name: place for place, (_, name) in enumerate(ordered, 1)}


_MARGINAL = {"channel": "string"} | dict.fromkeys(("average", "marginal", "low", "high"), "float64")
_MARGINAL |= {"months": "int64", "leads": "int64", "reason": "string"}


def marginal(tables: Tables, params: Choice) -> ir.Table:
    """The average lead beside the next one, per channel, over the months of the periods shown.

    Columns: channel, average (money per lead), marginal (money per further lead) with low and high
    (null without an end), months, leads, reason; the most leads first.
    """
    periods = shown_periods(tables, params)
    count = len(periods) * (3 if params.period == "quarter" else 1)
    months = complete_periods(tables.as_of, "month", count)
    cost = channels.money(tables, months, params.spend_months)
    came = channels.paid_leads(tables, months, params.horizon_days)
    spent = cost.group_by("period", "channel").aggregate(spend=cost["cost"].sum())
    counts = came.group_by("period", "channel").aggregate(leads=came.count())
    keys = [spent["period"] == counts["period"], spent["channel"] == counts["channel"]]
    rows = spent.left_join(counts, keys)
    frame = run(rows.select("channel", "spend", leads=rows["leads"].fill_null(0)))
    found = [_marginal_of(name, part, params) for name, part in frame.groupby("channel")]
    import pandas as pd

    table = table_of(pd.DataFrame(found) if found else None, _MARGINAL)
    return table.order_by(ibis.desc("leads"), "channel")


def _marginal_of(name: Any, part: pd.DataFrame, params: Choice) -> dict[str, Any]:
    one = marginal_cost(part["spend"], part["leads"], params.level, f"marginal {name}")
    total, count = float(part["spend"].sum()), int(part["leads"].sum())
    return {
        "channel": name,
        "average": total / count if count else np.nan,
        "marginal": one.value,
        "low": one.low,
        "high": one.high if np.isfinite(one.high) else np.nan,
        "months": len(part),
        "leads": count,
        "reason": one.reason or ("" if np.isfinite(one.high) else "the upper limit has no end"),
    }


def matched(tables: Tables, params: Choice) -> ir.Table:
    """The cost of a customer, matched by cohort and as many divide it, one row per period.

    Columns: period, matched (the money of the period over the customers that its own leads became
    within the horizon; null while some have not had it), unmatched (the same money over the deals won
    in the period, of leads of any age), leads, customers (of the cohort so far), won_share
    (customers / leads), won_per_lead (deals won in the period / leads).
    """
    periods = shown_periods(tables, params)
    cost = channels.money(tables, periods, params.spend_months)
    cost = cost.group_by("period").aggregate(cost=cost["cost"].sum())
    came = channels.paid_leads(tables, periods, params.horizon_days)
    counts = came.group_by(of=came["period"]).aggregate(
        leads=came.count(), customers=came.count(where=came["is_customer"])
    )
    won = channels.won_in(tables, periods).rename(at="period")
    rows = cost.left_join(counts, cost["period"] == counts["of"]).drop("of")
    rows = rows.left_join(won, rows["period"] == won["at"]).drop("at")
    done = old_enough(tables, periods, params.horizon_days)
    is_done = rows["period"].isin([p.start for p in done] or [tables.as_of])
    rows = rows.mutate(leads=rows["leads"].fill_null(0), customers=rows["customers"].fill_null(0))
    rows = rows.mutate(
        matched=ibis.ifelse(is_done, ratio(rows["cost"], rows["customers"]), ibis.null("float64")),
        unmatched=ratio(rows["cost"], rows["won"]),
        won_share=ratio(rows["customers"], rows["leads"]),
        won_per_lead=ratio(rows["won"].fill_null(0), rows["leads"]),
    )
    shown = ["period", "matched", "unmatched", "leads", "customers", "won_share", "won_per_lead"]
    return rows.order_by("period").select(*shown)


def left_out(tables: Tables, params: Choice) -> ir.Table:
    """What the figure leaves out, one row per period.

    Columns: period, with_channel, without_channel (acquisition spend that names one, or none),
    named_share, paid_leads, free_leads (of sources on which no money is ever spent).
    """
    periods = shown_periods(tables, params)
    rows = channels.acquiring(tables)
    rows = rows.mutate(period=period_of(rows["month"], periods))
    rows = rows.filter(rows["period"].notnull())
    with_one, amount = rows["channel"].notnull(), rows["amount"]
    found = rows.group_by("period").aggregate(
        with_channel=amount.sum(where=with_one).fill_null(0.0),
        without_channel=amount.sum(where=~with_one).fill_null(0.0),
    )
    every = leads.created_in(leads.outcomes(tables), periods)
    every = every.group_by(of=every["period"]).aggregate(every=every.count())
    paid = channels.paid_leads(tables, periods, params.horizon_days)
    paid = paid.group_by(at=paid["period"]).aggregate(paid_leads=paid.count())
    found = found.left_join(every, found["period"] == every["of"]).drop("of")
    found = found.left_join(paid, found["period"] == paid["at"]).drop("at")
    found = found.mutate(paid_leads=found["paid_leads"].fill_null(0))
    found = found.mutate(
        named_share=ratio(found["with_channel"], found["with_channel"] + found["without_channel"]),
        free_leads=found["every"].fill_null(0) - found["paid_leads"],
    )
    shown = ["period", "with_channel", "without_channel", "named_share", "paid_leads", "free_leads"]
    return found.order_by("period").select(*shown)


def listed(tables: Tables, params: Choice) -> ir.Table:
    """The leads of the periods shown that were won in time, the dearest first.

    Columns: name (the account, else the lead), channel, campaign, created_on, closed_on, days, cost
    (its share of what its campaign cost per customer in the period, money; null while the period's
    leads have not had their horizon).
    """
    periods = shown_periods(tables, params)
    cost = channels.costed(
        tables, periods, params.spend_months, params.horizon_days, "customer"
    ).filter(lambda rows: rows["weight"] > 0)
    cost = cost.select("value", of=cost["unit_id"])
    rows = channels.paid_leads(tables, periods, params.horizon_days)
    rows = with_account(tables, rows.filter(rows["is_customer"]))
    rows = rows.join(cost, rows["lead_id"] == cost["of"])
    name = ibis.coalesce(rows["account"], rows["lead_id"])
    rows = rows.mutate(name=name, cost=rows["value"])
    rows = rows.order_by(rows["cost"].desc(nulls_first=False), "lead_id")
    return rows.select("name", "channel", "campaign", "created_on", "closed_on", "days", "cost")
