"""Units on axes and in column heads; numbers in sentences are `kpi_lib.wording`'s."""

from __future__ import annotations

import re
from datetime import date, datetime
from typing import Any

from kpi_lib.charts.values import plain
from kpi_lib.kpi import Unit
from kpi_lib.wording import MISSING, format_value

_MONEY = {Unit.MONEY, Unit.MONEY_PER_MONTH}


def as_unit(unit: Unit | str | None) -> Unit | None:
    """The unit named by `unit`, None for nothing and for text that is no unit."""
    return Unit(unit) if unit and unit in set(Unit) else None


def unit_name(unit: Unit | str | None, currency: str = "") -> str:
    """The unit as an axis or a column head names it: `days`, `%`, `EUR per month`, or nothing."""
    known = as_unit(unit)
    if known in _MONEY:
        money = currency or "money"
        return money if known is Unit.MONEY else f"{money} per month"
    if known is Unit.SHARE:
        return "%"
    if known in {Unit.RATIO, Unit.COUNT} or known is None:
        return "" if known else str(unit or "")
    return known.value


def axis_format(unit: Unit | str | None) -> str:
    """The format of an axis or a tooltip (d3's) for this unit."""
    known = as_unit(unit)
    if known is Unit.SHARE:
        return ".3~p"
    if known in _MONEY or known is Unit.COUNT:
        return ",.0f"
    return ",.3~r" if known is Unit.RATIO or known is None else ",.1~f"


def axis_title(what: str, unit: Unit | str | None, currency: str = "") -> str:
    """`what (unit)`, or `what` alone where there is no unit to name."""
    name = unit_name(unit, currency)
    return f"{what} ({name})" if name and name != what else what


def plural_name(unit: Unit | str | None) -> str:
    """What several figures of one unit are called together on an axis."""
    names = {Unit.SHARE: "share", Unit.COUNT: "number", Unit.DAYS: "days", Unit.POINTS: "points"}
    known = as_unit(unit)
    return names.get(known, "amount") if known else "value"


def readable(name: str) -> str:
    """A name from the data as words: contract_and_nda becomes contract and nda."""
    return name.replace("_", " ") if re.fullmatch(r"[a-z0-9_]+", name) else name


def cell_text(value: Any, unit: Unit | str | None = None, currency: str = "") -> str:
    """A value of a table as text: numbers in their unit, days as ISO, an en dash for nothing."""
    value = plain(value)
    if value is None:
        return MISSING
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, str):
        return value
    return format_value(value, str(as_unit(unit) or ""), currency)


def day(value: date | datetime | str | None) -> str:
    """A calendar day as 30 June 2026; an en dash for nothing."""
    text = plain(value)
    if not text:
        return MISSING
    when = date.fromisoformat(str(text)[:10])
    return f"{when.day} {when:%B %Y}"
