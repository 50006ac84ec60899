"""BG/NBD and Gamma-Gamma: independent arithmetic, any start, 30 customers and 300,000, reasons."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kpi_lib.stats import purchases, spend
from kpi_lib.stats.future_orders import (
    discounted_orders,
    expected_orders,
    residual_orders,
    still_there,
)

TRUE = (0.8, 10.0, 0.9, 3.0)


def simulated(customers: int, seed: int = 7) -> purchases.Histories:
    """Customers ordering and leaving as the model says, watched for 20 to 100 weeks."""
    chance = np.random.default_rng(seed)
    r, alpha, a, b = TRUE
    rate = chance.gamma(r, 1 / alpha, customers)
    leave = chance.beta(a, b, customers)
    watched = chance.integers(20, 100, customers).astype(float)
    repeats, last, clock = np.zeros(customers), np.zeros(customers), np.zeros(customers)
    here = np.ones(customers, dtype=bool)
    while here.any():
        clock[here] += chance.exponential(1 / rate[here])
        here &= clock <= watched
        repeats[here] += 1
        last[here] = clock[here]
        here &= chance.random(customers) >= leave
    return purchases.histories(repeats, last, watched)


def by_the_book(x: float, tx: float, t: float, r: float, alpha: float, a: float, b: float) -> float:
    """Log of equation 6 of Fader, Hardie and Lee (2005), with gamma functions written out."""
    g = math.gamma

    def beta_of(one: float, two: float) -> float:
        return g(one) * g(two) / g(one + two)

    head = g(r + x) * alpha**r / g(r)
    stays = beta_of(a, b + x) / beta_of(a, b) * head / (alpha + t) ** (r + x)
    if x == 0:
        return math.log(stays)
    gone = beta_of(a + 1, b + x - 1) / beta_of(a, b) * head / (alpha + tx) ** (r + x)
    return math.log(stays + gone)


parameters = st.tuples(st.floats(0.2, 5), st.floats(0.5, 50), st.floats(0.1, 5), st.floats(0.2, 9))


@given(parameters, st.integers(0, 12), st.floats(0.1, 1), st.floats(1, 80))
def test_likelihood_is_that_of_the_paper(at: Any, x: int, share: float, t: float) -> None:
    tx = share * t if x else 0.0
    data = purchases.histories([x], [tx], [t])
    assert purchases.log_likelihood(data, *at) == pytest.approx(by_the_book(x, tx, t, *at))


@settings(max_examples=20)
@given(parameters)
def test_gradients_are_those_of_the_likelihoods(at: Any) -> None:
    orders = simulated(40)
    point, step = np.log(at), 1e-6
    slopes = purchases.scores(orders, point)[1]
    amounts = spend.spending([1, 2, 5, 9], [3.0, 8.0, 4.0, 5.5])
    slopes_of_amounts = spend.scores(amounts, point[:3])[1]
    for place in range(4):
        move = step * np.eye(4)[place]
        up, down = (purchases.scores(orders, point + s * move)[0] for s in (1, -1))
        np.testing.assert_allclose(slopes[place], (up - down) / (2 * step), rtol=1e-4, atol=1e-5)
        if place < 3:
            up, down = (spend.scores(amounts, point[:3] + s * move[:3])[0] for s in (1, -1))
            change = (up - down) / (2 * step)
            np.testing.assert_allclose(slopes_of_amounts[place], change, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("customers", [30, 300_000])
def test_few_and_many_customers(customers: int) -> None:
    """The fit is at least as likely as the truth; with many customers it finds the truth."""
    data = simulated(customers)
    found = purchases.fit(data)
    assert found.log_likelihood is not None
    assert found.log_likelihood >= purchases.log_likelihood(data, *TRUE) - 1e-6
    if customers > 1_000:
        np.testing.assert_allclose(found.parameters, TRUE, rtol=0.1)


starts = st.tuples(*[st.floats(-4, 4)] * 4).map(lambda logs: tuple(np.exp(logs)))


@settings(max_examples=12, deadline=None)
@given(starts)
def test_the_fit_is_the_same_from_any_start(start: Any) -> None:
    data = simulated(2_000)
    usual, other = purchases.fit(data), purchases.fit(data, start)
    np.testing.assert_allclose(other.parameters, usual.parameters, rtol=1e-6)


@settings(max_examples=12, deadline=None)
@given(st.tuples(*[st.floats(-3, 3)] * 3).map(lambda logs: tuple(np.exp(logs))))
def test_the_fit_of_amounts_is_the_same_from_any_start(start: Any) -> None:
    repeats, amounts = spent(500)
    usual = spend.fit(spend.spending(repeats, amounts))
    other = spend.fit(spend.spending(repeats, amounts), start)
    np.testing.assert_allclose(other.parameters, usual.parameters, rtol=1e-5)


def spent(customers: int) -> tuple[Any, Any]:
    """Repeat orders and mean amounts as the Gamma-Gamma model (6, 4, 15) makes them."""
    chance = np.random.default_rng(3)
    repeats = chance.integers(1, 9, customers)
    scale = chance.gamma(4.0, 1 / 15.0, customers)
    return repeats, chance.gamma(6.0 * repeats, 1 / (scale * repeats))


@pytest.mark.parametrize("customers", [30, 300_000])
def test_amounts_of_few_and_of_many(customers: int) -> None:
    data = spend.spending(*spent(customers))
    found = spend.fit(data)
    assert found.log_likelihood is not None
    assert found.log_likelihood >= spend.log_likelihood(data, 6, 4, 15) - 1e-6
    if customers > 1_000:
        np.testing.assert_allclose(found.parameters, (6, 4, 15), rtol=0.05)


def test_equal_histories_may_be_counted() -> None:
    """One row with a count of 3 says what three rows say."""
    once = purchases.fit(purchases.histories([0, 2, 5], [0, 8, 20], [30, 30, 25], [3, 2, 1]))
    rows = ([0, 0, 0, 2, 2, 5], [0, 0, 0, 8, 8, 20], [30, 30, 30, 30, 30, 25])
    each = purchases.fit(purchases.histories(*rows))
    np.testing.assert_allclose(once.parameters, each.parameters, rtol=1e-9)


def test_another_unit_of_time_changes_the_unit_only() -> None:
    data = simulated(500)
    weeks = purchases.fit(data)
    days = purchases.fit(purchases.histories(data.repeats, 7 * data.recency, 7 * data.age))
    np.testing.assert_allclose(days.parameters, weeks.parameters * [1, 7, 1, 1], rtol=1e-6)
    assert days.log_likelihood == pytest.approx(
        purchases.log_likelihood(
            purchases.histories(data.repeats, 7 * data.recency, 7 * data.age), *days.parameters
        )
    )


@settings(max_examples=20, deadline=None)
@given(parameters, st.floats(1, 200))
def test_orders_and_departures_are_integrals(at: Any, time: float) -> None:
    """Against scipy's hypergeometric function: 2F1(r+1, a; a+b; -t/alpha) and with r for r+1."""
    from scipy.integrate import quad
    from scipy.special import hyp2f1

    r, alpha, a, b = at

    def rate(t: float) -> float:
        return float(r / alpha * hyp2f1(r + 1, a, a + b, -t / alpha))

    assert expected_orders(at, time) == pytest.approx(quad(rate, 0, time)[0], rel=1e-6)

    def weighed_rate(t: float) -> float:
        return rate(t) * math.exp(-0.01 * t)

    weighed = quad(weighed_rate, 0, time)[0]
    assert discounted_orders(at, 0.01, time) == pytest.approx(weighed, rel=1e-6)
    here = still_there(at, [0.0, time])
    np.testing.assert_allclose(here, [1.0, hyp2f1(r, a, a + b, -time / alpha)], rtol=1e-6)


