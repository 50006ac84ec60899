"""A small company of 20 accounts with a bit of everything, for laws and tests.

Written out by rules instead of chance, so that every run sees the same rows.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from typing import Any

from kpi_lib.example import small_company
from kpi_lib.periods import add_months
from kpi_lib.schema import Tables
from tests.company_benchmarks import benchmark_rows
from tests.company_commerce import booking_of, cart_rows, target_rows, view_rows
from tests.company_demos import feedback_rows, tried
from tests.company_states import PROSPECTS, customer_rows, prospect_rows
from tests.company_touches import costed, touch_rows

Row = dict[str, Any]
Rows = dict[str, list[Row]]

AS_OF = date(2025, 12, 31)
FIRST = date(2024, 1, 10)
ACCOUNTS = 20
LEADS, LEADS_FROM = 65, date(2024, 6, 1)
MONTHS_OF_SPEND = 40
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
    roles += [("sponsor", False)] if number % 4 else []
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


def _interactions(number: int) -> list[Row]:
    """A talk with the administrator every 50 days, with the sponsor (where there is one) every 75.

    Some are written down two months late.
    """
    signed, account = _signed(number), _id(number)
    talks = [(days, 1) for days in range(10, 800, 50)]
    talks += [(days, 3) for days in range(30, 800, 75) if number % 4]
    return [
        {
            "interaction_id": f"{account}-talk-{place}-{days}",
            "account_id": account,
            "contact_id": f"{account}-{place}",
            "at": _moment(signed + timedelta(days=days), 11),
            "lever": "team",
            "name": "success_review",
            "recorded_at": _moment(signed + timedelta(days=days + 60 * (days % 4 == 2)), 12),
        }
        for days, place in talks
    ]


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
            | booking_of(number, place, day)
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
            "unit_price": 19.0 if order["booking"] else 20.0,
        }
        for line in (1, 2)
    ]


def _lead(number: int) -> Row:
    """A lead every 11 days: won, lost early or late, or open; several of one account."""
    created = LEADS_FROM + timedelta(days=11 * number)
    kind, account = number % 5, _id(number % ACCOUNTS)
    won = created + timedelta(days=60 + 10 * (number % 7)) if kind == 0 else None
    lost = created + timedelta(days={1: 20, 2: 100}[kind]) if kind in (1, 2) else None
    linked = won or (created + timedelta(days=5) if number % 10 == 3 else None)
    return {
        "lead_id": f"l{number:02d}",
        "account_id": account if linked else None,
        "account_linked_on": linked,
        "created_on": created,
        "source": ("inbound", "event", "outbound")[number % 3],
        "campaign": None if number % 4 == 0 else f"campaign {number % 2}",
        "segment": ("small", "large", None)[number // 2 % 3],
        "is_ideal": (True, False, None)[number % 3],
        "demo_on": created + timedelta(days=15) if number % 3 == 0 else None,
        "won_on": won,
        "lost_on": lost,
    }


def _spend(number: int) -> list[Row]:
    """What was spent in each month since the year before the first customer."""
    month = add_months(date(2023, 1, 1), number)
    lines = [
        ("marketing", "inbound", "acquisition", 900.0 + 20 * number),
        ("marketing", "event", "acquisition", 500.0 * (number % 2)),
        ("sales", "outbound", "acquisition", 700.0),
        ("sales", None, "acquisition", 1_500.0 + 10 * number),
        ("marketing", None, "retention", 100.0 + number),
        ("support", None, "retention", 300.0),
        ("success", None, None, 400.0),
    ]
    return [
        dict(zip(("department", "channel", "purpose", "amount"), line, strict=True))
        | {"month": month, "campaign": None}
        for line in lines
    ]


def _costs(number: int) -> list[Row]:
    """Goods and service in each month since the account signed."""
    first = _signed(number).replace(day=1)
    return [
        {
            "account_id": _id(number),
            "month": add_months(first, month),
            "kind": kind,
            "amount": share * (100.0 + 10 * number),
        }
        for month in range(24)
        for kind, share in (("goods", 0.15), ("service", 0.1))
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
    for name in (
        "recorded_at",
        "started_on",
        "signed_on",
        "created_on",
        "created_at",
        "set_on",
        "at",
        "entered_at",
        "ordered_at",
        "month",
        "period",
    ):
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
        "interactions": _interactions,
        "onboarding": _onboarding,
        "orders": _orders,
        "costs": _costs,
        "states": lambda number: customer_rows(number, _id(number), _signed(number)),
        "carts": lambda number: cart_rows(number, _id(number), _signed(number)),
        "page_views": lambda number: view_rows(number, _id(number), _signed(number)),
        "targets": lambda number: target_rows(number, _id(number), _signed(number)),
    }
    rows = {
        name: [row for number in range(ACCOUNTS) for row in make(number)]
        for name, make in each.items()
    }
    leads = [tried(_lead(number), number) for number in range(LEADS)]
    rows["states"] += [row for number in range(PROSPECTS) for row in prospect_rows(number)]
    rows["interactions"] = costed(rows["interactions"]) + touch_rows(rows["states"])
    return rows | {
        "order_lines": [line for order in rows["orders"] for line in _lines(order)],
        "leads": leads,
        "spend": [row for number in range(MONTHS_OF_SPEND) for row in _spend(number)],
        "answers": _answers() + feedback_rows(leads),
        "invited": _invited(),
        "benchmarks": benchmark_rows(),
    }


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
