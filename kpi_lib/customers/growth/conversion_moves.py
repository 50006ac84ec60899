"""Cheap moves on stage conversion: the share improves, nobody buys or stays who would not have."""

from __future__ import annotations

from typing import Any

import ibis

from kpi_lib.customers.growth.conversion import Path
from kpi_lib.customers.growth.states import GONE, passages
from kpi_lib.editing import append_rows, with_table
from kpi_lib.schema import Tables

_SOON_DAYS = 60
_NOTICE_DAYS = 30


def _ways(tables: Tables, params: Path) -> Any:
    return passages(tables, params.states, params.from_state, params.to_state)


def late_entry(tables: Tables, params: Path) -> Tables:
    """The tables in which deals lost within 60 days were never written down as `from_state`."""
    ways = _ways(tables, params)
    quick = ways.filter((ways["outcome"] == GONE) & (ways["days"] <= _SOON_DAYS))
    rows = tables["states"]
    out = (rows["state"] == params.from_state) & rows["account_id"].isin(quick["account_id"])
    return with_table(tables, "states", rows.filter(~out))


def letters_of_intent(tables: Tables, params: Path) -> Tables:
    """The tables in which deals lost after more than 60 days are declared `to_state` on that day.

    They leave it again 30 days later.
    """
    ways = _ways(tables, params)
    slow = ways.filter((ways["outcome"] == GONE) & (ways["days"] > _SOON_DAYS))
    day = slow["ended_on"].cast("timestamp")
    new = slow.select(
        "account_id",
        "opportunity_id",
        state=ibis.literal(params.to_state),
        entered_at=day,
        left_at=day + ibis.interval(days=_NOTICE_DAYS),
    )
    return with_table(tables, "states", append_rows(tables["states"], new))
