"""The parameters cell of a notebook, written from its `Params` so that papermill can read it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from kpi_lib.review.parameters import plain

WIDTH = 100


def render_parameters(params: type[BaseModel], values: Mapping[str, Any]) -> str:
    """The source of the cell: one `name = value  # unit: meaning` per field, in their order.

    `values` stand in for defaults, as in params/<name>.yaml. Raises ValueError for a name that is no
    field. Papermill's inspector drops a line with a second equals sign and cuts at the first number
    sign, so both are written as escapes inside texts, and are not allowed in meanings.
    """
    unknown = sorted(set(values) - set(params.model_fields))
    if unknown:
        raise ValueError(f"no parameter is called {', '.join(unknown)}")
    fields = params.model_fields.items()
    lines = [_line(name, field, values.get(name, field.get_default())) for name, field in fields]
    return "\n".join(lines)


def _line(name: str, field: FieldInfo, value: Any) -> str:
    note = comment(field)
    if "=" in note or "#" in note:
        raise ValueError(f"{name}: its meaning must not hold an equals or a number sign")
    return f"{name} = {literal(plain(value))}  # {note}"


def comment(field: FieldInfo) -> str:
    """`unit: meaning` of a field, or its meaning alone."""
    extra = field.json_schema_extra
    unit = str(extra.get("unit") or "") if isinstance(extra, dict) else ""
    meaning = field.description or ""
    return f"{unit}: {meaning}" if unit else meaning


def literal(value: Any) -> str:
    """A value as Python source on one line, texts in double quotes."""
    if isinstance(value, str):
        return _quoted(value)
    if isinstance(value, list):
        return f"[{', '.join(literal(item) for item in value)}]"
    return repr(value)


def _quoted(text: str) -> str:
    return f'"{"".join(_written(character) for character in text)}"'


def _written(character: str) -> str:
    """A character inside double quotes: as itself where that is safe for Python and papermill."""
    if character in '"\\':
        return f"\\{character}"
    if character == "\n":
        return "\\n"
    if character in "=#" or not character.isprintable():
        code = ord(character)
        return f"\\x{code:02x}" if code < 256 else f"\\U{code:08x}"
    return character


def render_file(params: type[BaseModel], values: Mapping[str, Any]) -> str:
    """The text of params/<name>.yaml: every field in order with its meaning."""
    import yaml

    fields = params.model_fields.items()
    chosen = {n: plain(values.get(n, f.get_default())) for n, f in fields}
    lines = []
    for name, field in fields:
        body = yaml.safe_dump(
            {name: chosen[name]}, width=10_000, allow_unicode=True, sort_keys=False
        )
        flow = yaml.safe_dump(chosen[name], default_flow_style=True, width=10_000).split("\n")[0]
        text = f"{name}: {flow}" if isinstance(chosen[name], list) else body.strip()
        lines.append(f"{text}  # {comment(field)}")
    return "\n".join(lines) + "\n"
