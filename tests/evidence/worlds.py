"""Small companies whose truth is known, as sources for the tests of the evidence.

They share no code with the evidence: contracts and signals are drawn with numpy and kept as tables
in memory; what was known on a day is a filter written here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

import ibis
import ibis.expr.types as ir
import numpy as np
import pandas as pd
import pyarrow as pa

from kpi_lib.kpi import Better, Cadence, Estimator, Family, Kpi, KpiParams, Role, Unit, parameter
from kpi_lib.periods import complete_periods, grid
from kpi_lib.schema import OPEN_END, Tables
from kpi_lib.stats.mean import Mean

LAST_DAY = date(2025, 12, 31)
_KINDS = {
    "accounts": {"account_id": "string", "name": "string", "owner": "string", "segment": "string"},
    "subscriptions": {
        "subscription_id": "string", "account_id": "string", "started_on": "date",
        "ended_on": "date", "cancelled_on": "date", "term_ends_on": "date",
        "monthly_amount": "float64",
    },
    "orders": {
        "order_id": "string", "account_id": "string", "ordered_at": "timestamp",
        "cancelled_on": "date",
    },
    "signals": {"account_id": "string", "on": "date", "level": "float64"},
}  # fmt: skip


def table(name: str, rows: Sequence[Mapping[str, Any]]) -> ir.Table:
    kinds = _KINDS[name]
    columns = {c: [row.get(c) for row in rows] for c in kinds}
    return ibis.memtable(pa.table(columns, schema=ibis.schema(kinds).to_pyarrow()))


@dataclass(frozen=True)
class World:
    """A source: the tables, and what of them was known on a day."""

    tables: Mapping[str, ir.Table]
    last_day: date = LAST_DAY

    def as_of(self, day: date) -> Tables:
        made = dict(self.tables)
        if "signals" in made:
            made["signals"] = made["signals"].filter(made["signals"]["on"] <= day)
        if "subscriptions" in made:
            made["subscriptions"] = _subscriptions_known(made["subscriptions"], day)
        if "orders" in made:
            made["orders"] = _orders_known(made["orders"], day)
        return Tables(made, day, currency="EUR")


def _subscriptions_known(rows: ir.Table, day: date) -> ir.Table:
    rows = rows.filter(rows["started_on"] <= day)
    told = (rows["cancelled_on"] <= day).fill_null(False)
    over = told | (rows["ended_on"] <= day)
    return rows.mutate(
        ended_on=ibis.ifelse(over, rows["ended_on"], ibis.literal(OPEN_END)),
        cancelled_on=ibis.ifelse(told, rows["cancelled_on"], ibis.null("date")),
    )


def _orders_known(rows: ir.Table, day: date) -> ir.Table:
    rows = rows.filter(rows["ordered_at"].date() <= day)
    told = (rows["cancelled_on"] <= day).fill_null(False)
    return rows.mutate(cancelled_on=ibis.ifelse(told, rows["cancelled_on"], ibis.null("date")))


@dataclass(frozen=True)
class Plan:
    """What to plant. The signal of a lost account rises by `effect` so many months before its notice.

    Signals are monthly, standard normal without effect.
    """

    accounts: int = 150
    loss_share: float = 0.25
    effect: float = 0.0
    from_months: int = 5
    notice_days: int = 60
    years: int = 5
    seed: int = 1
    permute: bool = False
    segments: tuple[str, ...] = ("north", "south")


Rows = list[dict[str, Any]]


def drawn(plan: Plan) -> tuple[list[str], Rows, Rows]:
    """Names of the accounts, their contracts, and their signals."""
    rng = np.random.default_rng(plan.seed)
    first = LAST_DAY - timedelta(days=365 * plan.years)
    contracts: Rows = []
    signals: Rows = []
    ids = [f"a{number:03d}" for number in range(plan.accounts)]
    for name in ids:
        start = first + timedelta(days=int(rng.integers(0, 365 * plan.years - 400)))
        notices = _contracts(rng, plan, name, start, contracts)
        signals += _signals(rng, plan, name, first, notices)
    if plan.permute:
        other = dict(zip(ids, rng.permutation(ids).tolist(), strict=True))
        signals = [row | {"account_id": other[row["account_id"]]} for row in signals]
    return ids, contracts, signals


def make_world(plan: Plan) -> World:
    ids, contracts, signals = drawn(plan)
    accounts = [
        {"account_id": name, "name": name.upper(), "owner": "ann",
         "segment": plan.segments[number % len(plan.segments)]}
        for number, name in enumerate(ids)
    ]  # fmt: skip
    made = {"accounts": accounts, "subscriptions": contracts, "signals": signals}
    return World({name: table(name, rows) for name, rows in made.items()})


@dataclass(frozen=True)
class OrderPlan:
    """What to plant where goods are ordered about every `gap_days`, until some accounts stop.

    The signal of an account that stops rises by `effect` so many months before its last order.
    """

    accounts: int = 80
    stop_share: float = 0.5
    effect: float = 0.0
    from_months: int = 5
    gap_days: int = 25
    years: int = 3
    seed: int = 1


def make_order_world(plan: OrderPlan) -> World:
    """Accounts that order steadily, half of which stop for good on a day of their own."""
    rng = np.random.default_rng(plan.seed)
    first = LAST_DAY - timedelta(days=365 * plan.years)
    ids = [f"a{number:03d}" for number in range(plan.accounts)]
    orders: Rows = []
    signals: Rows = []
    for name in ids:
        stops = rng.random() < plan.stop_share
        last = first + timedelta(days=int(rng.integers(300, 365 * plan.years - 100)))
        until = last if stops else LAST_DAY
        orders += _orders(rng, name, first, until, plan.gap_days)
        signals += _signals(rng, plan, name, first, [until] if stops else [])
    made = {"accounts": [{"account_id": name} for name in ids], "orders": orders}
    tables = {name: table(name, rows) for name, rows in (made | {"signals": signals}).items()}
    return World(tables)


def _orders(rng: np.random.Generator, name: str, first: date, until: date, gap: int) -> Rows:
    day, rows = first + timedelta(days=int(rng.integers(0, gap))), []
    while day <= until:
        moment = datetime(day.year, day.month, day.day, 9)
        rows.append({"order_id": f"{name}-{day}", "account_id": name, "ordered_at": moment})
        day += timedelta(days=int(rng.integers(gap // 2, gap * 3 // 2)))
    return rows


def with_signals(world: World, signals: Rows) -> World:
    """The world with other signals."""
    return World({**world.tables, "signals": table("signals", signals)})


def contract_rows(contracts: Rows) -> pd.DataFrame:
    """Price periods as a history holds them."""
    columns = ["account_id", "started_on", "ended_on", "cancelled_on", "term_ends_on"]
    frame = pd.DataFrame(contracts, columns=[*columns, "monthly_amount"])
    return frame.astype(dict.fromkeys(columns[1:], "datetime64[us]"))


def latest_signals(signals: Rows, days: Sequence[date]) -> pd.DataFrame:
    """The newest signal of each account on each day: account_id, on, score."""
    frame = pd.DataFrame(signals).rename(columns={"on": "seen", "level": "score"})
    frame["seen"] = frame["seen"].astype("datetime64[us]")
    asked = pd.DataFrame({"on": pd.to_datetime(list(days)).astype("datetime64[us]")})
    asked = asked.merge(frame[["account_id"]].drop_duplicates(), how="cross")
    return pd.merge_asof(
        asked.sort_values("on"), frame.sort_values("seen"), left_on="on", right_on="seen",
        by="account_id",
    )[["account_id", "on", "score"]]  # fmt: skip


def _contracts(
    rng: np.random.Generator, plan: Plan, name: str, start: date, into: Rows
) -> list[date]:
    """Yearly terms until the account is lost; returns the day of notice, if any."""
    amount = float(rng.integers(5, 50) * 100)
    while start <= LAST_DAY:
        end = start + timedelta(days=365)
        lost = bool(rng.random() < plan.loss_share)
        notice = end - timedelta(days=plan.notice_days)
        into.append({
            "subscription_id": f"{name}-{start}", "account_id": name, "started_on": start,
            "ended_on": end, "cancelled_on": notice if lost else None, "term_ends_on": end,
            "monthly_amount": amount,
        })  # fmt: skip
        if lost:
            return [notice]
        start = end
    return []


def _signals(
    rng: np.random.Generator, plan: Plan | OrderPlan, name: str, start: date, notices: list[date]
) -> Rows:
    rows = []
    trait = rng.standard_normal()
    day = start
    while day <= LAST_DAY:
        ahead = any(0 <= (notice - day).days <= plan.from_months * 30.4 for notice in notices)
        noise = 0.6 * trait + 0.8 * rng.standard_normal()
        rows.append({"account_id": name, "on": day, "level": noise + plan.effect * ahead})
        day += timedelta(days=28)
    return rows


class SignalParams(KpiParams):
    """Parameters of the toy KPI."""

    days_back: int = parameter(31, meaning="how far back a signal counts", fair=(31, 62, 92))
    sign: int = parameter(1, meaning="direction of the signal")


def observe_signal(tables: Tables, params: SignalParams) -> ir.Table:
    """Mean signal of each account over the days before each period's end."""
    periods = complete_periods(tables.as_of, params.period, params.periods)
    days = grid(periods)
    signals = tables["signals"]
    since = (days["ends_on"].cast("timestamp") - ibis.interval(days=params.days_back)).date()
    joined = days.join(signals, [signals["on"] <= days["ends_on"], signals["on"] > since])
    rows = joined.group_by("period", "account_id").aggregate(
        value=joined["level"].mean() * params.sign
    )
    rows = rows.mutate(unit_id=rows["account_id"], segment=ibis.literal(""))
    if params.segment:
        names = tables["accounts"].select("account_id", named=tables["accounts"][params.segment])
        rows = rows.left_join(names, "account_id").drop("segment", "account_id_right")
        rows = rows.rename(segment="named")
    return rows.select("unit_id", "account_id", "period", "value", "segment")


def _mean(params: Any) -> Estimator:
    return Mean()


def signal_kpi(**changes: Any) -> Kpi:
    """A stock KPI on the signals: a higher signal is worse."""
    card: dict[str, Any] = {
        "name": "signal", "title": "Signal", "question": "?", "unit": Unit.POINTS,
        "better": Better.LOWER, "role": Role.LEADING, "cadence": Cadence.MONTHLY, "owner": "us",
        "family": Family.STARTER, "source": "", "formula": "", "Params": SignalParams,
        "needs": {"signals": ("account_id", "on", "level")}, "observe": observe_signal,
        "estimator": _mean, "paired": True,
    }  # fmt: skip
    return Kpi(**(card | changes))


def signal_params(**changes: Any) -> SignalParams:
    return SignalParams(**({"period": "month", "as_of": LAST_DAY} | changes))
