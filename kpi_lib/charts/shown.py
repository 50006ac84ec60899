"""Things a notebook shows besides pictures: a block of HTML, a sentence, an invisible record."""

from __future__ import annotations

import html
import re
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Block:
    """HTML with the same content as plain text."""

    html: str
    text: str

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, Any]:
        return {"text/html": self.html, "text/plain": self.text}

    def __repr__(self) -> str:
        return self.text


@dataclass(frozen=True)
class Prose:
    """Sentences: Markdown for the page, the plain words for terminals and comparisons."""

    text: str
    markdown: str = ""

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, Any]:
        return {"text/markdown": self.markdown or escaped(self.text), "text/plain": self.text}

    def __repr__(self) -> str:
        return self.text


@dataclass(frozen=True)
class Travelling:
    """A JSON value that travels in the notebook under its own type; readers see one line."""

    mime: str
    value: dict[str, Any]
    text: str

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, Any]:
        return {self.mime: self.value, "text/plain": self.text}

    def __repr__(self) -> str:
        return self.text


def escaped(text: str) -> str:
    """`text` as Markdown that shows these characters (names may hold stars, dollars); code stays."""
    pieces = re.split(r"(`[^`]*`)", text)
    plain = (re.sub(r"([\\*_<>$|\[\]])", r"\\\1", piece) for piece in pieces[::2])
    code = iter(pieces[1::2])
    return "".join(part + next(code, "") for part in plain)


def facts(pairs: list[tuple[str, str]], *, heading: str = "") -> Block:
    """A card of named facts; facts without a value are left out. Values are escaped."""
    kept = [(name, value) for name, value in pairs if value]
    lines = "".join(
        f"<tr><th>{html.escape(name)}</th><td>{_lines(value)}</td></tr>" for name, value in kept
    )
    head = f"<p class='kpi-heading'><b>{html.escape(heading)}</b></p>" if heading else ""
    text = "\n".join(([heading] if heading else []) + [f"{name}: {value}" for name, value in kept])
    return Block(f"{STYLE}<div class='kpi-card'>{head}<table>{lines}</table></div>", text)


def _lines(text: str) -> str:
    return "<br>".join(html.escape(line) for line in text.splitlines())


STYLE = """<style>
.kpi-card{border:1px solid #d1d5db;border-radius:8px;padding:10px 14px;margin:6px 0;max-width:760px}
.kpi-card table{border-collapse:collapse;width:100%}
.kpi-card th,.kpi-card td{text-align:left!important;vertical-align:top;padding:4px 10px 4px 0;
font-size:14px;border:0;white-space:normal}
.kpi-card th{font-weight:600;width:9.5em}
.kpi-card .kpi-chip{display:inline-block;border-radius:10px;padding:1px 10px;font-size:13px;
font-weight:600;white-space:nowrap}
.kpi-card .kpi-small{opacity:.75;font-size:13px}
</style>"""
"""Colours are left to the page where possible, so that Lab's dark theme stays readable."""
