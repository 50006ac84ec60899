"""The cards of the five candidates, as they would be computed from real tables."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta
from functools import partial
from typing import Any

import ibis
import ibis.expr.types as ir

from benchmarks.planted.company import KINDS
from kpi_lib.customers.subscribed import paying, small, with_segment
from kpi_lib.editing import append_rows, with_table
from kpi_lib.evidence.finding import NO_OTHERS, Others
from kpi_lib.kpi import (
    Better,
    Cadence,
    CheapMove,
    Estimator,
    Family,
    Kpi,
    KpiParams,
    Part,
    Role,
    Unit,
    parameter,
)
from kpi_lib.periods import Period, add_months, complete_periods
from kpi_lib.schema import Tables
from kpi_lib.stats.mean import Mean

SCRIPTED = 4
"""Uses a month that the script adds to each account."""
FIGURE = "main_user_share"


class PlantedParams(KpiParams):
    """Uses a month per account; one use a month is worth acting on (a fifth of the spread)."""

    interesting_change: float = parameter(1.0, ge=0, meaning="smallest change worth acting on")
    window_months: int = parameter(1, meaning="months that are averaged", fair=(1, 2, 3))
    settled_months: int = parameter(1, meaning="full months before an account counts", fair=(1, 3))


def levels(
    tables: Tables, params: PlantedParams, periods: list[Period], *, feature: str
) -> ir.Table:
    """Uses a month of each account paying at the end of each period: period, account_id, value.

    Averaged over the months of the window in which it was a customer.
    """
    rows = paying(tables, periods).select("period", "account_id")
    contracts = tables["subscriptions"]
    first = contracts.group_by(of=contracts["account_id"]).aggregate(
        first=contracts["started_on"].min()
    )
    ends = [(_months(p.end.year, p.end.month), p) for p in periods]
    rows = rows.join(first, rows["account_id"] == first["of"]).drop("of")
    month = ibis.cases(*((rows["period"] == p.start, ibis.literal(m, "int64")) for m, p in ends))
    began = _months(rows["first"].year(), rows["first"].month()).cast("int64")
    rows = rows.mutate(lived=month - began + 1)
    rows = rows.filter(rows["lived"] >= params.settled_months)
    counted = _counted(tables["usage"], periods, params.window_months, feature)
    keys = [rows["period"] == counted["at_period"], rows["account_id"] == counted["of"]]
    joined = rows.left_join(counted, keys)
    averaged = ibis.least(joined["lived"], params.window_months).cast("float64")
    value = joined["uses"].fill_null(0).cast("float64") / averaged
    return joined.select("period", "account_id", value=value)


def _months(year: Any, month: Any) -> Any:
    return year * 12 + month


def _counted(usage: ir.Table, periods: list[Period], months: int, feature: str) -> ir.Table:
    kinds = {"at_period": "date", "after": "date", "until": "date"}
    back = [add_months(p.end, 1 - months) - timedelta(days=1) for p in periods]
    columns = {
        "at_period": [p.start for p in periods], "after": back, "until": [p.end for p in periods],
    }  # fmt: skip
    windows = small(columns, kinds)
    of_feature = usage.filter(usage["event"] == feature).mutate(day=usage["at"].date())
    inside = [of_feature["day"] > windows["after"], of_feature["day"] <= windows["until"]]
    joined = windows.join(of_feature, inside)
    return joined.group_by("at_period", of=joined["account_id"]).aggregate(uses=joined.count())


def observe(tables: Tables, params: PlantedParams, *, feature: str) -> ir.Table:
    """One row per account and period, see `levels`."""
    start = tables.quarter_starts_in
    periods = complete_periods(tables.as_of, params.period, params.periods, start)
    rows = levels(tables, params, periods, feature=feature)
    rows = rows.mutate(unit_id=rows["account_id"])
    return with_segment(tables, rows, params.segment)


def score(tables: Tables, params: PlantedParams, *, feature: str) -> ir.Table:
    """The level of each account on the day: account_id, score."""
    rows = levels(tables, params, [Period(tables.as_of, tables.as_of, "week")], feature=feature)
    return rows.select("account_id", score=rows["value"])


def main_user(tables: Tables, params: PlantedParams, *, feature: str) -> ir.Table:
    """Share of the last month's uses that are by the main user of an account: one row."""
    usage = tables["usage"]
    first = add_months(tables.as_of, 0)
    recent = usage.filter((usage["event"] == feature) & (usage["at"].date() >= first))
    by_main = recent.count(where=recent["contact_id"].endswith("-1")).cast("float64")
    return recent.aggregate(**{FIGURE: by_main / recent.count().cast("float64").nullif(0.0)})


def script(tables: Tables, params: PlantedParams, *, feature: str) -> Tables:
    """The tables if a script used the feature four times a month as the main user of each account."""
    day = tables.as_of
    accounts = paying(tables, [Period(day, day, "week")])
    times = small({"time": list(range(SCRIPTED))}, {"time": "int64"})
    rows = accounts.select("account_id").cross_join(times)
    moment = ibis.literal(day).cast("timestamp")
    named = rows["account_id"] + "-1"
    added = rows.select("account_id", contact_id=named, at=moment, event=ibis.literal(feature))
    return with_table(tables, "usage", append_rows(tables["usage"], added))


def _mean(params: Any) -> Estimator:
    return Mean()


def card(kind: str) -> Kpi:
    """The card of one candidate. The script is given away by the share of the main user, or not."""
    of: Callable[..., Any] = partial
    part = Part(
        name="users", title="Users", meaning="Who uses it", units={FIGURE: Unit.SHARE},
        compute=of(main_user, feature=kind),
    )  # fmt: skip
    move = CheapMove(
        name="script", meaning="a script uses it", edit=of(script, feature=kind),
        given_away_by="noise" if kind == "gamed" else FIGURE,
    )  # fmt: skip
    return Kpi(
        name=kind, title=kind, question=f"How much is the feature that {kind} used?",
        unit=Unit.COUNT, better=Better.HIGHER, role=Role.LEADING, cadence=Cadence.QUARTERLY,
        owner="us", family=Family.SAAS, source="", formula="", Params=PlantedParams,
        needs={"subscriptions": ("account_id", "started_on"), "usage": ("account_id", "at", "event")},
        observe=of(observe, feature=kind), score=of(score, feature=kind), estimator=_mean,
        paired=True, parts=(part,), cheap_moves=(move,),
    )  # fmt: skip


CARDS: Mapping[str, Kpi] = {kind: card(kind) for kind in KINDS}


def others_of(kind: str) -> Others:
    """The candidate that is named to give the move away, where one is."""
    return {"noise": (CARDS["noise"], PlantedParams())} if kind == "gamed" else NO_OTHERS
