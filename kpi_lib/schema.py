"""The language of the data contract: tables as known on a day, and how a table is declared.

A leaf: both the KPIs and the data side know it, and it knows neither. The declarations themselves
stand in `kpi_lib/contract.py`.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import wraps
from operator import attrgetter
from typing import Any, Concatenate, Literal, ParamSpec, TypeVar, cast

import ibis.expr.types as ir

OPEN_END = date(2999, 12, 31)
"""Stands for "not ended" in `ended_on` and `left_at` once a data set is open (joins stay fast)."""

Kind = Literal["id", "text", "date", "at", "money", "number", "integer", "flag"]

ENGINE_TYPES: Mapping[Kind, str] = {
    "id": "string",
    "text": "string",
    "date": "date",
    "at": "timestamp",
    "money": "float64",
    "number": "float64",
    "integer": "int64",
    "flag": "boolean",
}
"""The Ibis type a column of each kind has once a data set is open; `at` is UTC without a zone."""


Namer = Callable[[ir.Table], ir.Table]
"""Gives an expression a name in the engine: the same rows, read under that name."""

P = ParamSpec("P")
T = TypeVar("T")


def unnamed(expression: ir.Table) -> ir.Table:
    """The expression itself."""
    return expression


@dataclass(frozen=True)
class Tables(Mapping[str, ir.Table]):
    """The tables of a data set as they were known at the end of one day.

    `name` gives an expression a name in the engine, where the engine has use for one: what is built
    on it is then written as SQL without writing all that lies beneath again. `keep` has it computed
    as well, once for all that build on it; of a small data set `name` does so too. `all_days` is
    there for a past day of a data set; see `with_all_days`.
    """

    tables: Mapping[str, ir.Table]
    as_of: date
    quarter_starts_in: int = 1
    currency: str = ""
    name: Namer = field(default=unnamed, repr=False, compare=False)
    keep: Namer = field(default=unnamed, repr=False, compare=False)
    all_days: Tables | None = field(default=None, init=False, repr=False, compare=False)
    before: Tables | None = field(default=None, repr=False, compare=False)
    """Tables that these are an edit of: what reads no edited table is taken from there."""
    _made: dict[Hashable, _Made] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )

    def __post_init__(self) -> None:
        if self.before is not None and self._frame() != self.before._frame():
            object.__setattr__(self, "before", None)  # another day may change any answer

    def _frame(self) -> tuple[object, ...]:
        """What an answer may depend on besides the tables that are read for it."""
        return self.as_of, self.quarter_starts_in, self.currency, set(self.tables)

    def __getitem__(self, name: str) -> ir.Table:
        _note((name,))
        return self.tables[name]

    def __contains__(self, name: object) -> bool:
        return name in set(self.tables)

    def __iter__(self) -> Iterator[str]:
        return iter(self.tables)

    def __len__(self) -> int:
        return len(self.tables)

    def once(self, key: Hashable, make: Callable[[], T]) -> T:
        """What `make` gives, made when `key` is first asked for; do not change it in place."""
        made = self._known(key)
        if made is None:
            _READING.each.append(set())
            try:
                found = make()
            finally:
                read = frozenset(_READING.each.pop())
            made = self._made[key] = _Made(found, read)
        _note(made.read)
        return cast("T", made.found)

    def _known(self, key: Hashable) -> _Made | None:
        """What was made already, here or, of tables that are the same there, before the edit."""
        if key in self._made or self.before is None:
            return self._made.get(key)
        made = self.before._known(key)
        same = made and all(self.tables[name] is self.before.tables[name] for name in made.read)
        return made if same else None


def with_all_days(tables: Tables, all_days: Tables) -> Tables:
    """The tables of a past day, through which what serves all days can be summed up once.

    `all_days` holds the rows known by the last day of the data set, each with `known_on`, the first
    day whose tables hold it, and without the columns that are filled in later. Filter what is made
    of them to `known_on` up to `tables.as_of` before anything else is done with it. Tables that are
    edited afterwards know nothing of it, since their rows are others.
    """
    object.__setattr__(tables, "all_days", all_days)
    return tables


class _Reading(threading.local):
    """The names of the tables read for each thing that is being made, the innermost last."""

    def __init__(self) -> None:
        self.each: list[set[str]] = []


_READING = _Reading()
"""Of all tables alike: those of another day, or edited in the midst of it, count by their name."""


def _note(names: Iterable[str]) -> None:
    if _READING.each:
        _READING.each[-1].update(names)


@dataclass(frozen=True)
class _Made:
    """What was made once, and the tables that were read for it."""

    found: Any
    read: frozenset[str]


Make = Callable[Concatenate[Tables, P], ir.Table]


def named(make: Make[P]) -> Make[P]:
    """The function, made once for the same tables and arguments, under a name in the engine.

    For what many questions build on. Arguments are hashable, or lists of hashable things.
    """
    return _once(make, attrgetter("name"))


def kept(make: Make[P]) -> Make[P]:
    """As `named`, for tables much smaller than what they are made from: computed once too."""
    return _once(make, attrgetter("keep"))


def _once(make: Make[P], namer: Callable[[Tables], Namer]) -> Make[P]:
    @wraps(make)
    def make_named(tables: Tables, /, *arguments: P.args, **others: P.kwargs) -> ir.Table:
        return namer(tables)(make(tables, *arguments, **others))

    return found_once(make_named)


def found_once(find: Callable[Concatenate[Tables, P], T]) -> Callable[Concatenate[Tables, P], T]:
    """The function, run once for the same tables and arguments: do not change in place what it gives.

    Arguments are hashable, or lists of hashable things.
    """

    @wraps(find)
    def once(tables: Tables, /, *arguments: P.args, **others: P.kwargs) -> T:
        values = tuple(map(_hashable, [*arguments, *others.values()]))
        key = (find.__module__, find.__qualname__, tuple(others), values)
        return tables.once(key, lambda: find(tables, *arguments, **others))

    return once


def _hashable(value: object) -> object:
    if isinstance(value, list):
        return tuple(value)
    return value.op() if isinstance(value, ir.Expr) else value


@dataclass(frozen=True, kw_only=True)
class Column:
    """One column of a contract table.

    `known_on`: the columns of the row whose earliest date says when the value became known; empty
    means with the row. `allowed`, `minimum`: values that make sense; `tolerated`: the share of rows
    below the minimum up to which that is a warning. `open_ended`: an empty value
    means "not yet" and becomes `OPEN_END`. `current_only`: overwritten at the source without a
    date. `ahead`: a date known before it comes (the end of a term), so it never dates the data.
    """

    name: str
    kind: Kind
    required: bool = True
    known_on: tuple[str, ...] = ()
    allowed: tuple[str | int, ...] = ()
    minimum: float | None = None
    tolerated: float = 0.0
    open_ended: bool = False
    current_only: bool = False
    ahead: bool = False

    @property
    def engine_type(self) -> str:
        """The Ibis type of the column in an open data set."""
        return ENGINE_TYPES[self.kind]


@dataclass(frozen=True, kw_only=True)
class Reference:
    """A column whose values are keys of another table.

    `strict` is False where the other side may not be there yet (a lead's account before the sale).
    """

    column: str
    table: str
    target: str
    strict: bool = True


@dataclass(frozen=True, kw_only=True)
class Order:
    """Two dates of a row of which `later` may not lie before `earlier`.

    `tolerated`: the share of rows up to which a breach is a warning; above it, an error.
    """

    earlier: str
    later: str
    tolerated: float = 0.05


@dataclass(frozen=True, kw_only=True)
class TableContract:
    """What a table must look like, and when its rows become known.

    `known_on` names the column that dates a row; `known_at` says whether that is its day or the end
    of its month. `known_with` names (table, column) of the parent a row becomes known with.
    `no_overlap` holds (group, start, end): spans of one group may not overlap. `silence` says what
    would wrongly be read from an end of its rows.
    """

    name: str
    meaning: str
    columns: tuple[Column, ...]
    key: tuple[str, ...] = ()
    known_on: str = ""
    known_at: Literal["day", "end of month"] = "day"
    known_with: tuple[str, str] | None = None
    references: tuple[Reference, ...] = ()
    orders: tuple[Order, ...] = ()
    no_overlap: tuple[str, str, str] | None = None
    silence: str = ""
    by_name: Mapping[str, Column] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "by_name", {column.name: column for column in self.columns})

    def __getitem__(self, column: str) -> Column:
        return self.by_name[column]

    def __contains__(self, column: str) -> bool:
        return column in self.by_name

    @property
    def required(self) -> tuple[str, ...]:
        """Names of the columns that must be there and filled."""
        return tuple(column.name for column in self.columns if column.required)
