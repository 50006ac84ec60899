"""All candidates side by side, and the set that the findings suggest."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from kpi_lib.evidence.finding import (
    DEFAULTS,
    NO_OTHERS,
    TESTS,
    Others,
    Settings,
    cannot_tell,
)
from kpi_lib.evidence.fitting import not_fitting
from kpi_lib.evidence.kept import judge_once
from kpi_lib.evidence.verdict import REQUIRED, Verdict, concluded
from kpi_lib.kpi import Role, Source
from kpi_lib.wording import format_p_value

if TYPE_CHECKING:
    import pandas as pd

LARGEST_SET = 5


def choose(
    candidates: Others,
    source: Source,
    settings: Settings = DEFAULTS,
    unfed: Others = NO_OTHERS,
) -> pd.DataFrame:
    """Every candidate judged and compared; see `compared`.

    Of those that the data set cannot feed (`unfed`), the ones that do not fit the business are there
    too: that it has no such tables is then the answer.
    """
    verdicts = [
        judge_once(kpi, source, params, settings, candidates) for kpi, params in candidates.values()
    ]
    verdicts += turned_away(unfed, source)
    return compared(sorted(verdicts, key=lambda verdict: verdict.kpi.name), settings)


def turned_away(unfed: Others, source: Source) -> list[Verdict]:
    """The verdicts on those that do not fit the business, of KPIs that the data set cannot feed."""
    untested = {name: cannot_tell(name, "not tested, as it does not fit") for name in TESTS}
    found = [(kpi, not_fitting(kpi, source, params)) for kpi, params in unfed.values()]
    return [
        concluded(kpi, {**untested, "fitting": finding})
        for kpi, finding in found
        if finding is not None
    ]


def compared(verdicts: Sequence[Verdict], settings: Settings = DEFAULTS) -> pd.DataFrame:
    """One row per candidate, in the order given.

    Columns: kpi, title, role, owner, the six tests (True, False, None), lead_months, lead_low,
    lead_high, p_value, p_adjusted (Holm, over all candidates), interesting_change,
    smallest_visible, readability (the first over the second; 1 or more is readable), substitutes (to
    use where it does not fit), better_twins, suggestion, because, in_set. A lead that does not survive the adjustment counts as not told.
    """
    import pandas as pd

    p_values = [verdict.findings["leading"].numbers.get("p_value") for verdict in verdicts]
    adjusted = holm(p_values)
    rows = [
        _row(_adjusted(verdict, p_value, settings), p_value)
        for verdict, p_value in zip(verdicts, adjusted, strict=True)
    ]
    chosen = _suggested(rows)
    frame = pd.DataFrame([row | {"in_set": row["kpi"] in chosen} for row in rows])
    return frame.astype(dict.fromkeys(TESTS, "object")) if rows else frame


def holm(p_values: Sequence[float | None]) -> list[float | None]:
    """p-values adjusted for having tried several; None stays None and does not count.

    Source: Holm (1979), Scandinavian Journal of Statistics 6.
    """
    known = sorted((p, place) for place, p in enumerate(p_values) if p is not None)
    adjusted: list[float | None] = [None] * len(p_values)
    largest = 0.0
    for rank, (p_value, place) in enumerate(known):
        largest = min(1.0, max(largest, p_value * (len(known) - rank)))
        adjusted[place] = largest
    return adjusted


def _adjusted(verdict: Verdict, p_value: float | None, settings: Settings) -> Verdict:
    """The verdict with the lead taken as not told where it may be luck among several tries."""
    leading = verdict.findings["leading"]
    if leading.passed is not True or p_value is None or p_value <= settings.alpha / 2:
        return verdict
    reason = f"adjusted for the candidates tried, p is {format_p_value(p_value)}"
    changed = replace(leading, passed=None, reason=reason)
    return concluded(verdict.kpi, {**verdict.findings, "leading": changed})


def _row(verdict: Verdict, p_adjusted: float | None) -> dict[str, Any]:
    findings = verdict.findings
    lead, read = findings["leading"].numbers, findings["readable"].numbers
    interesting, visible = read.get("interesting_change"), read.get("smallest_visible")
    return {
        "kpi": verdict.kpi.name,
        "title": verdict.kpi.title,
        "role": str(verdict.kpi.role),
        "owner": verdict.kpi.owner,
        **{name: findings[name].passed for name in TESTS},
        "lead_months": lead.get("lead_months"),
        "lead_low": lead.get("lead_low"),
        "lead_high": lead.get("lead_high"),
        "p_value": lead.get("p_value"),
        "p_adjusted": p_adjusted,
        "interesting_change": interesting,
        "smallest_visible": visible,
        "readability": interesting / visible if interesting and visible else None,
        "substitutes": findings["fitting"].numbers.get("substitutes", []),
        "better_twins": findings["distinct"].numbers.get("better_twins", []),
        "suggestion": verdict.suggestion,
        "because": verdict.because,
    }


def _suggested(rows: Sequence[Mapping[str, Any]]) -> set[str]:
    """Names of up to five that are adopted or promising, from more than one department if possible."""
    promising = sorted((row for row in rows if _is_promising(row)), key=_merit, reverse=True)
    apart = _without_twins(promising)
    first, rest = apart[:LARGEST_SET], apart[LARGEST_SET:]
    other = [row for row in rest if row["owner"] not in {chosen["owner"] for chosen in first}]
    if other and len({row["owner"] for row in first}) == 1:
        first = [*first[:-1], other[0]]
    return {row["kpi"] for row in first}


def _without_twins(ranked: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Those of which no twin that says at least as much stands before them."""
    kept: list[Mapping[str, Any]] = []
    for row in ranked:
        if not set(row["better_twins"]) & {one["kpi"] for one in kept}:
            kept.append(row)
    return kept


def _is_promising(row: Mapping[str, Any]) -> bool:
    """Not the control, nothing that its role requires has failed, and something of it has passed."""
    role = Role(row["role"])
    answers = [row[name] for name in REQUIRED[role]]
    judged = row["suggestion"] in {"adopt", "keep testing"}
    return role is not Role.CONTROL and judged and True in answers and False not in answers


def _merit(row: Mapping[str, Any]) -> tuple[bool, int, int]:
    passed = sum(row[name] is True for name in REQUIRED[Role(row["role"])])
    return row["suggestion"] == "adopt", passed, row["lead_months"] or 0
