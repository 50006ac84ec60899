"""Days, changes and verdicts in the words of the report; numbers are `kpi_lib.wording`'s."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from kpi_lib.wording import format_count, format_number, format_signed

VERDICTS: dict[str, tuple[str, str]] = {
    "adopt": ("✓", "It passed every test its role asks for."),
    "keep testing": ("…", "A required test cannot be told yet; the reason says what is missing."),
    "not readable here": ("?", "At this size, a change worth acting on cannot be seen."),
    "drop": ("✕", "It was shown not to do the job, or it does not fit this business."),
    "not judged": ("–", "The evidence was switched off or could not be computed."),
    "control": ("○", "Here for comparison: tested like the others, never suggested."),
}
"""Each verdict with its mark and what it says, in the order the report lists them."""

FINDINGS: dict[str, str] = {
    "readable": "Could we see a change at our size?",
    "leading": "Does it move early enough to act on?",
    "robust": "Does the conclusion survive other fair definitions?",
    "honest": "Can the number improve while the customer does not?",
    "distinct": "Does it tell something the others do not?",
    "fitting": "Is it a KPI for this kind of business?",
}

_MINUS = "\N{MINUS SIGN}"
_SUFFIXES = {"share": " pp", "days": " days", "points": " points"}


def signed(value: float | None, unit: str, currency: str = "") -> str:
    """A change with its sign and unit; percentage points are shortened to pp, zero is said so."""
    if value == 0:
        return "no change"
    text = format_signed(value, unit, currency).replace("percentage points", "pp")
    return _MINUS + text[1:] if text.startswith("-") else text


def signed_interval(low: float | None, high: float | None, unit: str) -> str:
    """Both ends of a change's interval with signs, no currency; empty when an end is unknown."""
    if low is None or high is None:
        return ""
    like = max(abs(low), abs(high))
    ends = [f"{_sign(end)}{format_number(abs(end), unit, like=like)}" for end in (low, high)]
    return " to ".join(ends) + _SUFFIXES.get(unit, "")


def _sign(value: float) -> str:
    return _MINUS if value < 0 else "+" if value > 0 else ""


def day_text(day: date) -> str:
    """A day as `31 December 2025`."""
    return f"{day.day} {day:%B %Y}"


def listing(names: Sequence[str]) -> str:
    """Names as a sentence has them: `a, b and c`."""
    return " and ".join([", ".join(names[:-1]), names[-1]]) if len(names) > 1 else "".join(names)


def counted(count: int, noun: str) -> str:
    """A count with its noun: `1 problem`, `3 problems`."""
    return format_count(count, noun)
