"""What a composite reads: the tables and columns of all its parts together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from kpi_lib.kpi import Kpi

Columns = dict[str, tuple[str, ...]]


def tables_read(parts: Sequence[Kpi]) -> tuple[Columns, Columns, Columns]:
    """What the parts need, may read, and of which they need one.

    A group of which a needed table is a member is met by it. Raises TypeError where two groups are
    left, which a card cannot say.
    """
    needs = _merged([part.needs for part in parts])
    groups = [part.one_of for part in parts if part.one_of]
    left = [group for group in groups if not set(group) & set(needs)]
    if len({tuple(group) for group in left}) > 1:
        raise TypeError("the parts need one of several groups of tables")
    one_of = _merged(left)
    may = _merged([*(part.optional for part in parts), *(g for g in groups if g not in left)])
    needs = {name: _joined(columns, may.get(name, ())) for name, columns in needs.items()}
    optional = {name: columns for name, columns in may.items() if name not in needs}
    return needs, optional, one_of


def _merged(read: Sequence[Mapping[str, tuple[str, ...]]]) -> Columns:
    found: Columns = {}
    for tables in read:
        for name, columns in tables.items():
            found[name] = _joined(found.get(name, ()), columns)
    return found


def _joined(some: tuple[str, ...], more: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys([*some, *more]))
