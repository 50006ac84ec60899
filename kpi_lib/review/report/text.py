"""Markdown of notebooks as HTML, with formulas as MathML, which browsers draw by themselves."""

from __future__ import annotations

import re
from functools import cache
from html import escape
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import mistune

_MATH = re.compile(
    r"^```.*?^```|`+[^`]*`+|\\\$|\$\$(?P<block>.+?)\$\$"
    r"|\$(?P<inline>[^\s$](?:[^$\n]*?[^\s$\\])?)\$(?!\d)",
    re.DOTALL | re.MULTILINE,
)
_TOKEN = re.compile("\ue000(\\d+)\ue001")
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
        safe = (
            tex.strip().replace("<", r"\lt ").replace(">", r"\gt ")
        )  # \text copies markup as it is
        drawn = str(convert(safe, display="block" if block else "inline"))
        return f'<span class="formula">{drawn}</span>' if block else drawn
    except faults:
        return f"<code>{escape(tex.strip())}</code>"


def _set_aside(text: str) -> tuple[str, list[str]]:
    """The text with a token for each formula, and the formulas drawn.

    Markdown must not see them: a line of a formula may begin like a list. Dollars in code, escaped
    ones, and those of amounts (a space inside, a digit after) stay.
    """
    drawn: list[str] = []

    def token(found: re.Match[str]) -> str:
        block, inline = found["block"], found["inline"]
        if block is None and inline is None:
            return found[0]
        drawn.append(formula(block or inline, block=block is not None))
        return f"\ue000{len(drawn) - 1}\ue001"

    return _MATH.sub(token, text), drawn


@cache
def _renderer(trusted: bool) -> mistune.Markdown:
    import mistune
    from mistune.plugins.table import table

    class Page(mistune.HTMLRenderer):
        """HTML whose headings can be linked."""

        def heading(self, text: str, level: int, **_: Any) -> str:
            return f'<h{level} id="{anchor_of(re.sub("<[^>]+>", "", text))}">{text}</h{level}>\n'

    return mistune.Markdown(Page(escape=not trusted), plugins=[table])


def markdown(text: str, *, trusted: bool = False) -> str:
    """Markdown as HTML. HTML inside it is kept only when `trusted`: written by an author.

    What a cell computed may hold names from the data, and those never become markup.
    """
    text, drawn = _set_aside(text)
    page = str(_renderer(trusted)(text))
    return _TOKEN.sub(lambda found: drawn[int(found[1])], page)
