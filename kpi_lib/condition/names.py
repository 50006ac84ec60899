"""The results that a condition may name: what each is called in a sentence, and its unit."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Kind = Literal["number", "yes or no"]
OF_THE_KPI = "unit of the KPI"


@dataclass(frozen=True)
class ResultName:
    """One result: the words for it, its unit (`OF_THE_KPI` for the KPI's own), and its kind."""

    words: str
    unit: str = ""
    kind: Kind = "number"


UNITS = ("days", "share", "money", "ratio", "points", "count")
"""Names for the figure itself, for a KPI that is measured in them."""

_FIGURE = {
    "value": ResultName("the figure", OF_THE_KPI),
    "low": ResultName("the lower end of its interval", OF_THE_KPI),
    "high": ResultName("the upper end of its interval", OF_THE_KPI),
    "previous": ResultName("the figure of the period before", OF_THE_KPI),
    "change": ResultName("the last change", OF_THE_KPI),
    "change_low": ResultName("the lower end of the last change", OF_THE_KPI),
    "change_high": ResultName("the upper end of the last change", OF_THE_KPI),
    "n": ResultName("the number of units", "count"),
    **{unit: ResultName("the figure", OF_THE_KPI) for unit in UNITS},
}
_READABLE = {
    "smallest_visible": ResultName("the smallest visible change", OF_THE_KPI),
    "standard_error": ResultName("the standard error", OF_THE_KPI),
    "noise_share": ResultName("the share of noise in the line", "share"),
    "units_needed": ResultName("the number of units needed in a period", "count"),
    "periods_needed": ResultName("the number of periods needed", "count"),
}
_LEADING = {
    "lead_months": ResultName("the lead time", "months"),
    "losses": ResultName("the number of losses known", "count"),
    "decisions": ResultName("the number of renewal decisions known", "count"),
    "p_value": ResultName("the p-value of the lead"),
}
_ROBUST = {
    "flip_share": ResultName("the share of fair definitions that contradict it", "share"),
    "median_tau": ResultName("the agreement of the orders of accounts (tau)"),
    "definitions": ResultName("the number of fair definitions tried", "count"),
}
_TESTS: Mapping[str, Mapping[str, ResultName]] = {
    "readable": _READABLE,
    "leading": _LEADING,
    "robust": _ROBUST,
    "honest": {},
    "distinct": {},
    "fitting": {"severe": ResultName("the number of reasons why it does not fit", "count")},
}

NAMES: Mapping[str, ResultName] = {
    **_FIGURE,
    **{f"{test}.{name}": one for test, names in _TESTS.items() for name, one in names.items()},
    **{
        f"{test}.passed": ResultName(f"the test {test} is passed", kind="yes or no")
        for test in _TESTS
    },
}
"""Every name that a condition may hold."""

RANGES: Mapping[str, tuple[str, str]] = {
    "leading.lead_months": ("leading.lead_low", "leading.lead_high")
}
"""Results that are known as a range: from what is shown to what is not excluded."""
