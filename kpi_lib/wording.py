"""Numbers with their units, as people write them: one way for notebooks, report and charts.

A leaf. Units are the texts of `kpi.Unit` ("days", "share", "money" ...). Thousands are set off by a
comma, millions and billions are written as m and bn, shares as percent, and money is led by its
currency. What is not known is an en dash; a duration that was not reached says so.
"""

from __future__ import annotations

import math

MISSING = "–"
NOT_REACHED = "not reached"

_MONEY = {"money", "money per month"}
_SUFFIXES = {"share": " %", "days": " days", "points": " points", "money per month": " per month"}


def is_known(value: float | None) -> bool:
    """Whether there is a number: neither None nor NaN (infinite counts: not reached)."""
    return value is not None and not math.isnan(value)


def steady(number: float) -> float:
    """`number` to twelve significant digits: the same for sums taken in another order.

    An engine adds in the order in which its threads finish, so that a sum differs in its last bits
    from run to run. Where it lies on a half (cents that end in 50), plain rounding shows it.

    >>> 0.1 + 0.2 == 0.3, steady(0.1 + 0.2) == 0.3
    (False, True)
    """
    return float(f"{number:.12g}")


def known(value: float | None) -> float | None:
    """The number as a plain float, or None for None and NaN."""
    return float(value) if value is not None and not math.isnan(value) else None


def format_number(value: float | None, unit: str = "", *, like: float | None = None) -> str:
    """The bare number of a value in `unit`: 0.123 as share gives 12.3, 1_234_567 as money 1.23 m.

    `like` is the number that decides on decimals and scale, so that the ends of an interval match.
    """
    if value is None or math.isnan(value):
        return MISSING
    if math.isinf(value):
        return NOT_REACHED
    scale = 100.0 if unit == "share" else 1.0
    model = abs((value if like is None or not math.isfinite(like) else like) * scale)
    divisor, letter = _thousands(model) if unit in _MONEY else (1.0, "")
    decimals = _decimals(model / divisor, unit, bool(letter))
    text = f"{steady(value * scale / divisor):,.{decimals}f}"
    return f"{without_minus_zero(text)}{letter}"


def format_value(value: float | None, unit: str, currency: str = "") -> str:
    """A value with its unit: 61 days, 12.3 %, EUR 1.20 m per month, 75 points, 3.05."""
    number = format_number(value, unit)
    return number if number in {MISSING, NOT_REACHED} else _dressed(number, unit, currency)


def format_interval(
    low: float | None, high: float | None, unit: str, currency: str = "", *, bare: bool = False
) -> str:
    """Both ends and the unit once: 48 to 79 days, EUR 1.10 m to 1.35 m, 48 days or more.

    `bare` leaves the unit out (percent signs stay), for use right after a value that has it.
    """
    if not is_known(low) and not is_known(high):
        return MISSING
    like = max(abs(end) for end in (low, high) if end is not None and not math.isnan(end))
    like = like if math.isfinite(like) else low or 0.0
    ends = [format_number(end, unit, like=like) for end in (low, high)]
    percent = unit if unit == "share" or not bare else ""
    money = "" if bare else currency
    if not is_known(low):
        return f"up to {_dressed(ends[1], percent, money)}"
    if not is_known(high):
        return f"{_dressed(ends[0], percent, money)} or more"
    if ends[1] == NOT_REACHED:
        return f"{_dressed(ends[0], percent, money)} to {NOT_REACHED}"
    return _dressed(f"{ends[0]} to {ends[1]}", percent, money)


def format_change(value: float | None, unit: str, currency: str = "") -> str:
    """The size of a change, without sign: 9 days, EUR 12,400; shares in percentage points."""
    if value is None or math.isnan(value):
        return MISSING
    if unit == "share":
        return f"{format_number(abs(value), unit)} percentage points"
    return format_value(abs(value), unit, currency)


def format_signed(value: float | None, unit: str, currency: str = "") -> str:
    """A change with its sign: +9 days, -2.1 percentage points; none where it is shown as zero."""
    if value is None or math.isnan(value):
        return MISSING
    size = format_change(value, unit, currency)
    sign = "-" if value < 0 else "+"
    return f"{sign}{size}" if any(digit in size for digit in "123456789") else size


def format_gain(value: float) -> str:
    """A correlation or a gain of AUC with its sign; what rounds to nothing has none.

    >>> format_gain(0.123), format_gain(-0.004)
    ('+0.12', '0.00')
    """
    text = f"{value:+.2f}"
    return text if text.strip("+-0.") else text[1:]


def format_count(count: float | None, noun: str = "") -> str:
    """A whole number with its noun, singular or plural: 1 customer, 1,204 customers."""
    if count is None or math.isnan(count):
        return MISSING
    return f"{count:,.0f} {plural(noun, count)}".strip()


def in_a_sentence(title: str) -> str:
    """A title as it stands within a sentence or on an axis; abbreviations stay as they are.

    >>> in_a_sentence("CLV to CAC"), in_a_sentence("Time to value")
    ('CLV to CAC', 'time to value')
    """
    return " ".join(word if word.isupper() else word.lower() for word in title.split())


def plural(noun: str, count: float) -> str:
    """The noun as it stands after `count`."""
    if count == 1 or not noun:
        return noun
    return f"{noun}es" if noun.endswith("s") else f"{noun}s"


def format_p_value(value: float | None) -> str:
    """A p-value as people write it: 0.032, below 0.001."""
    if value is None or math.isnan(value):
        return MISSING
    return "below 0.001" if value < 0.001 else f"{value:.3f}"


def _thousands(magnitude: float) -> tuple[float, str]:
    if magnitude >= 999_950_000:
        return 1e9, " bn"
    return (1e6, " m") if magnitude >= 999_950 else (1.0, "")


def _decimals(magnitude: float, unit: str, is_scaled: bool) -> int:
    if unit == "count":
        return 0
    if is_scaled or unit == "ratio":
        return 2 if magnitude < 100 else 0
    if unit == "share":
        return 1
    if magnitude >= 10 or magnitude == int(magnitude):
        return 0
    return 1 if magnitude >= 1 else 2


def without_minus_zero(text: str) -> str:
    """A number as text; what is shown as zero has no sign."""
    return text.lstrip("-") if not text.strip("-0.,") else text


def _dressed(number: str, unit: str, currency: str) -> str:
    suffix = _SUFFIXES.get(unit, "")
    if number == "1" and unit in {"days", "points"}:
        suffix = suffix[:-1]
    lead = f"{currency} " if unit in _MONEY and currency else ""
    return f"{lead}{number}{suffix}"
