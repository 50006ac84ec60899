"""When early booking is a poor KPI for a business, found from its data."""

from __future__ import annotations

from typing import Any

from kpi_lib.customers.shop.bookings import YEAR, sold_lines
from kpi_lib.engine import run
from kpi_lib.kpi import RuleOutcome
from kpi_lib.schema import Tables

_FEW = 10


def nothing_is_booked(tables: Tables, rule: Any) -> RuleOutcome | None:
    """Fires where hardly an account booked in a year. The substitute is the basket.

    None where no order says whether it was booked: then nobody knows.
    """
    flags = tables["orders"]
    told = int(run(flags.aggregate(told=flags["booking"].count()))["told"].iloc[0])
    if not told and rule.orders_of != "all":
        return None
    rows = sold_lines(tables, rule)
    rows = rows.filter(rows["day"] > tables.as_of - YEAR, rows["day"] <= tables.as_of)
    booked = rows.filter(rows["booked"])
    accounts = int(run(booked.aggregate(n=booked["account_id"].nunique()))["n"].iloc[0])
    everyone = int(run(rows.aggregate(n=rows["account_id"].nunique()))["n"].iloc[0])
    if not everyone:
        return None
    sentence = f"{accounts} of {everyone} accounts booked in the last 365 days."
    return RuleOutcome(accounts < _FEW, sentence, "basket")


def no_discount(tables: Tables, rule: Any) -> RuleOutcome | None:
    """Fires where booked lines are sold at list price: the discount is given elsewhere, or not on record."""
    rows = sold_lines(tables, rule)
    booked = rows.filter(rows["booked"])
    off = booked["realised"] < booked["listed"]
    found = run(booked.aggregate(lines=booked.count(), off=booked.count(where=off))).iloc[0]
    lines, lower = int(found["lines"]), int(found["off"])
    if not lines:
        return None
    sentence = f"{lower / lines:.0%} of {lines:,} booked lines were sold below list price."
    return RuleOutcome(lower < lines / 2, sentence)
