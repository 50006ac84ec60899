"""The normal form of a notebook: what `kpi tidy` writes and `kpi tidy --check` asks for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from nbformat import NotebookNode
from pydantic import BaseModel

from kpi_lib import catalogue, overview
from kpi_lib.kpi import Kpi
from kpi_lib.review.notebook_file import as_text, read_notebook
from kpi_lib.review.notebook_rules import broken_rules
from kpi_lib.review.parameters import read_file
from kpi_lib.review.parameters_cell import render_parameters
from kpi_lib.review.project import find_project
from kpi_lib.review.report.files import write_whole
from kpi_lib.review.template import METADATA, V4, TemplateCell, new_cell, slug, template

STALE = "not executed since it was changed: run `kpi tidy --execute`"


def main(names: Iterable[str] = (), *, check: bool = False, run: bool = False) -> list[str]:
    """Tidy the named notebooks (default: all) and return what is wrong, one line each.

    With `check` nothing is written. With `run` they are executed on the data set of their
    parameters before, and their outputs are kept.
    """
    project = find_project()
    chosen = list(names) or project.names()
    paths = [project.notebook(name) for name in chosen]
    if run and not check:
        from kpi_lib.review.tidy_run import run_notebooks

        for path in paths:
            tidy_notebook(path)
        run_notebooks(paths)
    return [line for path in paths for line in tidy_notebook(path, check)]


def tidy_notebook(path: Path, check: bool = False) -> list[str]:
    """What is wrong with one notebook, one line each; writes its normal form unless `check`."""
    before = path.read_text(encoding="utf-8")
    notebook = read_notebook(path)
    values = read_file(path.parent.parent / "params" / f"{path.stem}.yaml")
    tidied = normal_form(notebook, path.stem, values)
    problems = broken_rules(tidied, kpi_of(path.stem) is not None)
    text = as_text(tidied)
    if text != before and check:
        problems.insert(0, "not in its normal form: run `kpi tidy`")
    elif text != before:
        write_whole(path, text)
    if any(is_stale(cell) for cell in tidied.cells):
        problems.append(STALE)
    return [f"{path.name}: {line}" for line in problems]


def kpi_of(name: str) -> Kpi | None:
    """The KPI a notebook belongs to, None for an overview."""
    return catalogue.get(name) if name in catalogue.names() else None


def params_of(name: str) -> type[BaseModel]:
    """The parameters of a notebook by its name. Raises KeyError for a notebook of neither kind."""
    kpi = kpi_of(name)
    return kpi.Params if kpi is not None else overview.PARAMS[name]


def normal_form(notebook: NotebookNode, name: str, values: Mapping[str, Any]) -> NotebookNode:
    """A notebook with the template's cells, its own words, and metadata, ids, counts in order."""
    kpi = kpi_of(name)
    cells = [cell for cell in notebook.cells if "injected-parameters" not in tags_of(cell)]
    cells = laid_out(cells, template(kpi, values)) if kpi else overview_cells(cells, name, values)
    for number, cell in enumerate((c for c in cells if c.cell_type == "code"), start=1):
        clean(cell, number)
    made: NotebookNode = V4.new_notebook(cells=cells, metadata=METADATA)
    return made


def laid_out(cells: list[NotebookNode], shape: list[TemplateCell]) -> list[NotebookNode]:
    """The cells of the template in order, each followed by the own cells that stood behind it."""
    keys = {cell.key for cell in shape}
    owned: dict[str, list[NotebookNode]] = {}
    anchor = shape[0].key
    for cell in cells:
        if cell.id in keys:
            anchor = cell.id
        else:
            owned.setdefault(anchor, []).append(cell)
    present = {cell.id: cell for cell in cells}
    section, result = "", []
    counts: dict[str, int] = {}
    for spec in shape:
        section = section_of(spec.source) or section
        result.append(fitted(spec, present.get(spec.key)))
        for cell in owned.get(spec.key, []):
            counts[section] = counts.get(section, 0) + 1
            result.append(named(cell, f"own-{slug(section)}-{counts[section]}"))
    return result


def section_of(source: str) -> str:
    """The H2 title a cell opens with, or an empty text."""
    first = source.partition("\n")[0]
    return first[3:].strip() if first.startswith("## ") else ""


def fitted(spec: TemplateCell, cell: NotebookNode | None) -> NotebookNode:
    """The cell as the template wants it; outputs go when the code they came from has changed."""
    if cell is None or cell.cell_type != spec.kind:
        return new_cell(spec)
    if not spec.free and cell.source != spec.source:
        return new_cell(spec)
    cell.metadata = new_cell(spec).metadata
    cell.source = cell.source.strip()
    return cell


def named(cell: NotebookNode, key: str) -> NotebookNode:
    """An own cell with its id and nothing in its metadata but its tags."""
    tags = tags_of(cell)
    if cell.cell_type == "code" and not tags:
        tags = ["nbval-check-output"]
    cell.id, cell.metadata = key, {"tags": tags} if tags else {}
    cell.source = cell.source.strip()
    return cell


def overview_cells(
    cells: list[NotebookNode], name: str, values: Mapping[str, Any]
) -> list[NotebookNode]:
    """The cells of an overview: its own, numbered, with a parameters cell made from its `Params`."""
    source = render_parameters(params_of(name), values)
    for number, cell in enumerate(cells, start=1):
        named(cell, f"cell-{number:02d}")
        if "parameters" in tags_of(cell) and cell.source != source:
            cell.source, cell.outputs, cell.execution_count = source, [], None
            cell.metadata["tags"] = ["parameters"]
    return cells


def tags_of(cell: NotebookNode) -> list[str]:
    """The tags of a cell, sorted."""
    return sorted(cell.metadata.get("tags", []))


def clean(cell: NotebookNode, number: int) -> None:
    """Put a code cell's outputs and count into normal form; `number` is its place."""
    tags = tags_of(cell)
    if cell.execution_count is not None:
        cell.execution_count = number
    if "interactive" in tags:
        cell.outputs = []
    for output in cell.outputs:
        output.pop("transient", None)
        if "metadata" in output:
            output.metadata = {}
        if output.output_type == "execute_result":
            output.execution_count = number


def is_stale(cell: NotebookNode) -> bool:
    """Whether a code cell has not been executed."""
    return bool(cell.cell_type == "code" and cell.execution_count is None)
