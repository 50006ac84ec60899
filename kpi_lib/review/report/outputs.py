"""One output of a notebook as HTML that needs no network and no kernel."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from kpi_lib.review.report.cells import Cell
from kpi_lib.review.report.records import RESULT_MIME
from kpi_lib.review.report.text import markdown, without_colours

_VEGA = re.compile(r"application/vnd\.vegalite\.v\d+\+json")
_SILENT = (RESULT_MIME, "application/vnd.jupyter.widget-view+json")
"""Outputs for machines and for a live kernel: a page shows nothing in their place."""
_OUTSIDE = re.compile(
    r"<(script|link|img|iframe)\b[^>]*\b(?:src|href)\s*=\s*[\"']?(?:https?:)?//[^>]*>(?:\s*</\1>)?",
    re.IGNORECASE,
)
_IMAGES = ("image/png", "image/jpeg")


def _joined(value: Any) -> str:
    return value if isinstance(value, str) else "".join(value)


def _chart(spec: Mapping[str, Any]) -> str:
    """A place for a chart and its specification, which the page's script draws on opening."""
    text = json.dumps(spec, ensure_ascii=False, separators=(",", ":"))
    safe = text.replace("<", "\\u003c").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")
    title = spec.get("title", "")
    words = title.get("text", "") if isinstance(title, Mapping) else title
    label = escape(str(spec.get("description") or words or "Chart"))
    return (
        f'<figure class="chart"><div class="vega-embed" role="group" aria-label="{label}"></div>'
        f'<script type="application/json">{safe}</script></figure>'
    )


def _bundle(data: Mapping[str, Any]) -> str:
    """The richest form of an output that a page can show."""
    if any(kind in data for kind in _SILENT):
        return ""
    for kind in data:
        if _VEGA.fullmatch(kind):
            return _chart(data[kind])
    if "text/html" in data:
        return f'<div class="output">{_OUTSIDE.sub("", _joined(data["text/html"]))}</div>'
    if "text/markdown" in data:
        return f'<div class="output">{markdown(_joined(data["text/markdown"]))}</div>'
    if "image/svg+xml" in data:
        return f'<figure class="chart">{_joined(data["image/svg+xml"])}</figure>'
    for kind in _IMAGES:
        if kind in data:
            content = _joined(data[kind]).replace("\n", "")
            return f'<figure class="chart"><img alt="" src="data:{kind};base64,{content}"></figure>'
    return _plain(_joined(data.get("text/plain", "")))


def _plain(text: str) -> str:
    text = without_colours(text).strip("\n")
    return f'<pre class="output">{escape(text)}</pre>' if text.strip() else ""


def _messages(texts: Sequence[str]) -> str:
    """What was written to stderr, folded: it is for whoever looks after the notebook."""
    text = without_colours("".join(texts)).strip()
    if not text:
        return ""
    return f"<details><summary>Messages</summary><pre>{escape(text)}</pre></details>"


def outputs_html(cell: Cell) -> str:
    """Everything a code cell shows, errors left out (the page shows them its own way)."""
    parts, messages = [], []
    for output in cell.get("outputs", []):
        kind = output.get("output_type")
        if kind == "stream" and output.get("name") == "stderr":
            messages.append(_joined(output.get("text", "")))
        elif kind == "stream":
            parts.append(_plain(_joined(output.get("text", ""))))
        elif kind in ("display_data", "execute_result"):
            parts.append(_bundle(output.get("data", {})))
    return "\n".join([part for part in parts if part] + [m for m in [_messages(messages)] if m])
