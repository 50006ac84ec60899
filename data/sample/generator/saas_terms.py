"""What happens to an account, term after term: going quiet, growing, renewing or leaving."""

from __future__ import annotations

from math import log
from typing import Any

import numpy as np
import pandas as pd

from data.sample.generator.tools import LAST_DAY, NEVER, Flags, Floats, Ints, add_months, stream
from data.sample.generator.truth import TRUTH

_BASE_LOG_ODDS = -0.88
_LOG_ODDS_WITHOUT_EFFECTS = -0.6
_COMES_BACK = 0.04


def draw_terms(accounts: pd.DataFrame, seed: int, effect: float) -> pd.DataFrame:
    """Return one row per account and contract term that began by the last day."""
    rng = stream(seed, "saas", "terms")
    state = _first_state(accounts)
    rows: list[pd.DataFrame] = []
    number = 0
    while (state["start"] <= LAST_DAY).any():
        number += 1
        term = _one_term(rng, accounts, state, effect).assign(number=number)
        rows.append(term[state["start"] <= LAST_DAY])
        state = _next_state(rng, state, term)
    terms = pd.concat(rows).rename_axis("account").reset_index()
    return terms.sort_values(["account", "number"], kind="stable").reset_index(drop=True)


def _first_state(accounts: pd.DataFrame) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "start": accounts["signed"],
            "resume": accounts["signed"],
            "seats": accounts["seats"],
            "amount": accounts["amount"],
            "contract": 1,
        }
    )


def _one_term(
    rng: np.random.Generator, accounts: pd.DataFrame, state: pd.DataFrame, effect: float
) -> pd.DataFrame:
    size = len(accounts)
    start = state["start"].to_numpy()
    end = add_months(np.minimum(start, LAST_DAY + 1), accounts["term_months"].to_numpy())
    least, most = TRUTH.notice_days
    decision = end - np.minimum(most, least + rng.exponential(12, size).astype(np.int64))
    quiet_from = decision - rng.integers(*TRUTH.quiet_days_ahead, size)
    reached = accounts["signed"].to_numpy() + accounts["wait"].to_numpy()
    can_go_quiet = (accounts["product_type"] != "api").to_numpy() & (reached + 14 < quiet_from)
    inactive = (rng.random(size) < TRUTH.share_inactive) & can_go_quiet
    engagement = 0.8 * accounts["engagement"].to_numpy() + 0.6 * rng.standard_normal(size)
    waited = np.minimum(accounts["wait"].to_numpy(), end - accounts["signed"].to_numpy())
    lost = rng.random(size) < loss_chance(waited, inactive, engagement, effect)
    back = end + rng.integers(-30, 31, size)
    return state[["start", "resume", "contract"]].assign(
        end=end,
        decision=decision,
        lost=lost,
        inactive=inactive,
        engagement=engagement,
        quiet_from=np.where(inactive, quiet_from, NEVER),
        quiet_to=np.where(inactive, np.where(lost, end, back), NEVER),
        **_growth(rng, accounts, state, end),
    )


def loss_chance(waited: Ints, inactive: Flags, engagement: Floats, effect: float) -> Floats:
    """Return the chance to lose each renewal: the planted truth in one formula."""
    base = effect * _BASE_LOG_ODDS + (1 - effect) * _LOG_ODDS_WITHOUT_EFFECTS
    log_odds = base + effect * (
        log(TRUTH.odds_ratio_time_to_value) * (waited - 60) / 30
        + log(TRUTH.odds_ratio_inactive) * inactive
        + log(TRUTH.odds_ratio_engagement) * engagement
    )
    return np.asarray(1 / (1 + np.exp(-log_odds)), dtype=np.float64)


def _growth(
    rng: np.random.Generator, accounts: pd.DataFrame, state: pd.DataFrame, end: Ints
) -> dict[str, Any]:
    """Seats and amount of the term, and a change of both within it for some; unrelated to renewal."""
    size = len(accounts)
    start = state["start"].to_numpy()
    chance = np.where(accounts["is_ideal"], 0.16, 0.06) * accounts["term_months"].to_numpy() / 12
    grows = rng.random(size) < chance
    change_on = start + np.rint((end - start) * rng.uniform(0.15, 0.55, size)).astype(np.int64)
    factor = np.where(grows, rng.uniform(1.15, 1.5, size), 1.0)
    return {
        "seats": state["seats"],
        "amount": state["amount"],
        "change_on": np.where(grows & (change_on <= LAST_DAY), change_on, NEVER),
        "changed_seats": np.ceil(state["seats"].to_numpy() * factor).astype(np.int64),
        "changed_amount": np.round(state["amount"].to_numpy() * factor, -1),
    }


def _next_state(rng: np.random.Generator, state: pd.DataFrame, term: pd.DataFrame) -> pd.DataFrame:
    """Renewed accounts go on at a slightly other price; a few lost ones come back after a while."""
    size = len(state)
    returns = rng.random(size) < _COMES_BACK
    gap = rng.integers(60, 300, size)
    start = np.where(term["lost"], np.where(returns, term["end"] + gap, NEVER), term["end"])
    start = np.where(state["start"] == NEVER, NEVER, start)
    factor = np.where(rng.random(size) < 0.08, rng.uniform(0.7, 0.9, size), 1.0)
    price = rng.uniform(1.0, 1.04, size)
    quiet_on = np.where(term["inactive"] & ~term["lost"], term["quiet_to"], 0)
    return pd.DataFrame(
        {
            "start": start,
            "resume": np.maximum(start, quiet_on),
            "seats": np.maximum(1, np.rint(term["changed_seats"] * factor)).astype(np.int64),
            "amount": np.round(term["changed_amount"] * factor * price, -1),
            "contract": state["contract"] + (term["lost"] & returns).astype(np.int64),
        },
        index=state.index,
    )
