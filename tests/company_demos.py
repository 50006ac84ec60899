"""What people said about the demos of the small company, and the plan that each of them tried."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from typing import Any

Row = dict[str, Any]

PLANS = ("basic", "full", None)
REASON = "price"
"""One for all: several would each be too small to be shown."""

WORDS = ("it is too dear", "we stay with what we have", "it lacks a report")


def tried(lead: Row, number: int) -> Row:
    """The lead with the plan it tried, an industry page for some, and why it was lost."""
    page = f"page {('farms', 'mills')[number // 4 % 2]}" if number % 4 == 1 else lead["campaign"]
    why = REASON if lead["lost_on"] else None
    return lead | {"campaign": page, "plan": PLANS[number // 3 % 3], "lost_reason": why}


def feedback_rows(leads: list[Row]) -> list[Row]:
    """Most who saw a demo and were lost wrote something a week later; every fourth one twice."""
    rows = []
    for number, lead in enumerate(row for row in leads if row["demo_on"] and row["lost_on"]):
        for time_asked in range(1 + (number % 4 == 0)):
            day: date = lead["lost_on"] + timedelta(days=7 + 30 * time_asked)
            rows.append(
                {
                    "answer_id": f"d{number:03d}-{time_asked}",
                    "question": "demo_feedback",
                    "respondent_id": lead["lead_id"],
                    "answered_on": day,
                    "score": float((number + time_asked) % 6),
                    "scale_max": 5,
                    "comment": None if number % 5 == 4 else WORDS[number % 3],
                    "recorded_at": datetime.combine(day + timedelta(days=2), time(9)),
                }
            )
    return rows
