"""Whether a condition holds: true, false, or not to be told, with the reason."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from kpi_lib.condition.parsing import Comparison, Joined, Node, Not, Test, names_in

_COMPARE: Mapping[str, Callable[[float, float], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "==": operator.eq,
    "!=": operator.ne,
}


@dataclass(frozen=True)
class Known:
    """What is known of a result: both ends of its range (the same where it is one number).

    None with a `reason` where nothing is known; a test that was passed or not is 1 or 0.
    """

    low: float | None = None
    high: float | None = None
    reason: str = ""


@dataclass(frozen=True)
class Told:
    """Whether a condition holds; None where it cannot be told, with the reason (a clause)."""

    holds: bool | None
    reason: str = ""


def tell(node: Node, known: Mapping[str, Known]) -> Told:
    """Whether the condition holds on what is known.

    What is unknown stays unknown unless the rest decides: false and unknown is false, true or unknown
    is true. A comparison with a range holds when it does for every value of the range.
    """
    holds = _holds(node, known)
    if holds is not None:
        return Told(holds)
    open_names = [name for name in names_in(node) if _reason(known[name])]
    return Told(None, "; ".join(dict.fromkeys(_reason(known[name]) for name in open_names)))


def _reason(one: Known) -> str:
    if one.low is None or one.high is None:
        return one.reason or "a result is missing"
    return one.reason if one.low != one.high else ""


def _holds(node: Node, known: Mapping[str, Known]) -> bool | None:
    if isinstance(node, Test):
        low = known[node.name].low
        return None if low is None else bool(low)
    if isinstance(node, Comparison):
        return _compared(node, known)
    if isinstance(node, Not):
        inner = _holds(node.inner, known)
        return None if inner is None else not inner
    return _joined(node, [_holds(part, known) for part in node.parts])


def _joined(node: Joined, parts: list[bool | None]) -> bool | None:
    decides = node.word == "or"
    if decides in parts:
        return decides
    return None if None in parts else not decides


def _compared(node: Comparison, known: Mapping[str, Known]) -> bool | None:
    left, right = (_ends(side, known) for side in (node.left, node.right))
    if left is None or right is None:
        return None
    if node.sign in ("==", "!="):
        return _equal(left, right, node.sign == "==")
    compare = _COMPARE[node.sign]
    found = {compare(one, other) for one in left for other in right}
    return found.pop() if len(found) == 1 else None


def _equal(left: tuple[float, float], right: tuple[float, float], is_asked: bool) -> bool | None:
    """Ranges that do not meet are unequal; they are equal only where each is one number."""
    if left[1] < right[0] or right[1] < left[0]:
        return not is_asked
    return is_asked if left[0] == left[1] == right[0] == right[1] else None


def _ends(side: str | float, known: Mapping[str, Known]) -> tuple[float, float] | None:
    if not isinstance(side, str):
        return side, side
    one = known[side]
    return None if one.low is None or one.high is None else (one.low, one.high)
