"""Every candidate KPI: the folder `kpis` is the registry, a module's `KPI` is its card.

A card may be a `Composite`, a figure made of other KPIs; then the KPI that measures it is made here.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from pkgutil import iter_modules
from types import MappingProxyType

from kpi_lib import kpis
from kpi_lib.composite import Composite, compose
from kpi_lib.contract import CONTRACT
from kpi_lib.kpi import Kpi


@cache
def names() -> tuple[str, ...]:
    """The names of all KPIs, in alphabetical order, without importing them."""
    return tuple(sorted(found.name for found in iter_modules(kpis.__path__)))


@cache
def get(name: str) -> Kpi:
    """The card of one KPI; of a composite the KPI that measures it.

    Raises KeyError, naming the known ones, when there is none of that name. Raises TypeError when the
    module has no card, or one of another name, and for a composite whose parts are unknown or go in
    a circle.
    """
    return _made(name, _card, ())


@cache
def parts_of(name: str) -> tuple[str, ...]:
    """The names of the KPIs a composite is made of; none for any other."""
    card = _card(name)
    return card.parts if isinstance(card, Composite) else ()


@cache
def related(name: str) -> tuple[str, ...]:
    """The names of all KPIs that share a composite with this one, itself among them.

    A composite that only sets others' figures beside its parts joins no parts with each other.
    """
    found, seen = {name}, set[str]()
    joins = [one for one in names() if parts_of(one) and (one == name or not _compares(one))]
    while found - seen:
        seen |= found
        groups = ({one, *parts_of(one)} for one in joins)
        found |= {one for group in groups if group & seen for one in group}
    return tuple(sorted(found))


def _compares(name: str) -> bool:
    """Whether that is a composite with figures of others beside its parts."""
    card = _card(name)
    return isinstance(card, Composite) and card.beside is not None


def kpi_of(card: Kpi | Composite, find: Callable[[str], Kpi | Composite] | None = None) -> Kpi:
    """The KPI that measures a card which need not stand in the folder; `find` gives the others."""
    find = find or _card
    return _made(card.name, lambda name: card if name == card.name else find(name), ())


def _made(name: str, find: Callable[[str], Kpi | Composite], above: tuple[str, ...]) -> Kpi:
    """The KPI of that name, the composites `above` being made of it."""
    if name in above:
        circle = " -> ".join([*above[above.index(name) :], name])
        raise TypeError(f"a composite cannot be a part of itself: {circle}")
    card = find(name)
    if isinstance(card, Kpi):
        return card
    parts = {part: _part(part, find, (*above, name)) for part in card.parts}
    if not parts:
        raise TypeError(f"{name}: a composite needs parts")
    return compose(card, parts)


def _part(name: str, find: Callable[[str], Kpi | Composite], above: tuple[str, ...]) -> Kpi:
    try:
        return _made(name, find, above)
    except KeyError as unknown:
        raise TypeError(f"{above[-1]} is made of a KPI that there is not: {unknown}") from unknown


@cache
def _card(name: str) -> Kpi | Composite:
    """What the module of that name holds."""
    if name not in names():
        raise KeyError(f"no KPI is called {name!r}; known: {', '.join(names())}")
    found = getattr(import_module(f"{kpis.__name__}.{name}"), "KPI", None)
    if not isinstance(found, Kpi | Composite) or found.name != name:
        raise TypeError(f"kpis/{name}.py must hold a card KPI of the name {name!r}")
    return found


@cache
def catalogue() -> Mapping[str, Kpi]:
    """The cards of all KPIs by name."""
    return MappingProxyType({name: get(name) for name in names()})


@dataclass(frozen=True)
class Readiness:
    """Whether a data set can feed a KPI, and one line for each thing it lacks."""

    can_run: bool
    lacks: tuple[str, ...]


def ready(kpi: Kpi, tables_present: Mapping[str, Collection[str]]) -> Readiness:
    """Whether tables with these columns can feed the KPI.

    Columns that the contract lets a data set leave out are never lacking: they are null.

    >>> ready(get("inactive_customers"), {"accounts": ["account_id", "name"]}).lacks
    ('table subscriptions is missing', 'table usage is missing')
    """
    lacks = [line for table in kpi.needs.items() for line in _missing(*table, tables_present)]
    lacks += _none_of(kpi, tables_present)
    return Readiness(not lacks, tuple(lacks))


def _missing(
    table: str, columns: Collection[str], present: Mapping[str, Collection[str]]
) -> list[str]:
    if table not in present:
        return [f"table {table} is missing"]
    required = CONTRACT[table].required
    absent = [name for name in columns if name in required and name not in present[table]]
    return [f"table {table} lacks {', '.join(absent)}"] if absent else []


def _none_of(kpi: Kpi, present: Mapping[str, Collection[str]]) -> list[str]:
    """The lines to show when none of the tables of which one is enough can be used."""
    lines = {table: _missing(table, columns, present) for table, columns in kpi.one_of.items()}
    if not lines or not all(lines.values()):
        return []
    partly = [line for table, found in lines.items() if table in present for line in found]
    return partly or [f"one of the tables {', '.join(lines)} is needed"]
