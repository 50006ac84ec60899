"""Tables about customers: accounts, contacts, subscriptions, onboarding, account_history."""

from __future__ import annotations

import numpy as np
import pandas as pd

from data.sample.generator.names import SUCCESS_MANAGERS
from data.sample.generator.tools import (
    DAY,
    LAST_DAY,
    MINUTE,
    NEVER,
    Flags,
    Ints,
    dates,
    ids,
    moments,
    pick,
    stream,
    where,
    with_mean,
    within_group,
)
from data.sample.generator.truth import TRUTH

_NINE = 9 * 60 * MINUTE
_STAGE_OWNERS = {
    "contract_and_nda": "legal",
    "it_access": "customer IT",
    "connectors": "us: connectors",
    "training": "us: training",
}


def account_ids(accounts: pd.DataFrame) -> np.ndarray[tuple[int], np.dtype[np.object_]]:
    """Return A0001, A0002, ... in order of signing."""
    return ids("A", np.arange(len(accounts)))


def plan_onboarding(accounts: pd.DataFrame, seed: int) -> pd.DataFrame:
    """Return days after signing at which each stage begins and ends (whether reached or not)."""
    rng = stream(seed, "saas", "onboarding")
    size = len(accounts)
    wait = np.minimum(accounts["wait"].to_numpy(), 900)
    contract = np.rint(8 * np.exp(0.45 * rng.standard_normal(size))).astype(np.int64)
    contract = np.clip(contract, 1, np.maximum(1, wait // 5))
    access = np.rint(15 * np.exp(0.5 * rng.standard_normal(size))).astype(np.int64)
    access = np.clip(access, 2, np.maximum(2, wait * 2 // 5))
    cohort = accounts["cohort"].to_numpy()
    contract[cohort] = with_mean(contract[cohort], TRUTH.mean_contract_days_2025q4, 2, 20)
    access[cohort] = with_mean(
        access[cohort], TRUTH.mean_it_access_days_2025q4, 3, wait[cohort] // 2
    )
    idle = np.minimum(rng.integers(0, 7, size), (wait - contract - access) // 5)
    begin = contract + access + idle
    rest = wait - begin
    api = (accounts["product_type"] == "api").to_numpy()
    connectors_end = begin + np.maximum(1, np.rint(rest * rng.uniform(0.4, 0.95, size))).astype(
        np.int64
    )
    training_begin = begin + np.rint(rest * rng.uniform(0.45, 0.8, size)).astype(np.int64)
    return pd.DataFrame(
        {
            "contract_end": contract,
            "access_end": contract + access,
            "begin": begin,
            "connectors_end": np.where(api, wait, connectors_end),
            "training_begin": np.where(api, NEVER, training_begin),
            "value": wait,
        }
    )


def onboarding_table(accounts: pd.DataFrame, plan: pd.DataFrame) -> pd.DataFrame:
    """Return one row per account and stage that began while it was a customer."""
    zero = np.zeros(len(accounts), dtype=np.int64)
    spans = {
        "contract_and_nda": (zero, plan["contract_end"].to_numpy()),
        "it_access": (plan["contract_end"].to_numpy(), plan["access_end"].to_numpy()),
        "connectors": (plan["begin"].to_numpy(), plan["connectors_end"].to_numpy()),
        "training": (plan["training_begin"].to_numpy(), plan["value"].to_numpy()),
    }
    parts = [_stage(accounts, stage, *span) for stage, span in spans.items()]
    return pd.concat(parts).sort_values(["account_id", "entered_at"], kind="stable")


def _stage(accounts: pd.DataFrame, stage: str, entered: Ints, left: Ints) -> pd.DataFrame:
    signed = accounts["signed"].to_numpy()
    gone = accounts["gone"].to_numpy()
    entered_on = signed + entered
    left_on = np.minimum(signed + left, gone)
    left_on = np.where(left_on <= LAST_DAY, left_on, NEVER)
    frame = pd.DataFrame(
        {
            "account_id": account_ids(accounts),
            "stage": stage,
            "owner": _STAGE_OWNERS[stage],
            "entered_at": moments(entered_on * DAY + _NINE),
            "left_at": moments(left_on * DAY + _NINE),
        }
    )
    return frame[(entered_on <= LAST_DAY) & (entered_on < gone)]


def plan_contacts(accounts: pd.DataFrame, plan: pd.DataFrame, seed: int) -> pd.DataFrame:
    """Return the people and service users of each account; people who use it stand together."""
    rng = stream(seed, "saas", "contacts")
    has_service = (accounts["product_type"] != "people").to_numpy()
    counts = 3 + accounts["users"].to_numpy() + has_service
    account = np.repeat(np.arange(len(accounts)), counts)
    place = within_group(counts)
    signed = accounts["signed"].to_numpy()[account]
    begin = signed + plan["begin"].to_numpy()[account]
    joined = np.where(place <= 4, begin, begin + rng.integers(0, 500, len(account)))
    is_service = has_service[account] & (place == counts[account] - 1)
    created = np.where(is_service, signed + plan["access_end"].to_numpy()[account], joined)
    created = np.where(place <= 2, signed, created)
    role = np.array(["buyer", "sponsor", "admin"], dtype=object)[np.minimum(place, 2)]
    return pd.DataFrame(
        {
            "account": account,
            "place": place,
            "role": np.where(place > 2, np.where(is_service, "admin", "user"), role),
            "created": created,
            "is_service": is_service,
        }
    )


def contacts_table(accounts: pd.DataFrame, contacts: pd.DataFrame) -> pd.DataFrame:
    """Return the contacts created while their account was a customer."""
    until = np.minimum(accounts["gone"].to_numpy() - 1, LAST_DAY)[contacts["account"]]
    frame = pd.DataFrame(
        {
            "contact_id": ids("C", np.arange(len(contacts)), 5),
            "account_id": account_ids(accounts)[contacts["account"]],
            "role": contacts["role"],
            "created_on": dates(contacts["created"].to_numpy()),
            "is_service": contacts["is_service"],
        }
    )
    return pd.DataFrame(frame.loc[contacts["created"].to_numpy() <= until])


def subscriptions_table(accounts: pd.DataFrame, terms: pd.DataFrame, seed: int) -> pd.DataFrame:
    """Return one row per price period: each term, cut in two where seats changed within it."""
    changed = (terms["change_on"] != NEVER).to_numpy()
    first = terms.assign(
        from_on=terms["start"], until=np.where(changed, terms["change_on"], terms["end"])
    )
    second = terms[changed].assign(
        from_on=terms["change_on"],
        until=terms["end"],
        seats=terms["changed_seats"],
        amount=terms["changed_amount"],
    )
    rows = pd.concat([first, second]).sort_values(["account", "from_on"], kind="stable")
    return _price_periods(accounts, rows.reset_index(drop=True), seed)


def _price_periods(accounts: pd.DataFrame, rows: pd.DataFrame, seed: int) -> pd.DataFrame:
    account = rows["account"].to_numpy()
    contract = rows["contract"].to_numpy()
    leaves = (
        rows["lost"] & (rows["until"] == rows["end"]) & (rows["decision"] <= LAST_DAY)
    ).to_numpy()
    until = rows["until"].to_numpy()
    ended = np.where(leaves | (until <= LAST_DAY), until, NEVER)
    suffix = np.where(contract > 1, [f"-{number}" for number in contract], "").astype(object)
    return pd.DataFrame(
        {
            "subscription_id": ids("S", account) + suffix,
            "account_id": account_ids(accounts)[account],
            "started_on": dates(rows["from_on"].to_numpy()),
            "ended_on": dates(ended),
            "cancelled_on": dates(np.where(leaves, rows["decision"], NEVER)),
            "term_ends_on": dates(rows["end"].to_numpy()),
            "monthly_amount": rows["amount"].map("{:.2f}".format),
            "billing_months": accounts["billing_months"].to_numpy()[account],
            "plan": np.where(rows["seats"] > 12, "scale", "team"),
            "seats": rows["seats"],
            "reason": _reasons(accounts, rows, leaves, seed),
        }
    )


def _reasons(accounts: pd.DataFrame, rows: pd.DataFrame, leaves: Flags, seed: int) -> np.ndarray:
    """Return what leavers said: mostly what was planted, sometimes price or a competitor."""
    rng = stream(seed, "saas", "reasons")
    said = pick(rng, {"price": 0.4, "competitor": 0.35, "budget cut": 0.25}, len(rows))
    slow = (accounts["wait"].to_numpy()[rows["account"]] > 90) & (rng.random(len(rows)) < 0.7)
    quiet = rows["inactive"].to_numpy() & (rng.random(len(rows)) < 0.7)
    said = np.where(slow, "slow start", said)
    said = np.where(quiet, "low use", said)
    return where(leaves, said)


def accounts_table(accounts: pd.DataFrame, terms: pd.DataFrame, plan: pd.DataFrame) -> pd.DataFrame:
    """Return the accounts with their current fields."""
    signed = accounts["signed"].to_numpy()
    kickoff = signed + plan["contract_end"].to_numpy()
    kickoff = np.where((kickoff <= LAST_DAY) & (kickoff < accounts["gone"]), kickoff, NEVER)
    last = terms.groupby("account").tail(1)
    seats = np.where(last["change_on"] != NEVER, last["changed_seats"], last["seats"])
    shown = accounts[["name", "segment", "industry", "country", "product_type", "is_ideal"]]
    frame = shown.assign(
        account_id=account_ids(accounts),
        signed_on=dates(signed),
        kickoff_on=dates(kickoff),
        seats=seats,
        owner=accounts["owner"],
    )
    order = ["account_id", "name", "signed_on", "kickoff_on"]
    return frame[order + [column for column in frame.columns if column not in order]]


def history_table(accounts: pd.DataFrame, subscriptions: pd.DataFrame, seed: int) -> pd.DataFrame:
    """Return when segment, owner, is_ideal and seats took each of their values."""
    rng = stream(seed, "saas", "history")
    names = account_ids(accounts)
    signed = accounts["signed"].to_numpy()
    until = np.minimum(accounts["gone"].to_numpy(), LAST_DAY)
    middle = signed + ((until - signed) * rng.uniform(0.3, 0.9, len(accounts))).astype(np.int64)
    handed_over = (rng.random(len(accounts)) < 0.35) & (middle > signed)
    first_owner = np.where(
        handed_over,
        np.array(SUCCESS_MANAGERS, dtype=object)[rng.integers(0, 6, len(accounts))],
        accounts["owner"],
    )
    changed = handed_over & (first_owner != accounts["owner"].to_numpy())
    ideal = np.where(accounts["is_ideal"], "true", "false")
    seats = subscriptions[["account_id", "started_on"]].assign(
        value=subscriptions["seats"].astype(str)
    )
    seats = seats[_differs(seats)].rename(columns={"started_on": "from_on"}).assign(field="seats")
    parts = [
        _field(names, "segment", accounts["segment"], signed),
        _field(names, "is_ideal", ideal, signed),
        _field(names, "owner", first_owner, signed),
        _field(names, "owner", accounts["owner"], middle)[changed],
        seats,
    ]
    frame: pd.DataFrame = pd.concat(parts)[["account_id", "field", "value", "from_on"]]
    return pd.DataFrame(frame.sort_values(["account_id", "field", "from_on"], kind="stable"))


def _field(names: np.ndarray, field: str, value: object, from_on: Ints) -> pd.DataFrame:
    return pd.DataFrame(
        {"account_id": names, "field": field, "value": value, "from_on": dates(from_on)}
    )


def _differs(rows: pd.DataFrame) -> pd.Series:
    """Return where an account's value is not the one of the row before."""
    return rows["value"] != rows.groupby("account_id")["value"].shift()
