"""The portfolio: a planted better spread is found, noise and thin data are refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from kpi_lib.stats.exposed import is_flat, lift_of
from kpi_lib.stats.portfolio import Curves, reallocated, slopes, spread, worth


def planted(slope: list[float], noise: float, accounts: int = 400) -> Curves:
    """Two levers of equal cost, touched once or twice; money is slope x ln(1 + touches) plus noise."""
    random = np.random.default_rng(3)
    x = np.log1p(random.integers(0, 4, (accounts, 2)).astype(float))
    y = x * np.array(slope) + random.normal(0, noise, x.shape)
    dx, dy = x - x.mean(axis=0), y - y.mean(axis=0)
    touches = np.expm1(x).mean(axis=0)
    many = np.full(2, float(accounts))
    return Curves(
        dx * dy, dx * dx, many, touches, x.mean(axis=0), np.array([5.0, 5.0]), np.full(2, 3.0)
    )


def test_a_better_spread_is_found_at_the_same_spend() -> None:
    curves = planted([100.0, 5.0], noise=20.0)
    found = reallocated(curves, 0.9, 100, 1)
    assert found.touches is not None
    assert found.low > 0
    assert found.touches[0] > found.touches[1]
    now, then = ((curves.units * curves.cost * t).sum() for t in (curves.now, found.touches))
    assert then == pytest.approx(now, rel=1e-6)


def test_the_spread_brings_at_least_as_much_as_any_other_of_the_same_spend() -> None:
    curves = planted([100.0, 30.0], noise=1.0)
    slope = slopes(curves, np.ones(400))
    best = worth(curves, slope, spread(curves, slope))
    total = curves.now.sum()
    for first in np.linspace(max(0.0, total - 3.0), min(3.0, total), 50):
        assert worth(curves, slope, np.array([first, total - first])) <= best + 1e-6


def test_noise_is_refused() -> None:
    found = reallocated(planted([0.0, 0.0], noise=500.0), 0.9, 100, 1)
    assert found.touches is None
    assert found.low <= 0
    assert "includes 0" in found.reason


def test_thin_data_are_refused_with_the_reason() -> None:
    assert "50" in reallocated(planted([9.0, 1.0], 1.0, accounts=30), 0.9, 20, 1).reason
    one = planted([9.0, 1.0], 1.0)
    alone = Curves(*(np.asarray(a)[..., :1] for a in vars(one).values()))
    assert "levers" in reallocated(alone, 0.9, 20, 1).reason


def test_the_interval_of_two_arms_is_that_of_the_difference_of_means() -> None:
    """One stratum, one row per account: the clustered error is sqrt(s1^2 / n1 + s0^2 / n0) by hand."""
    random = np.random.default_rng(5)
    one, other = random.normal(3, 2, 300), random.normal(1, 1, 500)
    value = np.r_[one - other.mean(), -(other - other.mean()) * 300 / 500]
    weight: Any = np.r_[np.ones(300), np.zeros(500)]
    found = lift_of(value, weight, 300, 500, 0.9)
    error = np.sqrt(one.var() / 300 + other.var() / 500)
    assert found.value == pytest.approx(one.mean() - other.mean())
    assert (found.high - found.low) / 2 == pytest.approx(1.6449 * error, rel=0.01)


def test_an_outcome_that_is_the_same_for_all_tells_nothing_of_the_time_before() -> None:
    nothing = lift_of(np.zeros(40), np.r_[np.ones(20), np.zeros(20)], 20, 20, 0.9)
    assert is_flat(nothing) is None
