"""A chain of boxes joined by arrows that carry figures, from top to bottom."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from kpi_lib.charts.encode import category, quantity, small_chart, tip
from kpi_lib.charts.layers import layered
from kpi_lib.charts.picture import Picture, finished
from kpi_lib.charts.theme import BLUE, GREY, INK, PALE, alt, unchecked

WIDTH = 2.0
"""The picture is so wide; an arrow alone or a box alone takes all of it, two share it."""
LINE, BOX, GAP = 15, 14, 14
"""Heights in pixels: a line of text, what a box has above and below its lines, the space around an arrow."""
MOST_LETTERS = 23
"""Letters of a line beside an arrow, so that two stand side by side on a phone."""
MOST_LINES = 3
SOLID, DASHED = [1, 0], [4, 3]
_TIPS = [tip("title", "what", text=True), tip("figures", "figure", text=True)]


@dataclass(frozen=True)
class Item:
    """A box or an arrow: title, figures (lines below it), the page it opens (empty: none).

    A click anywhere on it or on its words opens the page. `is_firm` draws the arrow in full; without it
    the arrow is dashed.
    """

    title: str
    lines: tuple[str, ...] = ()
    page: str = ""
    is_firm: bool = True


@unchecked
def chain(rows: Sequence[Sequence[Item]], *, title: str, subtitle: str) -> Picture:
    """Rows of boxes and rows of arrows in turn, boxes first; one or two items in each."""
    tops = [0]
    for number, row in enumerate(rows):
        tops.append(tops[-1] + _height(row, number % 2 == 0))
    placed = [
        _placed(item, place, len(row), top, bottom)
        for row, (top, bottom) in zip(rows, pairwise(tops), strict=True)
        for place, item in enumerate(row)
    ]
    counts = [len(row) for row in rows]
    kinds = [number % 2 == 0 for number, count in enumerate(counts) for _ in range(count)]
    boxes = [one for one, is_box in zip(placed, kinds, strict=True) if is_box]
    arrows = [one for one, is_box in zip(placed, kinds, strict=True) if not is_box]
    layers = [*_boxes(boxes, tops[-1]), *_arrows(arrows, tops[-1]), *_links(placed, tops[-1])]
    return finished(layered(*layers), title, subtitle, tops[-1])


def folded(text: str) -> tuple[str, ...]:
    """A sentence in a few lines that fit beside an arrow."""
    lines = textwrap.wrap(text, MOST_LETTERS, max_lines=MOST_LINES, placeholder=" …")
    return tuple(lines)


def _height(row: Iterable[Item], is_box: bool) -> int:
    lines = max(1 + len(item.lines) for item in row)
    return lines * LINE + (BOX if is_box else 2 * GAP)


def _placed(item: Item, place: int, count: int, top: int, bottom: int) -> dict[str, Any]:
    width = WIDTH / count
    left = place * width
    middle = (top + bottom) / 2 - len(item.lines) * LINE / 2
    shown = {"title": item.title, "figures": "\n".join(item.lines), "firm": item.is_firm}
    shown |= {"href": f"{item.page}.ipynb" if item.page else ""}
    edge = 0.03 if count > 1 else 0.0
    return shown | {
        "left": left + (edge if place else 0.0),
        "right": left + width - (edge if place < count - 1 else 0.0),
        "centre": left + width / 2,
        "at": left + (0.1 if count > 1 else 0.5),
        "words": left + (0.17 if count > 1 else 0.57),
        "top": top,
        "bottom": bottom,
        "tip": bottom - 5,
        "first": middle,
        "below": middle + LINE * 0.65,
    }


def _across(name: str) -> Any:
    scale = alt.Scale(domain=[0, WIDTH], nice=False)
    return quantity(alt.X, name, scale=scale, axis=None, title="from left to right")


def _down(name: str, height: int) -> Any:
    scale = alt.Scale(domain=[height, 0], nice=False)
    return quantity(alt.Y, name, scale=scale, axis=None, title="from top to bottom")


def _texts(base: Any, x: str, height: int, align: str) -> list[Any]:
    """The title in bold and the figures below it."""
    title = base.mark_text(align=align, fontSize=12, fontWeight=600, color=INK)
    lines = base.mark_text(
        align=align, baseline="top", fontSize=12, color=INK, lineBreak="\n", lineHeight=LINE
    )
    return [
        title.encode(x=_across(x), y=_down("first", height), text=category(alt.Text, "title")),
        lines.encode(x=_across(x), y=_down("below", height), text=category(alt.Text, "figures")),
    ]


def _boxes(rows: list[dict[str, Any]], height: int) -> list[Any]:
    base = small_chart(rows).encode(tooltip=_TIPS)
    box = base.mark_rect(cornerRadius=6, fill=PALE, fillOpacity=0.55)
    box = box.encode(
        x=_across("left"),
        x2=alt.X2(field="right"),
        y=_down("top", height),
        y2=alt.Y2(field="bottom"),
    )
    return [box, *_texts(base, "centre", height, "center")]


def _arrows(rows: list[dict[str, Any]], height: int) -> list[Any]:
    layers = []
    for firm, colour, dash in ((True, BLUE, SOLID), (False, GREY, DASHED)):
        own = [row for row in rows if row["firm"] is firm]
        if not own:
            continue
        base = small_chart(own).encode(tooltip=_TIPS)
        rule = base.mark_rule(color=colour, strokeWidth=2.5, strokeDash=dash)
        layers.append(rule.encode(x=_across("at"), y=_down("top", height), y2=alt.Y2(field="tip")))
        head = base.mark_point(shape="triangle-down", filled=True, color=colour, size=110)
        layers.append(head.encode(x=_across("at"), y=_down("tip", height)))
    return [*layers, *_texts(small_chart(rows).encode(tooltip=_TIPS), "words", height, "left")]


def _links(rows: list[dict[str, Any]], height: int) -> list[Any]:
    """What opens a page, as unseen areas over the arrows and boxes: a dash is too thin to be hit."""
    own = [row for row in rows if row["href"]]
    if not own:
        return []
    base = small_chart(own).encode(href=category(alt.Href, "href"), tooltip=_TIPS)
    area = base.mark_rect(fill=PALE, fillOpacity=0, cursor="pointer")
    return [
        area.encode(
            x=_across("left"),
            x2=alt.X2(field="right"),
            y=_down("top", height),
            y2=alt.Y2(field="bottom"),
        )
    ]
