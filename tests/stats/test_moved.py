"""What was only moved in time: the identity by hand, its reasons, and how often its interval holds."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kpi_lib.stats.moved import LEAST, moved_share


def test_by_hand() -> None:
    """The others go from 100 to 110; those who book from 100 to 118 with 40 booked: 8 added, 80 % moved."""
    before = np.full(2 * LEAST, 100.0)
    after = np.repeat([118.0, 110.0], LEAST)
    booked = np.repeat([40.0, 0.0], LEAST)
    found = moved_share(before, after, booked, 0.9)
    assert found.share == pytest.approx(0.8)
    assert (found.low, found.high) == pytest.approx((0.8, 0.8))
    assert found.growth == pytest.approx(0.1)
    assert found.added == pytest.approx(8 * LEAST)


@given(st.floats(0.01, 1e4))
def test_it_does_not_depend_on_what_pieces_are_counted_in(scale: float) -> None:
    chance = np.random.default_rng(3)
    before, after = chance.gamma(2.0, 50.0, (2, 40))
    booked = np.where(np.arange(40) < 20, after / 3, 0.0)
    one = moved_share(before, after, booked, 0.9)
    other = moved_share(before * scale, after * scale, booked * scale, 0.9)
    assert other.share == pytest.approx(one.share, rel=1e-9)
    assert (other.low, other.high) == pytest.approx((one.low, one.high), rel=1e-9)


def test_too_few_accounts_of_a_kind_say_so() -> None:
    few = np.repeat([1.0, 0.0], [LEAST - 1, 50])
    found = moved_share(np.ones(few.size), np.ones(few.size), few, 0.9)
    assert np.isnan(found.share)
    assert "fewer than" in found.reason
    assert moved_share([], [], [], 0.9).reason


def test_nine_in_ten_intervals_hold_the_truth() -> None:
    """80 % moved is planted in 200 worlds of 60 accounts that book and 60 that do not; 90 % of 200 less
    three standard errors is 167."""
    chance, inside, kind = np.random.default_rng(11), 0, np.arange(120) < 60
    for _ in range(200):
        size = chance.gamma(4.0, 25.0, 120)
        before = size * chance.gamma(20.0, 0.05, 120)
        booked = np.where(kind, 0.4 * size, 0.0)
        after = size * chance.gamma(20.0, 0.05, 120) + 0.2 * booked
        found = moved_share(before, after, booked, 0.9)
        inside += int(found.low <= 0.8 <= found.high)
    assert inside >= 167
