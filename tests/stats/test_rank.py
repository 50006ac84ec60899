"""Ranks: the area under the curve, its draws, and Kendall's tau."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kpi_lib.stats.rank import auc, auc_draws, kendall_tau, spearman_draws

cases = st.lists(
    st.tuples(st.integers(0, 12), st.integers(0, 1), st.integers(0, 4)), min_size=2, max_size=50
)


def _split(rows: list[tuple[int, int, int]]) -> tuple[list[int], list[int], list[int]]:
    return [s for s, _, _ in rows], [o for _, o, _ in rows], [w for _, _, w in rows]


def test_auc_of_a_small_example() -> None:
    """Of the six pairs two are won, three are tied and one is lost: (2 + 3/2) / 6."""
    assert auc([3, 1, 1, 3, 1], [1, 1, 0, 0, 0]) == pytest.approx(3.5 / 6)


@given(cases)
def test_auc_counts_pairs_with_ties_as_one_half(rows: list[tuple[int, int, int]]) -> None:
    score, outcome, _ = _split(rows)
    pairs = [
        (a > b) + (a == b) / 2
        for a, x in zip(score, outcome, strict=True)
        for b, y in zip(score, outcome, strict=True)
        if x == 1 and y == 0
    ]
    expected = float(np.mean(pairs)) if pairs else None
    assert auc(score, outcome) == (None if expected is None else pytest.approx(expected))


@given(cases)
def test_auc_of_the_reversed_score_is_the_rest(rows: list[tuple[int, int, int]]) -> None:
    score, outcome, weights = _split(rows)
    found = auc(score, outcome, weights)
    turned = auc([-value for value in score], outcome, weights)
    assert turned == (None if found is None else pytest.approx(1 - found))


@given(cases)
def test_weights_stand_for_repeated_units(rows: list[tuple[int, int, int]]) -> None:
    score, outcome, weights = _split(rows)
    repeated = auc(np.repeat(score, weights), np.repeat(outcome, weights))
    drawn = auc_draws(score, outcome, [weights, [1] * len(rows)])
    assert drawn[0] == pytest.approx(np.nan if repeated is None else repeated, nan_ok=True)
    plain = auc(score, outcome)
    assert drawn[1] == pytest.approx(np.nan if plain is None else plain, nan_ok=True)


def test_unknown_scores_are_refused() -> None:
    with pytest.raises(ValueError, match="scores must be known"):
        auc([1.0, float("nan")], [0, 1])


def test_kendall_tau_of_known_orders() -> None:
    """Source: Kendall (1938), Biometrika 30: one exchanged pair of four gives 2/3."""
    assert kendall_tau([1, 2, 3, 4], [1, 2, 4, 3]) == pytest.approx(2 / 3)
    assert kendall_tau([1, 2, 3], [3, 2, 1]) == pytest.approx(-1)
    assert kendall_tau([1, 2, None], [2, 3, 1]) == pytest.approx(1)


@pytest.mark.parametrize("other", [[1, 1, 1], [None, None, 2]])
def test_kendall_tau_of_a_constant_or_unknown_score_is_not_told(other: list[float | None]) -> None:
    assert kendall_tau([1, 2, 3], other) is None


def test_rank_correlation_is_that_of_scipy_and_weights_stand_for_repeated_units() -> None:
    from scipy.stats import spearmanr

    one, two = [3.0, 1.0, 4.0, 1.0, 5.0, 9.0], [2.0, 7.0, 1.0, 8.0, 2.0, 8.0]
    once, none_of_last, first_only = np.ones(6), np.array([1, 1, 1, 1, 1, 0]), np.eye(6)[0]
    found = spearman_draws(one, two, [once, 2 * once, none_of_last, first_only, 0 * once])
    expected = spearmanr(one, two).statistic
    assert found[:2] == pytest.approx([expected, expected])
    assert -1 <= found[2] <= 1
    assert np.isnan(found[3:]).all()
