"""The rest of a year: the ratio predictor, its interval, and how often that holds."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kpi_lib.stats.year_end import NO_BASE, ONE_ACCOUNT, year_end

AMOUNTS = st.lists(st.tuples(st.floats(1, 1e5), st.floats(0, 1e5)), min_size=2, max_size=20)


def test_by_hand() -> None:
    """x 1, 1, 2; y 1, 3, 4: k 2; residuals -1, 1, 0; sigma^2 (1 + 1 + 0) / 2 = 1; X 4.

    For a total of 4: rest 8, variance 1 x 4 x (1 + 4/4) = 8.
    """
    model = year_end([1, 1, 2, 0], [1, 3, 4, 9])
    assert (model.ratio, model.spread, model.base, model.accounts) == (2, 1, 4, 3)
    assert float(model.rest(4)) == 8
    assert float(model.error(4)) == pytest.approx(np.sqrt(8))
    low, high = model.limits(4, 0.9)
    # Student's t with 2 degrees at 95 %: 2.919986 (any table).
    assert float(high) == pytest.approx(8 + 2.919986 * np.sqrt(8), abs=1e-5)
    assert float(low) == 0
    assert model.chance_of(4, 8) == pytest.approx(0.5)


@given(AMOUNTS)
def test_last_year_itself_is_forecast_exactly(pairs: list[tuple[float, float]]) -> None:
    so_far, rest = (np.array(one) for one in zip(*pairs, strict=True))
    model = year_end(so_far, rest)
    assert float(model.rest(so_far.sum())) == pytest.approx(rest.sum(), rel=1e-9)
    assert float(model.rest(so_far).sum()) == pytest.approx(rest.sum(), rel=1e-9)
    low, high = model.limits(so_far.sum(), 0.9)
    assert 0 <= float(low) <= rest.sum() * (1 + 1e-9) + 1e-9
    assert float(high) >= rest.sum() * (1 - 1e-9)


def test_what_cannot_be_told_says_why() -> None:
    assert year_end([0, 0], [5, 5]).reason == NO_BASE
    assert year_end([3, 0], [5, 5]).reason == ONE_ACCOUNT
    assert np.isnan(year_end([], []).error(3))
    assert np.isnan(year_end([], []).chance_of(3, 1))


def test_nine_in_ten_intervals_hold_the_truth() -> None:
    """2,000 pairs of years of 40 accounts under the model; 90 % +- 3 standard errors is 88 to 92."""
    chance = np.random.default_rng(7)
    inside = 0
    for _ in range(2_000):
        before, now = chance.gamma(2.0, 50.0, (2, 40))
        y, z = (1.5 * x + 4 * np.sqrt(x) * chance.standard_normal(40) for x in (before, now))
        low, high = year_end(before, y).limits(now.sum(), 0.9)
        inside += int(low <= z.sum() <= high)
    assert inside / 2_000 == pytest.approx(0.9, abs=0.021)
