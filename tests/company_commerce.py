"""Carts, page views and targets of the small company, written out by rules."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from typing import Any

Row = dict[str, Any]
CARTS, APART = 24, 30
VISITS = (
    ("home", "p1", "cart", "checkout"),
    ("p1", "p2", "p1", "cart"),
    ("p2", "cart", "delivery_cost"),
    ("p3-", "p1", "cart"),
    ("search", "p2"),
    ("home", "p1", "p3", "cart", "checkout"),
)
"""Pages in their order; a product that is out of stock ends with a minus."""


def _start(number: int, place: int, signed: date) -> datetime:
    day = signed + timedelta(days=5 + APART * place + number % 7)
    return datetime.combine(day, time(8 + place % 9, number))


def cart_rows(number: int, account: str, signed: date) -> list[Row]:
    """A cart every 30 days: ordered at once, after three days, or never. One in nine names nobody."""
    rows = []
    for place in range(CARTS):
        if "cart" not in VISITS[(number + place) % len(VISITS)]:
            continue
        made, kind = _start(number, place, signed), (number + 2 * place) % 5
        wait = {0: timedelta(hours=1), 2: timedelta(days=3), 4: timedelta(hours=20)}.get(kind)
        rows.append(
            {
                "cart_id": f"c-{account}-{place:02d}",
                "account_id": None if (number + place) % 9 == 8 else account,
                "session_id": f"v-{account}-{place:02d}",
                "created_at": made,
                "ordered_at": made + wait if wait else None,
                "amount": 50.0 + 10 * ((number + place) % 7),
                "items": 1 + (number + place) % 4,
            }
        )
    return rows


def view_rows(number: int, account: str, signed: date) -> list[Row]:
    """The pages of each visit, a minute apart."""
    rows = []
    for place in range(CARTS):
        made = _start(number, place, signed)
        for step, page in enumerate(VISITS[(number + place) % len(VISITS)]):
            is_product = page.startswith("p")
            rows.append(
                {
                    "session_id": f"v-{account}-{place:02d}",
                    "account_id": None if (number + place) % 9 == 8 else account,
                    "at": made + timedelta(minutes=step),
                    "page": "product" if is_product else page,
                    "product_id": page.rstrip("-") if is_product else None,
                    "in_stock": not page.endswith("-") if is_product else None,
                }
            )
    return rows


def booking_of(number: int, place: int, day: date) -> Row:
    """Every other account books its second and fourth order; one order in five has no freight."""
    booked = number % 2 == 0 and place % 2 == 1
    return {
        "booking": booked,
        "deliver_on": day + timedelta(weeks=8 + number % 12) if booked else None,
        "freight": None if (number + place) % 5 == 4 else 3.0 + number % 4,
    }


def target_rows(number: int, account: str, signed: date) -> list[Row]:
    """A target per year, set in the December before, or soon after signing; some without potential."""
    return [
        {
            "account_id": account,
            "year": year,
            "set_on": max(date(year - 1, 12, 10), signed + timedelta(days=3)),
            "target_amount": 200.0 + 10 * number,
            "potential_amount": None if number % 6 == 5 else 500.0 + 20 * number,
        }
        for year in (2024, 2025)
        if signed.year <= year
    ]
