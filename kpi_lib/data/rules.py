"""The rules that one row must keep, made from the contract as Ibis expressions."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass

import ibis
import ibis.expr.types as ir

from kpi_lib.data.span import as_day
from kpi_lib.schema import Column, TableContract

TOLERATED = 0.05
"""Share of rows up to which a breach that figures survive is a warning; above it, an error."""

EMPTY = "is empty"
Broken = Callable[[ir.Table], ir.BooleanValue]


@dataclass(frozen=True)
class RowRule:
    """A condition under which a row is wrong. `tolerated` is the share of rows that is a warning.

    `shown` are the columns that an example shows beside the key.
    """

    column: str
    rule: str
    broken: Broken
    todo: str
    tolerated: float = 0.0
    shown: tuple[str, ...] = ()


def row_rules(contract: TableContract, present: Collection[str]) -> Iterator[RowRule]:
    """The rules for the columns a table has at its source."""
    for column in contract.columns:
        if column.name in present:
            yield from _column_rules(column)
    yield from _order_rules(contract, present)
    if contract.known_at == "end of month":
        month = contract.known_on
        todo = "Write each month as its first day"
        yield RowRule(
            month,
            "is not the first day of a month",
            lambda t: t[month].day() != 1,
            todo,
            0,
            (month,),
        )
    if contract.name == "leads" and "account_id" in present:
        todo = "Such an account counts as known from the lead's first day; give account_linked_on"
        yield RowRule("account_id", "has no account_linked_on", _not_linked, todo, 1)


def _not_linked(leads: ir.Table) -> ir.BooleanValue:
    return leads["account_id"].notnull() & leads["account_linked_on"].isnull()


def _order_rules(contract: TableContract, present: Collection[str]) -> Iterator[RowRule]:
    for order in contract.orders:
        if order.earlier in present and order.later in present:
            shown = (order.earlier, order.later)
            todo = "Correct the dates at the source; the rows are kept"
            yield RowRule(
                order.later,
                f"lies before {order.earlier}",
                _before(*shown),
                todo,
                order.tolerated,
                shown,
            )


def _before(earlier: str, later: str) -> Broken:
    """Whether `later` lies before `earlier`; a moment in UTC and a local day may differ by one day."""

    def broken(table: ir.Table) -> ir.BooleanValue:
        first, second = table[earlier], table[later]
        mixed = first.type().is_timestamp() != second.type().is_timestamp()
        second = as_day(second) + ibis.interval(days=1) if mixed else second
        return as_day(second) < as_day(first)

    return broken


def _endless(name: str) -> Broken:
    """Whether a number of a database is infinite or no number; those of files are not read then."""
    return lambda table: table[name].isinf() | table[name].isnan()


def _column_rules(column: Column) -> Iterator[RowRule]:
    name, shown = column.name, (column.name,)
    if column.required:
        todo = "Fill it at the source, or leave such rows out under sql"
        yield RowRule(name, EMPTY, lambda t: t[name].isnull(), todo)
    if column.kind in ("money", "number"):
        todo = "Correct it at the source, or turn it into null under sql"
        yield RowRule(name, "is no finite number", _endless(name), todo, 0, shown)
    if column.minimum is not None:
        minimum = column.minimum
        rule = "is negative" if minimum == 0 else f"is below {minimum:g}"
        yield RowRule(
            name,
            rule,
            lambda t: t[name] < minimum,
            "Correct it at the source or under sql",
            column.tolerated,
            shown,
        )
    if column.allowed:
        rule = f"is not one of {', '.join(str(one) for one in column.allowed)}"
        tolerated = 0 if column.required else 1
        yield RowRule(
            name,
            rule,
            lambda t: t[name].notin(column.allowed),
            "Translate the values under sql",
            tolerated,
            shown,
        )
