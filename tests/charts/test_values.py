"""Values that travel inside pictures and records."""

from __future__ import annotations

import json
import math
import random
from datetime import date, datetime

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kpi_lib.charts.encode import small_chart
from kpi_lib.charts.theme import unchecked
from kpi_lib.charts.values import checksum, digest, plain, rounded, rows
from kpi_lib.wording import format_number


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (1234567.891, 1234570.0),
        (0.000123456789, 0.000123457),
        (-0.0, 0.0),
        (math.nan, None),
        (math.inf, None),
    ],
)
def test_six_significant_digits(value: float, expected: float | None) -> None:
    assert rounded(value) == expected


@given(st.lists(st.integers(0, 10**8), min_size=1, max_size=50), st.randoms())
def test_a_sum_of_cents_is_shown_alike_in_whatever_order_it_was_added(
    cents: list[int], order: random.Random
) -> None:
    amounts = [cent / 100 for cent in cents]
    other = order.sample(amounts, len(amounts))
    assert rounded(sum(amounts)) == rounded(sum(other))
    assert format_number(sum(amounts), "money") == format_number(sum(other), "money")


def test_a_half_is_rounded_alike_from_both_sides() -> None:
    below, above = math.nextafter(184001.5, 0), math.nextafter(184001.5, 1e9)
    assert f"{below:.6g}" != f"{above:.6g}"
    assert rounded(below) == rounded(above)
    assert format_number(below, "money") == format_number(above, "money")


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, None),
        (pd.NaT, None),
        (date(2026, 6, 30), "2026-06-30"),
        (pd.Timestamp("2026-06-30"), "2026-06-30"),
        (datetime(2026, 6, 30, 9, 5), "2026-06-30T09:05:00"),
        (np.datetime64("2026-06-30", "us"), "2026-06-30"),
        (np.int64(7), 7),
        (np.bool_(True), True),
        (np.float64(0.1) + 0.2, 0.3),
        ("text", "text"),
    ],
)
def test_plain_values(value: object, expected: object) -> None:
    assert plain(value) == expected


@given(st.floats(allow_nan=True, allow_infinity=True))
def test_any_number_becomes_json(value: float) -> None:
    json.dumps(plain(value), allow_nan=False)


@given(st.floats(min_value=-1e12, max_value=1e12))
def test_rounding_twice_is_rounding_once(value: float) -> None:
    once = rounded(value)
    assert once is not None
    assert rounded(once) == once


def test_rows_keep_their_order_and_lose_what_is_missing() -> None:
    frame = pd.DataFrame({"name": ["b", "a"], "value": [1.0, math.nan]})
    assert rows(frame) == [{"name": "b", "value": 1.0}, {"name": "a", "value": None}]


def test_the_digest_counts_and_changes_with_the_data() -> None:
    data = {"one": [{"a": 1, "b": 2}, {"a": 3, "b": 4}]}
    said = digest(data)
    assert said.startswith("picture: 2 rows x 2 columns, checksum ")
    data["one"][0]["a"] = 9
    assert digest(data) != said


def test_the_digest_does_not_depend_on_the_names_of_data_sets() -> None:
    rows_of = [{"a": 1}]
    assert digest({"x": rows_of}) == digest({"y": rows_of})
    assert checksum([1, 2]) != checksum([2, 1])


@unchecked
def test_a_line_drawn_by_hand_is_rounded_like_the_rows_of_a_frame() -> None:
    """The last digit of a sum depends on the order in which an engine adds."""
    sums = (4519.792079345311, 4519.79207934531)
    one, other = (small_chart([{"limit": value}]) for value in sums)
    assert one.data.values == other.data.values
