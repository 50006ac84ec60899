"""Demand states of the small company: customers and prospects on their way, written out by rules."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from typing import Any

Row = dict[str, Any]
BEFORE = (("engaged", -150), ("qualified", -110), ("opportunity", -70), ("committed", -20))
AFTER = (
    ("won", 0),
    ("live", 12),
    ("adopted", 25),
    ("value", 40),
    ("expanded", 200),
    ("renewed", 365),
)
PROSPECTS, PROSPECTS_FROM = 60, date(2023, 11, 15)


def _moment(day: date, hour: int) -> datetime:
    return datetime.combine(day, time(hour))


def _rows(
    account: str, contact: str | None, deal: str, amount: float, days: list[Any]
) -> list[Row]:
    """One row per (state, day entered, day left or None)."""
    return [
        {
            "account_id": account,
            "contact_id": contact,
            "state": state,
            "entered_at": _moment(since, 8 + place % 8),
            "left_at": None if until is None else _moment(until, 9 + place % 8),
            "opportunity_id": None if state in ("engaged", "qualified") else deal,
            "amount": None if state in ("engaged", "qualified") else amount,
        }
        for place, (state, since, until) in enumerate(days)
    ]


def customer_rows(number: int, account: str, signed: date) -> list[Row]:
    """A customer's states: some skip one, some leave after the sale, the pace differs."""
    steps = [
        (state, signed + timedelta(days=days - 3 * (number % 5) if days < 0 else days + number % 7))
        for state, days in (*BEFORE, *AFTER)
        if not (state == "expanded" and number % 3)
        and not (state == "qualified" and number % 6 == 5)
    ]
    steps = steps[: 6 + number % 5] if number % 4 == 1 else steps
    gone = steps[-1][1] + timedelta(days=90) if number % 4 == 1 else None
    days = [
        (state, since, following)
        for (state, since), following in zip(
            steps, [*[day for _, day in steps[1:]], gone], strict=True
        )
    ]
    person = f"{account}-{number % 2}" if number % 3 else None
    return _rows(account, person, f"d{number:02d}", 1200.0 + 120 * number, days)


def prospect_rows(number: int) -> list[Row]:
    """A company that got so far before the sale, and was lost there or is still there."""
    begun = PROSPECTS_FROM + timedelta(days=11 * number)
    depth, rows = number % 4, []
    for place in range(depth + 1):
        since = begun + timedelta(days=35 * place + number % 9)
        until = since + timedelta(days=35 if place < depth else 20 + number % 30)
        is_open = place == depth and number % 7 == 3
        rows.append((BEFORE[place][0], since, None if is_open else until))
    return _rows(f"a{20 + number:02d}", None, f"q{number:02d}", 900.0 + 50 * number, rows)
