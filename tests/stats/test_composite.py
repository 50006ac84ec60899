"""Composite scores: a published example, halves, unknown parts."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kpi_lib.stats.composite import composite, half_up

NAMES = ("a", "b", "c", "d")
known_points = st.lists(st.floats(0, 100), min_size=4, max_size=4)
some_weights = st.lists(st.floats(0.01, 10), min_size=4, max_size=4)


def arrays(points: list[float]) -> dict[str, np.ndarray]:
    return {name: np.array([value]) for name, value in zip(NAMES, points, strict=True)}


def score(points: list[float], weights: list[float], **rule: bool) -> float:
    return float(composite(arrays(points), dict(zip(NAMES, weights, strict=True)), **rule)[0])


def test_the_published_health_score() -> None:
    """Source: Natero's worked example: 80 x .2 + 71 x .3 + 90 x .3 + 54 x .2 = 75; 70.5 becomes 71."""
    weights = [0.2, 0.3, 0.3, 0.2]
    assert score([80, 70.5, 90, 54], weights) == 75
    assert score([80, 71, 90, 54], weights, rounded=False) == pytest.approx(75.1, abs=1e-12)
    assert half_up([70.5, 71.5, 70.49, 0.5, 2.5]).tolist() == [71, 72, 70, 1, 3]


def test_a_half_that_the_machine_cannot_hold_is_rounded_up() -> None:
    """1.15 x 50 is 57.5 on paper and 57.49999999999999 in the machine."""
    assert 1.15 * 50 < 57.5
    assert half_up(1.15 * 50) == 58


def test_an_unknown_part_leaves_its_weight_or_counts_nothing() -> None:
    points = [80.0, math.nan, 40.0, math.nan]
    assert score(points, [1, 5, 1, 3]) == 60
    assert score(points, [1, 5, 1, 3], missing_as_zero=True) == 12
    assert math.isnan(score([math.nan] * 4, [1, 1, 1, 1], missing_as_zero=True))
    assert math.isnan(score([math.nan, 50, 50, 50], [1, 0, 0, 0]))


@given(known_points, some_weights, st.floats(0.1, 20))
def test_between_its_parts_and_blind_to_the_scale_of_weights(
    points: list[float], weights: list[float], factor: float
) -> None:
    exact = score(points, weights, rounded=False)
    assert min(points) - 1e-9 <= exact <= max(points) + 1e-9
    assert score(points, [factor * w for w in weights], rounded=False) == pytest.approx(exact)
    assert abs(score(points, weights) - exact) <= 1.0 + 1e-6


@pytest.mark.parametrize("weights", [[0, 0, 0, 0], [1, -1, 1, 1]])
def test_weights_that_make_no_sense_are_refused(weights: list[float]) -> None:
    with pytest.raises(ValueError, match="weights must not be negative, nor all zero"):
        score([1, 2, 3, 4], weights)
