"""Who could become a customer of Harbour Analytics, and who does: until exactly enough of them pay."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from data.sample.generator.names import SUCCESS_MANAGERS, company_names
from data.sample.generator.saas_terms import draw_terms
from data.sample.generator.tools import (
    LAST_DAY,
    NEVER,
    Floats,
    Ints,
    day,
    next_workday,
    pick,
    stream,
    weekday,
    with_mean,
    year_of,
)
from data.sample.generator.truth import TRUTH

# Planned signings: first day, day after the last, customers. The last quarter of 2025 is apart.
_SPANS = (
    ("2019-01-01", "2020-01-01", 31),
    ("2020-01-01", "2021-01-01", 31),
    ("2021-01-01", "2022-01-01", 31),
    ("2022-01-01", "2023-01-01", 32),
    ("2023-01-01", "2024-01-01", 31),
    ("2024-01-01", "2025-01-01", 33),
    ("2025-01-01", "2025-10-01", 23),
    ("2026-01-01", "2026-07-01", 16),
)
_SPARE = 1.6
_INDUSTRIES = {"manufacturing": 0.24, "retail": 0.2, "logistics": 0.16, "financial services": 0.16,
               "healthcare": 0.14, "energy": 0.1}  # fmt: skip
_COUNTRIES = {"FR": 0.3, "DE": 0.22, "NL": 0.12, "ES": 0.1, "IT": 0.1, "BE": 0.08, "SE": 0.08}


def make_company(seed: int, scale: int, effect: float) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the accounts (in order of signing) and their contract terms."""
    candidates = _candidates(seed, scale)
    terms = draw_terms(candidates, seed, effect)
    chosen = _until_enough_pay(candidates, terms, TRUTH.paying_accounts * scale)
    accounts = candidates.loc[chosen].sort_values(["signed", "position"], kind="stable")
    number = pd.Series(np.arange(len(accounts)), index=accounts.index)
    terms = terms[terms["account"].isin(accounts.index)].copy()
    terms["account"] = terms["account"].map(number)
    terms = terms.sort_values(["account", "number"], kind="stable").reset_index(drop=True)
    accounts = accounts.reset_index(drop=True)
    accounts["name"] = company_names(seed, len(accounts))
    accounts["gone"] = _gone(terms, len(accounts))
    return accounts, terms


def _candidates(seed: int, scale: int) -> pd.DataFrame:
    rng = stream(seed, "saas", "candidates")
    parts = [_span(rng, day(a), day(b), n * scale) for a, b, n in _SPANS]
    parts.append(_last_quarter(rng, TRUTH.signed_2025q4 * scale))
    frame = pd.concat(parts, ignore_index=True)
    return frame.assign(
        **_traits(stream(seed, "saas", "traits"), year_of(frame["signed"].to_numpy()))
    )


def _span(rng: np.random.Generator, first: int, end: int, planned: int) -> pd.DataFrame:
    size = int(planned * _SPARE)
    signed = next_workday(rng.integers(first, end - 2, size))
    position = (rng.permutation(size) + rng.random(size)) / planned
    drift = 48.0 + 1.2 * (year_of(signed) - 2019)
    waits = np.rint(drift * np.exp(0.6 * rng.standard_normal(size))).astype(np.int64)
    waits = next_workday(signed + np.maximum(waits, 14)) - signed
    waits = np.where(rng.random(size) < 0.04, NEVER, waits)
    return pd.DataFrame({"signed": signed, "position": position, "wait": waits, "cohort": False})


def _last_quarter(rng: np.random.Generator, size: int) -> pd.DataFrame:
    signed = next_workday(rng.integers(day("2025-10-01"), day("2025-12-30"), size))
    waits = np.rint(58 * np.exp(0.35 * rng.standard_normal(size))).astype(np.int64)
    waits = _exact_waits(signed, waits, TRUTH.mean_time_to_value_2025q4)
    return pd.DataFrame({"signed": signed, "position": -1.0, "wait": waits, "cohort": True})


def _exact_waits(signed: Ints, waits: Ints, mean: int) -> Ints:
    """Return waits that end on working days and whose mean is exactly `mean`."""
    waits = with_mean(waits, mean, 36, 130)
    waits = next_workday(signed + waits) - signed
    while gap := int(mean * len(waits) - waits.sum()):
        step = int(np.sign(gap))
        free = np.flatnonzero(weekday(signed + waits + step) < 5)
        waits[free[: abs(gap)]] += step
    return waits


def _traits(rng: np.random.Generator, year: Ints) -> dict[str, Any]:
    size = len(year)
    large = rng.random(size) < 0.33 + 0.055 * (year - 2019)
    users = np.rint(np.where(large, 10.0, 6.0) * np.exp(0.35 * rng.standard_normal(size)))
    users = np.clip(users, 3, 18).astype(np.int64)
    seats = np.rint(users * rng.uniform(1.1, 1.7, size)).astype(np.int64)
    return {
        "segment": np.where(large, "enterprise", "mid_market"),
        "industry": pick(rng, _INDUSTRIES, size),
        "country": pick(rng, _COUNTRIES, size),
        "product_type": pick(rng, {"people": 0.6, "mixed": 0.3, "api": 0.1}, size),
        "is_ideal": rng.random(size) < 0.55,
        "owner": np.array(SUCCESS_MANAGERS, dtype=object)[rng.integers(0, 6, size)],
        "engagement": rng.standard_normal(size),
        "users": users,
        "seats": seats,
        "amount": _amounts(rng, seats, year),
        "term_months": np.where(rng.random(size) < 0.08, 24, 12),
        "billing_months": rng.choice([1, 3, 12], size=size, p=[0.25, 0.25, 0.5]),
    }


def _amounts(rng: np.random.Generator, seats: Ints, year: Ints) -> Floats:
    price = 190 * np.exp(0.35 * rng.standard_normal(len(seats))) * 1.01 ** (year - 2019)
    return np.asarray(np.round(seats * price, -1), dtype=np.float64)


def _until_enough_pay(candidates: pd.DataFrame, terms: pd.DataFrame, enough: int) -> pd.Index:
    """Return the candidates taken in their random order until exactly `enough` of them pay."""
    last = terms.groupby("account").tail(1).set_index("account")["end"]
    order = candidates.sort_values("position", kind="stable").index
    paying = (last.reindex(order) > LAST_DAY).cumsum().to_numpy()
    if paying[-1] < enough:
        raise ValueError(f"only {paying[-1]} of {enough} candidates pay; draw more in _SPANS")
    return order[: int(np.searchsorted(paying, enough)) + 1]


def _gone(terms: pd.DataFrame, size: int) -> Ints:
    """Return the day each account left for good, NEVER while it pays."""
    last = terms.groupby("account").tail(1)
    gone = np.full(size, NEVER)
    ended = (last["end"] <= LAST_DAY).to_numpy()
    gone[last["account"].to_numpy()[ended]] = last["end"].to_numpy()[ended]
    return gone
