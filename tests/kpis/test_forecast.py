"""The forecast's intervals: what they promise is held on companies whose future is drawn, not on the sample."""

from __future__ import annotations

from datetime import date

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kpi_lib.customers.growth.flow_parts import number
from kpi_lib.customers.growth.outlook import History, Outlook
from kpi_lib.stats.flow import count_law, count_limits

DAY = date(2023, 12, 31)
GOAL = 4
SHARES, SCALES = (0.5, 0.5, 0.6), (80, 120, 60)


def company(random: np.random.Generator, a_day: float, *, steady: bool = True) -> History:
    """Six years of journeys that begin at random through three states, half or so lost in each.

    Without `steady` some quarters have hardly any beginnings and others twice as many.
    """
    first = number(date(2019, 1, 1))
    days = 6 * 365
    begins = random.uniform(first, first + days, random.poisson(a_day * days))
    if not steady:
        pace = random.uniform(0, 1, days // 91 + 1)
        kept = random.uniform(0, 0.5, len(begins)) < pace[((begins - first) // 91).astype(int)]
        begins = begins[kept]
    rows = []
    for journey, begun in enumerate(begins):
        day = np.floor(begun)
        for state in range(1, GOAL):
            goes = random.random() < SHARES[state - 1]
            left = day + np.floor(random.weibull(1.5) * SCALES[state - 1])
            then = (state + 1, left) if goes else (0, np.inf)
            rows.append((journey, state, day, left, *then))
            day = left
            if not goes:
                break
        else:
            rows.append((journey, GOAL, day, np.inf, 0, np.inf))
    return History(*np.array(rows, dtype=np.float64).T)


def covered(a_day: float, companies: int, level: float, *, steady: bool = True) -> float:
    """Share of forecasts whose interval holds what then came."""
    random = np.random.default_rng(7)
    inside = []
    for _ in range(companies):
        outlook = Outlook(company(random, a_day, steady=steady), GOAL, level)
        for one in outlook.expected(DAY):
            inside.append(one.low <= outlook.actual(one.quarter) <= one.high)
    return float(np.mean(inside))


@pytest.mark.parametrize(
    ("a_day", "level", "most"), [(0.3, 0.9, 0.95), (0.6, 0.9, 0.93), (0.6, 0.8, 0.84)]
)
def test_the_intervals_hold_what_comes_as_often_as_they_promise(
    a_day: float, level: float, most: float
) -> None:
    """Four and eight arrivals a quarter; 240 forecasts. Of four, none at all is in many an interval."""
    assert level - 0.03 <= covered(a_day, 60, level) <= most


def test_where_journeys_come_in_bursts_past_misses_make_the_limits_wider(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Sixty journeys begin in some quarters and hardly any in others, as no model of the past can tell."""
    found = covered(1.5, 30, 0.9, steady=False)
    assert found >= 0.85
    monkeypatch.setattr(Outlook, "widening", lambda *_: [1.0] * 4)
    assert covered(1.5, 30, 0.9, steady=False) < found


def test_the_limits_of_a_day_know_of_misses_until_then_only() -> None:
    """What came after the day changes nothing of its forecast."""
    history = company(np.random.default_rng(3), 0.6, steady=False)
    before = history.entered <= number(DAY)
    far = np.inf
    moved = history.next_on[before] <= number(DAY)
    known = History(
        history.journey[before],
        history.state[before],
        history.entered[before],
        np.where(history.left[before] <= number(DAY), history.left[before], far),
        np.where(moved, history.next_state[before], 0),
        np.where(moved, history.next_on[before], far),
    )
    now, then = (Outlook(one, GOAL, 0.9).expected(DAY) for one in (history, known))
    assert now == then


def test_a_history_of_less_than_a_year_gives_no_forecast() -> None:
    """The rate at which journeys begin is that of the last year."""
    outlook = Outlook(company(np.random.default_rng(3), 3.0), GOAL, 0.9)
    assert not outlook.can_tell(date(2019, 12, 30))
    assert outlook.can_tell(date(2019, 12, 31))


@given(st.floats(0.2, 3_000), st.floats(0.1, 4.0), st.sampled_from([0.8, 0.9, 0.99]))
@settings(deadline=None)
def test_count_limits_hold_what_they_promise(mean: float, spread: float, level: float) -> None:
    """Each tail outside the limits is at most half of 1 - level, a limit's own chance counted half."""
    low, high = count_limits(mean, mean * spread, level)
    counts, chances = count_law(mean, mean * spread)
    tail, dust = (1 - level) / 2, 1e-9
    assert chances[counts < low].sum() + chances[counts == low].sum() / 2 >= tail - dust
    assert chances[counts < low - 1].sum() + chances[counts == low - 1].sum() / 2 <= tail + dust
    assert chances[counts > high].sum() + chances[counts == high].sum() / 2 >= tail - dust
    assert chances[counts > high + 1].sum() + chances[counts == high + 1].sum() / 2 <= tail + dust


@given(st.floats(0.2, 2_000), st.floats(0.1, 4.0))
@settings(deadline=None)
def test_the_law_of_a_count_is_the_textbook_s(mean: float, spread: float) -> None:
    """Against scipy: binomial, Poisson or negative binomial, with the mean asked for."""
    stats = pytest.importorskip("scipy.stats")
    variance = mean * spread
    counts, chances = count_law(mean, variance)
    assert chances.sum() == pytest.approx(1)
    assert counts @ chances == pytest.approx(mean, rel=1e-6, abs=1e-6)
    if abs(spread - 1) <= 1e-9:
        law = stats.poisson(mean)
    elif spread > 1:
        law = stats.nbinom(mean / (spread - 1), 1 / spread)
        assert (counts - mean) ** 2 @ chances == pytest.approx(variance, rel=1e-4)
    else:
        trials = max(np.ceil(mean), round(mean / (1 - spread)))
        law = stats.binom(trials, mean / trials)
    assert chances == pytest.approx(law.pmf(counts), abs=1e-8)


def test_a_count_that_cannot_vary_is_itself() -> None:
    assert count_limits(5.0, 0.0, 0.9) == (5, 5)
    assert count_limits(0.0, 0.0, 0.9) == (0, 0)


def test_many_arrivals_have_limits_too() -> None:
    """A count of 40,000: the normal distribution's limits, to a few."""
    low, high = count_limits(40_000.0, 40_000.0, 0.9)
    assert low == pytest.approx(40_000 - 1.645 * 200, abs=3)
    assert high == pytest.approx(40_000 + 1.645 * 200, abs=3)
