"""What defines a KPI's number: the formula, the code behind it, and the parameters of the trial."""

from __future__ import annotations

import ast
import hashlib
import json
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from kpi_lib import catalogue
from kpi_lib.review.project import PACKAGE
from kpi_lib.review.report.records import DefinitionRecord

ROOMS = ("kpis", "composite", "customers", "stats")
"""Parts of the package that say what a number is; the rest finds, shows and judges it."""

OF_THE_RUN = ("dataset", "as_of", "periods", "with_evidence")
"""Parameters that say what is looked at and shown, and leave the experiment the same."""


def definition_of(name: str) -> DefinitionRecord:
    """Formula and version of the card of a KPI. Raises KeyError for an unknown name."""
    return DefinitionRecord(formula=catalogue.get(name).formula, source=source_of(name))


def hash_of(definition: DefinitionRecord, params: Mapping[str, Any]) -> str:
    """The sha256 of a definition with the parameters of its trial (those of the run left out).

    Two experiments are the same when this and their data set are.
    """
    chosen = {name: value for name, value in params.items() if name not in OF_THE_RUN}
    parts = [definition.formula, definition.source, chosen]
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


@cache
def source_of(name: str, package: Path = PACKAGE) -> str:
    """The sha256 of the code that defines a KPI: its module and all it imports from `ROOMS`.

    Comments, docstrings and layout do not count.
    """
    found: dict[str, str] = {}
    waiting = [f"kpis/{name}.py", *_parts(name)]
    while waiting:
        place = waiting.pop()
        if place not in found:
            found[place] = _bare(package / place)
            waiting += _imports(package / place, package)
    told = json.dumps(sorted(found.items()))
    return hashlib.sha256(told.encode()).hexdigest()


def _parts(name: str) -> list[str]:
    """The modules of the KPIs that a composite is made of; other cards name none."""
    return [f"kpis/{part}.py" for part in catalogue.parts_of(name)]


@cache
def _tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


@cache
def _bare(path: Path) -> str:
    """The code of a file without comments, docstrings and layout."""
    lines = [line for line in _tree(path).body if not _is_text(line)]
    return "\n".join(ast.unparse(_NoText().visit(line)) for line in lines)


class _NoText(ast.NodeTransformer):
    """Takes out texts that stand alone: docstrings, and what is said below a field."""

    def visit_Expr(self, node: ast.Expr) -> ast.AST | None:
        """None for a text that stands alone, an empty statement's place kept by `pass`."""
        return ast.Pass() if _is_text(node) else node


def _is_text(node: ast.stmt) -> bool:
    if not (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)):
        return False
    return isinstance(node.value.value, str)


@cache
def _imports(path: Path, package: Path) -> tuple[str, ...]:
    """The files of `ROOMS` that a file imports, relative to the package."""
    return tuple(_imported(path, package))


def _imported(path: Path, package: Path) -> Iterator[str]:
    for node in ast.walk(_tree(path)):
        if isinstance(node, ast.ImportFrom) and node.module:
            inside = node.module.removeprefix("kpi_lib.").split(".")
            if node.module.startswith("kpi_lib.") and inside[0] in ROOMS:
                names = [[*inside, alias.name] for alias in node.names]
                yield from {p for parts in [inside, *names] if (p := _file(parts, package))}


def _file(parts: list[str], package: Path) -> str:
    for place in ("/".join(parts) + ".py", "/".join(parts) + "/__init__.py"):
        if (package / place).is_file():
            return place
    return ""
