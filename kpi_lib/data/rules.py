"""The rules a row must keep, made from the contract as Ibis expressions."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import date

import ibis
import ibis.expr.types as ir

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
    """The rules for the columns a table has."""
    for column in contract.columns:
        if column.name in present:
            yield from _column_rules(table[column.name], column)
    for order in contract.orders:
        if order.earlier in present and order.later in present:
            broken = _day(table[order.later]) < _day(table[order.earlier])
            rule = f"lies before {order.earlier}"
            todo = "Correct the dates at the source; the rows are kept"
            yield RowRule(order.later, rule, broken, todo, order.tolerated, (order.earlier, order.later))
    if contract.known_at == "end of month":
        broken = table[contract.known_on].day() != 1
        yield RowRule(contract.known_on, "is not the first day of a month", broken, "Write the first day of the month", 0.0, (contract.known_on,))
    if contract.name == "leads" and "account_id" in present:
        broken = table["account_id"].notnull() & table["account_linked_on"].isnull()
        rule = "account without account_linked_on"
        todo = "These accounts count as known from the lead's first day; give the date of the link"
        yield RowRule("account_id", rule, broken, todo, 1.0)


def _column_rules(value: ir.Value, column: Column) -> Iterator[RowRule]:
    shown = (column.name,)
    if column.required:
        todo = "Fill it at the source, or leave such rows out under sql"
        yield RowRule(column.name, "is empty", value.isnull(), todo)
    if column.minimum is not None:
        rule = "is negative" if column.minimum == 0 else f"is below {column.minimum:g}"
        yield RowRule(column.name, rule, value < column.minimum, "Correct it at the source or under sql", 0.0, shown)
    if column.allowed:
        known = ", ".join(str(one) for one in column.allowed)
        rule = f"is not one of {known}"
        tolerated = 0.0 if column.required else 1.0
        yield RowRule(column.name, rule, value.notin(column.allowed), "Translate the values under sql", tolerated, shown)


def _day(value: ir.Value) -> ir.DateValue:
    return value.date() if value.type().is_timestamp() else value


def repeated_keys(table: ir.Table, contract: TableContract) -> ir.Table:
    """The keys that stand more than once, with `rows`, how often."""
    return table.group_by(contract.key).aggregate(rows=lambda t: t.count()).filter(lambda t: t["rows"] > 1)


def overlaps(table: ir.Table, group: str, start: str, end: str) -> ir.Table:
    """The rows whose span begins before the one before it in the group has ended."""
    before = table[end].lag().over(group_by=group, order_by=[start, end])
    return table.mutate(ended_before=before).filter(lambda t: t["ended_before"] > t[start])


def unresolved(child: ir.Table, column: str, parent: ir.Table, target: str) -> ir.Table:
    """The rows of `child` whose value is not a key of `parent`."""
    keys = parent.select(found=parent[target])
    return child.filter(child[column].notnull()).anti_join(keys, [(column, "found")])


def beside_accounts(child: ir.Table, day: ir.DateValue, accounts: ir.Table) -> ir.Table:
    """Per account of `child`: rows, first day, and when the account was signed (null if not there)."""
    firsts = child.mutate(row_day=day).group_by("account_id").aggregate(
        rows=lambda t: t.count(), first_day=lambda t: t["row_day"].min()
    )
    signed = accounts.select(known_id="account_id", signed_on="signed_on")
    return firsts.left_join(signed, [("account_id", "known_id")])


def after(day: ir.DateValue, today: date) -> ir.BooleanValue:
    """Whether a day lies in the future."""
    return day > ibis.literal(today, type="date")
