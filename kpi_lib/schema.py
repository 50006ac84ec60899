"""The data contract: which tables and columns a data set may have, and when each value becomes known.

A leaf: both the KPIs and the data side know it, and it knows neither.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date

import ibis.expr.types as ir

OPEN_END = date(2999, 12, 31)
"""Stands for "not ended" in `ended_on` and `left_at` once a data set is open (joins stay fast)."""


@dataclass(frozen=True)
class Tables(Mapping[str, ir.Table]):
    """The tables of a data set as they were known at the end of one day."""

    tables: Mapping[str, ir.Table]
    as_of: date
    quarter_starts_in: int = 1
    currency: str = ""

    def __getitem__(self, name: str) -> ir.Table:
        return self.tables[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.tables)

    def __len__(self) -> int:
        return len(self.tables)
