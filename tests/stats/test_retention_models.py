"""Contractual retention: published digits, identities, any start, and reasons instead of numbers."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kpi_lib.stats import discrete_weibull as bdw
from kpi_lib.stats import lifetime, renewals
from kpi_lib.stats import shifted_beta_geometric as sbg
from kpi_lib.stats.renewals import Renewals, from_counts, from_histories, of_each

REGULAR = [100, 63.1, 46.8, 38.2, 32.6, 28.9, 26.2, 24.1, 22.3, 20.7, 19.4, 18.3, 17.3]
HIGH_END = [100, 86.9, 74.3, 65.3, 59.3, 55.1, 51.7, 49.1, 46.8, 44.5, 42.7, 40.9, 39.4]
COHORTS = [
    [10_000, 8_000, 6_480, 5_307, 4_391],
    [10_000, 8_000, 6_480, 5_307],
    [10_000, 8_000, 6_480],
    [10_000, 8_000],
    [10_000],
]
CONSTANT_SPREAD = math.exp(sbg.LOW[1])


def of_thousand(percent: list[float], years: int) -> Renewals:
    return from_counts([10 * share for share in percent[: years + 1]])


@pytest.mark.parametrize(
    ("percent", "alpha", "beta", "height", "half"),
    [(HIGH_END, 0.668, 3.806, -1611.2, 0.05), (REGULAR, 0.704, 1.182, -1680.265, 0.0005)],
)
def test_published_fits(
    percent: list[float], alpha: float, beta: float, height: float, half: float
) -> None:
    """Fader and Hardie (2007), appendix: fits on years 1 to 7 of cohorts of 1,000.

    The paper's body prints 0.688 for High End; its appendix and the fit say 0.668.
    """
    found = sbg.fit(of_thousand(percent, 7))
    assert found.alpha == pytest.approx(alpha, abs=0.0005)
    assert found.beta == pytest.approx(beta, abs=0.0005)
    assert found.log_likelihood == pytest.approx(height, abs=half)


def test_published_likelihoods_and_chances() -> None:
    """Fader and Hardie (2007): High End at (1, 1) and (0.01, 0.01), and P(T=t) at (1, 1)."""
    data = of_thousand(HIGH_END, 7)
    assert sbg.log_likelihood(data, 1, 1) == pytest.approx(-2115.5, abs=0.05)
    assert sbg.log_likelihood(data, 0.01, 0.01) == pytest.approx(-2741.7, abs=0.05)
    chances = -np.diff(sbg.survival(0.5, 0.5, 6))
    np.testing.assert_allclose(chances, [0.500, 0.167, 0.083, 0.050, 0.033, 0.024], atol=0.0005)


@pytest.mark.parametrize(
    ("percent", "churn", "half", "year_12"),
    [(HIGH_END, 0.149, 0.0005, 37.80), (REGULAR, 0.373, 0.0005, 17.00)],
)
def test_published_churn_and_year_12(
    percent: list[float], churn: float, half: float, year_12: float
) -> None:
    """Fader and Hardie (2007): mean churn, and the share still there after 12 years."""
    found = sbg.fit(of_thousand(percent, 7))
    assert found.mean_churn == pytest.approx(churn, abs=half)
    share = sbg.survival(found.mean_churn or 0, found.spread or 0, 12)[-1]
    assert 100 * share == pytest.approx(year_12, abs=0.005)


def test_regressions_miss_year_12_by_far() -> None:
    """Fader and Hardie (2007), High End years 0-7: -81 %, +92 % (R2 0.998), -30 %; the model -4 %."""
    years, shares = np.arange(8.0), np.array(HIGH_END[:8])
    curve = np.polyfit(years, shares, 2)
    fitted = {
        "linear": float(np.polyval(np.polyfit(years, shares, 1), 12)),
        "quadratic": float(np.polyval(curve, 12)),
        "exponential": math.exp(np.polyval(np.polyfit(years, np.log(shares), 1), 12)),
    }
    missed = {name: 100 * (share / HIGH_END[12] - 1) for name, share in fitted.items()}
    assert missed == pytest.approx({"linear": -81, "quadratic": 92, "exponential": -30}, abs=0.5)
    left_over = ((shares - np.polyval(curve, years)) ** 2).sum()
    assert 1 - left_over / ((shares - shares.mean()) ** 2).sum() == pytest.approx(0.998, abs=0.0005)
    model = sbg.fit(of_thousand(HIGH_END, 7))
    share = 100 * sbg.survival(model.mean_churn or 0, model.spread or 0, 12)[-1]
    assert 100 * (share / HIGH_END[12] - 1) == pytest.approx(-4, abs=0.5)


def test_published_many_cohorts() -> None:
    """Fader and Hardie, note 017: five cohorts fitted together."""
    found = sbg.fit(from_counts(*COHORTS))
    assert found.alpha == pytest.approx(3.80, abs=0.005)
    assert found.beta == pytest.approx(15.19, abs=0.005)
    assert found.log_likelihood == pytest.approx(-40255.837, abs=0.0005)


def test_published_weibull() -> None:
    """Beta-discrete-Weibull on Regular, years 1 to 12 (Fader et al. 2018)."""
    found = bdw.fit(of_thousand(REGULAR, 12))
    assert found.alpha == pytest.approx(0.5083, abs=0.00005)
    assert found.beta == pytest.approx(0.8688, abs=0.00005)
    assert found.c == pytest.approx(1.2094, abs=0.00005)
    assert found.log_likelihood == pytest.approx(-1930.9297, abs=0.00005)


@settings(max_examples=30)
@given(st.floats(0.05, 20), st.floats(0.05, 20))
def test_weibull_with_c_1_is_the_geometric(alpha: float, beta: float) -> None:
    data = of_thousand(HIGH_END, 12)
    one = bdw.log_likelihood(data, alpha, beta, 1.0)
    assert one == pytest.approx(sbg.log_likelihood(data, alpha, beta), rel=1e-9)
    shares = sbg.survival(alpha / (alpha + beta), 1 / (alpha + beta), 12)
    np.testing.assert_allclose(np.exp(bdw.log_survival(alpha, beta, 1.0, 12)), shares, rtol=1e-9)


def test_published_residual_lifetimes() -> None:
    """Fader and Hardie (2010), High End, 10 %: index 8 (after 7 renewals) 7.530, index 7 7.345."""
    found = sbg.fit(of_thousand(HIGH_END, 7))
    stays = lifetime.residual_lifetime(found.mean_churn, found.spread, 0.1, [7, 6])
    np.testing.assert_allclose(stays, [7.530, 7.345], atol=0.0005)


def test_published_closed_forms() -> None:
    """Fader and Hardie, note 024: m 100, r 0.8, d 0.1; the first less the second is m."""
    timings = ("at once", "if renewed", "at the end")
    values = [lifetime.constant_value(100, 0.8, 0.1, timing) for timing in timings]
    np.testing.assert_allclose(values, [366.6667, 266.6667, 333.3333], atol=0.00005)
    assert values[0] - values[1] == pytest.approx(100)
    with pytest.raises(KeyError):
        lifetime.constant_value(100, 0.8, 0.1, "never")


def test_published_base_valuation() -> None:
    """Fader and Hardie (2010): the same cohorts at 10 %, 1 a period."""
    retention = lifetime.last_retention(*COHORTS)
    assert retention == pytest.approx(0.8117, abs=0.00005)
    base = sum(cohort[-1] for cohort in COHORTS)
    flat = base * lifetime.constant_residual(retention, 0.1)
    assert flat == pytest.approx(105_848, abs=0.5)
    found = sbg.fit(from_counts(*COHORTS))
    stays = lifetime.residual_lifetime(found.mean_churn, found.spread, 0.1, [4, 3, 2, 1, 0])
    worth = float(stays @ np.array([cohort[-1] for cohort in COHORTS]))
    assert worth == pytest.approx(120_550, abs=0.5)


any_start = st.tuples(st.floats(-7, 7), st.floats(-7, 7)).map(np.exp)


@settings(max_examples=15, deadline=None)
@given(any_start, st.sampled_from([30, 1_000, 300_000]))
def test_the_fit_is_the_same_from_any_start(start: Any, accounts: int) -> None:
    shares = np.array(HIGH_END[:8]) / 100
    data = from_counts(np.round(accounts * shares))
    usual, other = sbg.fit(data), sbg.fit(data, (start[0], start[1]))
    assert other.alpha == pytest.approx(usual.alpha, rel=1e-6)
    assert other.beta == pytest.approx(usual.beta, rel=1e-6)


@settings(max_examples=15, deadline=None)
@given(st.tuples(*[st.floats(-4, 4)] * 2).map(np.exp), st.floats(0.2, 4))
def test_the_weibull_fit_is_the_same_from_any_start(start: Any, c: float) -> None:
    data = of_thousand(REGULAR, 12)
    found = bdw.fit(data, (start[0], start[1], c))
    assert (found.alpha, found.beta, found.c) == pytest.approx(
        (0.5083, 0.8688, 1.2094), abs=0.00005
    )


counts = st.lists(st.integers(0, 40), min_size=2, max_size=8).map(lambda n: sorted(n, reverse=True))


@settings(max_examples=30, deadline=None)
@given(st.lists(counts, min_size=1, max_size=4))
def test_any_cohorts_give_a_top_or_a_reason(cohorts: list[list[int]]) -> None:
    """No point of a fine grid is higher than the fit."""
    data = from_counts(*cohorts)
    found = sbg.fit(data)
    if found.reason:
        assert found.alpha is None
        assert found.log_likelihood is None
        return
    assert found.log_likelihood is not None
    for churn in np.linspace(0.01, 0.99, 9):
        for spread in np.exp(np.linspace(-8, 4, 9)):
            other = sbg.log_likelihood(data, churn / spread, (1 - churn) / spread)
            assert other <= found.log_likelihood + 1e-7 * abs(found.log_likelihood)


@pytest.mark.parametrize(
    ("cohorts", "reason"),
    [
        ([[50, 50, 50]], renewals.NOBODY_LEFT),
        ([[50, 20, 0]], renewals.EVERYBODY_LEFT),
        ([[1, 1, 0]], renewals.ONE_ACCOUNT),
        ([[10], [20]], renewals.NO_RENEWALS),
        ([[0, 0]], renewals.NO_ACCOUNTS),
        ([[10, 0], [20]], renewals.NOBODY_RENEWED),
    ],
)
def test_what_cannot_be_told_has_a_reason(cohorts: list[list[int]], reason: str) -> None:
    data = from_counts(*cohorts)
    assert sbg.fit(data).reason == reason
    assert bdw.fit(data).reason == reason
    assert sbg.fit(data).mean_churn is None


def test_only_first_renewals_give_one_constant_churn() -> None:
    """Every spread fits equally well: the answer is the one with the shortest lifetimes."""
    data = from_counts([40, 30], [10])
    found = sbg.fit(data)
    assert found.is_constant
    assert found.mean_churn == pytest.approx(0.25)
    heights = [sbg.log_likelihood(data, 0.25 / s, 0.75 / s) for s in (1e-6, 0.1, 10.0)]
    assert heights == pytest.approx([found.log_likelihood] * 3)
    assert bdw.fit(data).reason == "fewer than three renewals have been seen"


def test_equal_customers_give_one_constant_churn() -> None:
    """Where churn does not fall with tenure, no differences can be seen."""
    found = sbg.fit(from_counts([1_000, 800, 640, 512]))
    assert found.mean_churn == pytest.approx(0.2, abs=1e-6)
    later = sbg.fit(from_counts([1_000, 800, 600, 390]))
    assert later.is_constant
    assert later.mean_churn == pytest.approx(610 / 2_400, rel=1e-9)


def test_impossible_counts_are_refused() -> None:
    with pytest.raises(ValueError, match="only become fewer"):
        from_counts([10, 12])


def test_histories_and_counts_say_the_same() -> None:
    """100 start, 63 renew, 47 renew again; a second cohort of 20 of which 15 renew."""
    data = from_histories([0, 1, 2, 0, 1], [1, 2, 2, 1, 1], [37, 16, 47, 5, 15])
    same = from_counts([100, 63, 47], [20, 15])
    np.testing.assert_array_equal(data.lost, same.lost)
    np.testing.assert_array_equal(data.kept, same.kept)
    assert data.accounts == same.accounts == 120


def test_refits_of_resamples_are_fits() -> None:
    """The fast refit of a bootstrap ends where the full fit of the same draw ends."""
    data = of_thousand(REGULAR, 7)
    near = sbg.fit(of_thousand(HIGH_END, 7))
    churn, spread = sbg.parameters(sbg.refit(data.lost[None, :], data.kept[None, :], near))
    found = sbg.fit(data)
    assert churn[0] == pytest.approx(found.mean_churn, rel=1e-6)
    assert spread[0] == pytest.approx(found.spread, rel=1e-6)


@given(st.floats(0.02, 0.9), st.floats(0.02, 0.5))
def test_without_differences_the_sums_are_the_closed_forms(churn: float, discount: float) -> None:
    first = lifetime.discounted_lifetime(churn, CONSTANT_SPREAD, discount)
    assert first == pytest.approx(
        lifetime.constant_value(1, 1 - churn, discount, "at once"), rel=1e-6
    )
    later = lifetime.residual_lifetime(churn, CONSTANT_SPREAD, discount, [0, 9])
    np.testing.assert_allclose(later, lifetime.constant_residual(1 - churn, discount), rtol=1e-5)


@given(st.floats(0.02, 0.9), st.floats(0.01, 3), st.floats(0.02, 0.5))
def test_a_new_life_is_one_payment_and_the_discounted_rest(
    churn: float, spread: float, discount: float
) -> None:
    new = lifetime.discounted_lifetime(churn, spread, discount)
    rest = lifetime.residual_lifetime(churn, spread, discount, 0)
    assert new == pytest.approx(1 + float(rest) / (1 + discount), rel=1e-9)
    kept = lifetime.residual_lifetime(churn, spread, discount, [0, 1, 5, 20])
    assert (np.diff(kept) > 0).all(), "who stayed longer is expected to stay longer"


def test_the_sum_is_gauss_hypergeometric_function() -> None:
    """Sum of S(t)/(1+d)^t = 2F1(1, beta; alpha+beta; 1/(1+d)) (Fader and Hardie 2010)."""
    from scipy.special import hyp2f1

    alpha, beta = 0.668, 3.806
    found = lifetime.discounted_lifetime(alpha / (alpha + beta), 1 / (alpha + beta), 0.1)
    assert found == pytest.approx(hyp2f1(1, beta, alpha + beta, 1 / 1.1), rel=1e-9)


def test_a_horizon_counts_so_many_payments() -> None:
    shares = sbg.survival(0.3, 0.4, 2)
    expected = shares @ 1.1 ** -np.arange(3.0)
    assert lifetime.discounted_lifetime(0.3, 0.4, 0.1, 3) == pytest.approx(expected)
    with pytest.raises(ValueError, match="above 0"):
        lifetime.terms_needed(0.0)


def test_the_renewals_of_each_account_add_up_to_those_of_all() -> None:
    repeats, age, counts = [0, 1, 2, 0, 3], [1, 2, 2, 0, 4], np.array([2.0, 1.0, 0.0, 5.0, 3.0])
    each, whole = of_each(repeats, age), from_histories(repeats, age, counts)
    assert each.lost.tolist()[0] == [1, 0, 0, 0]
    assert each.kept.tolist()[4] == [1, 1, 1, 0]
    assert not each.at_risk[3].any()
    assert (counts @ each.lost).tolist() == whole.lost.tolist()
    assert (counts @ each.kept).tolist() == whole.kept.tolist()
    assert counts @ each.accounts == whole.accounts
