"""The tables part of the data card, written from the files themselves."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

_BEGIN, _END = "<!-- tables: written by make.py -->", "<!-- end of tables -->"
_COMPANIES = ("saas", "wholesale")
# Unit or meaning of a column, by its name or by table and name.
_MEANINGS = {
    "account_id": "company",
    "amount": "money",
    "answered_on": "date",
    "at": "time",
    "billing_months": "months",
    "booking": "true or false",
    "campaign": "text",
    "cancelled_on": "date of notice",
    "orders.cancelled_on": "date",
    "carts.amount": "money, before freight",
    "channel": "text",
    "comment": "text",
    "confidence": "high, medium, low",
    "contact_id": "person",
    "cost": "money per touch",
    "country": "ISO code",
    "created_at": "time",
    "created_on": "date",
    "deliver_on": "date agreed",
    "demo_on": "date",
    "department": "text",
    "ended_on": "date, first day no longer paid",
    "entered_at": "time",
    "event": "what was done",
    "field": "segment, owner, is_ideal, seats",
    "freight": "money",
    "from_on": "date",
    "in_stock": "true or false",
    "is_ideal": "true or false",
    "is_service": "true or false",
    "items": "pieces",
    "kind": "goods, service",
    "kickoff_on": "date",
    "left_at": "time",
    "lever": "content, team, channel",
    "list_price": "money per piece",
    "lost_on": "date",
    "month": "first day of the month",
    "monthly_amount": "money per month",
    "ordered_at": "time",
    "period": "first day of the quarter",
    "potential_amount": "money per year",
    "quantity": "pieces",
    "usage.quantity": "actions or calls",
    "returned_on": "date",
    "score": "points",
    "scale_max": "10 or 5",
    "seats": "people",
    "set_on": "date",
    "shipped_on": "date",
    "signed_on": "date",
    "started_on": "date",
    "states.amount": "money per year",
    "target_amount": "money per year",
    "term_ends_on": "date",
    "people": "asked",
    "unit_price": "money per piece",
    "value": "text",
    "benchmarks.value": "in the KPI's unit",
    "definition": "settings that the figure follows, empty where not stated",
    "won_on": "date",
    "year": "calendar year",
}


def update_card(card: Path) -> None:
    """Rewrite the tables of the data card from the companies beside it."""
    text = card.read_text(encoding="utf-8")
    before, rest = text.split(_BEGIN)
    after = rest.split(_END)[1]
    sections = "\n".join(_section(card.parent / company) for company in _COMPANIES)
    card.write_text(f"{before}{_BEGIN}\n\n{sections}\n{_END}{after}", encoding="utf-8")


def _section(folder: Path) -> str:
    files = sorted([*folder.glob("*.csv"), *folder.glob("*.parquet")], key=lambda file: file.stem)
    rows = "\n".join(_row(file) for file in files)
    head = f"## {folder.name}: tables\n\n| table | rows | file | columns |\n|---|---:|---|---|"
    return f"{head}\n{rows}\n"


def _row(file: Path) -> str:
    frame = pd.read_parquet(file) if file.suffix == ".parquet" else pd.read_csv(file)
    columns = ", ".join(_column(file.stem, str(column)) for column in frame.columns)
    return f"| {file.stem} | {len(frame):,} | {file.suffix[1:].upper()} | {columns} |"


def _column(table: str, column: str) -> str:
    meaning = _MEANINGS.get(f"{table}.{column}", _MEANINGS.get(column))
    return f"`{column}` ({meaning})" if meaning else f"`{column}`"
