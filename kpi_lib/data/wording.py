"""How a problem is worded: its severity, and a few rows as short texts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import ibis.expr.types as ir

from kpi_lib.data.errors import Severity
from kpi_lib.engine import run

EXAMPLES = 5
_LONGEST = 60


def severity_of(broken: int, rows: int, tolerated: float) -> Severity:
    """An error where more than the tolerated share of the rows is broken."""
    return "error" if broken > tolerated * rows else "warning"


def examples_of(rows: ir.Table, label: Sequence[str]) -> tuple[str, ...]:
    """Up to five rows as short texts: the key, then the other columns with their names."""
    first = run(rows.order_by(list(rows.columns)).limit(EXAMPLES))
    return tuple(_example(row, label) for row in first.to_dict("records"))


def _example(row: Mapping[Any, Any], label: Sequence[str]) -> str:
    key = " ".join(_short(row[name]) for name in label)
    rest = ", ".join(f"{name} {_short(value)}" for name, value in row.items() if name not in label)
    return f"{key}: {rest}" if rest else key


def _short(value: Any) -> str:
    if value is None or value != value:
        return "empty"
    text = str(value).removesuffix(" 00:00:00")
    return text if len(text) <= _LONGEST else text[: _LONGEST - 3] + "..."
