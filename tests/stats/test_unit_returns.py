"""Money per unit and its return in resamples, and the cost of the next unit."""

from __future__ import annotations

import math

import numpy as np
import pytest

from kpi_lib.stats.intervals import poisson_limits
from kpi_lib.stats.unit_returns import chance_of_least, cost_per, marginal_cost, return_on


@pytest.mark.parametrize("units", [20, 60, 400])
def test_resampled_limits_are_close_to_the_exact_ones(units: int) -> None:
    """Garwood's limits of the count; the bootstrap is an approximation for many units."""
    low, high = cost_per(1_000.0, units, "a").limits(0.9)
    few, many = (float(limit) for limit in poisson_limits(units, 0.9))
    assert low == pytest.approx(1_000 / many, rel=1 / math.sqrt(units))
    assert high == pytest.approx(1_000 / few, rel=1 / math.sqrt(units))


def test_of_few_units_the_upper_limit_has_no_end() -> None:
    assert cost_per(100.0, 2, "a").limits(0.9)[1] == math.inf
    nobody = cost_per(100.0, 0, "a")
    assert nobody.value == math.inf
    assert all(math.isnan(limit) for limit in nobody.limits(0.9))
    assert math.isnan(cost_per(0.0, 0, "a").value)


def test_names_have_their_own_chance_and_always_the_same() -> None:
    one, again, other = (cost_per(100.0, 30, name).draws for name in ("a", "a", "b"))
    assert (one == again).all()
    assert (one != other).any()


def test_return_scales_out_of_money() -> None:
    values = [10.0, 20.0, 5.0]
    one, scaled = (return_on(20.0 * k, [k * v for v in values], "a") for k in (1.0, 100.0))
    assert one.value == pytest.approx(35 / 20 - 1)
    np.testing.assert_allclose(one.draws, scaled.draws, rtol=1e-12)
    assert (return_on(20.0, values[::-1], "a").draws == one.draws).all()
    assert return_on(20.0, [], "a").limits(0.9) == (-1, -1)
    assert math.isnan(return_on(0.0, values, "a").value)


def test_the_spread_of_a_return_is_that_of_a_compound_poisson() -> None:
    """Variance of the sum of a Poisson number of values = sum of their squares."""
    values = np.linspace(1.0, 9.0, 40)
    draws = return_on(10.0, values, "a").draws
    assert draws.std() == pytest.approx(math.sqrt((values**2).sum()) / 10.0, rel=0.06)
    assert draws.mean() == pytest.approx(values.sum() / 10 - 1, rel=0.02)


def test_chance_of_least_adds_up() -> None:
    draws = {
        name: np.random.default_rng(7).normal(size=500) + shift
        for name, shift in [("a", 0), ("b", 9)]
    }
    assert chance_of_least(draws) == {"a": 1.0, "b": 0.0}
    assert chance_of_least({}) == {}


def months(seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Five years of months in which a further unit costs 10."""
    generator = np.random.default_rng(seed)
    spend = generator.uniform(50, 150, 60)
    return spend, generator.poisson(5 + spend / 10)


def test_slope_of_the_next_unit_against_numpy() -> None:
    spend, units = months(11)
    found = marginal_cost(spend, units, 0.9, "a")
    assert found.value == pytest.approx(1 / np.polyfit(spend, units, 1)[0])
    assert found.low < found.value < found.high
    same = marginal_cost(spend[::-1], units[::-1], 0.9, "a")
    assert (same.low, same.high) == (found.low, found.high)


def test_the_interval_of_the_next_unit_holds_the_planted_cost_about_as_often_as_it_says() -> None:
    found = [marginal_cost(*months(seed), 0.9, "a") for seed in range(60)]
    holds = sum(one.low <= 10 <= one.high for one in found)
    assert 48 <= holds <= 59


def test_too_few_months_say_so() -> None:
    found = marginal_cost([1.0, 2.0], [1, 2], 0.9, "a")
    assert math.isnan(found.value)
    assert "fewer than 12 months" in found.reason
