"""Customers of the wholesaler: garages, dealers and fleets, all opened by the sales team."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from data.sample.generator.names import SALES_REPS, garage_names
from data.sample.generator.tools import (
    LAST_DAY,
    Flags,
    Floats,
    Ints,
    dates,
    day,
    ids,
    next_workday,
    pick,
    stream,
)

ACCOUNTS = 160
_SEGMENTS = {"garage": 0.6, "dealer": 0.25, "fleet": 0.15}
_ORDERS_A_YEAR = {"garage": 9.0, "dealer": 14.0, "fleet": 12.0}
_LEAVING_A_YEAR = 0.08


def make_accounts(seed: int, scale: int) -> pd.DataFrame:
    """Return the accounts in order of opening, with their hidden rhythm (`rate`, orders a year).

    `gone` is the day after which an account buys elsewhere; nobody tells us.
    """
    rng = stream(seed, "wholesale", "accounts")
    size = ACCOUNTS * scale
    old = rng.random(size) < 0.75
    opened = np.where(
        old,
        rng.integers(day("2012-01-09"), day("2022-12-20"), size),
        rng.integers(day("2023-01-05"), day("2026-05-30"), size),
    )
    segment = pick(rng, _SEGMENTS, size)
    mean = np.array([_ORDERS_A_YEAR[name] for name in segment])
    since = np.maximum(opened, day("2022-06-01"))
    frame = pd.DataFrame(
        {
            "signed": np.sort(next_workday(opened)),
            "segment": segment,
            "is_ideal": rng.random(size) < 0.5,
            "rate": mean * rng.gamma(2.5, 1 / 2.5, size) + 1.0,
            "discount": np.round(rng.beta(2, 5, size) * 0.16, 3),
            "share_of_wallet": rng.beta(4, 4, size),
            "books": rng.random(size) < 0.5,
            "owner": np.array(SALES_REPS, dtype=object)[rng.integers(0, len(SALES_REPS), size)],
        }
    )
    frame["gone"] = np.maximum(since, frame["signed"]) + _days_until_gone(rng, size)
    frame["name"] = garage_names(seed, size)
    return frame


def _days_until_gone(rng: np.random.Generator, size: int) -> Ints:
    return np.asarray(30 + rng.exponential(365 / _LEAVING_A_YEAR, size), dtype=np.int64)


def account_ids(accounts: pd.DataFrame) -> NDArray[np.object_]:
    """Return W0001, W0002, ... in order of opening."""
    return ids("W", np.arange(len(accounts)))


def accounts_table(accounts: pd.DataFrame) -> pd.DataFrame:
    """Return the accounts with their current fields."""
    return pd.DataFrame(
        {
            "account_id": account_ids(accounts),
            "name": accounts["name"],
            "signed_on": dates(accounts["signed"].to_numpy()),
            "segment": accounts["segment"],
            "industry": "automotive",
            "country": "CA",
            "is_ideal": accounts["is_ideal"],
            "owner": accounts["owner"],
        }
    )


def contacts_table(accounts: pd.DataFrame) -> pd.DataFrame:
    """Return a buyer and a user of the web shop per account."""
    account = np.repeat(np.arange(len(accounts)), 2)
    return pd.DataFrame(
        {
            "contact_id": ids("K", np.arange(len(account)), 5),
            "account_id": account_ids(accounts)[account],
            "role": np.tile(np.array(["buyer", "user"], dtype=object), len(accounts)),
            "created_on": dates(accounts["signed"].to_numpy()[account]),
            "is_service": False,
        }
    )


def history_table(accounts: pd.DataFrame, seed: int) -> pd.DataFrame:
    """Return when segment, is_ideal and owner took each of their values."""
    rng = stream(seed, "wholesale", "history")
    names = account_ids(accounts)
    signed = accounts["signed"].to_numpy()
    changed_on = np.maximum(signed + 60, rng.integers(day("2023-01-01"), LAST_DAY - 30, len(names)))
    changed = (rng.random(len(names)) < 0.25) & (changed_on <= LAST_DAY)
    before = np.array(SALES_REPS, dtype=object)[rng.integers(0, len(SALES_REPS), len(names))]
    owner = accounts["owner"].to_numpy()
    changed &= before != owner
    parts = [
        _field(names, "segment", accounts["segment"].to_numpy(), signed),
        _field(names, "is_ideal", np.where(accounts["is_ideal"], "true", "false"), signed),
        _field(names, "owner", np.where(changed, before, owner), signed),
        _field(names, "owner", owner, changed_on)[changed],
    ]
    frame: pd.DataFrame = pd.concat(parts)
    return pd.DataFrame(frame.sort_values(["account_id", "field", "from_on"], kind="stable"))


def _field(
    names: NDArray[np.object_], field: str, value: NDArray[np.object_], from_on: Ints
) -> pd.DataFrame:
    columns = {"account_id": names, "field": field, "value": value, "from_on": dates(from_on)}
    return pd.DataFrame(columns)


def targets_table(accounts: pd.DataFrame, revenue: dict[int, Floats], seed: int) -> pd.DataFrame:
    """Return what we meant to sell to each account and what it buys in all, set in December.

    `revenue` holds the sales per account of each calendar year.
    """
    rng = stream(seed, "wholesale", "targets")
    signed = accounts["signed"].to_numpy()
    parts = []
    for year in sorted(revenue):
        set_on = day(f"{year}-12-10") + rng.integers(0, 8, len(accounts))
        sold = revenue[year]
        there: Flags = (signed < set_on - 30) & (sold > 0)
        potential = sold / accounts["share_of_wallet"].to_numpy() * rng.uniform(0.9, 1.2, len(sold))
        frame = pd.DataFrame(
            {
                "account_id": account_ids(accounts),
                "year": year + 1,
                "set_on": dates(set_on),
                "target_amount": np.round(sold * 1.08, -2),
                "potential_amount": np.round(np.maximum(potential, sold * 1.1), -2),
            }
        )
        parts.append(frame[there])
    return pd.concat(parts)
