"""Rows of several parts below each other in one table, and each part's own rows out of it again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import ibis
import ibis.expr.types as ir

if TYPE_CHECKING:
    import pandas as pd

PART = "part"
CLUSTER = "drawn"
"""What is drawn: the account, or the unit itself where a row belongs to no account."""

_BETWEEN = "__"


def column_of(part: str, name: str) -> str:
    """What a part's own column is called among those of the others."""
    return f"{part}{_BETWEEN}{name}"


def stacked(tables: Mapping[str, ir.Table], shared: Sequence[str]) -> ir.Table:
    """The tables below each other: the shared columns, `part`, and each part's own, null elsewhere."""
    own = {
        column_of(part, name): kind
        for part, table in tables.items()
        for name, kind in table.schema().items()
        if name not in shared
    }
    rows, nothing = [], {name: ibis.null(kind) for name, kind in own.items()}
    for part, table in tables.items():
        mine = {column_of(part, name): table[name] for name in table.columns if name not in shared}
        filled = {name: mine.get(name, null) for name, null in nothing.items()}
        rows.append(table.select(*shared, **{PART: ibis.literal(part)}, **filled))
    return ibis.union(*rows) if len(rows) > 1 else rows[0]


def own_rows(table: ir.Table, part: str) -> ir.Table:
    """The rows of one part under its own names, without the columns of the others."""
    mine = table.filter(table[PART] == part)
    return mine.select(**{new: mine[old] for old, new in _own_names(mine.columns, part).items()})


def own_frame(frame: pd.DataFrame, part: str) -> pd.DataFrame:
    """The same of a fetched frame; the index stays."""
    names = _own_names([str(name) for name in frame.columns], part)
    mine = frame[list(names)][(frame[PART] == part).to_numpy()]  # by columns first: fewer copies
    return mine.set_axis(list(names.values()), axis="columns")


def _own_names(columns: Sequence[str], part: str) -> dict[str, str]:
    mark = column_of(part, "")
    shared = {name: name for name in columns if _BETWEEN not in name and name != PART}
    return shared | {name: name[len(mark) :] for name in columns if name.startswith(mark)}


def with_cluster(observations: ir.Table) -> ir.Table:
    """Observations with what is drawn."""
    if CLUSTER in observations.columns:
        return observations
    drawn = ibis.coalesce(observations["account_id"], observations["unit_id"])
    return observations.mutate(**{CLUSTER: drawn})
