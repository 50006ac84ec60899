"""Spend, costs, visits by sales, surveys and competitors' figures of the wholesaler."""

from __future__ import annotations

import numpy as np
import pandas as pd

from data.sample.generator.tools import (
    DAY,
    LAST_DAY,
    MINUTE,
    Ints,
    dates,
    day,
    ids,
    moments,
    month_start,
    stream,
)
from data.sample.generator.truth import TRUTH
from data.sample.generator.wholesale_accounts import account_ids

_COSTS_SINCE = "2025-01-01"
# Department, channel, purpose, share of sales.
_SPEND = (
    ("sales", None, "retention", 0.035),
    ("marketing", "email", "retention", 0.004),
    ("marketing", "trade show", "acquisition", 0.006),
    ("marketing", "web shop", "retention", 0.008),
    ("support", None, "retention", 0.012),
)
# Name: lever, channel, track, cost, touches per account and year.
_TOUCHES = {
    "rep_visit": ("team", "on site", "grow", 120.0, 2.0),
    "stock_alert": ("channel", "email", "repeat", 0.5, 2.5),
    "season_price_list": ("content", "email", "repeat", 2.0, 2.0),
}


def spend_table(orders: pd.DataFrame, seed: int) -> pd.DataFrame:
    """Return spend per month, department and channel."""
    rng = stream(seed, "wholesale", "spend")
    sales = orders["amount"].groupby(month_start(orders["on"].to_numpy())).sum()
    smooth = sales.rolling(12, min_periods=1).mean()
    parts = [
        pd.DataFrame(
            {
                "month": dates(smooth.index.to_numpy()),
                "department": department,
                "channel": channel,
                "purpose": purpose,
                "amount": np.round(
                    smooth.to_numpy() * share * rng.uniform(0.9, 1.1, len(smooth)), 2
                ),
            }
        )
        for department, channel, purpose, share in _SPEND
    ]
    return pd.concat(parts).sort_values(["month", "department"], kind="stable")


def costs_table(accounts: pd.DataFrame, orders: pd.DataFrame, seed: int) -> pd.DataFrame:
    """Return costs of goods and of service per account and month with orders, since 2025."""
    rng = stream(seed, "wholesale", "costs")
    recent = orders[orders["on"] >= day(_COSTS_SINCE)]
    recent = recent.assign(month=month_start(recent["on"].to_numpy()))
    sums = recent.groupby(["month", "account"])["amount"].agg(["sum", "size"]).reset_index()
    goods = sums["sum"] * 0.74 * rng.uniform(0.97, 1.03, len(sums))
    service = 15.0 * sums["size"] + sums["sum"] * 0.02
    parts = [
        pd.DataFrame(
            {
                "account_id": account_ids(accounts)[sums["account"]],
                "month": dates(sums["month"].to_numpy()),
                "kind": kind,
                "amount": np.round(amount, 2),
            }
        )
        for kind, amount in (("goods", goods), ("service", service))
    ]
    return pd.concat(parts).sort_values(["month", "account_id", "kind"], kind="stable")


def interactions_table(accounts: pd.DataFrame, seed: int) -> pd.DataFrame:
    """Return the touches since 2025."""
    rng = stream(seed, "wholesale", "touches")
    first = np.maximum(accounts["signed"].to_numpy(), day(_COSTS_SINCE))
    parts = []
    for name, (lever, channel, track, cost, yearly) in _TOUCHES.items():
        counts = rng.poisson(yearly * np.maximum(0, LAST_DAY - first) / 365)
        account = np.repeat(np.arange(len(accounts)), counts)
        on = first[account] + (rng.random(len(account)) * (LAST_DAY + 1 - first[account])).astype(
            np.int64
        )
        minute = rng.integers(8 * 60, 18 * 60, len(account))
        frame = pd.DataFrame({"account": account, "on": on, "minute": minute, "name": name})
        parts.append(frame.assign(lever=lever, channel=channel, track=track, cost=cost))
    rows = pd.concat(parts).sort_values(["on", "minute", "account"], kind="stable")
    return pd.DataFrame(
        {
            "interaction_id": ids("J", np.arange(len(rows)), 5),
            "account_id": account_ids(accounts)[rows["account"]],
            "contact_id": ids("K", 2 * rows["account"].to_numpy(), 5),
            "at": moments(rows["on"].to_numpy() * DAY + rows["minute"].to_numpy() * MINUTE),
            "lever": rows["lever"].to_numpy(),
            "name": rows["name"].to_numpy(),
            "channel": rows["channel"].to_numpy(),
            "track": rows["track"].to_numpy(),
            "cost": rows["cost"].to_numpy(),
        }
    )


