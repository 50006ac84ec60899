"""Touches of the small company with their costs, before and after the sale, written out by rules."""

from __future__ import annotations

from datetime import datetime, time, timedelta
from typing import Any

Row = dict[str, Any]
KINDS = (
    ("guide", "content", "blog", "solve", 5.0),
    ("mail", "channel", "email", None, 1.0),
    ("demo", "team", "video", "decide", 200.0),
    ("call", "team", None, "decide", None),
)
"""name, lever, channel, track, cost"""


def costed(talks: list[Row]) -> list[Row]:
    """The talks of customers, with what each cost; every tenth has no cost written down."""
    return [
        row | {"cost": None if place % 10 == 9 else 80.0, "channel": "phone", "track": "grow"}
        for place, row in enumerate(talks)
    ]


def touch_rows(states: list[Row]) -> list[Row]:
    """Touches in the states before the sale: two kinds in each, the second only in every other.

    A touch on day 3 and one on day 12 of a state, written down on the next day.
    """
    rows = []
    before = [row for row in states if row["state"] in ("engaged", "qualified", "opportunity")]
    for place, stay in enumerate(before):
        days = (3,) if place % 2 else (3, 12)
        for kind, since in enumerate(days):
            name, lever, channel, track, cost = KINDS[(place + kind) % len(KINDS)]
            on = stay["entered_at"].date() + timedelta(days=since)
            rows.append(
                {
                    "interaction_id": f"{stay['account_id']}-{stay['state']}-{since}",
                    "account_id": stay["account_id"],
                    "contact_id": None,
                    "at": datetime.combine(on, time(10)),
                    "lever": lever,
                    "name": name,
                    "channel": channel,
                    "track": track,
                    "cost": cost,
                    "recorded_at": datetime.combine(on + timedelta(days=1), time(8)),
                }
            )
    return rows
