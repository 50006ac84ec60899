"""Interactions: one lever that works, one that only looks as if it did, and the usual noise."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from data.sample.generator.saas_deals import company_ids
from data.sample.generator.saas_terms import loss_chance
from data.sample.generator.tools import (
    DAY,
    LAST_DAY,
    NEVER,
    Flags,
    Floats,
    Ints,
    ids,
    moments,
    office_minutes,
    stream,
    within_group,
)
from data.sample.generator.truth import TRUTH

# name: (lever, channel, track, cost of one touch)
_KINDS = {
    "post_ten_trends": ("content", "blog", "discover", 2.0),
    "guide_integration": ("content", "blog", "solve", 5.0),
    "newsletter": ("channel", "email", "discover", 1.0),
    "discovery_call": ("team", "phone", "solve", 80.0),
    "product_demo": ("team", "video", "solve", 200.0),
    "executive_workshop": ("team", "on site", "decide", 2500.0),
    "renewal_webinar": ("channel", "webinar", "decide", 15.0),
    "success_review": ("team", "video", "grow", 150.0),
}
_WORKSHOP_OTHERWISE = 0.25
_GUIDE_OTHERWISE = 0.10


def interactions_table(
    accounts: pd.DataFrame,
    terms: pd.DataFrame,
    deals: pd.DataFrame,
    buyers: NDArray[np.object_],
    seed: int,
) -> pd.DataFrame:
    """Return the touches up to the last day, in order of time."""
    before = _before_sale(deals, seed)
    companies = company_ids(accounts, deals)
    place = before.pop("row").to_numpy()
    before = before.assign(account_id=companies[place], contact_id=buyers[place])
    after = _after_sale(accounts, terms, seed)
    frame = pd.concat([before, after], ignore_index=True)
    frame = frame[frame["on"] <= LAST_DAY].sort_values(["on", "account_id", "name"], kind="stable")
    at = frame["on"].to_numpy() * DAY + office_minutes(
        stream(seed, "saas", "touch minutes"), len(frame)
    )
    facts = pd.DataFrame(_KINDS, index=["lever", "channel", "track", "cost"]).T
    frame = frame.assign(
        interaction_id=ids("I", np.arange(len(frame)), 5),
        at=moments(at).to_numpy(),
        **{column: frame["name"].map(facts[column]) for column in facts.columns},
    )
    return frame[
        [
            "interaction_id",
            "account_id",
            "contact_id",
            "at",
            "lever",
            "name",
            "channel",
            "track",
            "cost",
        ]
    ]


def _before_sale(deals: pd.DataFrame, seed: int) -> pd.DataFrame:
    rng = stream(seed, "saas", "touches before")
    size = len(deals)
    moved = {state: (deals["depth"] > depth) | deals["won"] for depth, state in enumerate("eqo")}
    guide = rng.random(size) < _exposure(moved["q"], TRUTH.odds_ratio_guide, _GUIDE_OTHERWISE)
    workshop = rng.random(size) < _exposure(
        moved["o"], TRUTH.odds_ratio_workshop, _WORKSHOP_OTHERWISE
    )
    invited = rng.random(size) < np.where(deals["won"], 0.8, 0.1)
    created, ends = deals["created"].to_numpy(), deals["ends"].to_numpy()
    qualified, opportunity = (
        deals["begins_qualified"].to_numpy(),
        deals["begins_opportunity"].to_numpy(),
    )
    committed = deals["begins_committed"].to_numpy()
    soon = rng.integers(2, 8, size)
    last_days = np.maximum(committed + 1, ends - rng.integers(3, 10, size))
    parts = [
        _touch("post_ten_trends", created + soon, rng.random(size) < 0.6),
        _touch("post_ten_trends", created + 3 * soon, rng.random(size) < 0.35),
        _touch("newsletter", created + rng.integers(5, 200, size), rng.random(size) < 0.6),
        _touch("discovery_call", qualified + 1, rng.random(size) < 0.8),
        _touch("guide_integration", qualified + soon, guide),
        _touch("product_demo", deals["demo"].to_numpy(), np.ones(size, dtype=np.bool_)),
        _touch("executive_workshop", opportunity + rng.integers(5, 31, size), workshop),
        _touch("renewal_webinar", last_days, invited & (committed != NEVER)),
    ]
    frame = pd.concat(parts, ignore_index=True)
    return frame[frame["on"].to_numpy() < ends[frame["row"]]]


def _exposure(moved_on: pd.Series, odds_ratio: float, otherwise: float) -> Floats:
    """Return the chance of a touch such that touched deals have `odds_ratio` of moving on."""
    odds = odds_ratio * otherwise / (1 - otherwise)
    return np.where(moved_on, odds / (1 + odds), otherwise)


def _touch(name: str, on: Ints, chosen: Flags) -> pd.DataFrame:
    row = np.flatnonzero(chosen & (on < NEVER))
    return pd.DataFrame({"row": row, "name": name, "on": on[row]})


def _after_sale(accounts: pd.DataFrame, terms: pd.DataFrame, seed: int) -> pd.DataFrame:
    """Quarterly reviews, mostly with the administrator, and webinars for those who would renew."""
    rng = stream(seed, "saas", "touches after")
    account = terms["account"].to_numpy()
    until = np.minimum(terms["end"].to_numpy(), LAST_DAY + 1)
    counts = np.maximum(0, (until - terms["start"].to_numpy() - 45) // 91)
    row = np.repeat(np.arange(len(terms)), counts)
    on = (
        terms["start"].to_numpy()[row]
        + 45
        + 91 * within_group(counts)
        + rng.integers(0, 20, len(row))
    )
    held = (rng.random(len(row)) < 0.8) & (on < until[row])
    reviews = pd.DataFrame({"account": account[row], "on": on, "name": "success_review"})[held]
    invited = rng.random(len(terms)) < np.where(_will_renew(accounts, terms), 0.75, 0.1)
    webinar_on = terms["end"].to_numpy() - rng.integers(95, 125, len(terms))
    webinars = pd.DataFrame({"account": account, "on": webinar_on, "name": "renewal_webinar"})[
        invited
    ]
    frame = pd.concat([reviews, webinars], ignore_index=True)
    first = np.cumsum(_contacts_of(accounts)) - _contacts_of(accounts)
    place = np.where(rng.random(len(frame)) < 0.85, 2, 1)
    contact = ids("C", first[frame["account"]] + place, 5)
    names = ids("A", frame.pop("account").to_numpy())
    return pd.DataFrame(frame.assign(account_id=names, contact_id=contact))


def _contacts_of(accounts: pd.DataFrame) -> Ints:
    return np.asarray(
        3 + accounts["users"] + (accounts["product_type"] != "people"), dtype=np.int64
    )


def _will_renew(accounts: pd.DataFrame, terms: pd.DataFrame) -> Flags:
    """Return whether the success manager thinks it safe: from its health, never from the outcome."""
    wait = accounts["wait"].to_numpy()[terms["account"]]
    chance = loss_chance(
        np.minimum(wait, 365), terms["inactive"].to_numpy(), terms["engagement"].to_numpy(), 1.0
    )
    return np.asarray(chance < 0.25)
