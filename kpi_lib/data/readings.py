"""How the texts of a column are to be read as dates, moments, numbers or flags.

Works on shapes: a text with every digit as 9 and every run of letters as a. A column has few of
them, however long it is, so the guess looks at all of the data and not at a sample.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

DayOrder = Literal["day first", "month first", ""]
Decimal = Literal[",", ".", ""]


@dataclass(frozen=True)
class Shape:
    """A shape in a column: how many texts have it, and the largest first and second whole number."""

    text: str
    rows: int
    first: int = 0
    second: int = 0


_TIME = r"(?P<time>(?P<gap>[ a]| a )(?P<clock>99?:99)(?P<seconds>:99)?(?P<fraction>\.9+)?(?P<half> ?a(?![:9]))?)?"
_ZONE = r"(?P<zone> ?[+-]99(:?99)?)?"
_ISO = re.compile(r"9999(?P<sep>[-/.])99?(?P=sep)99?" + _TIME + _ZONE + "$")
_COMPACT = re.compile(r"99999999" + _TIME + _ZONE + "$")
_NUMERIC = re.compile(r"99?(?P<sep>[-/.])99?(?P=sep)(?P<year>9999|99)" + _TIME + "$")
_NAMED = re.compile(r"99?(?P<sep>[- ])a(?P=sep)(?P<year>9999|99)" + _TIME + "$")
_NAMED_FIRST = re.compile(r"a 99?,? (?P<year>9999)" + _TIME + "$")

_GROUP = "[ \u00a0\u202f'\u2019]"
_DOT = re.compile(rf"[+-]?(9+|9{{1,3}}(,999)+|9{{1,3}}({_GROUP}999)+)?(\.9+)?(a[+-]?9+)?$")
_COMMA = re.compile(rf"[+-]?(9+|9{{1,3}}(\.999)+|9{{1,3}}({_GROUP}999)+)?(,9+)?(a[+-]?9+)?$")


def day_order(shapes: Iterable[Shape]) -> tuple[DayOrder, bool, bool]:
    """Which of day and month stands first, whether that is certain, and whether the data contradict it.

    Empty when the shapes hold no such date or allow both.
    """
    numeric = [shape for shape in shapes if _NUMERIC.match(shape.text)]
    day_first = any(shape.first > 12 for shape in numeric)
    month_first = any(shape.second > 12 for shape in numeric)
    if day_first and month_first:
        return "day first", False, True
    if day_first or (
        numeric and all("." in shape.text[:3] for shape in numeric) and not month_first
    ):
        return "day first", True, False
    return ("month first", True, False) if month_first else ("", False, False)


def has_numeric_dates(shapes: Iterable[Shape]) -> bool:
    """Whether any shape is a date of three numbers whose order must be known."""
    return any(_NUMERIC.match(shape.text) for shape in shapes)


def read_dates(shapes: Iterable[Shape], order: DayOrder) -> tuple[bool, tuple[str, ...]]:
    """Whether ISO texts are among the shapes, and the strptime formats of the others."""
    iso, formats = False, []
    for shape in shapes:
        match = _ISO.match(shape.text)
        if match and match["sep"] == "-":
            iso = True
            continue
        formats += _formats(shape.text, order or "day first")
    unique = sorted(set(formats), key=lambda text: ("%Y" in text, text))
    return iso, tuple(unique)


def _formats(shape: str, order: DayOrder) -> list[str]:
    if match := _ISO.match(shape):
        return _with_time(f"%Y{match['sep']}%m{match['sep']}%d", match)
    if match := _COMPACT.match(shape):
        return _with_time("%Y%m%d", match)
    if match := _NUMERIC.match(shape):
        sep, year = match["sep"], _year(match)
        day = f"%d{sep}%m{sep}{year}" if order == "day first" else f"%m{sep}%d{sep}{year}"
        return _with_time(day, match)
    if match := _NAMED.match(shape):
        return [
            f
            for name in ("%b", "%B")
            for f in _with_time(f"%d{match['sep']}{name}{match['sep']}{_year(match)}", match)
        ]
    if match := _NAMED_FIRST.match(shape):
        comma = "," if "," in shape else ""
        return [f for name in ("%b", "%B") for f in _with_time(f"{name} %d{comma} %Y", match)]
    return []


def _year(match: re.Match[str]) -> str:
    return "%Y" if match["year"] == "9999" else "%y"


def _with_time(day: str, match: re.Match[str]) -> list[str]:
    if not match["time"]:
        return [day]
    hour = "%I" if match["half"] else "%H"
    clock = (
        f"{hour}:%M" + (":%S" if match["seconds"] else "") + (".%f" if match["fraction"] else "")
    )
    half = {"": "", None: ""}.get(
        match["half"], " %p" if (match["half"] or "").startswith(" ") else "%p"
    )
    gap = "T" if match["gap"] == "a" else " "
    return [f"{day}{gap}{clock}{half}"]


def decimal_mark(columns: Iterable[Iterable[Shape]]) -> tuple[Decimal, bool]:
    """The decimal mark that all number columns of a file agree on, and whether it is certain.

    Empty when no text tells. Where both marks read everything, "." unless the caller knows better.
    """
    dot_only = comma_only = both = 0
    for shapes in columns:
        for shape in shapes:
            if not re.search("[.,]", shape.text):
                continue
            dot, comma = bool(_DOT.match(shape.text)), bool(_COMMA.match(shape.text))
            dot_only += shape.rows * (dot and not comma)
            comma_only += shape.rows * (comma and not dot)
            both += shape.rows * (dot and comma)
    if dot_only or comma_only:
        return ("." if dot_only >= comma_only else ","), not (dot_only and comma_only)
    return "", not both


def reads_as_number(shape: str, decimal: Decimal) -> bool:
    """Whether a text of this shape is a number written with that decimal mark."""
    pattern = _COMMA if decimal == "," else _DOT
    return bool(pattern.match(shape)) and "9" in shape
