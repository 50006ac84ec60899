"""The parameters of a run: read, merged, and checked before any kernel starts."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Mapping
from datetime import date, datetime
from pathlib import Path
from typing import Any

import yaml
from nbformat import NotebookNode
from pydantic import BaseModel, ValidationError

from kpi_lib.review.errors import InputError

_LOADER = getattr(
    yaml, "CSafeLoader", yaml.SafeLoader
)  # in C where there is one: ten times as fast
_PASSWORD = re.compile(r"://[^/\s:@]*:[^/\s@]+@")


def read_file(path: Path) -> dict[str, Any]:
    """The parameters in a file, as plain values; empty where there is no file. Raises InputError."""
    try:
        values = yaml.load(path.read_text(encoding="utf-8"), _LOADER) or {}
    except FileNotFoundError:
        return {}
    except (yaml.YAMLError, UnicodeDecodeError) as problem:
        reason = str(problem).splitlines()[0]
        raise InputError(f"{path.parent.name}/{path.name}: not YAML: {reason}") from problem
    if not isinstance(values, dict):
        raise InputError(f"{path.parent.name}/{path.name}: must be a list of `name: value`")
    return {str(name): plain(value) for name, value in values.items()}


def from_options(options: Iterable[str]) -> dict[str, Any]:
    """Values given as `name=value`, the value read as YAML (21, true, [a, b], text).

    Raises InputError for what is not of that form, or holds a password.
    """
    values = {}
    for option in options:
        name, equals, text = option.partition("=")
        if not equals or not name.strip().isidentifier():
            raise InputError(f"-p {name}: write it as name=value")
        if _PASSWORD.search(text):
            raise InputError(f"-p {name}: holds a password; name the variable in dataset.yaml")
        try:
            values[name.strip()] = plain(yaml.safe_load(text) if text.strip() else "")
        except yaml.YAMLError:
            values[name.strip()] = text
    return values


def plain(value: Any) -> Any:
    """The value as a parameters cell can hold it: days as ISO text, tuples as lists."""
    if isinstance(value, (date, datetime)):
        return value.isoformat()
    if isinstance(value, Mapping):
        return {str(name): plain(one) for name, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(one) for one in value]
    return value


def names_in_cell(notebook: NotebookNode) -> list[str] | None:
    """The names set in the cell tagged `parameters`; None when there is no such cell."""
    for cell in notebook.cells:
        if "parameters" in cell.metadata.get("tags", []):
            return _assigned(cell.source)
    return None


def _assigned(source: str) -> list[str]:
    names = []
    for line in ast.parse(source).body:
        targets = line.targets if isinstance(line, ast.Assign) else [getattr(line, "target", None)]
        names += [target.id for target in targets if isinstance(target, ast.Name)]
    return names


def problems(name: str, values: Mapping[str, Any], params: type[BaseModel]) -> list[str]:
    """What is wrong with the parameters of notebook `name`, one line each; empty when all is well."""
    try:
        params.model_validate(dict(values))
    except ValidationError as refused:
        return [_line(name, error, params) for error in refused.errors()]
    return []


def _line(name: str, error: Any, params: type[BaseModel]) -> str:
    field = str(error["loc"][0]) if error["loc"] else ""
    if error["type"] == "extra_forbidden":
        known = ", ".join(sorted(params.model_fields))
        return f"{name}: unknown parameter {field}; known are {known}"
    where = ".".join(str(part) for part in error["loc"])
    if error["type"] == "value_error":  # one of our own, which says all
        return f"{name}: {where} {error['input']!r}: {error['ctx']['error']}"
    what = error["msg"][:1].lower() + error["msg"][1:]
    return f"{name}: {where}: {what}, not {error['input']!r}"
