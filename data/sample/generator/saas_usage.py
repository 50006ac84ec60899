"""Usage of the product: people week by week, integrations connected, and what systems pull."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd
import pyarrow as pa

from data.sample.generator.saas_customers import account_ids
from data.sample.generator.tools import (
    DAY,
    LAST_DAY,
    MINUTE,
    NEVER,
    Ints,
    ids,
    labels,
    office_minutes,
    stream,
    weekday,
    within_group,
)

_ACTIONS = (
    "dashboard_viewed",
    "query_run",
    "report_shared",
    "data_exported",
    "alert_set",
    "forecast_built",
)
_SHARES = (0.45, 0.25, 0.12, 0.10, 0.05, 0.03)
_TOOLS = ("crm", "erp", "payroll", "ads", "helpdesk", "webshop", "warehouse", "survey", "calendar",
          "chat", "banking", "maps", "weather", "logistics", "forms")  # fmt: skip
EVENTS = np.array(
    [*_ACTIONS, "api_batch_loaded", *(f"connected_{tool}" for tool in _TOOLS)], dtype=object
)
_REPORT = _ACTIONS.index("report_shared")
_API = len(_ACTIONS)
_CHANNELS = np.array(["ui", "api"], dtype=object)
_ACCOUNTS_PER_BLOCK = 2500
_CALLS_PER_DAY = 24


def usage_blocks(
    accounts: pd.DataFrame,
    terms: pd.DataFrame,
    plan: pd.DataFrame,
    contacts: pd.DataFrame,
    seed: int,
) -> Iterator[pa.Table]:
    """Return the usage table in blocks of accounts, each sorted by time."""
    account_names = account_ids(accounts)
    contact_names = ids("C", np.arange(len(contacts)), 5)
    rows = _with_contacts(_segments(accounts, terms, plan), contacts)
    for block, start in enumerate(range(0, len(accounts), _ACCOUNTS_PER_BLOCK)):
        chosen = rows[rows["account"].between(start, start + _ACCOUNTS_PER_BLOCK - 1)]
        events = _events(chosen, contacts["created"].to_numpy(), seed, block)
        yield _as_table(events, account_names, contact_names)


def _segments(accounts: pd.DataFrame, terms: pd.DataFrame, plan: pd.DataFrame) -> pd.DataFrame:
    """Return per term when people may be active, when they are quiet, when value is reached."""
    account = terms["account"].to_numpy()
    signed = accounts["signed"].to_numpy()[account]
    begin = signed + plan["begin"].to_numpy()[account]
    return pd.DataFrame(
        {
            "account": account,
            "active_from": np.maximum(terms["resume"].to_numpy(), begin),
            "end": np.minimum(terms["end"].to_numpy(), LAST_DAY + 1),
            "start": terms["start"],
            "quiet_from": terms["quiet_from"],
            "quiet_to": terms["quiet_to"],
            "engagement": terms["engagement"],
            "value_on": signed + accounts["wait"].to_numpy()[account],
            "product_type": accounts["product_type"].to_numpy()[account],
            "users": accounts["users"].to_numpy()[account],
        }
    )


def _with_contacts(rows: pd.DataFrame, contacts: pd.DataFrame) -> pd.DataFrame:
    """Add the place of the account's admin (people who use it follow) and of its service user."""
    places = contacts.reset_index()
    admin = places[places["place"] == 2].set_index("account")["index"]
    service = places[places["is_service"]].set_index("account")["index"]
    account = rows["account"]
    return rows.assign(
        admin=account.map(admin), service=account.map(service).fillna(-1).astype(np.int64)
    )


def _events(rows: pd.DataFrame, created: Ints, seed: int, block: int) -> pd.DataFrame:
    people = rows[rows["product_type"] != "api"]
    parts = [
        _actions(people, stream(seed, "saas", "usage", block)),
        _first_values(people, stream(seed, "saas", "first value", block)),
        _integrations(people, stream(seed, "saas", "integrations", block)),
        _weekly_loads(rows[rows["product_type"] == "mixed"], stream(seed, "saas", "loads", block)),
        _daily_loads(rows[rows["product_type"] == "api"], stream(seed, "saas", "api", block)),
    ]
    events = pd.concat(parts, ignore_index=True)
    late = created[events["contact"]] * DAY > events["at"].to_numpy()
    events["contact"] = np.where(late, events["admin"], events["contact"])
    return events.sort_values(["at", "account", "contact", "event"], kind="stable")


