"""What was known when: hides rows and blanks fields that came after a day.

Everything about looking ahead is decided here and in the contract, nowhere else. The expressions
are filters and choices within a row, except that the lines of an order follow their order, and a
dated history of account fields is joined to the accounts.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from types import FunctionType

import ibis
import ibis.expr.types as ir

from kpi_lib.contract import CONTRACT
from kpi_lib.data.span import as_day
from kpi_lib.schema import OPEN_END, Column, Namer, TableContract, unnamed

HISTORY = "account_history"


def version() -> str:
    """Changes when the functions of this module do, also while a program runs."""
    codes = [
        value.__code__ for value in list(globals().values()) if isinstance(value, FunctionType)
    ]
    return hashlib.sha256(
        b"".join(code.co_code + repr(code.co_names).encode() for code in codes)
    ).hexdigest()


def end_of_day(day: date) -> ir.Value:
    """The first moment after `day`, as an expression."""
    return ibis.literal(datetime.combine(day + timedelta(days=1), time()), type="timestamp")


def last_full_month(day: date) -> date:
    """The first day of the last month that has ended by the end of `day`."""
    tomorrow = day + timedelta(days=1)
    return (tomorrow.replace(day=1) - timedelta(days=1)).replace(day=1)


@dataclass(frozen=True)
class Knowledge:
    """What masking must know of a data set.

    `present`: the columns each table has at its source. `dated_fields`: the account fields that
    `account_history` dates. `outside`: tables that hold rows of accounts that are not known, whose
    rows therefore follow the accounts.
    """

    present: Mapping[str, Collection[str]]
    dated_fields: tuple[str, ...] = ()
    outside: frozenset[str] = frozenset()

    def everything(self) -> Knowledge:
        """The same, without leaving out rows of unknown accounts."""
        return replace(self, outside=frozenset())


class _Known(Mapping[str, ir.Table]):
    """Tables masked when first asked for, since a question rarely needs all of them."""

    def __init__(
        self, tables: Mapping[str, ir.Table], knowledge: Knowledge, day: date, name: Namer
    ) -> None:
        self._tables, self._knowledge, self._day = tables, knowledge, day
        self._name = name
        self._made: dict[str, ir.Table] = {}

    def __getitem__(self, name: str) -> ir.Table:
        if name not in self._made:
            self._made[name] = self._name(self._make(name))
        return self._made[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._tables)

    def __len__(self) -> int:
        return len(self._tables)

    def _make(self, name: str) -> ir.Table:
        table = self._own(name)
        parent = CONTRACT[name].known_with
        if parent is not None and parent[0] in self:
            table = with_parent(table, self[parent[0]], parent[1])
        if name in self._knowledge.outside:
            table = with_parent(table, self["accounts"], "account_id")
        if name == "accounts" and self._knowledge.dated_fields:
            table = with_history(table, self._own(HISTORY), self._knowledge.dated_fields)
        return table

    def _own(self, name: str) -> ir.Table:
        """A table as its own dates tell it, whatever it belongs to."""
        present = self._knowledge.present[name]
        return mask_table(self._tables[name], CONTRACT[name], present, self._day)


def as_known(
    tables: Mapping[str, ir.Table], knowledge: Knowledge, day: date, name: Namer = unnamed
) -> Mapping[str, ir.Table]:
    """The tables as known at the end of `day`, each made, and named, when it is first asked for."""
    return _Known(tables, knowledge, day, name)


class _Dated(_Known):
    """Tables known by a day of their own, each row with the first day that holds it.

    Columns that are filled in later are not there, nor rows that come after the day.
    """

    def __getitem__(self, name: str) -> ir.Table:
        if name not in set(self):
            raise KeyError(name)
        return super().__getitem__(name)

    def __iter__(self) -> Iterator[str]:
        dated = (name for name in self._tables if CONTRACT[name].known_on)
        return (name for name in dated if CONTRACT[name].known_at == "day")

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def _make(self, name: str) -> ir.Table:
        present, table = self._knowledge.present[name], self._tables[name]
        later = {c.name for c in CONTRACT[name].columns if c.known_on and c.name in present}
        later |= set(self._knowledge.dated_fields) if name == "accounts" else set()
        table = table.mutate(known_on=known_on(table, CONTRACT[name], present)).drop(*later)
        if name in self._knowledge.outside:
            table = after_parent(table, self["accounts"], "account_id")
        return table.filter(table["known_on"] <= self._day)


def by_known_day(
    tables: Mapping[str, ir.Table], knowledge: Knowledge, day: date, name: Namer = unnamed
) -> Mapping[str, ir.Table]:
    """The tables that have a day of their own, each row with `known_on`: the first day of `as_known`
    that holds it. Nothing that comes after `day`, and no column that is filled in later."""
    return _Dated(tables, knowledge, day, name)


def known_on(table: ir.Table, contract: TableContract, present: Collection[str]) -> ir.DateValue:
    """The first day on which a row passes `row_conditions`; null where none ever does."""
    own = as_day(table[contract.known_on])
    if "recorded_at" not in present:
        return own
    recorded = table["recorded_at"].date()
    return ibis.ifelse(recorded > own, recorded, own)  # no `greatest`: it would pass over a null


def after_parent(table: ir.Table, parent: ir.Table, column: str) -> ir.Table:
    """The rows that have a parent, known from its day on where that comes later."""
    first = parent.group_by(parent_id=parent[column]).aggregate(there_on=parent["known_on"].min())
    both = table.join(first, table[column] == first["parent_id"])
    later = ibis.ifelse(both["there_on"] > both["known_on"], both["there_on"], both["known_on"])
    return both.mutate(known_on=later).drop("parent_id", "there_on")


def mask_table(
    table: ir.Table, contract: TableContract, present: Collection[str], day: date
) -> ir.Table:
    """One table without the rows and fields of its own that came after `day`."""
    conditions = row_conditions(table, contract, present, day)
    blanked = blanked_fields(table, contract, present, day)
    masked = table.filter(conditions) if conditions else table
    return masked.mutate(**blanked) if blanked else masked


def row_conditions(
    table: ir.Table, contract: TableContract, present: Collection[str], day: date
) -> list[ir.BooleanValue]:
    """What holds for the rows known by the end of `day`."""
    conditions = []
    if contract.known_on:
        conditions.append(_by(table, contract[contract.known_on], contract, day))
    if "recorded_at" in present:
        recorded = table["recorded_at"]
        conditions.append(recorded.isnull() | (recorded < end_of_day(day)))
    return conditions


def blanked_fields(
    table: ir.Table, contract: TableContract, present: Collection[str], day: date
) -> dict[str, ir.Value]:
    """The fields filled in later, each with what was known of it by the end of `day`."""
    return {
        column.name: _blank(table, column, contract, present, day)
        for column in contract.columns
        if column.known_on and column.name in present
    }


def with_parent(table: ir.Table, parent: ir.Table, column: str) -> ir.Table:
    """The rows whose parent is known."""
    return table.semi_join(parent, column)


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
        **{
            f"{name}_then": last["value"].max(where=last["field"] == name)
            for name in sorted(fields)
        }
    )
    joined = accounts.drop(*fields).left_join(
        wide.rename(account_then="account_id"), [("account_id", "account_then")]
    )
    dated = {name: _typed(joined[f"{name}_then"], CONTRACT["accounts"][name]) for name in fields}
    return joined.mutate(**dated).select(*(column.name for column in CONTRACT["accounts"].columns))


def _typed(text: ir.Value, column: Column) -> ir.Value:
    if column.kind == "flag":
        return text.lower().isin(["true", "t", "1", "yes", "y"])
    return text.cast("float64").cast("int64") if column.kind == "integer" else text
