"""Spoils everything in a company's files that was not known by the end of a day.

Written against the words of the contract alone, and shares no code with the masking it tests: for
each file, the day a row became known, and for each field filled in later, the day that tells it.
"""

from __future__ import annotations

import csv
import io
import random
from datetime import date, timedelta

from tests.data.companies import FILES

ROW_DAY = {
    "accounts": "signed_on",
    "subscriptions": "started_on",
    "usage": "at",
    "contacts": "created_on",
    "onboarding": "entered_at",
    "leads": "created_on",
    "orders": "ordered_at",
    "carts": "created_at",
    "spend": "month",
    "account_history": "from_on",
}
FIELD_DAYS = {
    "accounts": {"kickoff_on": ["kickoff_on"]},
    "subscriptions": {
        "ended_on": ["ended_on", "cancelled_on"],
        "cancelled_on": ["cancelled_on"],
        "reason": ["ended_on", "cancelled_on"],
    },
    "onboarding": {"left_at": ["left_at"]},
    "leads": {
        "account_id": ["account_linked_on"],
        "account_linked_on": ["account_linked_on"],
        "demo_on": ["demo_on"],
        "won_on": ["won_on"],
        "lost_on": ["lost_on"],
        "lost_reason": ["lost_on"],
    },
    "orders": {name: [name] for name in ("shipped_on", "cancelled_on", "returned_on")},
    "carts": {"ordered_at": ["ordered_at"], "order_id": ["ordered_at"]},
}
OVERWRITTEN = {"accounts": ["seats"]}
"""Fields of accounts that the history dates: the file holds today's value only."""
NEVER = date(9999, 1, 1)

Row = dict[str, str]


def spoiled(day: date, seed: int) -> dict[str, str]:
    """The files of the company, with what came after `day` changed, added to or taken out."""
    rng = random.Random(seed)
    tables = {name.removesuffix(".csv"): _read(content) for name, content in FILES.items()}
    orders = {row["order_id"]: _day(row["ordered_at"]) for row in tables["orders"]}
    changed = {
        name: _spoil(name, rows, day, rng) for name, rows in tables.items() if name != "order_lines"
    }
    lines = [row for row in tables["order_lines"] if orders[row["order_id"]] <= day]
    late = [row for row in tables["order_lines"] if orders[row["order_id"]] > day]
    there = {row["order_id"] for row in changed["orders"]}
    kept = [row | {"quantity": str(rng.randint(1, 99))} for row in late if row["order_id"] in there]
    changed["order_lines"] = lines + kept
    return {name: _written(list(tables[name][0]), rows, rng) for name, rows in changed.items()}


def _spoil(name: str, rows: list[Row], day: date, rng: random.Random) -> list[Row]:
    kept = []
    for row in rows:
        if _row_day(name, row) <= day:
            kept.append(_spoil_fields(name, row, day, rng))
        elif rng.random() < 0.5:
            kept.append(_spoil_row(name, row, rng))
    extra = [_extra(name, row, day, rng, place) for place, row in enumerate(rows[:2])]
    return kept + extra


def _row_day(name: str, row: Row) -> date:
    own = _day(row[ROW_DAY[name]])
    if name != "spend":
        return own
    return (own.replace(day=28) + timedelta(days=4)).replace(day=1) - timedelta(days=1)


def _spoil_fields(name: str, row: Row, day: date, rng: random.Random) -> Row:
    """The row with other values in every field that nothing told by `day`."""
    changed = dict(row)
    for field, tellers in FIELD_DAYS.get(name, {}).items():
        if min(_day(row[teller]) for teller in tellers) > day:
            changed[field] = _later(day, rng, row[field]) if field in tellers else "random"
    if name == "leads" and changed["account_linked_on"] == "":
        changed["account_id"] = ""
    for field in OVERWRITTEN.get(name, []):
        changed[field] = str(rng.randint(1, 1000))
    return changed


def _later(day: date, rng: random.Random, old: str) -> str:
    """A day after `day`, or no day at all, in the form of the old value."""
    if rng.random() < 0.3:
        return ""
    new = day + timedelta(days=rng.randint(1, 900))
    return f"{new} 05:00:00" if ":" in old else str(new)


def _spoil_row(name: str, row: Row, rng: random.Random) -> Row:
    """The row with random amounts, which nobody could know by then."""
    return {
        field: str(rng.randint(1, 10_000))
        if field in {"monthly_amount", "quantity", "amount", "freight", "seats"}
        else value
        for field, value in row.items()
    }


def _extra(name: str, row: Row, day: date, rng: random.Random, place: int) -> Row:
    """A row of its own key that became known after `day`."""
    new = _spoil_row(name, row, rng)
    known = day + timedelta(days=40 * (place + 1))
    if name == "spend":
        known = known.replace(day=1)
    for field, value in row.items():
        if field == ROW_DAY[name]:
            new[field] = f"{known} 05:00:00" if ":" in value else str(known)
        elif field.endswith(("_on", "_at")):
            new[field] = str(known + timedelta(days=900)) if field == "term_ends_on" else ""
    key = next((f for f in (f"{name[:-1]}_id", "lead_id", "cart_id") if f in row), None)
    if key:
        new[key] = f"extra{place}"
    return new


def _day(text: str) -> date:
    return date.fromisoformat(text[:10]) if text else NEVER


def _read(content: str) -> list[Row]:
    return list(csv.DictReader(io.StringIO(content)))


def _written(columns: list[str], rows: list[Row], rng: random.Random) -> str:
    """The rows as a file, in another order."""
    stream = io.StringIO()
    writer = csv.DictWriter(stream, columns, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rng.sample(rows, len(rows)))
    return stream.getvalue()
