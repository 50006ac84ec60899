"""Deals of Harbour Analytics from first interest to signature: leads, and states before the sale."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from data.sample.generator.saas_customers import account_ids
from data.sample.generator.tools import (
    LAST_DAY,
    NEVER,
    Ints,
    dates,
    ids,
    next_workday,
    pick,
    stream,
    where,
    year_of,
)
from data.sample.generator.truth import TRUTH

PRE_SALE = ("engaged", "qualified", "opportunity", "committed")
_SHORTEST_OPPORTUNITY = 35
_RATES = {
    "enterprise": TRUTH.lead_conversion_enterprise,
    "mid_market": TRUTH.lead_conversion_mid_market,
}
_LOST_AT = (0.55, 0.28, 0.13, 0.04)
_SOURCES = {"inbound": 0.3, "event": 0.2, "outbound": 0.25, "webinar": 0.15, "partner": 0.1}
_SOURCES_OF_WINNERS = {
    "inbound": 0.3,
    "event": 0.18,
    "outbound": 0.17,
    "webinar": 0.13,
    "partner": 0.22,
}
_REASONS = {
    "no decision": 0.35,
    "budget": 0.25,
    "competitor": 0.2,
    "missing feature": 0.12,
    "price": 0.08,
}
_INDUSTRIES = ("manufacturing", "retail", "logistics", "financial services", "healthcare", "energy")


def make_deals(accounts: pd.DataFrame, seed: int, scale: int) -> pd.DataFrame:
    """Return one row per lead in order of creation: winners, losers, and those still open.

    `account` is the customer's number, or -1. `begins_*` are the days on which a state began
    (NEVER if not), `ends` the day the deal was won or lost. Days after the last day are kept.
    """
    winners = _winners(accounts, seed, scale)
    losers = pd.concat([_losers(winners, segment, rate, seed) for segment, rate in _RATES.items()])
    deals = pd.concat([winners, losers], ignore_index=True)
    deals = deals[deals["created"] <= LAST_DAY].sort_values(["created", "ends"], kind="stable")
    deals = deals.reset_index(drop=True)
    return deals.assign(**_labels(stream(seed, "saas", "lead labels"), deals))


def company_ids(accounts: pd.DataFrame, deals: pd.DataFrame) -> NDArray[np.object_]:
    """Return the account id of each deal; a company that never became a customer has P00001 ..."""
    account = deals["account"].to_numpy()
    own = ids("P", np.arange(len(deals)), 5)
    return np.where(account >= 0, account_ids(accounts)[np.maximum(account, 0)], own)


def _winners(accounts: pd.DataFrame, seed: int, scale: int) -> pd.DataFrame:
    """The customers, and those who will sign after the last day (their deals are open)."""
    rng = stream(seed, "saas", "winners")
    later = 48 * scale
    signed = np.concatenate(
        [
            accounts["signed"].to_numpy(),
            next_workday(rng.integers(LAST_DAY + 1, LAST_DAY + 545, later)),
        ]
    )
    size = len(signed)
    cycle = np.clip(np.rint(310 * np.exp(0.3 * rng.standard_normal(size))), 183, 547).astype(
        np.int64
    )
    shares = rng.dirichlet((5, 6, 6, 3), size)
    opportunity = np.maximum(_SHORTEST_OPPORTUNITY, np.rint(shares[:, 2] * cycle)).astype(np.int64)
    committed = np.clip(np.rint(shares[:, 3] * cycle), 10, 60).astype(np.int64)
    rest = cycle - opportunity - committed
    engaged = np.rint(rest * shares[:, 0] / (shares[:, 0] + shares[:, 1])).astype(np.int64)
    created = signed - cycle
    large = rng.random(later) < 0.7
    return pd.DataFrame(
        {
            "account": np.concatenate([np.arange(len(accounts)), np.full(later, -1)]),
            "created": created,
            "segment": np.concatenate(
                [accounts["segment"], np.where(large, "enterprise", "mid_market")]
            ),
            "is_ideal": np.concatenate([accounts["is_ideal"], rng.random(later) < 0.55]),
            "amount": np.concatenate(
                [12 * accounts["amount"].to_numpy(), np.round(rng.lognormal(10.2, 0.5, later), -2)]
            ),
            "begins_engaged": created,
            "begins_qualified": created + engaged,
            "begins_opportunity": created + rest,
            "begins_committed": created + rest + opportunity,
            "ends": signed,
            "won": True,
            "depth": 3,
        }
    )


def _losers(winners: pd.DataFrame, segment: str, rate: float, seed: int) -> pd.DataFrame:
    """So many lost leads of a segment, created around the same time, that `rate` of all is won."""
    rng = stream(seed, "saas", "losers", segment)
    alike = winners[winners["segment"] == segment]
    size = round(len(alike) * (1 / rate - 1))
    created = rng.choice(alike["created"].to_numpy(), size) + rng.integers(-60, 61, size)
    depth = rng.choice(4, size=size, p=_LOST_AT)
    medians = np.array([55.0, 80.0, 50.0, 40.0])
    days = np.rint(medians * np.exp(0.5 * rng.standard_normal((size, 4)))).astype(np.int64) + 5
    days[:, 2] += _SHORTEST_OPPORTUNITY
    reached = np.arange(4) <= depth[:, None]
    begins = created[:, None] + np.cumsum(days, axis=1) - days
    begins = np.where(reached, begins, NEVER)
    ends = created + np.where(reached, days, 0).sum(axis=1)
    frame = pd.DataFrame(begins, columns=[f"begins_{state}" for state in PRE_SALE])
    return frame.assign(
        account=-1,
        created=created,
        segment=segment,
        is_ideal=rng.random(size) < 0.4,
        amount=np.round(rng.lognormal(10.2, 0.5, size), -2),
        ends=ends,
        won=False,
        depth=depth,
    )


def _labels(rng: np.random.Generator, deals: pd.DataFrame) -> dict[str, NDArray[np.object_] | Ints]:
    size = len(deals)
    won = deals["won"].to_numpy()
    source = np.where(won, pick(rng, _SOURCES_OF_WINNERS, size), pick(rng, _SOURCES, size))
    industry = np.array(_INDUSTRIES, dtype=object)[rng.integers(0, len(_INDUSTRIES), size)]
    year = year_of(deals["created"].to_numpy())
    page = "page " + industry
    campaign = np.where(source == "inbound", page, source + " " + year.astype(str).astype(object))
    demo = deals["begins_qualified"].to_numpy() + rng.integers(3, 15, size)
    demo = np.where((rng.random(size) < 0.7) & (demo < deals["ends"].to_numpy()), demo, NEVER)
    return {
        "source": source,
        "campaign": campaign,
        "demo": np.minimum(demo, NEVER),
        "lost_reason": pick(rng, _REASONS, size),
    }


def leads_table(
    accounts: pd.DataFrame, deals: pd.DataFrame, buyers: NDArray[np.object_]
) -> pd.DataFrame:
    """Return the leads as known on the last day; `buyers` are their contacts."""
    ends = deals["ends"].to_numpy()
    customer = deals["account"].to_numpy() >= 0
    lost = (~deals["won"] & (ends <= LAST_DAY)).to_numpy()
    won_on = np.where(customer, ends, NEVER)
    return pd.DataFrame(
        {
            "lead_id": ids("L", np.arange(len(deals)), 5),
            "account_id": where(customer, company_ids(accounts, deals)),
            "account_linked_on": dates(won_on),
            "contact_id": buyers,
            "created_on": dates(deals["created"].to_numpy()),
            "source": deals["source"],
            "campaign": deals["campaign"],
            "segment": deals["segment"],
            "is_ideal": deals["is_ideal"].astype(bool),
            "demo_on": dates(deals["demo"].to_numpy(), hide_after=LAST_DAY),
            "won_on": dates(won_on),
            "lost_on": dates(np.where(lost, ends, NEVER)),
            "lost_reason": where(lost, deals["lost_reason"]),
        }
    )
