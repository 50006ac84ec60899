"""The rules that one row must keep, made from the contract as Ibis expressions."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass

import ibis.expr.types as ir

from kpi_lib.data.span import as_day
from kpi_lib.schema import Column, TableContract

TOLERATED = 0.05
"""Share of rows up to which a breach that figures survive is a warning; above it, an error."""


@dataclass(frozen=True)
class RowRule:
    """A condition under which a row is wrong. `tolerated` is the share of rows that is a warning.

    `shown` are the columns that an example shows beside the key.
    """

    column: str
    rule: str
    broken: ir.BooleanValue
    todo: str
    tolerated: float = 0.0
    shown: tuple[str, ...] = ()


def row_rules(
    table: ir.Table, contract: TableContract, present: Collection[str]
) -> Iterator[RowRule]:
    """The rules for the columns a table has at its source."""
    for column in contract.columns:
        if column.name in present:
            yield from _column_rules(table[column.name], column)
    yield from _order_rules(table, contract, present)
    if contract.known_at == "end of month":
        month = contract.known_on
        todo = "Write each month as its first day"
        yield RowRule(
            month, "is not the first day of a month", table[month].day() != 1, todo, 0, (month,)
        )
    if contract.name == "leads" and "account_id" in present:
        undated = table["account_id"].notnull() & table["account_linked_on"].isnull()
        todo = "Such an account counts as known from the lead's first day; give account_linked_on"
        yield RowRule("account_id", "has no account_linked_on", undated, todo, 1)


def _order_rules(
    table: ir.Table, contract: TableContract, present: Collection[str]
) -> Iterator[RowRule]:
    for order in contract.orders:
        if order.earlier in present and order.later in present:
            broken = as_day(table[order.later]) < as_day(table[order.earlier])
            todo = "Correct the dates at the source; the rows are kept"
            shown = (order.earlier, order.later)
            yield RowRule(
                order.later, f"lies before {order.earlier}", broken, todo, order.tolerated, shown
            )


def _column_rules(value: ir.Value, column: Column) -> Iterator[RowRule]:
    shown = (column.name,)
    if column.required:
        todo = "Fill it at the source, or leave such rows out under sql"
        yield RowRule(column.name, "is empty", value.isnull(), todo)
    if column.minimum is not None:
        rule = "is negative" if column.minimum == 0 else f"is below {column.minimum:g}"
        todo = "Correct it at the source or under sql"
        yield RowRule(column.name, rule, value < column.minimum, todo, 0, shown)
    if column.allowed:
        rule = f"is not one of {', '.join(str(one) for one in column.allowed)}"
        broken, tolerated = value.notin(column.allowed), 0 if column.required else 1
        yield RowRule(column.name, rule, broken, "Translate the values under sql", tolerated, shown)
