"""How every picture looks: colours told apart by colour-blind readers, one font, calm axes."""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import wraps
from typing import Any, ParamSpec, TypeVar


def _import_altair() -> Any:
    """The altair module, imported without the slow URI parsers that jsonschema would load.

    jsonschema treats `rfc3987_syntax` as optional, and building its parsers takes two seconds.
    """
    missing = "rfc3987_syntax"
    if missing in sys.modules:
        import altair

        return altair
    sys.modules[missing] = None  # type: ignore[assignment]  # None is Python's "not importable"
    try:
        import altair

        return altair
    finally:
        del sys.modules[missing]


alt: Any = _import_altair()
"""Altair, for the modules of this package only."""

P = ParamSpec("P")
T = TypeVar("T")


def unchecked(draw: Callable[P, T]) -> Callable[P, T]:
    """`draw` without altair's check of every piece against its schema; the tests check the whole."""

    @wraps(draw)
    def drawn(*args: P.args, **kwargs: P.kwargs) -> T:
        with alt.utils.schemapi.debug_mode(False):
            return draw(*args, **kwargs)

    return drawn


BLUE = "#0072B2"
ORANGE = "#E69F00"
GREEN = "#009E73"
RED = "#D55E00"
PURPLE = "#CC79A7"
SKY = "#56B4E9"
INK = "#1F2933"
GREY = "#6B7280"
PALE = "#D1D5DB"
PALETTE = [BLUE, ORANGE, GREEN, PURPLE, SKY, RED, GREY, "#B8A600"]
"""Okabe and Ito's colours (2008), the pale yellow darkened so that it reads on white."""

FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif"
HEIGHT = 260
WIDTH = 640
PANEL = 250
"""Width of one panel of small multiples: two fit on a laptop's page, one on a phone."""

CONFIG: dict[str, Any] = {
    "font": FONT,
    "background": "white",
    "view": {"stroke": None},
    "axis": {
        "labelFontSize": 12,
        "titleFontSize": 12,
        "titleFontWeight": "normal",
        "titleColor": GREY,
        "labelColor": INK,
        "gridColor": "#E5E7EB",
        "domainColor": PALE,
        "tickColor": PALE,
        "labelOverlap": True,
        "labelLimit": 220,
        "titlePadding": 8,
    },
    "axisX": {"grid": False},
    "legend": {
        "orient": "bottom",
        "columns": 4,
        "titleFontSize": 12,
        "labelFontSize": 12,
        "labelLimit": 200,
        "symbolStrokeWidth": 2,
        "title": None,
    },
    "title": {
        "anchor": "start",
        "fontSize": 15,
        "fontWeight": 600,
        "color": INK,
        "subtitleColor": GREY,
        "subtitleFontSize": 12,
        "subtitlePadding": 4,
        "offset": 12,
    },
    "header": {"labelFontSize": 12, "labelColor": INK, "labelAnchor": "start", "title": None},
    "range": {"category": PALETTE},
    "line": {"strokeWidth": 2.5},
    "point": {"size": 60},
}
"""How Vega-Lite is to draw all pictures."""