def answers_and_invited(accounts: pd.DataFrame, seed: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the yearly survey of all customers and how many were asked."""
    rng = stream(seed, "wholesale", "answers")
    signed = accounts["signed"].to_numpy()
    periods: Ints = np.array([day("2024-04-01"), day("2025-04-01"), day("2026-04-01")])
    parts, asked = [], []
    for period in periods.tolist():
        row = np.flatnonzero(signed < period)
        score = np.clip(np.rint(rng.normal(7.7, 1.9, len(row))), 0, 10).astype(np.int64)
        frame = pd.DataFrame(
            {"account": row, "on": period + rng.integers(5, 60, len(row)), "score": score}
        )
        parts.append(frame[rng.random(len(row)) < 0.4])
        asked.append(len(row))
    rows = pd.concat(parts).sort_values(["on", "account"], kind="stable")
    answers = pd.DataFrame(
        {
            "answer_id": ids("N", np.arange(len(rows)), 5),
            "question": "customer_nps",
            "respondent_id": ids("K", 2 * rows["account"].to_numpy(), 5),
            "account_id": account_ids(accounts)[rows["account"]],
            "answered_on": dates(rows["on"].to_numpy()),
            "score": rows["score"].to_numpy(),
            "scale_max": 10,
        }
    )
    invited = {"question": "customer_nps", "period": dates(periods), "people": asked}
    return answers, pd.DataFrame(invited)


_DEFINITIONS = {
    "Prairie Tire Supply": {
        "cart_abandonment": "period=quarter; window_hours=48; weight=carts",
        "basket": "measure=amount; returns=net; currency=CAD",
        "repeat_orders": "window_days=365; same_day=true",
    },
    "Grand Lac Wheels": {
        "cart_abandonment": "period=quarter; window_hours=1; weight=carts",
        "basket": "",
        "repeat_orders": "window_days=365; same_day=true",
    },
}
"""What each competitor counts. One of Grand Lac's differs from ours, and one is not stated."""


def benchmarks_table(seed: int) -> pd.DataFrame:
    """Return figures of two invented competitors for the last six quarters."""
    rng = stream(seed, "wholesale", "benchmarks")
    levels = {
        "cart_abandonment": (0.45, 0.03),
        "basket": (3300.0, 180.0),
        "repeat_orders": (9.0, 0.6),
    }
    months = np.arange(np.datetime64("2025-01", "M"), np.datetime64(TRUTH.last_day, "M") + 1, 3)
    quarters = months.astype("M8[D]").astype(np.int64)
    parts = [
        pd.DataFrame(
            {
                "competitor": competitor,
                "kpi": kpi,
                "period": dates(quarters),
                "value": np.round(level + spread * rng.standard_normal(len(quarters)), 4),
                "source": "web panel",
                "confidence": confidence,
                "definition": _DEFINITIONS[competitor][kpi],
            }
        )
        for competitor, confidence in (
            ("Prairie Tire Supply", "medium"),
            ("Grand Lac Wheels", "low"),
        )
        for kpi, (level, spread) in levels.items()
    ]
    return pd.concat(parts).sort_values(["period", "competitor", "kpi"], kind="stable")
