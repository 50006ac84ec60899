"""Money over units that come by chance: exact limits, change, pooling."""

from __future__ import annotations

import math
from datetime import date
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kpi_lib.customers.subscribed import small
from kpi_lib.engine import run
from kpi_lib.stats.cost_per_unit import NO_COST, NO_UNIT, CostPerUnit
from kpi_lib.stats.exact import conditional_binomial
from kpi_lib.stats.intervals import poisson_limits

PERIOD = date(2026, 1, 1)
METHOD = CostPerUnit()


def reduced(cost: float | None, units: int) -> pd.DataFrame:
    """The reduced frame of a period with so much money and so many units, made in the engine."""
    share = None if cost is None else cost / units if units else cost
    count = max(units, 1)
    columns: dict[str, list[Any]] = {
        "unit_id": [str(place) for place in range(count)],
        "period": [PERIOD] * count,
        "value": [share] * count,
        "weight": [1.0 if units else 0.0] * count,
    }
    kinds = {"unit_id": "string", "period": "date", "value": "float64", "weight": "float64"}
    return run(METHOD.reduce(small(columns, kinds), ["period"]))


def cell(cost: float | None, units: int, level: float = 0.95) -> Any:
    return METHOD.estimate(reduced(cost, units), ["period"], level).iloc[0]


@pytest.mark.parametrize(
    ("count", "low", "high"),
    [(0, 0.0, 3.689), (1, 0.0253, 5.572), (5, 1.623, 11.668), (10, 4.795, 18.390)],
)
def test_the_limits_of_a_count_are_garwoods(count: int, low: float, high: float) -> None:
    """95 % limits of the usual tables of Garwood (1936): half a unit of the last digit."""
    found = [float(limit) for limit in poisson_limits(count, 0.95)]
    assert found[0] == pytest.approx(low, abs=5e-5 if count == 1 else 5e-4)
    assert found[1] == pytest.approx(high, abs=5e-4)


@given(st.integers(0, 400), st.sampled_from([0.8, 0.9, 0.95]))
def test_each_limit_leaves_half_the_rest_beyond_it(count: int, level: float) -> None:
    """The definition: a mean at the upper limit gives so few with chance (1 - level) / 2."""
    from scipy.stats import poisson

    low, high = (float(limit) for limit in poisson_limits(count, level))
    assert poisson.cdf(count, high) == pytest.approx((1 - level) / 2, rel=1e-6)
    if count:
        assert poisson.sf(count - 1, low) == pytest.approx((1 - level) / 2, rel=1e-6)


def test_a_vendors_worked_example() -> None:
    """Spend 4,000 for 400 leads and 55 customers: 10.00 a lead and 72.73 a customer (published)."""
    assert cell(4000, 400)["value"] == pytest.approx(10.00, abs=5e-3)
    assert cell(4000, 55)["value"] == pytest.approx(72.73, abs=5e-3)


@settings(max_examples=40, deadline=None)
@given(st.floats(1, 1e6), st.integers(1, 200))
def test_the_interval_holds_the_value_and_scales_with_money(cost: float, units: int) -> None:
    one, ten = cell(cost, units), cell(10 * cost, units)
    assert one["low"] < one["value"] < one["high"]
    for name in ("value", "low", "high", "standard_error"):
        assert ten[name] == pytest.approx(10 * one[name])
    assert one["n"] == units


def test_the_interval_covers_as_often_as_it_says() -> None:
    """8 customers a quarter, drawn many times: the exact interval covers at least 90 %."""
    draws = np.random.default_rng(7).poisson(8, 4_000)
    few, many = poisson_limits(draws, 0.9)
    covered = np.mean((few <= 8) & (many >= 8))
    assert 0.9 <= covered <= 0.97


def test_what_cannot_be_told_has_a_reason() -> None:
    nobody, unknown = cell(500, 0), cell(None, 3)
    assert math.isnan(nobody["value"])
    assert nobody["reason"] == NO_UNIT
    assert math.isnan(unknown["value"])
    assert (unknown["reason"], unknown["n"], unknown["resolved"]) == (NO_COST, 0, 0)


def test_money_that_brought_nobody_counts_when_periods_are_pooled() -> None:
    both = pd.concat([reduced(900, 2), reduced(300, 0)])
    assert METHOD.estimate(both, [], 0.9).iloc[0]["value"] == 600


def test_the_change_is_that_of_the_two_figures() -> None:
    change = METHOD.difference(reduced(1000, 10), reduced(1000, 40), level=0.9, power=0.8)
    assert change.value == pytest.approx(25 - 100)
    assert change.value is not None
    assert change.low is not None
    assert change.high is not None
    assert change.low < change.value < change.high < 0
    # 40 of 50 customers for half of the money: a binomial of one half
    assert change.p_value == pytest.approx(conditional_binomial(40, 50, 0.5))
    assert change.p_value is not None
    assert change.p_value < 0.001


def test_the_same_twice_is_no_change() -> None:
    change = METHOD.difference(reduced(1000, 10), reduced(1000, 10), level=0.9, power=0.8)
    assert change.value == 0
    assert change.p_value == pytest.approx(1)


def test_a_change_from_nobody_cannot_be_told() -> None:
    change = METHOD.difference(reduced(1000, 10), reduced(500, 0), level=0.9, power=0.8)
    assert change.value is None
    assert change.reason


def test_the_smallest_visible_fall_is_seen_with_the_power_asked_for() -> None:
    """Simulated: the same money, customers drawn at the old and at the better rate."""
    visible = METHOD.difference(reduced(4000, 40), reduced(4000, 40), level=0.9, power=0.8)
    assert visible.smallest_visible is not None
    better = 4000 / (100 - visible.smallest_visible)
    generator = np.random.default_rng(3)
    earlier, later = generator.poisson(40, 600), generator.poisson(better, 600)
    seen = [
        conditional_binomial(int(b), int(a + b), 0.5) < 0.1
        for a, b in zip(earlier, later, strict=True)
    ]
    assert 0.7 <= np.mean(seen) <= 0.92


def test_units_needed_make_the_change_visible() -> None:
    needed = METHOD.units_needed(reduced(800, 8), 30, level=0.9, power=0.8)
    assert needed is not None
    for units, sees in ((needed, True), (needed - 2, False)):
        rows = reduced(100 * units, units)
        change = METHOD.difference(rows, rows, level=0.9, power=0.8)
        assert change.smallest_visible is not None
        assert (change.smallest_visible <= 30) is sees
    assert METHOD.units_needed(reduced(800, 8), 100, level=0.9, power=0.8) is None
    assert METHOD.units_needed(reduced(800, 0), 10, level=0.9, power=0.8) is None
