"""Logistic regression against the arithmetic of the two by two table, and its cross-fitting."""

from __future__ import annotations

import math

import numpy as np
import pytest

from kpi_lib.stats.logistic import (
    cross_fitted_probabilities,
    fit_logistic,
    group_folds,
    logistic_draws,
    repeatedly_cross_fitted,
)

EXPOSED_LOST, EXPOSED_KEPT, OTHER_LOST, OTHER_KEPT = 20, 30, 10, 60
EXPOSED = np.repeat([1.0, 1.0, 0.0, 0.0], [20, 30, 10, 60])
LOST = np.repeat([1, 0, 1, 0], [20, 30, 10, 60])


def _world(seed: int = 1, rows: int = 400) -> tuple[np.ndarray, np.ndarray]:
    generator = np.random.default_rng(seed)
    features = generator.normal([5.0, 100.0], [1.0, 30.0], (rows, 2))
    log_odds = -3.5 + 0.8 * (features[:, 0] - 5) + 0.02 * features[:, 1]
    return features, (generator.random(rows) < 1 / (1 + np.exp(-log_odds))).astype(int)


def test_odds_ratio_of_a_two_by_two_table() -> None:
    """Cross product, and Woolf (1955), Annals of Human Genetics 19, for its interval."""
    table = fit_logistic(EXPOSED, LOST, penalty=0).odds_ratios(["exposed"]).iloc[0]
    ratio = EXPOSED_LOST * OTHER_KEPT / (EXPOSED_KEPT * OTHER_LOST)
    half = 1.959964 * math.sqrt(1 / 20 + 1 / 30 + 1 / 10 + 1 / 60)
    assert table["odds_ratio"] == pytest.approx(ratio, rel=1e-6)
    assert table["low"] == pytest.approx(ratio * math.exp(-half), rel=1e-5)
    assert table["high"] == pytest.approx(ratio * math.exp(half), rel=1e-5)


def test_maximum_likelihood_leaves_no_slope() -> None:
    features, outcome = _world()
    fit = fit_logistic(features, outcome, penalty=0)
    left = outcome - fit.probabilities(features)
    assert fit.converged
    np.testing.assert_allclose(np.column_stack([np.ones(400), features]).T @ left, 0, atol=1e-4)


def test_planted_odds_ratios_lie_inside_their_intervals() -> None:
    table = fit_logistic(*_world(rows=3000), penalty=0).odds_ratios(["a", "b"], 0.99)
    planted = np.exp([0.8, 0.02])
    assert np.all((table["low"] < planted) & (planted < table["high"]))


def test_a_penalty_shrinks_and_keeps_separated_data_finite() -> None:
    separated = fit_logistic([0.0, 1.0, 2.0, 3.0], [0, 0, 1, 1], penalty=1.0)
    assert separated.converged
    assert 0 < separated.coefficients[1] < 5
    features, outcome = _world()
    slopes = [abs(fit_logistic(features, outcome, penalty=p).coefficients[1]) for p in (0, 10, 100)]
    assert slopes == sorted(slopes, reverse=True)


def test_units_of_a_feature_change_nothing_but_its_coefficient() -> None:
    features, outcome = _world()
    once = fit_logistic(features, outcome)
    scaled = fit_logistic(features * [1, 1000], outcome)
    np.testing.assert_allclose(
        once.probabilities(features), scaled.probabilities(features * [1, 1000])
    )
    assert scaled.coefficients[2] == pytest.approx(once.coefficients[2] / 1000)


def test_draws_equal_fits_of_repeated_rows() -> None:
    features, outcome = _world(rows=120)
    weights = np.random.default_rng(2).integers(0, 4, (3, 120))
    drawn = logistic_draws(features, outcome, weights, penalty=0)
    for row, counts in zip(drawn, weights, strict=True):
        repeated = fit_logistic(
            np.repeat(features, counts, axis=0), np.repeat(outcome, counts), penalty=0
        )
        np.testing.assert_allclose(row, repeated.coefficients, rtol=1e-5)


def test_a_draw_without_both_outcomes_is_unknown() -> None:
    drawn = logistic_draws([1.0, 2.0, 3.0], [0, 1, 0], [[1, 0, 1], [1, 1, 1]])
    assert np.isnan(drawn[0]).all()
    assert np.isfinite(drawn[1]).all()


def test_one_outcome_only_is_refused() -> None:
    with pytest.raises(ValueError, match="the same in all rows"):
        fit_logistic([1.0, 2.0], [1, 1])


def test_a_constant_feature_does_no_harm() -> None:
    features, outcome = _world()
    with_constant = np.column_stack([features, np.full(400, 7.0)])
    fit = fit_logistic(with_constant, outcome)
    assert fit.coefficients[3] == pytest.approx(0, abs=1e-9)
    np.testing.assert_allclose(
        fit.probabilities(with_constant), fit_logistic(features, outcome).probabilities(features)
    )


def test_cross_fitting_never_sees_the_group_it_judges() -> None:
    features, outcome = _world(rows=200)
    groups = np.repeat(np.arange(40), 5)
    own = groups == 3
    outcome[own] = [1, 0, 0, 1, 0]
    once = cross_fitted_probabilities(features, outcome, groups, seed=4)
    changed = outcome.copy()
    changed[own] = [1, 1, 1, 1, 1]
    again = cross_fitted_probabilities(features, changed, groups, seed=4)
    # Fits are made together and end together, so the last bits of one follow the others' steps.
    np.testing.assert_allclose(once[own], again[own], rtol=1e-12)
    assert np.abs(once - again).max() > 1e-3


def test_fits_made_together_are_those_made_alone() -> None:
    """Also where a feature is the same in all rows that a fold has seen."""
    rng = np.random.default_rng(5)
    groups = np.arange(80) // 2
    features = np.column_stack([50 + 9 * rng.normal(size=80), groups < 1, rng.random(80) < 0.5])
    outcome = rng.random(80) < 0.3
    chances = cross_fitted_probabilities(features, outcome, groups, seed=2)
    fold = group_folds(groups, outcome, seed=2)
    for number in range(5):
        test = fold == number
        alone = fit_logistic(features[~test], outcome[~test]).probabilities(features[test])
        np.testing.assert_allclose(chances[test], alone, atol=1e-7)
    seeds = [2, 3]
    each = [cross_fitted_probabilities(features, outcome, groups, seed=seed) for seed in seeds]
    mean = repeatedly_cross_fitted(features, outcome, groups, folds=5, seeds=seeds)
    np.testing.assert_allclose(mean, np.mean(each, axis=0), atol=1e-7)


def test_folds_keep_groups_whole_and_spread_the_losses() -> None:
    groups = np.repeat([f"g{n}" for n in range(50)], 3)
    outcome = np.repeat(np.arange(50) < 10, 3)
    fold = group_folds(groups, outcome, folds=5, seed=1)
    assert all(len(set(fold[groups == name])) == 1 for name in set(groups))
    assert np.bincount(fold[outcome]).tolist() == [6] * 5
    mixed = np.random.default_rng(0).permutation(150)
    np.testing.assert_array_equal(group_folds(groups[mixed], outcome[mixed], seed=1), fold[mixed])


def test_a_fold_that_saw_one_outcome_only_gets_a_rate() -> None:
    chances = cross_fitted_probabilities([1.0, 2.0, 3.0, 4.0], [0, 0, 0, 0], [1, 2, 3, 4], folds=2)
    assert chances == pytest.approx(np.full(4, 0.5 / 3))
