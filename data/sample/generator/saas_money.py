"""Spend and costs of Harbour Analytics, sized so that CLV : CAC is what was planted."""

from __future__ import annotations

import numpy as np
import pandas as pd

from data.sample.generator.saas_customers import account_ids
from data.sample.generator.tools import LAST_DAY, NEVER, Ints, dates, day, stream
from data.sample.generator.truth import TRUTH

_INDUSTRIES = ("manufacturing", "retail", "logistics", "financial services", "healthcare", "energy")
# Shares of what is spent to win customers: department, channel, share.
_ACQUISITION = (
    ("marketing", "inbound", 0.16),
    ("marketing", "event", 0.14),
    ("marketing", "webinar", 0.06),
    ("marketing", "partner", 0.06),
    ("sales", "outbound", 0.18),
    ("sales", None, 0.40),
)
# Shares of recurring revenue spent on existing customers: department, purpose, share.
_RETENTION = (
    ("success", "retention", 0.07),
    ("support", "retention", 0.05),
    ("marketing", "retention", 0.01),
)
_GOODS, _SERVICE = 0.14, 0.08
_YEARLY_RISE = 1.02


def spend_table(accounts: pd.DataFrame, subscriptions: pd.DataFrame, seed: int) -> pd.DataFrame:
    """Return spend per month, department and channel since 2018."""
    rng = stream(seed, "saas", "spend")
    months = _months("2018-01-01")
    per_month = _acquisition_per_year(accounts, subscriptions) / 12
    rise = _YEARLY_RISE ** ((months - day("2025-12-31")) / 365.25)
    revenue = _revenue(subscriptions, months).sum(axis=0)
    parts = [
        _acquisition_rows(rng, months, per_month * rise * share, department, channel)
        for department, channel, share in _ACQUISITION
    ]
    parts += [
        _rows(rng, months, revenue * share, department, None, purpose)
        for department, purpose, share in _RETENTION
    ]
    frame = pd.concat(parts)
    return frame[frame["amount"] > 0].sort_values(["month", "department"], kind="stable")


def costs_table(accounts: pd.DataFrame, subscriptions: pd.DataFrame, seed: int) -> pd.DataFrame:
    """Return costs of goods and of service per account and month since 2022."""
    rng = stream(seed, "saas", "costs")
    months = _months("2022-01-01")
    names = account_ids(accounts)
    place = pd.Index(names).get_indexer(pd.Index(subscriptions["account_id"]))
    billed = np.zeros((len(names), len(months)))
    np.add.at(billed, place, _revenue(subscriptions, months))
    row, month = np.nonzero(billed)
    parts = []
    for kind, share in (("goods", _GOODS), ("service", _SERVICE)):
        amount = billed[row, month] * share * np.exp(0.15 * rng.standard_normal(len(row)) - 0.011)
        parts.append(
            pd.DataFrame(
                {
                    "account_id": names[row],
                    "month": dates(months[month]),
                    "kind": kind,
                    "amount": np.round(amount, 2),
                }
            )
        )
    return pd.concat(parts).sort_values(["month", "account_id", "kind"], kind="stable")


def _acquisition_per_year(accounts: pd.DataFrame, subscriptions: pd.DataFrame) -> float:
    """Return sales and marketing spend of a year such that CLV / CAC is the planted ratio."""
    months = _months("2018-01-01")
    billed = _revenue(subscriptions, months)
    recent = billed[:, -24:]
    paying_years = (recent > 0).sum() / 12
    mean_amount = recent.sum() / (recent > 0).sum()
    left = subscriptions["ended_on"].notna() & subscriptions["cancelled_on"].notna()
    since = pd.Timestamp(dates(months[-24:]).iloc[0])
    ended = subscriptions["ended_on"].between(since, pd.Timestamp(TRUTH.last_day))
    churn = (left & ended).sum() / paying_years
    lifetime_value = 12 * mean_amount * TRUTH.gross_margin / churn
    signed = accounts["signed"].to_numpy()
    new_a_year = float((signed > LAST_DAY - 731).sum()) / 2
    return float(lifetime_value / TRUTH.clv_to_acquisition_cost * new_a_year)


def _months(first: str) -> Ints:
    span = np.arange(np.datetime64(first, "M"), np.datetime64(TRUTH.last_day, "M") + 1)
    return np.asarray(span.astype("M8[D]").astype(np.int64))


def _revenue(
    subscriptions: pd.DataFrame, months: Ints
) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    """Return the amount of each price period in each month (what runs on its 15th day)."""
    middle = months + 14
    started = _days(subscriptions["started_on"])
    ended = _days(subscriptions["ended_on"])
    runs = (started[:, None] <= middle) & (middle < ended[:, None])
    return np.where(runs, subscriptions["monthly_amount"].astype(float).to_numpy()[:, None], 0.0)


def _days(column: pd.Series) -> Ints:
    values = column.to_numpy().astype("M8[D]")
    return np.where(np.isnat(values), NEVER, values.astype(np.int64))


def _acquisition_rows(
    rng: np.random.Generator,
    months: Ints,
    amounts: np.ndarray,
    department: str,
    channel: str | None,
) -> pd.DataFrame:
    """Inbound money goes to one campaign per industry page; events peak in spring and autumn."""
    if channel == "inbound":
        parts = [
            _rows(
                rng,
                months,
                amounts / len(_INDUSTRIES),
                department,
                channel,
                "acquisition",
                f"page {name}",
            )
            for name in _INDUSTRIES
        ]
        return pd.concat(parts)
    month = months.astype("M8[D]").astype("M8[M]").astype(np.int64) % 12 + 1
    season = np.where(np.isin(month, (3, 4, 10, 11)), 2.0, 0.5) if channel == "event" else 1.0
    years = months.astype("M8[D]").astype("M8[Y]").astype(np.int64) + 1970
    frame = _rows(rng, months, amounts * season, department, channel, "acquisition")
    if channel:
        frame["campaign"] = [f"{channel} {year}" for year in years]
    return frame


def _rows(
    rng: np.random.Generator,
    months: Ints,
    amounts: np.ndarray,
    department: str,
    channel: str | None,
    purpose: str,
    campaign: str | None = None,
) -> pd.DataFrame:
    noise = np.exp(0.08 * rng.standard_normal(len(months)) - 0.0032)
    return pd.DataFrame(
        {
            "month": dates(months),
            "department": department,
            "channel": channel,
            "campaign": campaign,
            "purpose": purpose,
            "amount": np.round(amounts * noise, 2),
        }
    )
