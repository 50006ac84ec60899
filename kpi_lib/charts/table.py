"""Tables people can read and sort: HTML for pages, fixed columns for terminals."""

from __future__ import annotations

import html
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from kpi_lib.charts.shown import Block
from kpi_lib.charts.units import as_unit, unit_name
from kpi_lib.charts.values import plain
from kpi_lib.kpi import Unit
from kpi_lib.wording import MISSING, NOT_REACHED, format_count, without_minus_zero

if TYPE_CHECKING:
    import pandas as pd

MOST_ROWS = 200
"""Rows on a page; the rest is counted."""

TEXT_ROWS = 12
"""Rows of the plain text."""

Units = Mapping[str, Unit | str]

_SHORT = {
    "mrr": "MRR",
    "arr": "ARR",
    "api": "API",
    "kpi": "KPI",
    "kpis": "KPIs",
    "n": "n",
    "clv": "CLV",
    "cac": "CAC",
}
_WHOLE = {Unit.MONEY, Unit.MONEY_PER_MONTH, Unit.COUNT}

_SORT = (
    "var h=event.target.closest('th');if(h){var b=h.closest('table').tBodies[0],i=h.cellIndex,"
    "u=h.getAttribute('aria-sort')!='ascending';"
    "[...h.parentNode.cells].forEach(function(c){c.removeAttribute('aria-sort')});"
    "h.setAttribute('aria-sort',u?'ascending':'descending');"
    "[...b.rows].sort(function(p,q){var x=p.cells[i].dataset.v,y=q.cells[i].dataset.v;"
    "if(x==''||y=='')return (x=='')-(y=='');"
    "var d=isNaN(x)||isNaN(y)?x.localeCompare(y):x-y;return u?d:-d})"
    ".forEach(function(r){b.appendChild(r)})}"
)
"""Sorts by the header clicked: numbers by size, text by alphabet, unknown last."""

STYLE = """<style>
.kpi-table-box{overflow:auto;max-height:480px;margin:6px 0}
table.kpi-table{border-collapse:collapse;font-size:14px;margin:0}
table.kpi-table th,table.kpi-table td{padding:5px 12px 5px 0;border:0;border-bottom:1px solid #d1d5db;
text-align:left!important;vertical-align:top;white-space:nowrap}
table.kpi-table td.wide{white-space:normal;min-width:16em}
table.kpi-table th{cursor:pointer;font-weight:600}
table.kpi-table .number{text-align:right!important;font-variant-numeric:tabular-nums}
table.kpi-table th[aria-sort=ascending]::after{content:" \\25B2"}
table.kpi-table th[aria-sort=descending]::after{content:" \\25BC"}
.kpi-table-more{opacity:.75;font-size:13px;margin:2px 0}
</style>"""


def table(
    frame: pd.DataFrame,
    *,
    units: Units | None = None,
    titles: Mapping[str, str] | None = None,
    currency: str = "",
    most: int = MOST_ROWS,
    noun: str = "row",
) -> Block:
    """`frame` as a sortable table, units in the heads, numbers to the right, days as ISO.

    No more than `most` rows; how many more there are is always said.
    """
    columns = [
        _Column(frame, str(name), units or {}, titles or {}, currency) for name in frame.columns
    ]
    more = _more(len(frame), most, noun)
    return Block(_page(columns, min(len(frame), most), more), _text(columns, len(frame), noun))


def column_title(name: str, titles: Mapping[str, str] | None = None) -> str:
    """How a column is headed: its title, else its name in words."""
    words = (_SHORT.get(word, word) for word in name.split("_"))
    return (titles or {}).get(name) or " ".join(words)


class _Column:
    """One column made ready: its head, the text and the sort key of each cell."""

    def __init__(
        self,
        frame: pd.DataFrame,
        name: str,
        units: Units,
        titles: Mapping[str, str],
        currency: str,
    ) -> None:
        self.values = [plain(value) for value in frame[name].tolist()]
        known = [value for value in self.values if value is not None]
        self.is_number = bool(known) and all(_is_number(value) for value in known)
        unit = units.get(name)
        named = unit_name(unit, currency) if self.is_number else ""
        title = column_title(name, titles)
        if named and title.endswith(f" {named}"):
            title = title.removesuffix(f" {named}")
        named = "" if title == named else named
        self.title = f"{title} ({named})" if named else title
        self.texts = _texts(self.values, unit, self.is_number)
        self.is_wide = any(len(text) > 48 for text in self.texts)

    def style(self, cell: str = "") -> str:
        """The class of a cell of this column."""
        names = ["number"] * self.is_number + ["wide"] * (self.is_wide and cell == "td")
        return f" class='{' '.join(names)}'" if names else ""


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _texts(values: list[Any], unit: Unit | str | None, is_number: bool) -> list[str]:
    if not is_number:
        return [MISSING if value is None else _word(value) for value in values]
    known = [value for value in values if value is not None]
    scale = 100 if as_unit(unit) is Unit.SHARE else 1
    decimals = _decimals(known, unit)
    written = [None if v is None else f"{v * scale:,.{decimals}f}" for v in values]
    return [MISSING if text is None else without_minus_zero(text) for text in written]


def _decimals(known: list[float], unit: Unit | str | None) -> int:
    """Decimals for a whole column, so that its figures line up."""
    kind = as_unit(unit)
    if kind in _WHOLE or all(float(value).is_integer() for value in known):
        return 1 if kind is Unit.SHARE else 0
    return 2 if kind is Unit.RATIO or kind is None else 1


def _word(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return NOT_REACHED if value == "inf" else str(value)


def _more(count: int, most: int, noun: str) -> str:
    return f"and {format_count(count - most, 'more ' + noun)}" if count > most else ""


def _page(columns: list[_Column], count: int, more: str) -> str:
    head = "".join(
        f"<th tabindex='0'{column.style()}>{html.escape(column.title)}</th>" for column in columns
    )
    body = "".join(
        "<tr>" + "".join(_cell(column, row) for column in columns) + "</tr>" for row in range(count)
    )
    note = f"<p class='kpi-table-more'>{html.escape(more)}</p>" if more else ""
    return (
        f'{STYLE}<div class="kpi-table-box"><table class="kpi-table"><thead onclick="{_SORT}" '
        "onkeydown=\"if(event.key=='Enter')event.target.click()\">"
        f"<tr>{head}</tr></thead><tbody>{body}</tbody></table></div>{note}"
    )


def _cell(column: _Column, row: int) -> str:
    value = column.values[row]
    key = "" if value is None else html.escape(str(value), quote=True)
    return f'<td{column.style("td")} data-v="{key}">{html.escape(column.texts[row])}</td>'


def _text(columns: list[_Column], count: int, noun: str) -> str:
    shown = min(count, TEXT_ROWS)
    widths = [max(map(len, [c.title, *c.texts[:shown]]), default=0) for c in columns]
    pairs = list(zip(columns, widths, strict=True))
    lines = ["  ".join(_aligned(c.title, width, c.is_number) for c, width in pairs).rstrip()]
    for row in range(shown):
        cells = (_aligned(c.texts[row], width, c.is_number) for c, width in pairs)
        lines.append("  ".join(cells).rstrip())
    more = _more(count, shown, noun)
    return "\n".join(lines + ([more] if more else []))


def _aligned(text: str, width: int, right: bool) -> str:
    return text.rjust(width) if right else text.ljust(width)
