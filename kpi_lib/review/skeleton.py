"""`kpi new`: the three files of a new KPI."""

from __future__ import annotations

import importlib.util
import keyword
import re
from pathlib import Path
from typing import Any

import yaml

from kpi_lib.kpi import Kpi, KpiParams
from kpi_lib.review.errors import InputError
from kpi_lib.review.notebook_file import as_text
from kpi_lib.review.parameters import plain
from kpi_lib.review.parameters_cell import comment
from kpi_lib.review.project import PACKAGE, Project
from kpi_lib.review.report.files import write_whole
from kpi_lib.review.skeleton_text import MODULE
from kpi_lib.review.template import skeleton

_NAME = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")
_TO_FILL_IN = {"hypothesis": "what we expect this KPI to do for us"}


def write_skeletons(name: str, project: Project, package: Path = PACKAGE) -> list[Path]:
    """The three files written: module, parameters, notebook.

    Raises InputError for a name that is not in full lower-case words, or that is taken; nothing is
    written then.
    """
    files = [
        package / "kpis" / f"{name}.py",
        project.params / f"{name}.yaml",
        project.notebook(name),
    ]
    _refuse_bad(name, files)
    module, values, notebook = files
    write_whole(module, module_text(name))
    card = _card(name, module)
    write_whole(values, parameters_text(card.Params, _TO_FILL_IN))
    write_whole(notebook, as_text(skeleton(card, _TO_FILL_IN)))
    return files


def _refuse_bad(name: str, files: list[Path]) -> None:
    if not _NAME.fullmatch(name) or keyword.iskeyword(name):
        raise InputError(f"{name}: write the name in lower-case words joined by _, as gross_margin")
    taken = [file for file in files if file.exists()]
    if taken:
        raise InputError(*(f"{file.parent.name}/{file.name} is there already" for file in taken))


def module_text(name: str) -> str:
    """The source of a module that works and keeps the laws."""
    words = name.replace("_", " ")
    text = MODULE.replace("__NAME__", name).replace("__TITLE__", words.capitalize())
    return text.replace("__LOWER__", words)


def parameters_text(params: type[KpiParams], values: dict[str, Any]) -> str:
    """A parameters file: one line per field, with its unit and meaning."""
    fields = params.model_fields.items()
    lines = [
        f"{name}: {_inline(values.get(name, field.get_default()))}  # {comment(field)}"
        for name, field in fields
    ]
    return "\n".join(lines) + "\n"


def _inline(value: Any) -> str:
    """A value as YAML on one line."""
    text: str = yaml.safe_dump(plain(value), default_flow_style=True, width=10_000)
    return text.removesuffix("...\n").strip()


def _card(name: str, module: Path) -> Kpi:
    """The card in a module that was written after the catalogue was made."""
    spec = importlib.util.spec_from_file_location(f"kpi_lib.kpis.{name}", module)
    if spec is None or spec.loader is None:
        raise InputError(f"{module} cannot be imported")
    loaded = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(loaded)
    card: Kpi = loaded.KPI
    return card
