"""Survival curves against published numbers, lifelines and identities."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kpi_lib.stats.curves import (
    aalen_johansen,
    kaplan_meier,
    log_rank,
    median_survival,
    restricted_mean,
)
from kpi_lib.stats.risk import risk_table
from tests.stats.frames import printed

SIX_MP = [
    "6",
    "6",
    "6",
    "6+",
    "7",
    "9+",
    "10",
    "10+",
    "11+",
    "13",
    "16",
    "17+",
    "19+",
    "20+",
    "22",
    "23",
    "25+",
    "32+",
    "32+",
    "34+",
    "35+",
]
SIX_MP_WEEKS = [float(text.rstrip("+")) for text in SIX_MP]
SIX_MP_SEEN = [not text.endswith("+") for text in SIX_MP]
PLACEBO = [1, 1, 2, 2, 3, 4, 4, 5, 5, 8, 8, 8, 8, 11, 11, 12, 12, 15, 17, 22, 23]

waits = st.lists(
    st.tuples(st.integers(0, 40), st.integers(0, 2), st.integers(0, 5)), min_size=1, max_size=60
)


def _six_mp(week: int) -> pd.Series[float]:
    curve = kaplan_meier(SIX_MP_WEEKS, SIX_MP_SEEN, level=0.95)
    return curve[curve["time"] == week].iloc[0]


@pytest.mark.parametrize(
    ("week", "survival", "error"),
    [
        (6, 0.857143, 0.076360),
        (7, 0.806723, 0.086935),
        (10, 0.752941, 0.096350),
        (13, 0.690196, 0.106815),
        (16, 0.627451, 0.114054),
        (22, 0.537815, 0.128234),
        (23, 0.448179, 0.134591),
    ],
)
def test_six_mp_survival_and_greenwood(week: int, survival: float, error: float) -> None:
    """Source: Freireich and others (1963), Blood 21, 6-MP arm."""
    row = _six_mp(week)
    assert row["survival"] == printed(survival, 6)
    assert row["standard_error"] == printed(error, 6)


def test_six_mp_log_log_limits_at_23_weeks() -> None:
    """Source: Freireich and others (1963), log(-log) 95 % limits .1881-.6801."""
    row = _six_mp(23)
    assert (row["low"], row["high"]) == (printed(0.1881, 4), printed(0.6801, 4))


def test_medians_of_both_arms() -> None:
    """Source: Freireich and others (1963): 23 (13 to not reached), placebo 8 (4-11)."""
    six_mp = median_survival(kaplan_meier(SIX_MP_WEEKS, SIX_MP_SEEN, level=0.95))
    placebo = median_survival(kaplan_meier(PLACEBO, [True] * 21, level=0.95))
    assert (six_mp.value, six_mp.low, six_mp.high) == (23, 13, None)
    assert (placebo.value, placebo.low, placebo.high) == (8, 4, 11)


def test_log_rank_of_both_arms() -> None:
    """Source: Freireich and others (1963): 16.793."""
    found = log_rank((SIX_MP_WEEKS, SIX_MP_SEEN), (PLACEBO, [True] * 21))
    assert found is not None
    assert found.statistic == printed(16.793, 3)
    assert found.p_value < 1e-4


def test_a_wrong_last_value_of_the_six_mp_data_changes_the_restricted_mean() -> None:
    """A well-known copy of the data has 25 where the last value is 35+."""
    wrong = restricted_mean([*SIX_MP_WEEKS[:-1], 25.0], [*SIX_MP_SEEN[:-1], True], 35)
    right = restricted_mean(SIX_MP_WEEKS, SIX_MP_SEEN, 35)
    assert wrong is not None
    assert right is not None
    assert wrong.value < right.value


def _lifelines_curve(
    days: list[float], seen: list[bool], entered: list[float] | None
) -> pd.Series[float]:
    from lifelines import KaplanMeierFitter

    fitter = KaplanMeierFitter().fit(days, seen, entry=entered)
    curve: pd.Series[float] = fitter.survival_function_["KM_estimate"]
    return curve


@pytest.mark.parametrize("late", [False, True])
def test_kaplan_meier_equals_lifelines(late: bool) -> None:
    generator = np.random.default_rng(3)
    entered = generator.integers(0, 8, 80).astype(float) if late else np.zeros(80)
    days = (entered + generator.integers(1, 60, 80)).tolist()
    seen = (generator.random(80) < 0.7).tolist()
    oracle = _lifelines_curve(days, seen, entered.tolist() if late else None)
    curve = kaplan_meier(days, seen, entered=entered)
    expected = oracle.reindex(curve["time"]).to_numpy()
    np.testing.assert_allclose(curve["survival"], expected, rtol=1e-9)


def test_log_rank_and_restricted_mean_equal_lifelines() -> None:
    from lifelines import KaplanMeierFitter
    from lifelines.statistics import logrank_test
    from lifelines.utils import restricted_mean_survival_time

    generator = np.random.default_rng(4)
    days = [generator.integers(1, 90, 50), generator.integers(1, 120, 70)]
    seen = [generator.random(50) < 0.8, generator.random(70) < 0.5]
    found = log_rank((days[0], seen[0]), (days[1], seen[1]))
    assert found is not None
    expected = logrank_test(days[0], days[1], seen[0], seen[1])
    assert found.statistic == pytest.approx(expected.test_statistic)
    assert found.p_value == pytest.approx(expected.p_value)
    mean = restricted_mean(days[1], seen[1], 60)
    fitter = KaplanMeierFitter().fit(days[1], seen[1])
    assert mean is not None
    assert mean.value == pytest.approx(restricted_mean_survival_time(fitter, 60))


def test_aalen_johansen_equals_lifelines() -> None:
    from lifelines import AalenJohansenFitter

    generator = np.random.default_rng(5)
    days = generator.permutation(np.arange(1, 61)).astype(float)
    outcome = generator.integers(0, 3, 60)
    shares = aalen_johansen(days, outcome)
    fitter = AalenJohansenFitter(calculate_variance=False).fit(days, outcome, event_of_interest=1)
    expected = fitter.cumulative_density_["CIF_1"].reindex(shares["time"]).to_numpy()
    np.testing.assert_allclose(shares["reached"], expected, rtol=1e-9)


@given(waits)
def test_kaplan_meier_falls_and_stays_inside_its_limits(rows: list[tuple[int, int, int]]) -> None:
    curve = kaplan_meier([d for d, _, _ in rows], [o == 1 for _, o, _ in rows])
    survival = curve["survival"].to_numpy()
    assert np.all(np.diff(survival) <= 0)
    assert np.all((survival >= 0) & (survival <= 1))
    known = curve.dropna()
    assert np.all(known["low"] <= known["survival"] + 1e-12)
    assert np.all(known["survival"] <= known["high"] + 1e-12)


@given(st.lists(st.integers(0, 40), min_size=1, max_size=60))
def test_without_censoring_it_is_one_minus_the_empirical_distribution(days: list[int]) -> None:
    curve = kaplan_meier(days, [True] * len(days))
    expected = [float(np.mean(np.array(days) > time)) for time in curve["time"]]
    np.testing.assert_allclose(curve["survival"], expected, atol=1e-12)
    assert median_survival(curve).value == pytest.approx(float(np.median(days)))


@given(st.lists(st.integers(0, 40), min_size=2, max_size=60))
def test_without_censoring_the_restricted_mean_is_the_plain_mean(days: list[int]) -> None:
    found = restricted_mean(days, [True] * len(days), 100)
    assert found is not None
    assert found.value == pytest.approx(float(np.mean(days)))
    assert found.standard_error == pytest.approx(float(np.std(days)) / math.sqrt(len(days)))


@given(waits)
def test_reached_left_and_waiting_add_up_to_one(rows: list[tuple[int, int, int]]) -> None:
    shares = aalen_johansen([d for d, _, _ in rows], [o for _, o, _ in rows])
    total = shares["reached"] + shares["left"] + shares["waiting"]
    np.testing.assert_allclose(total, 1.0, atol=1e-12)


@given(waits)
def test_one_minus_kaplan_meier_is_larger_once_someone_left(
    rows: list[tuple[int, int, int]],
) -> None:
    days, outcomes = [d for d, _, _ in rows], [o for _, o, _ in rows]
    naive = 1 - kaplan_meier(days, [o == 1 for o in outcomes])["survival"]
    reached = aalen_johansen(days, outcomes)["reached"]
    assert np.all(naive >= reached - 1e-12)
    if 2 not in outcomes:
        np.testing.assert_allclose(naive, reached, atol=1e-12)


@settings(max_examples=40)
@given(waits, st.randoms(use_true_random=False))
def test_counts_stand_for_repeated_rows_in_any_order(
    rows: list[tuple[int, int, int]], random: np.random.Generator
) -> None:
    repeated = [(d, o == 1) for d, o, count in rows for _ in range(count + 1)]
    random.shuffle(repeated)
    counted = kaplan_meier(
        [d for d, _, _ in rows], [o == 1 for _, o, _ in rows], [c + 1 for _, _, c in rows]
    )
    plain = kaplan_meier([d for d, _ in repeated], [s for _, s in repeated])
    pd.testing.assert_frame_equal(counted, plain)


def test_nobody_waiting_gives_empty_frames_and_no_answer() -> None:
    assert kaplan_meier([], []).empty
    assert aalen_johansen([], []).empty
    assert restricted_mean([], [], 30) is None
    assert log_rank(([], []), ([3.0], [True])) is None
    assert log_rank(([3.0], [False]), ([3.0], [False])) is None


def test_who_was_gone_before_being_watched_never_counts() -> None:
    curve = kaplan_meier([3.0, 5.0, 9.0], [True, True, True], entered=[4.0, 0.0, 0.0])
    assert curve["time"].tolist() == [5.0, 9.0]


@pytest.mark.parametrize("days", [[-1.0], [float("nan")]])
def test_impossible_days_are_refused(days: list[float]) -> None:
    with pytest.raises(ValueError, match="0 or more days"):
        risk_table(days, [1])


def test_the_restricted_mean_goes_no_further_than_follow_up() -> None:
    found = restricted_mean([10.0, 20.0], [True, False], 100)
    assert found is not None
    assert (found.value, found.until) == (15.0, 20.0)
