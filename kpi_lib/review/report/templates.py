"""The page templates and the style and script they carry inside."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

ASSETS = Path(__file__).parent / "assets"


@cache
def _environment() -> Environment:
    return Environment(
        loader=FileSystemLoader(ASSETS),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=StrictUndefined,
    )


def asset(name: str) -> Markup:
    """The text of a style sheet or script of ours, to be put into a page as it is."""
    return Markup((ASSETS / name).read_text(encoding="utf-8"))


def render(template: str, **values: Any) -> str:
    """A page. Every value is escaped unless it is marked as safe."""
    return _environment().get_template(template).render(**values)
