"""When repeat orders are a poor KPI for a business, found from its data."""

from __future__ import annotations

from typing import Any

from kpi_lib.customers.shop.repeat_lists import days_of, waits_of
from kpi_lib.kpi import RuleOutcome
from kpi_lib.schema import Tables

_MOST = 0.5
_YEAR = 365.0


def one_off_buyers(tables: Tables, rule: Any) -> RuleOutcome | None:
    """Fires when most accounts watched for a year after a first order never ordered again in it."""
    waits = waits_of(days_of(tables, rule), tables.as_of)
    first = waits[waits["number"] == 0]
    watched = first[(first["again"] == 1) | (first["wait"] >= _YEAR)]
    if watched.empty:
        return None
    again = int(((watched["again"] == 1) & (watched["wait"] <= _YEAR)).sum())
    sentence = (
        f"{again} of {len(watched)} accounts ordered again within a year of their first order."
    )
    fires = again < _MOST * len(watched)
    return RuleOutcome(fires, sentence, "lead_conversion" if fires else "")


def short_record(tables: Tables, rule: Any) -> RuleOutcome | None:
    """Fires when orders are on record for less than the window and the days before it."""
    import pandas as pd

    days = days_of(tables, rule)["day"]
    if days.empty:
        return None
    span = (pd.Timestamp(tables.as_of) - days.min()).days
    needed = rule.window_days + rule.active_days
    sentence = f"Orders are on record for {span:,} days; a window with the days before it takes {needed:,}."
    return RuleOutcome(span < needed, sentence)
