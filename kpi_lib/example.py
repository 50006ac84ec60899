"""Small companies written by hand: tables for worked examples and tests."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

import ibis
import ibis.expr.types as ir

from kpi_lib.schema import OPEN_END, Tables

Rows = Sequence[Mapping[str, Any]]

_COLUMNS: dict[str, str] = {
    "accounts": "account_id name signed_on kickoff_on segment industry country product_type "
    "is_ideal seats owner",
    "contacts": "contact_id account_id role created_on is_service",
    "subscriptions": "subscription_id started_on account_id ended_on cancelled_on term_ends_on "
    "monthly_amount billing_months plan seats currency reason",
    "usage": "account_id contact_id at event channel quantity",
    "onboarding": "account_id stage owner entered_at left_at",
    "orders": "order_id account_id ordered_at shipped_on cancelled_on returned_on channel booking "
    "deliver_on freight",
    "order_lines": "order_id line_no product_id quantity list_price unit_price",
}
_TYPES = {"is_ideal": "boolean", "is_service": "boolean", "booking": "boolean"}
_TYPES |= dict.fromkeys(["seats", "billing_months", "line_no"], "int64")
_TYPES |= dict.fromkeys(["quantity", "list_price", "unit_price", "freight"], "float64")
_TYPES |= {"monthly_amount": "float64", "at": "timestamp"}


def _type(column: str) -> str:
    if column in _TYPES:
        return _TYPES[column]
    if column.endswith("_on"):
        return "date"
    return "timestamp" if column.endswith("_at") else "string"


def small_table(name: str, rows: Rows) -> ir.Table:
    """One table of the contract from rows that state only what matters; the rest is null.

    Ends that are not stated stay open, as in an open data set.
    """
    kinds = {column: _type(column) for column in _COLUMNS[name].split()}
    ends = {"ended_on": OPEN_END, "left_at": OPEN_END}
    full = {c: [row.get(c, ends.get(c)) for row in rows] for c in kinds}
    return ibis.memtable(full, schema=kinds)


def small_company(as_of: date, /, currency: str = "EUR", **tables: Rows) -> Tables:
    """Tables of a company written by hand, one keyword per table, each a list of rows.

    >>> company = small_company(date(2026, 1, 31), accounts=[{"account_id": "a"}])
    >>> company["accounts"].count().execute()
    1
    """
    made = {name: small_table(name, rows) for name, rows in tables.items()}
    return Tables(made, as_of, currency=currency)
