"""The verdict that the findings suggest; the team decides."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Literal

from kpi_lib.evidence.distinct import distinct
from kpi_lib.evidence.finding import DEFAULTS, NO_OTHERS, Finding, Others, Settings, settings_for
from kpi_lib.evidence.fitting import fitting, said_against
from kpi_lib.evidence.honest import honest
from kpi_lib.evidence.leading import leading
from kpi_lib.evidence.readable import readable
from kpi_lib.evidence.robust import robust
from kpi_lib.kpi import Kpi, KpiParams, Role, Source

Suggestion = Literal["adopt", "keep testing", "drop", "not readable here"]

REQUIRED: Mapping[Role, tuple[str, ...]] = {
    Role.LEADING: ("readable", "leading", "robust", "honest", "fitting"),
    Role.OUTCOME: ("readable", "robust", "honest", "fitting"),
    Role.CONTROL: ("readable", "leading", "robust", "honest", "fitting"),
}
"""The tests that must pass before a KPI of that role is suggested."""

Test = Callable[[Kpi, Source, KpiParams, Settings], Finding]

_TESTS: Mapping[str, Test] = {
    "readable": readable,
    "leading": leading,
    "robust": robust,
    "honest": honest,
    "distinct": distinct,
    "fitting": fitting,
}


@dataclass(frozen=True)
class Verdict:
    """What the findings suggest, and why, in one plain sentence."""

    kpi: Kpi
    findings: Mapping[str, Finding]
    suggestion: Suggestion
    because: str


def judge(
    kpi: Kpi,
    source: Source,
    params: KpiParams,
    settings: Settings = DEFAULTS,
    others: Others = NO_OTHERS,
) -> Verdict:
    """The six findings of a KPI on its data, and the verdict they suggest.

    Level, power, compare_periods and response_months are those of `params`. `others` are the
    candidates that may give a cheap move away.
    """
    found = findings_of(kpi, source, params, settings_for(params, settings), others)
    return concluded(kpi, found)


def findings_of(
    kpi: Kpi, source: Source, params: KpiParams, settings: Settings, others: Others
) -> dict[str, Finding]:
    """What the six tests find, by name, under settings that are those of `params`."""
    return {name: test(kpi, source, params, settings) for name, test in tests_with(others).items()}


def tests_with(others: Others) -> Mapping[str, Test]:
    """The six tests by name; some of them compare with the other candidates."""
    return {
        **_TESTS,
        "honest": partial(honest, others=others),
        "distinct": partial(distinct, others=others),
    }


def concluded(kpi: Kpi, findings: Mapping[str, Finding]) -> Verdict:
    """The verdict on findings by test name; the first rule that matches wins."""
    suggestion, because = _first_match(kpi.role, findings)
    if kpi.role is Role.CONTROL:
        said = "It is the control of the comparison and is never suggested"
        suggestion = "keep testing" if suggestion == "adopt" else suggestion
        because = f"{said}. {because}"
    return Verdict(kpi, findings, suggestion, because)


def _first_match(role: Role, findings: Mapping[str, Finding]) -> tuple[Suggestion, str]:
    passed = {name: finding.passed for name, finding in findings.items()}
    if passed["fitting"] is False:
        return "drop", said_against(findings["fitting"])
    if passed["honest"] is False:
        return "drop", f"It can be gamed unseen: {findings['honest'].headline}"
    if role is not Role.OUTCOME and passed["leading"] is False:
        return "drop", f"It does not lead: {findings['leading'].headline}"
    if passed["readable"] is False:
        return "not readable here", findings["readable"].headline
    required = REQUIRED[role]
    missing = [name for name in required if passed[name] is None]
    if missing:
        return "keep testing", _missing(missing, findings)
    failed = [name for name in required if not passed[name]]
    if failed:
        return "keep testing", _failed(failed, findings)
    return "adopt", _all_passed(required, findings)


def _missing(names: list[str], findings: Mapping[str, Finding]) -> str:
    gaps = "; ".join(f"{name} ({findings[name].reason})" for name in names)
    return f"It cannot be told yet whether it is {gaps}."


def _failed(names: list[str], findings: Mapping[str, Finding]) -> str:
    gaps = "; ".join(f"{name} ({findings[name].reason})" for name in names)
    return f"It is not {gaps}."


def _all_passed(required: tuple[str, ...], findings: Mapping[str, Finding]) -> str:
    shown = findings["leading"] if "leading" in required else findings["readable"]
    return f"It passed all {len(required)} tests that its role requires. {shown.headline}"
