"""The text of a condition read into a tree by Python's own grammar, of which little is let in."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from typing import TypeGuard

from kpi_lib.condition.names import NAMES

LONGEST = 400
"""Letters of a condition; a longer one is no rule that a team has agreed on."""

_SIGNS: dict[type[ast.cmpop], str] = {
    ast.Lt: "<",
    ast.LtE: "<=",
    ast.Gt: ">",
    ast.GtE: ">=",
    ast.Eq: "==",
    ast.NotEq: "!=",
}
_HOW = "write it as `leading.lead_months < 3 and n >= 10`"


@dataclass(frozen=True)
class Comparison:
    """Two sides, each the name of a result or a number, and the sign between them."""

    left: str | float
    sign: str
    right: str | float


@dataclass(frozen=True)
class Test:
    """The name of a result that is yes or no."""

    name: str


@dataclass(frozen=True)
class Not:
    """The opposite of a condition."""

    inner: Node


@dataclass(frozen=True)
class Joined:
    """Conditions of which all ("and") or one ("or") must hold."""

    word: str
    parts: tuple[Node, ...]


Node = Comparison | Test | Not | Joined


def checked(text: str) -> str:
    """The text itself. Raises ValueError, naming what is known, when it is no condition."""
    if text.strip():
        parsed(text)
    return text


def parsed(text: str) -> Node:
    """The tree of a condition. It is read, never run. Raises ValueError for anything else."""
    if len(text) > LONGEST:
        raise ValueError(f"a condition has at most {LONGEST} letters")
    try:
        body = ast.parse(text.strip(), mode="eval").body
        return _condition(body)
    except (SyntaxError, RecursionError, MemoryError) as problem:
        raise ValueError(f"not a condition; {_HOW}") from problem


def names_in(node: Node) -> tuple[str, ...]:
    """The results that a condition names, in its order, each once."""
    return tuple(dict.fromkeys(_named(node)))


def _named(node: Node) -> list[str]:
    if isinstance(node, Comparison):
        return [side for side in (node.left, node.right) if isinstance(side, str)]
    if isinstance(node, Test):
        return [node.name]
    parts = node.parts if isinstance(node, Joined) else (node.inner,)
    return [name for part in parts for name in _named(part)]


def _condition(node: ast.expr) -> Node:
    if isinstance(node, ast.BoolOp):
        word = "and" if isinstance(node.op, ast.And) else "or"
        return Joined(word, tuple(_condition(part) for part in node.values))
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        return Not(_condition(node.operand))
    if isinstance(node, ast.Compare):
        return _comparisons(node)
    name = _name(node)
    if name is None:
        raise ValueError(f"`{ast.unparse(node)}` is not yes or no; {_HOW}")
    if NAMES[name].kind != "yes or no":
        raise ValueError(f"{name} is a number; compare it, as {name} < 3")
    return Test(name)


def _comparisons(node: ast.Compare) -> Node:
    """One comparison, or several where the sides form a chain (`1 < n < 5`)."""
    if unknown := [op for op in node.ops if type(op) not in _SIGNS]:
        raise ValueError(f"`{type(unknown[0]).__name__}` compares no numbers; use < <= > >= == !=")
    sides = [_side(one) for one in (node.left, *node.comparators)]
    signs = [_SIGNS[type(op)] for op in node.ops]
    found = tuple(
        Comparison(left, sign, right)
        for left, sign, right in zip(sides, signs, sides[1:], strict=False)
    )
    if any(not isinstance(c.left, str) and not isinstance(c.right, str) for c in found):
        raise ValueError(f"`{ast.unparse(node)}` compares two numbers and names no result")
    return found[0] if len(found) == 1 else Joined("and", found)


def _side(node: ast.expr) -> str | float:
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        number = _side(node.operand)
        if not isinstance(number, str):
            return -number
    elif isinstance(node, ast.Constant) and _is_number(node.value):
        if not abs(node.value) <= 1e15:
            raise ValueError(f"`{ast.unparse(node)[:20]}` is too large a number")
        return float(node.value)
    elif (name := _name(node)) is not None:
        if NAMES[name].kind != "number":
            raise ValueError(f"{name} is yes or no; it cannot be compared with a number")
        return name
    raise ValueError(f"`{ast.unparse(node)}` is neither a number nor a result")


def _is_number(value: object) -> TypeGuard[int | float]:
    return type(value) in (int, float)


def _name(node: ast.expr) -> str | None:
    """The result that is named, None for no name. Raises ValueError for a name nobody knows."""
    text = ast.unparse(node)
    is_dotted = isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name)
    if not (is_dotted or isinstance(node, ast.Name)):
        return None
    if text not in NAMES:
        raise ValueError(f"{text} is no result; known are {', '.join(NAMES)}")
    return text
