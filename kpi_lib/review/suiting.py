"""Whether parameters suit the data: a column to split by that is there, a currency that is paid in."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from kpi_lib import catalogue
from kpi_lib.condition import parsed
from kpi_lib.condition.names import UNITS
from kpi_lib.condition.parsing import names_in
from kpi_lib.data import Dataset


def unsuited(
    name: str,
    chosen: Mapping[str, Any],
    own: Collection[str],
    asked: Collection[str],
    data: Dataset,
) -> list[str]:
    """What in the parameters of notebook `name` this data set cannot answer, one line each.

    `asked` were given on the command line. `own` were chosen for this data set (those, and the ones
    of its folder): of these the column must be filled. A column that only the project's files name
    may be missing here; then the notebook says that nothing is stated.
    """
    lines = []
    segment, currency = (chosen.get(key) for key in ("segment", "currency"))
    if isinstance(segment, str) and segment:
        fields = data.account_fields
        there = fields if "segment" in own else data.all_account_fields
        if segment not in (*there, *_own_segments(name)):
            told = f"no column of accounts in this data; there are {', '.join(fields) or 'none'}"
            lines.append(f"{_place(name, 'segment', segment, asked)}: {told}")
    if isinstance(currency, str) and currency and currency not in (known := data.currencies()):
        told = (
            f"no amount known on {data.last_day} is in it; there are {', '.join(known) or 'none'}"
        )
        lines.append(f"{_place(name, 'currency', currency, asked)}: {told}")
    return [*lines, *_rule_in_another_unit(name, str(chosen.get("drop_if") or ""), asked)]


def _rule_in_another_unit(name: str, rule: str, asked: Collection[str]) -> list[str]:
    """What is wrong with a condition that calls the figure by a unit the KPI is not measured in."""
    if name not in catalogue.names() or not rule.strip():
        return []
    unit = catalogue.get(name).unit
    try:
        used = [one for one in names_in(parsed(rule)) if one in UNITS and one not in unit.split()]
    except ValueError:
        return []  # told with the other faults of parameters
    place = _place(name, "drop_if", rule, asked)
    return [f"{place}: {one}: {name} is measured in {unit}; write value" for one in used]


def _own_segments(name: str) -> tuple[str, ...]:
    """What the KPI of a notebook can be split by besides the columns of accounts."""
    return catalogue.get(name).segments if name in catalogue.names() else ()


def _place(name: str, key: str, value: str, asked: Collection[str]) -> str:
    """Where a value was given: once for all notebooks, or in a file of one."""
    shown = " ".join(value.split())
    return f"-p {key}={shown}" if key in asked else f"{name}: {key} {shown}"
