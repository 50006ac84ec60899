"""A small company of 20 accounts with a bit of everything, for laws and tests.

Written out by rules instead of chance, so that every run sees the same rows.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from typing import Any

from kpi_lib.example import small_company
from kpi_lib.schema import Tables

Row = dict[str, Any]
Rows = dict[str, list[Row]]

AS_OF = date(2025, 12, 31)
FIRST = date(2024, 1, 10)
ACCOUNTS = 20
API, SERVICE_ONLY, NEVER_STARTED, LEFT_EARLY, CAME_BACK, QUIET = 3, 4, 5, 6, 7, 8


def _moment(day: date, hour: int = 9) -> datetime:
    return datetime.combine(day, time(hour))


def _id(number: int) -> str:
    return f"a{number:02d}"


def _signed(number: int) -> date:
    """A start every 34 days, the last one a few weeks before the end."""
    return FIRST + timedelta(days=34 * number)


def _account(number: int) -> Row:
    signed = _signed(number)
    return {
        "account_id": _id(number),
        "name": f"Company {number}",
        "signed_on": signed,
        "kickoff_on": None if number % 9 == 8 else signed + timedelta(days=number % 5),
        "segment": ("small", "large", None)[number % 3],
        "product_type": "api" if number == API else ("people", "mixed")[number % 2],
        "owner": ("Kim", "Lou")[number % 2],
        "seats": 5 + number,
    }


def _contacts(number: int) -> list[Row]:
    at = _signed(number)
    roles = [("user", False), ("admin", False), ("user", True)]
    return [
        {
            "contact_id": f"{_id(number)}-{place}",
            "account_id": _id(number),
            "role": role,
            "created_on": at,
            "is_service": service,
        }
        for place, (role, service) in enumerate(roles)
    ]


def _spans(number: int) -> list[tuple[int, int | None, float]]:
    """Price periods as days since signing (from, until) and monthly amount."""
    amount = 100.0 + 10 * number
    if number == LEFT_EARLY:
        return [(0, 90, amount)]
    if number == CAME_BACK:
        return [(0, 120, amount), (200, None, amount)]
    if number % 4 == 1:
        return [(0, 180, amount), (180, None, amount * 1.5)]
    if number % 4 == 2:
        return [(0, 150, amount), (150, 365, amount * 0.75)]
    return [(0, None, amount)]


def _subscriptions(number: int) -> list[Row]:
    signed, rows = _signed(number), []
    for since, until, amount in _spans(number):
        ended = None if until is None else signed + timedelta(days=until)
        lost = ended is not None and (since, until) == _spans(number)[-1][:2]
        rows.append(
            {
                "subscription_id": f"s-{_id(number)}",
                "account_id": _id(number),
                "started_on": signed + timedelta(days=since),
                "ended_on": ended,
                "cancelled_on": ended - timedelta(days=45) if lost and ended else None,
                "term_ends_on": signed + timedelta(days=365 * (1 + since // 365)),
                "monthly_amount": amount,
                "billing_months": 12,
            }
        )
    return rows


def _days_of_use(number: int) -> list[int]:
    """Days since signing on which somebody did something."""
    if number == NEVER_STARTED:
        return []
    if number == LEFT_EARLY:
        return [3]
    last = 150 if number == QUIET else 800
    return list(range(20 + 3 * number, last, 4 + number % 6))


def _usage(number: int) -> list[Row]:
    signed, account = _signed(number), _id(number)
    machine, service = number == API, number == SERVICE_ONLY
    rows = []
    for place, since in enumerate(_days_of_use(number)):
        core = "api_batch_loaded" if machine else "report_shared"
        person = f"{account}-{2 if service else place % 2}"
        rows.append(
            {
                "account_id": account,
                "contact_id": None if machine else person,
                "at": _moment(signed + timedelta(days=since), 8 + place % 8),
                "event": core if place % 3 == 1 else "query_run",
                "channel": "api" if machine else "ui",
                "quantity": 1.0,
            }
        )
    return rows


def _onboarding(number: int) -> list[Row]:
    """Three stages: the second overlaps the first, a gap lies before the third."""
    signed = _signed(number)
    spans = [
        ("contract", "legal", 0, 8),
        ("access", "customer IT", 5, 20),
        ("training", "us", 24, 30 + 3 * number),
    ]
    return [
        {
            "account_id": _id(number),
            "stage": stage,
            "owner": owner,
            "entered_at": _moment(signed + timedelta(days=since), 10),
            "left_at": None
            if number == 19 and stage == "training"
            else _moment(signed + timedelta(days=until), 17),
        }
        for stage, owner, since, until in spans
    ]


def _orders(number: int) -> list[Row]:
    signed, rows = _signed(number), []
    for place in range(4):
        day = signed + timedelta(days=10 + 60 * place)
        rows.append(
            {
                "order_id": f"o-{_id(number)}-{place}",
                "account_id": _id(number),
                "ordered_at": _moment(day),
                "shipped_on": day + timedelta(days=3),
                "cancelled_on": day + timedelta(days=1) if (number + place) % 7 == 0 else None,
                "returned_on": day + timedelta(days=30) if (number + place) % 7 == 1 else None,
                "channel": "usage" if place % 2 else "shop",
            }
        )
    return rows


def _lines(order: Row) -> list[Row]:
    return [
        {
            "order_id": order["order_id"],
            "line_no": line,
            "product_id": f"p{line}",
            "quantity": float(line),
            "list_price": 25.0,
            "unit_price": 20.0,
        }
        for line in (1, 2)
    ]


TEAMS = {"build": 7, "sell": 6, "help": 3}
"""People per team; the last is too small to be shown."""


def _quarters() -> list[date]:
    return [date(year, month, 1) for year in (2024, 2025) for month in (1, 4, 7, 10)]


def _answers() -> list[Row]:
    """A survey of the employees each quarter; every fifth answer is loaded four months late."""
    people = [team for team, size in TEAMS.items() for _ in range(size)]
    rows = []
    for wave, first in enumerate(_quarters()):
        for place, team in enumerate(people):
            number = wave * len(people) + place
            day = first + timedelta(days=40 + place)
            rows.append(
                {
                    "answer_id": f"n{number:03d}",
                    "question": "employee_nps",
                    "respondent_id": f"e{place:02d}",
                    "team": team,
                    "answered_on": day,
                    "score": float(4 + (number * 7 + place) % 7),
                    "scale_max": 10,
                    "comment": f"words of {number}" if number % 3 == 0 else None,
                    "recorded_at": _moment(day + timedelta(days=120 if number % 5 == 4 else 1)),
                }
            )
    return rows


def _invited() -> list[Row]:
    return [
        {"question": "employee_nps", "team": team, "period": first, "people": size + 1}
        for first in _quarters()
        for team, size in TEAMS.items()
    ]


def _moments(row: Row) -> list[date]:
    """The days by which a row is dated, for leaving out what lies after the last day."""
    dated = ("started_on", "signed_on", "created_on", "at", "entered_at", "ordered_at")
    for name in (*dated, "recorded_at", "period"):
        if name in row:
            day = row[name]
            return [day.date() if isinstance(day, datetime) else day]
    return []


def all_rows() -> Rows:
    """Every row of the company, also those after `AS_OF`."""
    each: dict[str, Callable[[int], list[Row]]] = {
        "accounts": lambda number: [_account(number)],
        "contacts": _contacts,
        "subscriptions": _subscriptions,
        "usage": _usage,
        "onboarding": _onboarding,
        "orders": _orders,
    }
    rows = {
        name: [row for number in range(ACCOUNTS) for row in make(number)]
        for name, make in each.items()
    }
    lines = [line for order in rows["orders"] for line in _lines(order)]
    return rows | {"order_lines": lines, "answers": _answers(), "invited": _invited()}


def known_rows(day: date = AS_OF) -> Rows:
    """The rows whose own date is not after `day`; fields stay as they are."""
    kept = {
        name: [row for row in rows if all(moment <= day for moment in _moments(row))]
        for name, rows in all_rows().items()
    }
    orders = {row["order_id"] for row in kept["orders"]}
    lines = [row for row in kept["order_lines"] if row["order_id"] in orders]
    return kept | {"order_lines": lines}


def company(rows: Rows | None = None, as_of: date = AS_OF) -> Tables:
    """The company as tables in the engine."""
    return small_company(as_of, **(rows if rows is not None else known_rows(as_of)))
