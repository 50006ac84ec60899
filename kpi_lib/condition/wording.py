"""A condition in plain words, with units."""

from __future__ import annotations

from kpi_lib.condition.names import NAMES, OF_THE_KPI
from kpi_lib.condition.parsing import Comparison, Joined, Node, Not, Test
from kpi_lib.wording import format_change, format_value, plural

_WORDS = {
    "<": "below",
    "<=": "at most",
    ">": "above",
    ">=": "at least",
    "==": "exactly",
    "!=": "anything but",
}
_MIRRORED = {"<": ">", "<=": ">=", ">": "<", ">=": "<="}
_CHANGES = ("change", "smallest_visible", "standard_error")


def in_words(node: Node, unit: str, currency: str = "") -> str:
    """The condition as a clause; `unit` is that of the KPI.

    >>> from kpi_lib.condition import parsed
    >>> in_words(parsed("share > 0.2 and leading.lead_months < 3"), "share")
    'the figure is above 20.0 % and the lead time is below 3 months'
    """
    if isinstance(node, Test):
        return NAMES[node.name].words
    if isinstance(node, Not):
        return f"it is not so that {_bracketed(node.inner, unit, currency)}"
    if isinstance(node, Joined):
        return f" {node.word} ".join(_bracketed(part, unit, currency) for part in node.parts)
    return _compared(node, unit, currency)


def _bracketed(node: Node, unit: str, currency: str) -> str:
    told = in_words(node, unit, currency)
    return f"({told})" if isinstance(node, Joined) else told


def _compared(node: Comparison, unit: str, currency: str) -> str:
    """The result comes first, whichever side it stands on."""
    left, sign, right = node.left, node.sign, node.right
    if not isinstance(left, str):
        left, sign, right = right, _MIRRORED.get(sign, sign), left
    assert isinstance(left, str)
    other = NAMES[right].words if isinstance(right, str) else with_unit(left, right, unit, currency)
    return f"{NAMES[left].words} is {_WORDS[sign]} {other}"


def with_unit(name: str, value: float, unit: str, currency: str = "") -> str:
    """A number as a value of the result `name`, with its unit."""
    own = NAMES[name].unit
    if own == "months":
        return f"{value:g} {plural('month', value)}"
    if own != OF_THE_KPI:
        return format_value(value, own) if own else f"{value:g}"
    is_change = name.split(".")[-1].startswith(_CHANGES)
    sign = "-" if is_change and value < 0 else ""
    told = (
        format_change(value, unit, currency) if is_change else format_value(value, unit, currency)
    )
    return f"{sign}{told}"