def _actions(rows: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """People work at least once in nearly every week, more often where engagement is high."""
    monday = rows["active_from"].to_numpy() - weekday(rows["active_from"].to_numpy())
    weeks = np.maximum(0, -(-(rows["end"].to_numpy() - monday) // 7))
    row = np.repeat(np.arange(len(rows)), weeks)
    begin = monday[row] + 7 * within_group(weeks)
    level = 4.0 * np.exp(0.45 * rows["engagement"].to_numpy()[row])
    counts = np.where(rng.random(len(row)) < 0.015, 0, 1 + rng.poisson(level))
    row, begin = np.repeat(row, counts), np.repeat(begin, counts)
    on = begin + rng.integers(0, 5, len(row))
    at = on * DAY + office_minutes(rng, len(row))
    events = _people_rows(rows, row, at, rng)
    event = rng.choice(len(_ACTIONS), size=len(row), p=_SHARES)
    value_on = rows["value_on"].to_numpy()[row]
    events["event"] = np.where((event == _REPORT) & (on <= value_on), 0, event)
    return events[_is_active(rows, row, on)]


def _people_rows(rows: pd.DataFrame, row: Ints, at: Ints, rng: np.random.Generator) -> pd.DataFrame:
    """Return rows by people: mostly the admin and the first users, now and then the sponsor."""
    admin = rows["admin"].to_numpy()[row]
    users = rows["users"].to_numpy()[row]
    who = admin + (rng.random(len(row)) ** 1.7 * (users + 1)).astype(np.int64)
    who = np.where(rng.random(len(row)) < 0.02, admin - 1, who)
    return pd.DataFrame(
        {
            "account": rows["account"].to_numpy()[row],
            "contact": who,
            "admin": admin,
            "at": at,
            "event": 0,
            "channel": 0,
            "quantity": 1.0 + rng.poisson(3, len(row)),
        }
    )


def _is_active(rows: pd.DataFrame, row: Ints, on: Ints) -> np.ndarray:
    inside = (on >= rows["active_from"].to_numpy()[row]) & (on < rows["end"].to_numpy()[row])
    quiet = (on >= rows["quiet_from"].to_numpy()[row]) & (on < rows["quiet_to"].to_numpy()[row])
    return np.asarray(inside & ~quiet)


def _first_values(rows: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """The first report shared, by a person, on the day of first value."""
    value_on = rows["value_on"].to_numpy()
    happens = (value_on >= rows["start"].to_numpy()) & (value_on < rows["end"].to_numpy())
    row = np.flatnonzero(happens)
    at = value_on[row] * DAY + office_minutes(rng, len(row))
    events = _people_rows(rows, row, at, rng)
    return events.assign(event=_REPORT, contact=events["admin"] + 1)


def _integrations(rows: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """Tools connected over time, whatever happens later: older accounts have more of them."""
    length = np.maximum(0, rows["end"].to_numpy() - rows["active_from"].to_numpy())
    counts = rng.poisson(2.5 * length / 365)
    row = np.repeat(np.arange(len(rows)), counts)
    on = rows["active_from"].to_numpy()[row] + (rng.random(len(row)) * length[row]).astype(np.int64)
    events = _people_rows(rows, row, on * DAY + office_minutes(rng, len(row)), rng)
    events["event"] = _API + 1 + rng.integers(0, len(_TOOLS), len(row))
    return events[_is_active(rows, row, on)]


def _weekly_loads(rows: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """Mixed accounts: a system loads data every week, also while nobody looks."""
    first = rows["active_from"].to_numpy()
    weeks = np.maximum(0, -(-(rows["end"].to_numpy() - first) // 7))
    row = np.repeat(np.arange(len(rows)), weeks)
    on = first[row] + 7 * within_group(weeks)
    return _service_rows(rows, row, on * DAY + 300 * MINUTE, 1.0 + rng.poisson(3, len(row)))


def _daily_loads(rows: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """API-only accounts: a system pulls every hour from the day of first value; one row a day."""
    first = np.maximum(rows["start"].to_numpy(), rows["value_on"].to_numpy())
    first = np.minimum(first, NEVER)
    days = np.maximum(0, rows["end"].to_numpy() - first)
    row = np.repeat(np.arange(len(rows)), days)
    on = first[row] + within_group(days)
    calls = _CALLS_PER_DAY * np.exp(0.45 * rows["engagement"].to_numpy()[row])
    quantity = np.maximum(1.0, rng.poisson(calls).astype(np.float64))
    return _service_rows(rows, row, on * DAY + 600 * MINUTE, quantity)


def _service_rows(rows: pd.DataFrame, row: Ints, at: Ints, quantity: np.ndarray) -> pd.DataFrame:
    service = rows["service"].to_numpy()[row]
    return pd.DataFrame(
        {
            "account": rows["account"].to_numpy()[row],
            "contact": service,
            "admin": service,
            "at": at,
            "event": _API,
            "channel": 1,
            "quantity": quantity,
        }
    )


def _as_table(
    events: pd.DataFrame, account_names: np.ndarray, contact_names: np.ndarray
) -> pa.Table:
    return pa.table(
        {
            "account_id": labels(events["account"].to_numpy(), account_names),
            "contact_id": labels(events["contact"].to_numpy(), contact_names),
            "at": pa.array(events["at"].to_numpy(), pa.timestamp("us")),
            "event": labels(events["event"].to_numpy(), EVENTS),
            "channel": labels(events["channel"].to_numpy(), _CHANNELS),
            "quantity": pa.array(events["quantity"].to_numpy(), pa.float64()),
        }
    )
