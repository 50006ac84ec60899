"""A value to come: against the matrix form, by hand, and laws."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import t

from kpi_lib.stats.outlook import LEAST_VALUES, Outlook, along_a_line, along_a_walk

VALUES = st.lists(st.integers(-50, 50).map(float), min_size=LEAST_VALUES, max_size=12)


@given(VALUES, st.integers(1, 6))
def test_a_line_predicts_as_the_matrix_form_does(values: list[float], ahead: int) -> None:
    """s^2 (1 + x0' (X'X)^-1 x0) of a new value, and scipy's t, where the code has closed forms."""
    found = along_a_line(values, ahead)
    assert found is not None
    x = np.column_stack([np.ones(len(values)), np.arange(len(values))])
    y, new = np.array(values), np.array([1.0, len(values) - 1 + ahead])
    fitted, *_ = np.linalg.lstsq(x, y, rcond=None)
    variance = ((y - x @ fitted) ** 2).sum() / (len(values) - 2)
    error = math.sqrt(variance * (1 + new @ np.linalg.inv(x.T @ x) @ new))
    assert found.expected == pytest.approx(new @ fitted, abs=1e-8)
    assert found.error == pytest.approx(error, abs=1e-6)
    if error > 1e-6:
        upper = new @ fitted + t.ppf(0.9, len(values) - 2) * error
        assert found.chance_below(upper) == pytest.approx(0.9, abs=1e-6)


def test_a_walk_by_hand() -> None:
    """Steps 2, 4, 3, 3: mean 3, s = sqrt(2/3); two ahead: 20 + 6, s x sqrt(2 + 4/4)."""
    found = along_a_walk([8.0, 10.0, 14.0, 17.0, 20.0], 2)
    assert found is not None
    assert found.expected == 26.0
    assert found.error == pytest.approx(math.sqrt(2 / 3) * math.sqrt(3))
    assert found.degrees == 3


def test_walks_hit_their_intervals_as_often_as_promised() -> None:
    """4,000 walks drawn here: the value two steps on lies below the 80 % point in 80 % of them."""
    chance, hits, tries = np.random.default_rng(3), 0, 4000
    for _ in range(tries):
        walk = np.cumsum(chance.normal(0.5, 2.0, size=10))
        found = along_a_walk(walk[:8].tolist(), 2)
        assert found is not None
        hits += found.chance_below(float(walk[9])) < 0.8
    assert abs(hits / tries - 0.8) < 4 * math.sqrt(0.8 * 0.2 / tries)


@given(VALUES, st.integers(1, 6), st.integers(-60, 60).map(float))
def test_a_higher_goal_is_at_least_as_likely_not_exceeded(
    values: list[float], ahead: int, goal: float
) -> None:
    for along in (along_a_line, along_a_walk):
        found = along(values, ahead)
        assert found is not None
        low, high = found.chance_below(goal), found.chance_below(goal + 1)
        assert 0 <= low <= high <= 1


def test_no_scatter_is_certain_and_few_values_tell_nothing() -> None:
    straight = along_a_walk([1.0, 2.0, 3.0, 4.0], 1)
    assert straight == Outlook(5.0, 0.0, 2)
    assert (straight.chance_below(5.0), straight.chance_below(4.9)) == (1.0, 0.0)
    assert along_a_line([1.0] * (LEAST_VALUES - 1), 1) is None
    assert along_a_walk([1.0] * (LEAST_VALUES - 1), 1) is None
