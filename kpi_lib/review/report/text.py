"""Markdown of notebooks as HTML, with formulas as MathML, which browsers draw by themselves."""

from __future__ import annotations

import re
from functools import cache
from html import escape
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import mistune

_CONTROL = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


def anchor_of(heading: str) -> str:
    """The name a heading is linked by."""
    return re.sub(r"[^a-z0-9]+", "-", heading.lower()).strip("-") or "section"


def without_colours(text: str) -> str:
    """Terminal output without its control codes."""
    return _CONTROL.sub("", text)


def formula(tex: str, *, block: bool) -> str:
    """LaTeX as MathML; the source itself where it is not LaTeX we can read."""
    from latex2mathml import exceptions
    from latex2mathml.converter import convert

    kinds = [kind for kind in vars(exceptions).values() if isinstance(kind, type)]
    own = [kind for kind in kinds if issubclass(kind, Exception)]
    faults: tuple[type[Exception], ...] = (*own, ValueError, KeyError, IndexError)
    try:
        return str(convert(tex.strip(), display="block" if block else "inline"))
    except faults:
        return f"<code>{escape(tex.strip())}</code>"


@cache
def _renderer(trusted: bool) -> mistune.Markdown:
    import mistune
    from mistune.plugins.math import math
    from mistune.plugins.table import table

    class Page(mistune.HTMLRenderer):
        """HTML with linked headings and drawn formulas."""

        def heading(self, text: str, level: int, **_: Any) -> str:
            return f'<h{level} id="{anchor_of(re.sub("<[^>]+>", "", text))}">{text}</h{level}>\n'

        def block_math(self, text: str) -> str:
            return f'<div class="formula">{formula(text, block=True)}</div>\n'

        def inline_math(self, text: str) -> str:
            return formula(text, block=False)

    page = Page(escape=not trusted)
    return mistune.Markdown(page, plugins=[table, math])


def markdown(text: str, *, trusted: bool = False) -> str:
    """Markdown as HTML. HTML inside it is kept only when `trusted`: written by an author.

    What a cell computed may hold names from the data, and those never become markup.
    """
    return str(_renderer(trusted)(text))
