"""An executed notebook read as the report needs it: sections of blocks, and where it stopped."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from kpi_lib.review.report.records import RESULT_MIME

Cell = Mapping[str, Any]

LEFT_OUT = {"interactive", "papermill-error-cell-tag", "remove-cell"}
"""Tags of cells that have no place in a page without a kernel."""


@dataclass(frozen=True)
class Stop:
    """Where and how a notebook stopped: the number of the code cell, of how many, and its error."""

    section: str
    number: int
    count: int
    error: str
    message: str
    traceback: str
    source: str


@dataclass
class Section:
    """A heading with the cells under it; the first has no heading."""

    title: str
    cells: list[Cell] = field(default_factory=list)

    @property
    def code(self) -> list[Cell]:
        """Its code cells that hold code."""
        return [c for c in self.cells if c["cell_type"] == "code" and source_of(c).strip()]

    @property
    def is_interactive(self) -> bool:
        """Whether it is there for controls, which need a kernel."""
        return any("interactive" in tags_of(cell) for cell in self.cells)

    @property
    def was_run(self) -> bool:
        """Whether all its code ran to the end (a section without code counts as run)."""
        return all(c.get("execution_count") and not error_of(c) for c in self.code)


def read_cells(path: Path) -> list[Cell]:
    """The cells of a notebook file. Raises ValueError when it is not one."""
    try:
        cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    except (json.JSONDecodeError, KeyError, TypeError) as error:
        raise ValueError(f"{path.name} is not a readable notebook") from error
    return list(cells)


def source_of(cell: Cell) -> str:
    """The text of a cell."""
    source = cell.get("source", "")
    return source if isinstance(source, str) else "".join(source)


def tags_of(cell: Cell) -> set[str]:
    """The tags of a cell."""
    return set(cell.get("metadata", {}).get("tags", []))


def error_of(cell: Cell) -> Mapping[str, Any] | None:
    """The error output of a cell, if it has one."""
    outputs = cell.get("outputs", [])
    return next((out for out in outputs if out.get("output_type") == "error"), None)


def _split(cell: Cell) -> Iterator[tuple[str, Cell]]:
    """A Markdown cell cut at its second-level headings, as (heading, rest); ("", cell) before them."""
    title, fenced = "", False
    lines: list[str] = []
    for line in source_of(cell).splitlines():
        fenced ^= line.lstrip().startswith("```")
        if line.startswith("## ") and not fenced:
            if title or "".join(lines).strip():
                yield title, {**cell, "source": "\n".join(lines)}
            title, lines = line[3:].strip(), []
        else:
            lines.append(line)
    if title or "".join(lines).strip():
        yield title, {**cell, "source": "\n".join(lines)}


def sections_of(cells: Sequence[Cell]) -> list[Section]:
    """The notebook cut at its second-level headings, all of them."""
    sections = [Section("")]
    for cell in cells:
        pieces = _split(cell) if cell["cell_type"] == "markdown" else [("", cell)]
        for title, piece in pieces:
            if title:
                sections.append(Section(title))
            sections[-1].cells.append(piece)
    return sections


def published(sections: Sequence[Section]) -> list[Section]:
    """The sections a page shows: without controls, and without what is not for readers."""
    kept = [section for section in sections if not section.is_interactive]
    return [Section(section.title, _for_readers(section.cells)) for section in kept]


def _for_readers(cells: Sequence[Cell]) -> list[Cell]:
    return [cell for cell in _without_introductions(cells) if not tags_of(cell) & LEFT_OUT]


def _without_introductions(cells: Sequence[Cell]) -> list[Cell]:
    """The cells without the sentences that introduce a record, which no reader sees."""
    introduces = [_is_record(after) for after in [*cells[1:], {}]]
    return [
        cell
        for place, cell in enumerate(cells)
        if not (cell["cell_type"] == "markdown" and introduces[place])
    ]


def _is_record(cell: Cell) -> bool:
    return any(RESULT_MIME in output.get("data", {}) for output in cell.get("outputs", []))


def stop_of(sections: Sequence[Section]) -> Stop | None:
    """Where the notebook stopped: at its first error, else at the first code that never ran."""
    code = [(section, cell) for section in sections for cell in section.code]
    for number, (section, cell) in enumerate(code, start=1):
        error = error_of(cell)
        if error is None and cell.get("execution_count"):
            continue
        found = error or {}
        return Stop(
            section=section.title,
            number=number,
            count=len(code),
            error=str(found.get("ename", "")),
            message=str(found.get("evalue", "")),
            traceback="\n".join(found.get("traceback", [])),
            source=source_of(cell),
        )
    return None
