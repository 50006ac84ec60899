"""The parameters of a run as a table, read from the tagged cell and what was injected after it."""

from __future__ import annotations

import ast
import re
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

from kpi_lib.review.report.cells import Cell, source_of, tags_of
from kpi_lib.wording import MISSING, format_count

_COMMENT = re.compile(r"#\s*(.*)$")


@dataclass(frozen=True)
class Shown:
    """A parameter: its value in this run, the default where it differs, unit and meaning."""

    name: str
    value: Any
    default: Any
    words: str


def _assigned(source: str) -> dict[str, tuple[Any, str]]:
    """name -> (value, comment) of each plain assignment; what is not a literal stays text."""
    found: dict[str, tuple[Any, str]] = {}
    try:
        lines, tree = source.splitlines(), ast.parse(source)
    except SyntaxError:
        return found
    for node in tree.body:
        target = node.targets[0] if isinstance(node, ast.Assign) else getattr(node, "target", None)
        value = getattr(node, "value", None)
        if not isinstance(target, ast.Name) or value is None:
            continue
        rest = lines[(node.end_lineno or 1) - 1].encode()[node.end_col_offset or 0 :].decode()
        comment = _COMMENT.search(rest)
        found[target.id] = (_literal(value), comment[1].strip() if comment else "")
    return found


def _literal(node: ast.expr) -> Any:
    try:
        return ast.literal_eval(node)
    except ValueError:
        return ast.unparse(node)


def parameters_of(cells: Sequence[Cell]) -> list[Shown]:
    """The parameters in the order of the tagged cell, with the values of this run."""
    declared: dict[str, tuple[Any, str]] = {}
    injected: dict[str, tuple[Any, str]] = {}
    for cell in cells:
        if "parameters" in tags_of(cell):
            declared.update(_assigned(source_of(cell)))
        if "injected-parameters" in tags_of(cell):
            injected.update(_assigned(source_of(cell)))
    return [
        Shown(name, injected.get(name, (default, ""))[0], default, words)
        for name, (default, words) in declared.items()
    ]


def _value(value: Any) -> str:
    if value is None or value == "" or value == [] or value == ():
        return MISSING
    if isinstance(value, bool):
        return "yes" if value else "no"
    return ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)


def parameters_html(cells: Sequence[Cell]) -> str:
    """The table, folded; empty when the notebook declares no parameters."""
    found, rows = parameters_of(cells), []
    for shown in found:
        changed = (
            ""
            if shown.value == shown.default
            else f" <small>default {escape(_value(shown.default))}</small>"
        )
        rows.append(
            f"<tr><td><code>{shown.name}</code></td><td>{escape(_value(shown.value))}{changed}</td>"
            f"<td>{escape(shown.words)}</td></tr>"
        )
    if not rows:
        return ""
    head = "<tr><th>Parameter</th><th>Value</th><th>Unit and meaning</th></tr>"
    other = sum(shown.value != shown.default for shown in found)
    said = format_count(len(found), "parameter") + (f", {other} set for this run" if other else "")
    return (
        f"<details><summary>{said}</summary>"
        f'<div class="wide"><table class="parameters"><thead>{head}</thead>'
        f"<tbody>{''.join(rows)}</tbody></table></div></details>"
    )
