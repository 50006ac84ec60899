"""What is known before the first number: the card, the registration, the data that were read."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kpi_lib.charts.shown import Block, Prose, facts
from kpi_lib.charts.units import day
from kpi_lib.condition import in_words, parsed
from kpi_lib.kpi import Better, Kpi, KpiParams
from kpi_lib.view import View
from kpi_lib.wording import format_change

if TYPE_CHECKING:
    from datetime import date

    from kpi_lib.evidence.finding import Finding

ROLES = {
    "leading": "leading: it has to warn before renewals are lost",
    "outcome": "outcome: it says what happened",
    "control": "control: judged like the others, never suggested",
}


def card(kpi: Kpi) -> View:
    """The card of the KPI: question, unit, direction, role, owner, rhythm, source."""
    pairs = [
        ("Question", kpi.question),
        ("Unit", kpi.unit.value),
        ("Better", "higher" if kpi.better is Better.HIGHER else "lower"),
        ("Role", ROLES[kpi.role.value]),
        ("Who acts on it", kpi.owner),
        ("Looked at", kpi.cadence.value),
        ("Reads", ", ".join(_read(kpi))),
        ("Source", kpi.source),
    ]
    return View(kpi.question, table=lambda: facts(pairs, heading=kpi.title))


def _read(kpi: Kpi) -> list[str]:
    """The tables a KPI reads, those it can do without marked."""
    return [
        *kpi.needs,
        *([f"one of {' or '.join(kpi.one_of)}"] if kpi.one_of else []),
        *(f"{name} (if there)" for name in kpi.optional if name not in kpi.one_of),
    ]


def formula(kpi: Kpi) -> Prose:
    """The formula, each symbol with its unit, as Markdown."""
    return Prose(kpi.formula, kpi.formula)


def registration(kpi: Kpi, params: KpiParams, as_of: date, currency: str) -> View:
    """What was written down before looking: hypothesis, what would drop it, when to decide."""
    change = params.interesting_change
    pairs = [
        ("We expect", params.hypothesis or "nothing is registered yet"),
        ("We drop it if", drop_words(kpi, params, currency) or "nothing is registered yet"),
        ("We decide on", day(params.decide_on) if params.decide_on else "no day is registered yet"),
        ("Planned looks", ", ".join(day(look) for look in params.looks)),
        ("Worth acting on", _at_least(change, kpi, currency)),
        ("Data known until", day(as_of)),
    ]
    said = ". ".join(f"{name}: {value.rstrip('.')}" for name, value in pairs if value) + "."
    return View(said, table=lambda: facts(pairs))


def drop_words(kpi: Kpi, params: KpiParams, currency: str) -> str:
    """The registered condition in words, with its own form behind it; empty where there is none."""
    text = params.drop_if.strip()
    return f"{in_words(parsed(text), kpi.unit, currency)} ({text})" if text else ""


def _at_least(change: float, kpi: Kpi, currency: str) -> str:
    return f"a change of {format_change(change, kpi.unit, currency)} or more" if change else ""


def references(kpi: Kpi) -> Prose:
    """Where definition and method come from, one line each."""
    lines = [kpi.source, *kpi.references]
    return Prose("\n".join(lines), "\n".join(f"- {line}" for line in lines))


def cautions(kpi: Kpi, fitting: Finding, honest: Finding | None = None) -> View:
    """When the KPI misleads: what its card declares and was found in the data, and its cheap moves.

    With the finding `honest` the moves stand there as they were played, else as declared.
    """
    declared = "\n".join(f"- {line}" for line in kpi.cautions)
    said = f"{fitting.headline}\n\n{declared}".strip()
    return View(said, table=lambda: _moves(kpi, honest))


def _moves(kpi: Kpi, honest: Finding | None) -> Block | None:
    import pandas as pd

    from kpi_lib.charts.table import table

    if not kpi.cheap_moves:
        return None
    rows = [
        {"cheap move": m.name, "what is done": m.meaning, "given away by": m.given_away_by}
        for m in kpi.cheap_moves
    ]
    frame = pd.DataFrame(rows)
    if honest is not None:
        frame["what happened here"] = honest.table["told"].to_numpy()
    return table(frame)
