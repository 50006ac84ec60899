"""Whether the condition that was registered for dropping a KPI has come true."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from kpi_lib.condition import Known, in_words, parsed, tell
from kpi_lib.condition.names import NAMES, RANGES, UNITS
from kpi_lib.condition.parsing import names_in
from kpi_lib.condition.wording import with_unit
from kpi_lib.evidence.finding import Finding
from kpi_lib.measure import Measurement

NOT_JUDGED = "judging is switched off"


@dataclass(frozen=True)
class Dropping:
    """The registered condition, in its own form and in words, and whether it holds.

    `holds` is None where it cannot be told, and where nothing is registered (`expression` is empty);
    `said` is one plain sentence.
    """

    expression: str
    words: str
    holds: bool | None
    reason: str
    said: str


def dropping(measured: Measurement, findings: Mapping[str, Finding] | None) -> Dropping:
    """What the results say about the registered `drop_if`; without findings tests are unknown."""
    expression = measured.params.drop_if.strip()
    if not expression:
        return Dropping("", "", None, "", "Nothing is registered that would drop it.")
    node = parsed(expression)
    known = {name: _known(name, measured, findings) for name in names_in(node)}
    told = tell(node, known)
    words = in_words(node, measured.kpi.unit, measured.currency)
    said = f"Registered: drop it if {words}. {_answer(told.holds, told.reason)}"
    shown = "; ".join(filter(None, (_shown(n, one, measured) for n, one in known.items())))
    shown = shown if told.holds is not None else ""
    return Dropping(
        expression, words, told.holds, told.reason, f"{said} ({shown})." if shown else f"{said}."
    )


def _answer(holds: bool | None, reason: str) -> str:
    if holds is None:
        return f"Whether that is so cannot be told: {reason}"
    return "That is so: what was registered says drop" if holds else "That is not so"


def _shown(name: str, one: Known, measured: Measurement) -> str:
    """The result itself, or its range where the condition holds all the same."""
    if one.low is None or NAMES[name].kind != "number":
        return ""
    if one.low != one.high:
        return one.reason
    return (
        f"{NAMES[name].words} is {with_unit(name, one.low, measured.kpi.unit, measured.currency)}"
    )


def _known(name: str, measured: Measurement, findings: Mapping[str, Finding] | None) -> Known:
    test, dot, _ = name.partition(".")
    if not dot:
        return _of_figure(name, measured)
    if findings is None:
        return Known(reason=NOT_JUDGED)
    return _of_finding(name, findings[test])


def _of_figure(name: str, measured: Measurement) -> Known:
    cell, change = measured.headline, measured.change
    if name in UNITS:
        if name not in measured.kpi.unit.split():
            return Known(reason=f"it is measured in {measured.kpi.unit}, not in {name}")
        name = "value"
    values = {
        "value": cell.value,
        "low": cell.low,
        "high": cell.high,
        "n": cell.n,
        "previous": measured.previous.value if measured.previous else None,
        "change": change.value,
        "change_low": change.low,
        "change_high": change.high,
    }
    is_change = name.startswith("change")
    reason = change.reason if is_change and change.reason else f"{NAMES[name].words} is not known"
    return _number(values[name], reason)


def _of_finding(name: str, finding: Finding) -> Known:
    """A number of a test, or its answer; the reason of the test where it has none."""
    key = name.partition(".")[2]
    reason = finding.reason or f"the test {finding.test} says nothing about it"
    if key == "passed":
        return _number(finding.passed, reason)
    if name in RANGES:
        return _range(name, finding, reason)
    return _number(finding.numbers.get(key), reason)


def _range(name: str, finding: Finding, reason: str) -> Known:
    low, high = (
        _number(finding.numbers.get(end.partition(".")[2]), "").low for end in RANGES[name]
    )
    if low is None or high is None or finding.numbers.get(name.partition(".")[2]) is None:
        return Known(reason=reason)
    if low >= high:
        return Known(low, low)
    unit = NAMES[name].unit
    return Known(low, high, f"{NAMES[name].words} lies between {low:g} and {high:g} {unit}")


def _number(value: Any, reason: str) -> Known:
    if value is None or not isinstance(value, (bool, int, float)) or math.isnan(value):
        return Known(reason=reason)
    return Known(float(value), float(value))
