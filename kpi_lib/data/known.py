"""What was known when: hides rows and blanks fields that came after a day.

Everything about looking ahead is decided here and in the contract, nowhere else. The expressions
are filters and choices within a row, except that the lines of an order follow their order, and a
dated history of account fields is joined to the accounts.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import date, datetime, time, timedelta

import ibis
import ibis.expr.types as ir

from kpi_lib.contract import CONTRACT
from kpi_lib.schema import OPEN_END, Column, TableContract

HISTORY = "account_history"


def end_of_day(day: date) -> ir.Value:
    """The first moment after `day`, as an expression."""
    return ibis.literal(datetime.combine(day + timedelta(days=1), time()), type="timestamp")


def last_full_month(day: date) -> date:
    """The first day of the last month that has ended by the end of `day`."""
    tomorrow = day + timedelta(days=1)
    return (tomorrow.replace(day=1) - timedelta(days=1)).replace(day=1)


def mask(
    tables: Mapping[str, ir.Table],
    present: Mapping[str, Collection[str]],
    dated_fields: Collection[str],
    day: date,
) -> dict[str, ir.Table]:
    """The tables as known at the end of `day`.

    `present` names the columns each source really has (others are null anyway). `dated_fields` are
    the account fields that `account_history` dates.
    """
    known = {name: mask_table(table, CONTRACT[name], present[name], day) for name, table in tables.items()}
    for name in tables:
        parent = CONTRACT[name].known_with
        if parent is not None and parent[0] in known:
            known[name] = known[name].semi_join(known[parent[0]], parent[1])
    if dated_fields:
        known["accounts"] = with_history(known["accounts"], known[HISTORY], dated_fields)
    return known


def mask_table(
    table: ir.Table, contract: TableContract, present: Collection[str], day: date
) -> ir.Table:
    """One table without the rows and fields of its own that came after `day`."""
    conditions = []
    if contract.known_on:
        conditions.append(_by(table, contract[contract.known_on], contract, day))
    if "recorded_at" in present:
        recorded = table["recorded_at"]
        conditions.append(recorded.isnull() | (recorded < end_of_day(day)))
    blanked = {
        column.name: _blank(table, column, contract, present, day)
        for column in contract.columns
        if column.known_on and column.name in present
    }
    masked = table.filter(conditions) if conditions else table
    return masked.mutate(**blanked) if blanked else masked


def _by(table: ir.Table, column: Column, contract: TableContract, day: date) -> ir.BooleanValue:
    """Whether the row's own date has come."""
    if contract.known_at == "end of month":
        return table[column.name] <= last_full_month(day)
    return _come(table, column, day)


def _come(table: ir.Table, column: Column, day: date) -> ir.BooleanValue:
    value = table[column.name]
    return value < end_of_day(day) if column.kind == "at" else value <= day


def _blank(
    table: ir.Table, column: Column, contract: TableContract, present: Collection[str], day: date
) -> ir.Value:
    """The field, or what stands for unknown while none of the dates that tell it has come."""
    told = [_come(table, contract[name], day) for name in column.known_on if name in present]
    if not told:
        return table[column.name]
    known = told[0]
    for another in told[1:]:
        known = known | another
    if column.name == "account_id" and contract.name == "leads":
        known = known | table["account_linked_on"].isnull()
    return ibis.ifelse(known, table[column.name], unknown(column))


def unknown(column: Column) -> ir.Value:
    """What stands for a value that is not known: null, or the far end of an open span."""
    if not column.open_ended:
        return ibis.null(column.engine_type)
    if column.kind == "at":
        return ibis.literal(datetime.combine(OPEN_END, time()), type="timestamp")
    return ibis.literal(OPEN_END, type="date")


def with_history(accounts: ir.Table, history: ir.Table, fields: Collection[str]) -> ir.Table:
    """The accounts with each dated field as its last known entry says (null before the first).

    `history` is already as known on the day, so the last entry is the newest one in it.
    """
    newest = ibis.row_number().over(group_by=["account_id", "field"], order_by=ibis.desc("from_on"))
    last = history.filter(history["field"].isin(sorted(fields))).mutate(place=newest)
    last = last.filter(last["place"] == 0)
    wide = last.group_by("account_id").aggregate(
        **{f"{name}_then": last["value"].max(where=last["field"] == name) for name in sorted(fields)}
    )
    joined = accounts.drop(*fields).left_join(wide.rename(account_then="account_id"), [("account_id", "account_then")])
    dated = {name: _typed(joined[f"{name}_then"], CONTRACT["accounts"][name]) for name in fields}
    return joined.mutate(**dated).select(*(column.name for column in CONTRACT["accounts"].columns))


def _typed(text: ir.Value, column: Column) -> ir.Value:
    if column.kind == "flag":
        return text.lower().isin(["true", "t", "1", "yes"]) if column.kind == "flag" else text
    return text.cast("float64").cast("int64") if column.kind == "integer" else text
