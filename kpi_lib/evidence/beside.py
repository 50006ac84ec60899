"""What is shown beside the rules of fitting, and neither passes nor fails: what kind of KPI it is, who
can move it, what measuring it costs and how late it is known."""

from __future__ import annotations

import ibis.expr.types as ir

from kpi_lib.contract import CONTRACT
from kpi_lib.engine import run
from kpi_lib.kpi import Kpi
from kpi_lib.schema import Tables, found_once
from kpi_lib.wording import format_count

BY_CUSTOMERS = {"usage", "onboarding", "answers", "carts", "page_views"}
"""Tables of what customers do or say; the others are what we book and record ourselves."""

Fact = dict[str, str]


def beside(kpi: Kpi, tables: Tables) -> list[Fact]:
    """One fact each, as name (kind, movers, cost, delay) and sentence."""
    said = {
        "kind": _kind(kpi, tables),
        "movers": _movers(kpi, tables),
        "cost": _cost(read_by(kpi, tables), tables),
        "delay": _delay(read_by(kpi, tables), tables),
    }
    return [{"name": name, "sentence": sentence} for name, sentence in said.items()]


def read_by(kpi: Kpi, tables: Tables) -> list[str]:
    """The tables that the card declares and that are there."""
    declared = dict.fromkeys([*kpi.needs, *kpi.one_of, *kpi.optional])
    return [name for name in declared if name in tables]


def _kind(kpi: Kpi, tables: Tables) -> str:
    declared = [*kpi.needs, *kpi.one_of]
    main = [name for name in declared if name in tables] or declared
    theirs = [name for name in main if name in BY_CUSTOMERS]
    is_scoreboard = not theirs if kpi.is_scoreboard is None else kpi.is_scoreboard
    if not is_scoreboard:
        made_of = f" ({_listed(theirs)})" if theirs else ""
        return f"Customer value: it is made of what customers do or say{made_of}."
    ours = [name for name in main if name not in BY_CUSTOMERS]
    made_of = f" ({_listed(ours)})" if ours else ""
    return f"Company scoreboard: it is made of what we book ourselves{made_of}."


def _movers(kpi: Kpi, tables: Tables) -> str:
    said = [f"{kpi.owner} (owner)"]
    stages = _values(tables, "onboarding", "owner") if "onboarding" in read_by(kpi, tables) else []
    if stages:
        said.append(f"{_listed(stages)} (owners of onboarding stages)")
    levers = _values(tables, "interactions", "lever")
    if levers:
        said.append(f"{_listed(levers)} (levers in the interactions)")
    moved = f"Can be moved by {'; '.join(said)}."
    return f"{moved} See that none pushes it onto another." if set(stages) - {kpi.owner} else moved


def _cost(names: list[str], tables: Tables) -> str:
    rows = sum(_rows_and_days(tables, name)[0] for name in names)
    return (
        f"Measuring it reads {format_count(len(names), 'table')} with {format_count(rows, 'row')}."
    )


def _delay(names: list[str], tables: Tables) -> str:
    told = {name: _rows_and_days(tables, name)[1] for name in names}
    late = {name: days for name, days in told.items() if days is not None}
    if not late:
        return "No table says when its rows were recorded: each counts as known on its own day."
    slowest = max(late, key=lambda name: late[name])
    mean = f"{late[slowest]:.1f}".removesuffix(".0")
    noun = "day" if mean == "1" else "days"
    return f"Rows of {slowest} are recorded {mean} {noun} after their own day on average, the latest of its tables."


@found_once
def _rows_and_days(tables: Tables, name: str) -> tuple[int, float | None]:
    """The number of rows of a table, and the mean days from a row's own day to its recording.

    The days are None where nothing says when rows were recorded.
    """
    table = tables[name]
    days = _days_late(tables, name)
    asked = {"rows": table.count()} if days is None else {"rows": table.count(), "days": days}
    found = run(table.aggregate(**asked)).iloc[0]
    mean = found.get("days")
    return int(found["rows"]), None if mean is None or mean != mean else float(mean)


def _days_late(tables: Tables, name: str) -> ir.FloatingScalar | None:
    contract, table = CONTRACT.get(name), tables[name]
    if contract is None or "recorded_at" not in table.columns:
        return None
    if not contract.known_on or contract.known_at != "day":
        return None
    own = table[contract.known_on]
    own_day: ir.DateValue = own.date() if own.type().is_timestamp() else own
    days = table["recorded_at"].date().delta(own_day, unit="day")
    return days.cast("float64").mean()


def _values(tables: Tables, name: str, column: str) -> list[str]:
    """The different values of a column, none where the table is not there."""
    if name not in tables or column not in tables[name].columns:
        return []
    rows = tables[name].select(column).distinct()
    return sorted(str(value) for value in run(rows)[column].dropna())


def _listed(names: list[str]) -> str:
    return ", ".join(sorted(names))
