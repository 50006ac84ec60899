"""More of lead conversion: mix against rate, how long leads take, and the leads themselves."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import ibis
import ibis.expr.types as ir

from kpi_lib.customers.frames import stacked, table_of
from kpi_lib.customers.sales.lead_parts import Choice, estimator, shown_leads, shown_periods
from kpi_lib.customers.sales.leads import LOST, OPEN, WON
from kpi_lib.customers.subscribed import with_account
from kpi_lib.engine import run
from kpi_lib.schema import Tables
from kpi_lib.stats.mix import mix_and_rate

if TYPE_CHECKING:
    import pandas as pd

_HALVES = ("earlier", "later")


def mix(tables: Tables, params: Choice) -> ir.Table:
    """How much of the change between two halves of the periods is mix, and how much is rate.

    The halves are made of the periods whose horizon has passed. One row per `segment` of the leads:
    segment, earlier_share and later_share (of all leads), earlier_rate and later_rate
    (conversion), from_mix, from_rate; the last row is the whole, whose change is its from_mix + from_rate.
    """
    patience = timedelta(days=params.horizon_days)
    done = [p for p in shown_periods(tables, params) if p.end + patience <= tables.as_of]
    rows = shown_leads(tables, params)
    later = [p.start for p in done[len(done) // 2 :]]
    earlier = [p.start for p in done[: len(done) // 2]]
    rows = (
        rows.filter(rows["period"].isin([*earlier, *later]))
        if done
        else rows.filter(ibis.literal(False))
    )
    half = ibis.ifelse(rows["period"].isin(earlier or [tables.as_of]), *_HALVES)
    method = estimator(params)
    observations = rows.mutate(value=rows["days"], half=half)
    by = ["segment", "half"]
    frame = method.estimate(run(method.reduce(observations, by)), by, params.level)
    found = mix_and_rate(frame, "segment", "half", _HALVES, count="n", rate="value")
    kinds = dict.fromkeys(found.columns, "float64") | {"segment": "string"}
    table = table_of(_with_whole(found), kinds)
    return table.order_by(table["segment"] == _WHOLE, "segment")


_WHOLE = "all segments"


def _with_whole(found: pd.DataFrame) -> pd.DataFrame:
    """The segments with a last row for all of them together."""
    import pandas as pd

    if found.empty:
        return found
    whole = {"segment": _WHOLE} | {name: found[name].sum(min_count=1) for name in _ADDED}
    for half in _HALVES:
        won = found[f"{half}_share"] * found[f"{half}_rate"]
        whole[f"{half}_rate"] = won.sum(min_count=1)
    return pd.concat([found, pd.DataFrame([whole])], ignore_index=True)


_ADDED = ("earlier_share", "later_share", "from_mix", "from_rate")


def durations(tables: Tables, params: Choice) -> ir.Table:
    """How long leads take until they are closed, by result: status, leads, and days.

    Of the leads of the periods shown: mean_days, median_days, shortest_days, longest_days. Only of
    those closed: who is still open takes longer.
    """
    rows = shown_leads(tables, params)
    status = ibis.cases(
        (rows["outcome"] == WON, "won"), (rows["outcome"] == LOST, "lost"), else_="open"
    )
    rows = rows.mutate(status=status)
    counts = rows.group_by("status", "days").aggregate(units=rows.count())
    found = [_duration(status, part) for status, part in run(counts).groupby("status")]
    days = ("mean_days", "median_days", "shortest_days", "longest_days")
    kinds = {"status": "string", "leads": "int64"} | dict.fromkeys(days, "float64")
    return stacked(found, kinds).order_by(ibis.desc("status"))


def _duration(status: Any, part: pd.DataFrame) -> pd.DataFrame:
    import pandas as pd

    days = part["days"].repeat(part["units"].tolist())
    numbers = [days.mean(), days.median(), days.min(), days.max()]
    names = ("mean_days", "median_days", "shortest_days", "longest_days")
    row = {"status": status, "leads": len(days)} | dict(zip(names, numbers, strict=True))
    return pd.DataFrame([row])


def listed(tables: Tables, params: Choice) -> ir.Table:
    """The leads of the cohorts shown: those still open first, the longest wait first.

    Columns: name (the lead's id, with the name of its account where it has one), source, campaign, segment, is_ideal,
    created_on, status (open, won, lost), days.
    """
    rows = with_account(tables, shown_leads(tables, params))
    outcome = rows["outcome"]
    status = ibis.cases((outcome == OPEN, "open"), (outcome == WON, "won"), else_="lost")
    named = rows["lead_id"] + ibis.coalesce(" (" + rows["account"] + ")", ibis.literal(""))
    rows = rows.mutate(name=named, status=status)
    rows = rows.order_by("outcome", ibis.desc("days"), "lead_id")
    shown = ["name", "source", "campaign", "segment", "is_ideal", "created_on"]
    return rows.select(*shown, "status", "days")
