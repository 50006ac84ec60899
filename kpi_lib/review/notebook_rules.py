"""The rules of the house for notebooks: sections, short cells, a text before each, the voice."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from nbformat import NotebookNode

from kpi_lib.review.template import OWN_SECTIONS, PROMPT, TITLES, slug

LONGEST = 8
"""Lines of a code cell, the parameters cell excepted."""

_REFUSED = (
    ast.FunctionDef,
    ast.AsyncFunctionDef,
    ast.ClassDef,
    ast.For,
    ast.While,
    ast.comprehension,
    ast.Lambda,
)


def broken_rules(notebook: NotebookNode, is_kpi: bool) -> list[str]:
    """What breaks a rule, one line each. Sections are asked of KPI notebooks only."""
    cells = notebook.cells
    found = [*_sections(cells), *_misplaced(cells)] if is_kpi else []
    found += [line for cell in cells if cell.cell_type == "code" for line in _code(cell)]
    found += [line for cell in cells if cell.cell_type == "markdown" for line in _voice(cell)]
    return found + _unexplained(cells)


def _sections(cells: list[NotebookNode]) -> list[str]:
    titles = [
        line[3:].strip()
        for cell in cells
        if cell.cell_type == "markdown"
        for line in cell.source.splitlines()
        if line.startswith("## ")
    ]
    return (
        [] if titles == list(TITLES) else [f"the sections must be, in order: {', '.join(TITLES)}"]
    )


def _misplaced(cells: list[NotebookNode]) -> Iterator[str]:
    """Own cells outside the sections that may hold them; they are known by their ids."""
    homes = tuple(f"own-{slug(title)}-" for title in OWN_SECTIONS)
    for cell in cells:
        if cell.id.startswith("own-") and not cell.id.startswith(homes):
            sections = " and ".join(OWN_SECTIONS)
            yield f"cell {cell.id}: only the sections {sections} hold cells of their own"


def _code(cell: NotebookNode) -> Iterator[str]:
    tags = cell.metadata.get("tags", [])
    if len(cell.source.splitlines()) > LONGEST and "parameters" not in tags:
        yield f"cell {cell.id}: more than {LONGEST} lines of code"
    if any(isinstance(node, _REFUSED) for node in ast.walk(ast.parse(cell.source))):
        yield f"cell {cell.id}: definitions and loops belong into kpi_lib"
    for output in cell.outputs:
        if output.output_type == "error":
            yield f"cell {cell.id}: ends with the error {output.ename}"
        if output.output_type == "stream" and output.name == "stderr":
            yield f"cell {cell.id}: prints a warning: {output.text.splitlines()[0]}"


def _voice(cell: NotebookNode) -> Iterator[str]:
    prose = re.sub(r"`[^`]*`|\$[^$]*\$|!\[", "", cell.source)
    if PROMPT in prose:
        yield f"cell {cell.id}: nobody has written this text yet"
    if "!" in prose:
        yield f"cell {cell.id}: holds an exclamation mark"
    if re.search(r"\bsimply\b", prose, re.IGNORECASE):
        yield f"cell {cell.id}: says simply"


def _unexplained(cells: list[NotebookNode]) -> list[str]:
    """Code cells without a text before them (the cell that starts right below the parameters too)."""
    pairs = zip([None, *cells], cells, strict=False)
    return [
        f"cell {cell.id}: no sentence before it says what it shows"
        for before, cell in pairs
        if cell.cell_type == "code" and (before is None or before.cell_type != "markdown")
    ]
