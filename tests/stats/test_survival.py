"""The estimator of waiting times, from the engine to the difference of two cohorts."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest

from kpi_lib.stats import Survival
from tests.stats.frames import EARLIER, LATER, observations, one, printed, run
from tests.stats.test_survival_curves import PLACEBO, SIX_MP_SEEN, SIX_MP_WEEKS


def _rows(days: list[float], outcome: list[int], estimator: Survival) -> pd.DataFrame:
    return run(estimator.reduce(observations(days, outcome=outcome), ["period"]))


def test_both_arms_through_the_engine() -> None:
    """Source: Freireich and others (1963), Blood 21: medians 23 (13 to not reached), 8 (4-11)."""
    table = observations(
        [*SIX_MP_WEEKS, *map(float, PLACEBO)],
        period=[EARLIER] * 21 + [LATER] * 21,
        outcome=[int(seen) for seen in SIX_MP_SEEN] + [1] * 21,
    )
    estimator = Survival(35, target_days=10)
    frame = estimator.estimate(run(estimator.reduce(table, ["period"])), ["period"], 0.95)
    six_mp, placebo = frame.iloc[0], frame.iloc[1]
    assert (six_mp["value"], six_mp["low"], placebo["value"]) == (23, 13, 8)
    assert (placebo["low"], placebo["high"]) == (4, 11)
    assert math.isnan(six_mp["high"])
    assert six_mp["median_high_not_reached"]
    assert not placebo["median_high_not_reached"]
    assert six_mp["reached_target"] == printed(1 - 0.752941, 6)
    assert (six_mp["events"], six_mp["waiting"], six_mp["n"]) == (9, 12, 21)
    assert six_mp["naive_mean"] == pytest.approx(109 / 9)


def test_who_is_past_the_horizon_is_resolved() -> None:
    cell = one(Survival(30), observations([5.0, 10.0, 40.0, 20.0], outcome=[1, 2, 0, 0]))
    assert cell["resolved"] == pytest.approx(3 / 4)
    assert (cell["events"], cell["left"], cell["waiting"]) == (1, 1, 2)


def test_the_median_lies_between_leavers_next_day_and_leavers_never() -> None:
    generator = np.random.default_rng(6)
    days = generator.integers(1, 90, 80).astype(float).tolist()
    outcome = generator.choice([0, 1, 2], 80, p=[0.1, 0.65, 0.25]).tolist()
    cell = one(Survival(365), observations(days, outcome=outcome))
    assert cell["median_lowest"] < cell["median"] < cell["median_highest"]


def test_an_unreached_median_is_an_answer() -> None:
    cell = one(Survival(365), observations([5.0, 30.0, 30.0, 30.0], outcome=[1, 0, 0, 0]))
    assert math.isnan(cell["value"])
    assert cell["reason"] == "median not reached yet"
    assert cell["reached_30"] == pytest.approx(1 / 4)
    assert math.isnan(cell["reached_60"])


def test_a_mean_is_not_told_before_the_horizon_is_over() -> None:
    cell = one(Survival(365, "mean"), observations([5.0, 30.0, 30.0, 30.0], outcome=[1, 0, 0, 0]))
    assert math.isnan(cell["value"])
    assert cell["reason"] == "followed for 30 of 365 days only"
    assert (cell["restricted_mean"], cell["restricted_to"]) == (pytest.approx(23.75), 30)


def test_the_mean_of_all_reached_is_the_plain_mean() -> None:
    days = [40.0, 65.0, 90.0, 65.0]
    cell = one(Survival(365, "mean"), observations(days))
    assert cell["value"] == pytest.approx(65.0)
    assert cell["value"] == pytest.approx(cell["naive_mean"])


def test_days_below_zero_count_as_zero_and_unknown_days_as_no_unit() -> None:
    cell = one(Survival(365, "mean"), observations([-3.0, 4.0, None]))
    assert (cell["n"], cell["value"]) == (2, pytest.approx(2.0))


def test_late_entry_is_not_at_risk_before() -> None:
    table = observations([2.0, 6.0, 8.0], entered=[0.0, 4.0, 0.0])
    cell = one(Survival(365), table)
    assert cell["value"] == pytest.approx(4.0), "S is exactly a half from day 2 to day 6"


@pytest.mark.parametrize("statistic", ["median", "mean"])
def test_a_cohort_against_itself_shows_no_change(statistic: str) -> None:
    estimator = Survival(365, "mean" if statistic == "mean" else "median")
    days = np.random.default_rng(7).integers(20, 110, 60).astype(float).tolist()
    rows = _rows(days, [1] * 60, estimator)
    found = estimator.difference(rows, rows, level=0.9, power=0.8)
    assert found.value == 0
    assert found.p_value is not None
    assert found.p_value > 0.8
    assert found.low is not None
    assert found.high is not None
    assert found.low < 0 < found.high


@pytest.mark.parametrize("statistic", ["median", "mean"])
def test_a_large_shift_is_seen_and_is_larger_than_the_smallest_visible(statistic: str) -> None:
    estimator = Survival(365, "mean" if statistic == "mean" else "median")
    days = np.random.default_rng(7).integers(20, 110, 80).astype(float)
    earlier = _rows((days + 40).tolist(), [1] * 80, estimator)
    later = _rows(days.tolist(), [1] * 80, estimator)
    found = estimator.difference(earlier, later, level=0.9, power=0.8)
    assert found.value == pytest.approx(-40)
    assert found.p_value is not None
    assert found.p_value < 0.01
    assert found.smallest_visible is not None
    assert 5 < found.smallest_visible < 40


def test_twelve_customers_cannot_show_ten_days() -> None:
    estimator = Survival(365, "mean")
    days = [31.0, 38.0, 44.0, 50.0, 55.0, 60.0, 66.0, 71.0, 78.0, 84.0, 95.0, 108.0]
    rows = _rows(days, [1] * 12, estimator)
    found = estimator.difference(rows, rows, level=0.9, power=0.8)
    assert found.smallest_visible is not None
    assert found.smallest_visible > 10
    needed = estimator.units_needed(rows, 10.0, level=0.9, power=0.8)
    assert needed is not None
    assert needed > 12


def test_the_bootstrap_is_the_same_twice_and_in_any_order() -> None:
    estimator = Survival(365)
    generator = np.random.default_rng(9)
    days, outcome = generator.integers(1, 90, 50).astype(float), generator.integers(0, 3, 50)
    mixed = generator.permutation(50)
    rows = _rows(days.tolist(), outcome.tolist(), estimator)
    other = _rows(days[mixed].tolist(), outcome[mixed].tolist(), estimator)
    half = _rows(days[:30].tolist(), outcome[:30].tolist(), estimator)
    once = estimator.difference(half, rows, level=0.9, power=0.8)
    again = estimator.difference(half, other.sample(frac=1, random_state=1), level=0.9, power=0.8)
    assert once == again


def test_the_bootstrap_error_of_a_median_fits_its_textbook_size() -> None:
    """A median's variance is 1 / (4 n f^2), so 1.2533 s / sqrt(n) for a normal sample."""
    estimator = Survival(2000)
    visible = []
    for seed in range(8):
        days = np.random.default_rng(seed).normal(500, 50, 400).round(1)
        rows = _rows(days.tolist(), [1] * 400, estimator)
        found = estimator.difference(rows, rows, level=0.9, power=0.8).smallest_visible
        assert found is not None
        visible.append(found)
    expected = 2.4865 * math.sqrt(2) * 1.2533 * 50 / 20
    assert float(np.mean(visible)) == pytest.approx(expected, rel=0.15)


def test_pairs_of_cohorts_are_compared_as_independent() -> None:
    days = np.random.default_rng(11).integers(20, 110, 60).astype(float).tolist()
    table = observations(days, period=[EARLIER] * 30 + [LATER] * 30)
    estimator = Survival(365)
    rows = run(estimator.reduce(table, ["period"]))
    first, second = (
        rows[rows["period"].astype(str).str.startswith(str(d))] for d in (EARLIER, LATER)
    )
    pairs = run(estimator.reduce_pairs(table, EARLIER, LATER))
    assert estimator.paired_difference(pairs, level=0.9, power=0.8) == estimator.difference(
        first, second, level=0.9, power=0.8
    )
