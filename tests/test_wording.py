"""Numbers with their units, as people write them."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kpi_lib.kpi import Unit
from kpi_lib.wording import (
    format_change,
    format_count,
    format_interval,
    format_number,
    format_p_value,
    format_signed,
    format_value,
)

INF, NAN = math.inf, math.nan


@pytest.mark.parametrize(
    ("value", "unit", "said"),
    [
        (61.2, "days", "61 days"),
        (1.0, "days", "1 day"),
        (8.53, "days", "8.5 days"),
        (INF, "days", "not reached"),
        (0.1234, "share", "12.3 %"),
        (1.0, "share", "100.0 %"),
        (45_300.0, "money", "EUR 45,300"),
        (1_234_567.0, "money", "EUR 1.23 m"),
        (999_960.0, "money", "EUR 1.00 m"),
        (2.5e9, "money", "EUR 2.50 bn"),
        (-1_200_000.0, "money per month", "EUR -1.20 m per month"),
        (75.0, "points", "75 points"),
        (0.213, "points", "0.21 points"),
        (3.047, "ratio", "3.05"),
        (1204.0, "count", "1,204"),
        (None, "days", "–"),
        (NAN, "money", "–"),
        (-0.0001, "ratio", "0.00"),
    ],
)
def test_a_value_has_its_unit(value: float | None, unit: str, said: str) -> None:
    assert format_value(value, unit, "EUR") == said


@pytest.mark.parametrize(
    ("low", "high", "unit", "said"),
    [
        (48.0, 79.0, "days", "48 to 79 days"),
        (8.2, 12.4, "days", "8 to 12 days"),
        (48.0, INF, "days", "48 days to not reached"),
        (48.0, None, "days", "48 days or more"),
        (None, 79.0, "days", "up to 79 days"),
        (0.1, 0.182, "share", "10.0 to 18.2 %"),
        (900_000.0, 1_200_000.0, "money", "EUR 0.90 m to 1.20 m"),
        (None, None, "days", "–"),
    ],
)
def test_an_interval_has_its_unit_once(
    low: float | None, high: float | None, unit: str, said: str
) -> None:
    assert format_interval(low, high, unit, "EUR") == said


def test_a_bare_interval_keeps_its_percent_sign_only() -> None:
    assert format_interval(48, 79, "days", bare=True) == "48 to 79"
    assert format_interval(0.1, 0.2, "share", bare=True) == "10.0 to 20.0 %"
    assert format_interval(1e6, 2e6, "money", "EUR", bare=True) == "1.00 m to 2.00 m"


def test_changes_of_shares_are_percentage_points() -> None:
    assert format_change(-0.021, "share") == "2.1 percentage points"
    assert format_signed(-0.021, "share") == "-2.1 percentage points"
    assert format_signed(9.0, "days") == "+9 days"
    assert format_change(None, "days") == "–"


def test_counts_and_nouns() -> None:
    assert format_count(1, "customer") == "1 customer"
    assert format_count(1204, "customer") == "1,204 customers"
    assert format_count(2, "loss") == "2 losses"
    assert format_count(None) == "–"


def test_small_p_values_are_not_zero() -> None:
    assert format_p_value(0.0001) == "below 0.001"
    assert format_p_value(0.0321) == "0.032"
    assert format_p_value(None) == "–"


@given(st.floats(allow_nan=True, allow_infinity=True), st.sampled_from([*Unit, ""]))
def test_any_number_can_be_written(value: float, unit: str) -> None:
    assert format_value(value, unit, "EUR")
    assert format_interval(value, value, unit, "EUR")
    assert not format_number(value, unit).startswith("-0.00")
