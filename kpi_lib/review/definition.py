"""What defines a KPI's number: the formula, the code behind it, and the parameters of the trial."""

from __future__ import annotations

import ast
import hashlib
import json
import pickle
import sys
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, cast

from kpi_lib import catalogue
from kpi_lib.caching import keep, make_room
from kpi_lib.review.project import PACKAGE
from kpi_lib.review.report.records import DefinitionRecord

ROOMS = ("kpis", "composite", "customers", "stats")
"""Parts of the package that say what a number is; the rest finds, shows and judges it."""

_OURS = "kpi_lib."
_MOST = 2_000
"""Files kept above which the oldest half goes."""

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
            read = _read(package / place)
            found[place] = read.bare
            waiting += _imported(read, package)
    told = json.dumps(sorted(found.items()))
    return hashlib.sha256(told.encode()).hexdigest()


def _parts(name: str) -> list[str]:
    """The modules of the KPIs that a composite is made of; other cards name none."""
    return [f"kpis/{part}.py" for part in catalogue.parts_of(name)]


@dataclass(frozen=True)
class _Read:
    """What counts of a file: its bare code, and of which modules of `ROOMS` it takes which names."""

    bare: str
    taken: tuple[tuple[str, tuple[str, ...]], ...]


@cache
def _read(path: Path) -> _Read:
    """A file without comments, docstrings and layout; kept on disk, since writing it so takes long."""
    content = path.read_bytes()
    place = _folder() / hashlib.sha256(content).hexdigest()
    with suppress(Exception):  # missing or damaged, and then read anew
        return cast("_Read", pickle.loads(place.read_bytes()))
    tree = ast.parse(content)
    lines = [line for line in tree.body if not _is_text(line)]
    taken = tuple(_taken(tree))
    read = _Read("\n".join(ast.unparse(_NoText().visit(line)) for line in lines), taken)
    keep(place, pickle.dumps(read))
    return read


@cache
def _folder() -> Path:
    """Where files are kept as read: a folder that changes with this module and with Python."""
    source = Path(__file__)
    mark = hashlib.sha256(source.read_bytes() + sys.version.encode()).hexdigest()[:16]
    folder = source.parent / "__pycache__" / f"bare-{mark}"
    with suppress(OSError):
        folder.mkdir(parents=True, exist_ok=True)
        make_room(folder, folder.parent.glob("bare-*"), _MOST)
    return folder


class _NoText(ast.NodeTransformer):
    """Takes out texts that stand alone: docstrings, and what is said below a field."""

    def visit_Expr(self, node: ast.Expr) -> ast.AST | None:
        """None for a text that stands alone, an empty statement's place kept by `pass`."""
        return ast.Pass() if _is_text(node) else node


def _is_text(node: ast.stmt) -> bool:
    if not (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)):
        return False
    return isinstance(node.value.value, str)


def _taken(tree: ast.Module) -> Iterator[tuple[str, tuple[str, ...]]]:
    """The modules that a file imports from, within `ROOMS`, with the names it takes."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith(_OURS):
            inside = str(node.module).removeprefix(_OURS)
            if inside.split(".")[0] in ROOMS:
                yield inside, tuple(alias.name for alias in node.names)


def _imported(read: _Read, package: Path) -> Iterator[str]:
    """The files that a file imports, relative to the package."""
    for inside, names in read.taken:
        parts = inside.split(".")
        yield from {
            p for one in [parts, *([*parts, n] for n in names)] if (p := _file(one, package))
        }


def _file(parts: list[str], package: Path) -> str:
    for place in ("/".join(parts) + ".py", "/".join(parts) + "/__init__.py"):
        if (package / place).is_file():
            return place
    return ""
