"""Values made ready to travel inside a picture: rounded, dated, and the same bytes every time."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from kpi_lib.wording import steady

if TYPE_CHECKING:
    import pandas as pd

DIGITS = 6


def rounded(number: float, digits: int = DIGITS) -> float | None:
    """`number` to so many significant digits; None for what is not a finite number."""
    if not math.isfinite(number):
        return None
    short = float(f"{steady(number):.{digits}g}")
    return 0.0 if short == 0 else short


def plain(value: Any, digits: int = DIGITS) -> Any:
    """`value` as JSON can hold it: rounded number, text, ISO day, or None where nothing is known."""
    if value is None or isinstance(value, str | bool):
        return value
    if isinstance(value, datetime | date):
        return _day(value)
    if hasattr(value, "item"):
        value = value.item()
    if isinstance(value, datetime | date):
        return _day(value)
    if isinstance(value, bool | int | str):
        return value
    return rounded(value, digits) if isinstance(value, float) else str(value)


def _day(value: date) -> str | None:
    if value != value:  # pandas' "not a time" differs from itself
        return None
    moment = isinstance(value, datetime) and (value.hour or value.minute or value.second)
    return value.isoformat()[:19] if moment else value.isoformat()[:10]


@dataclass(frozen=True)
class Rows:
    """Rows on their way into a picture; closed, so that nothing copies or checks them one by one."""

    values: list[dict[str, Any]]


def rows(frame: pd.DataFrame, columns: Iterable[str] | None = None) -> list[dict[str, Any]]:
    """The rows of `frame` as plain values, in order, holding `columns` (default: all)."""
    names = list(columns) if columns is not None else [str(name) for name in frame.columns]
    lists = [[plain(value) for value in frame[name].tolist()] for name in names]
    return [dict(zip(names, line, strict=True)) for line in zip(*lists, strict=True)]


def checksum(data: Any) -> str:
    """Eight characters that change whenever `data` (plain values) does."""
    text = json.dumps(data, sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()[:8]


def digest(datasets: Mapping[str, list[dict[str, Any]]]) -> str:
    """One line that stands for the picture where it cannot be drawn."""
    lists = list(datasets.values())
    lines = sum(len(values) for values in lists)
    columns = len({name for values in lists for row in values for name in row})
    mark = checksum(sorted(json.dumps(values, sort_keys=True) for values in lists))
    return f"picture: {lines} rows x {columns} columns, checksum {mark}"