@settings(max_examples=20, deadline=None)
@given(parameters)
def test_many_at_once_are_the_single_ones(at: Any) -> None:
    """The coarser sums used for resamples agree to a tenth of a percent."""
    many = discounted_orders(np.tile(at, (50, 1)), 0.002)
    np.testing.assert_allclose(many, discounted_orders(at, 0.002), rtol=1e-3)


def test_customers_about_to_order_and_customers_long_gone() -> None:
    alive = purchases.chance_alive(TRUE, [0, 8, 8], [0, 59, 10], [60, 60, 60])
    assert alive[0] == 1.0
    assert alive[1] > 0.7 > 0.01 > alive[2]
    ahead = residual_orders(TRUE, [8, 8], [59, 10], [60, 60], 0.002)
    assert ahead[0] > 50 * ahead[1]


def test_endless_lives_need_a_discount() -> None:
    with pytest.raises(ValueError, match="above 0"):
        discounted_orders(TRUE, 0.0)


@pytest.mark.parametrize(
    ("rows", "reason"),
    [
        (([], [], []), purchases.NO_CUSTOMERS),
        (([3], [5], [9]), purchases.FEW_CUSTOMERS),
        (([0, 0], [0, 0], [9, 9]), purchases.NO_REPEATS),
        (([0, 0], [0, 0], [0, 0]), purchases.NO_TIME),
    ],
)
def test_what_cannot_be_told_has_a_reason(rows: Any, reason: str) -> None:
    found = purchases.fit(purchases.histories(*rows))
    assert found.reason == reason
    assert found.r is None


@pytest.mark.parametrize(
    ("repeats", "amounts", "reason"),
    [
        ([0, 0], [5.0, 9.0], spend.NO_REPEATS),
        ([2], [5.0], spend.ONE_CUSTOMER),
        ([2, 1], [5.0, 5.0], spend.NO_SPREAD),
    ],
)
def test_amounts_that_cannot_be_told(repeats: Any, amounts: Any, reason: str) -> None:
    assert spend.fit(spend.spending(repeats, amounts)).reason == reason


def test_impossible_histories_are_refused() -> None:
    with pytest.raises(ValueError, match="last repeat order"):
        purchases.histories([1], [10], [9])
    with pytest.raises(ValueError, match="above 0"):
        spend.spending([1], [0.0])


def test_expected_amounts_lie_between_the_own_and_everybodys() -> None:
    """The more orders are known, the nearer to the own mean (equation 5 of note 025)."""
    at = np.array([6.25, 3.74, 15.44])
    mean = float(spend.mean_amount(at))
    assert mean == pytest.approx(6.25 * 15.44 / 2.74)
    few, many, none = spend.expected_amount(at, [1, 50, 0], [100.0, 100.0, 0.0])
    assert mean == pytest.approx(none)
    assert mean < few < many < 100
