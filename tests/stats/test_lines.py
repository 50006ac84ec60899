"""Process limits, the noise of a line, and bounds that hold together."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kpi_lib.stats.bootstrap import cluster_weights, simultaneous_bounds
from kpi_lib.stats.noise import noise_share
from kpi_lib.stats.xmr import process_limits, signals

LINE = [10.0, 12.0, 11.0, 9.0, 13.0]


def test_process_limits_are_the_mean_and_the_mean_moving_range() -> None:
    """Source: Wheeler, Understanding Variation: mean +- 2.66 x mR, range limit 3.27 x mR."""
    limits = process_limits(LINE)
    assert limits is not None
    assert (limits.centre, limits.mean_moving_range) == (11.0, 2.25)
    assert limits.upper == pytest.approx(11 + 2.66 * 2.25)
    assert limits.lower == pytest.approx(11 - 2.66 * 2.25)
    assert limits.range_limit == pytest.approx(3.27 * 2.25)


def test_constants_are_those_of_the_control_chart() -> None:
    """2.66 is 3 / d2 and 3.27 is D4, d2 = 2 / sqrt(pi) for two normal values (printed 1.128)."""
    d2 = 2 / np.sqrt(np.pi)
    spread_of_range = np.sqrt(2 - 4 / np.pi)
    assert 3 / d2 == pytest.approx(2.66, abs=0.005)
    assert 1 + 3 * spread_of_range / d2 == pytest.approx(3.27, abs=0.005)


def test_signals_are_the_values_outside() -> None:
    limits = process_limits(LINE)
    assert signals([*LINE, 30.0, float("nan"), -2.0], limits).tolist() == [False] * 5 + [
        True,
        False,
        True,
    ]
    assert signals(LINE, None).sum() == 0


def test_unknown_values_are_left_out_of_the_limits() -> None:
    assert process_limits([10.0, None, *LINE[1:]]) == process_limits(LINE)
    assert process_limits([4.0, None]) is None


def test_ranges_between_values_further_apart() -> None:
    """|11 - 10|, |9 - 12|, |13 - 11|: a mean of 2."""
    limits = process_limits(LINE, apart=2)
    assert limits is not None
    assert (limits.centre, limits.mean_moving_range) == (11.0, 2.0)
    assert process_limits(LINE, apart=5) is None


def test_means_over_shared_days_are_within_the_limits_of_values_that_share_none() -> None:
    """Means of two neighbouring days of pure noise: limits of neighbours call many of them signals."""
    noise = np.random.default_rng(3).standard_normal(2001)
    means = (noise[1:] + noise[:-1]) / 2
    marked = [signals(means, process_limits(means, apart)).mean() for apart in (1, 2)]
    assert marked[0] > 0.02
    assert marked[1] < 0.005


def test_noise_share_is_the_squared_error_over_the_variance() -> None:
    assert noise_share([1.0, 2.0, 3.0], [0.5, 0.5, 0.5]) == pytest.approx(0.25)
    assert noise_share([1.0, 2.0, 3.0], [5.0, 5.0, 5.0]) == 1.0
    assert noise_share([2.0, 2.0, 2.0], [0.1, 0.1, 0.1]) == 1.0
    assert noise_share([2.0, 2.0, 2.0], [0.0, 0.0, 0.0]) is None
    assert noise_share([1.0, 2.0, None], [0.5, 0.5, 0.5]) is None


@given(
    st.lists(st.tuples(st.floats(-1e3, 1e3), st.floats(0, 1e3)), max_size=20).map(
        lambda rows: ([v for v, _ in rows], [e for _, e in rows])
    )
)
def test_noise_share_lies_between_0_and_1(line: tuple[list[float], list[float]]) -> None:
    share = noise_share(*line)
    assert share is None or 0 <= share <= 1


def test_cluster_weights_draw_whole_clusters() -> None:
    clusters = np.array(["a", "b", "a", "c", "c", "c"])
    weights = cluster_weights(clusters, 500, seed=1)
    assert weights.shape == (500, 6)
    np.testing.assert_array_equal(weights[:, 0], weights[:, 2])
    np.testing.assert_array_equal(weights[:, 3], weights[:, 5])
    assert np.all(weights[:, [0, 1, 3]].sum(axis=1) == 3)
    np.testing.assert_array_equal(weights, cluster_weights(clusters, 500, seed=1))
    assert not np.array_equal(weights, cluster_weights(clusters, 500, seed=2))
    mixed = np.array([5, 1, 0, 3, 4, 2])
    np.testing.assert_array_equal(cluster_weights(clusters[mixed], 500, seed=1), weights[:, mixed])


def test_cluster_weights_of_nothing_are_empty() -> None:
    assert cluster_weights([], 10, seed=1).shape == (10, 0)


def _normal_draws(figures: int) -> np.ndarray:
    return np.random.default_rng(3).normal(0, 2, (20_000, figures)) + np.arange(figures)


def test_bounds_of_one_figure_are_its_one_sided_limits() -> None:
    found = simultaneous_bounds([0.0], _normal_draws(1), 0.95).iloc[0]
    assert found["standard_error"] == pytest.approx(2, rel=0.02)
    assert found["lower"] == pytest.approx(-1.645 * 2, rel=0.03)
    assert found["upper"] == pytest.approx(1.645 * 2, rel=0.03)


def test_bounds_of_independent_figures_reach_as_far_as_sidak() -> None:
    """Five independent figures: each side at .95 ** (1 / 5), z = 2.319."""
    found = simultaneous_bounds(np.arange(5.0), _normal_draws(5), 0.95)
    np.testing.assert_allclose(found["lower"], np.arange(5) - 2.319 * 2, atol=0.12)
    np.testing.assert_allclose(found["upper"], np.arange(5) + 2.319 * 2, atol=0.12)


def test_bounds_of_one_figure_shown_five_times_are_no_wider() -> None:
    draws = np.repeat(_normal_draws(1), 5, axis=1)
    once = simultaneous_bounds([0.0], draws[:, :1], 0.9)
    many = simultaneous_bounds([0.0] * 5, draws, 0.9)
    np.testing.assert_allclose(many["lower"], once["lower"].iloc[0])


def test_unknown_draws_are_left_out_and_too_few_give_no_bounds() -> None:
    draws = _normal_draws(2)
    holed = np.vstack([draws, [[np.nan, 1.0]]])
    assert simultaneous_bounds([0, 1], holed, 0.9).equals(simultaneous_bounds([0, 1], draws, 0.9))
    few = simultaneous_bounds([0, 1], draws[:5], 0.9)
    assert few[["lower", "upper"]].isna().all(axis=None)


def test_a_figure_that_never_varies_is_its_own_bound() -> None:
    draws = np.column_stack([np.ones(100), _normal_draws(1)[:100]])
    found = simultaneous_bounds([1.0, 0.0], draws, 0.9).iloc[0]
    assert (found["lower"], found["upper"]) == (1.0, 1.0)
