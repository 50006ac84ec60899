"""Exact tests, their power, and what it takes to see a change."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from kpi_lib.stats.exact import fisher, fisher_power, mcnemar, mcnemar_power
from kpi_lib.stats.power import (
    normal_multiple,
    proportion_power,
    smallest_visible_pairs,
    smallest_visible_proportion,
    t_multiple,
    t_power,
    units_for_proportion,
    units_for_spread,
)
from tests.stats.frames import printed

counts = st.integers(1, 40).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))


@pytest.mark.parametrize(
    ("n", "shares", "power"),
    [
        (12, (0.05, 0.20), 0.041),
        (12, (0.10, 0.30), 0.095),
        (96, (0.05, 0.20), 0.866),
        (96, (0.10, 0.30), 0.926),
    ],
)
def test_fisher_power_as_published(n: int, shares: tuple[float, float], power: float) -> None:
    """Source: exact power of Fisher's two-sided test at 5 %, 12 and 96 per arm."""
    assert fisher_power((n, n), shares, 0.05) == printed(power, 3)


@given(counts, counts)
def test_fisher_agrees_with_scipy(first: tuple[int, int], second: tuple[int, int]) -> None:
    table = np.array([[hits, n - hits] for hits, n in (first, second)])
    assert fisher(first, second) == pytest.approx(float(stats.fisher_exact(table)[1]), rel=1e-6)


@given(st.integers(0, 60), st.integers(0, 60))
def test_mcnemar_is_the_binomial_test_of_one_half(one_way: int, other_way: int) -> None:
    changed = one_way + other_way
    expected = float(stats.binomtest(one_way, changed).pvalue) if changed else 1.0
    assert mcnemar(one_way, other_way) == pytest.approx(expected)


def _mcnemar_power_by_enumeration(
    pairs: int, changing: float, difference: float, alpha: float
) -> float:
    up, down = (changing + difference) / 2, (changing - difference) / 2
    return sum(
        float(stats.multinomial.pmf([a, b, pairs - a - b], pairs, [up, down, 1 - changing]))
        for a in range(pairs + 1)
        for b in range(pairs + 1 - a)
        if mcnemar(a, b) <= alpha
    )


@pytest.mark.parametrize(("changing", "difference"), [(0.4, 0.2), (0.3, 0.3), (0.5, 0.0)])
def test_mcnemar_power_equals_the_sum_over_all_tables(changing: float, difference: float) -> None:
    expected = _mcnemar_power_by_enumeration(25, changing, difference, 0.1)
    assert mcnemar_power(25, changing, difference, 0.1) == pytest.approx(expected, abs=1e-9)


def test_units_for_half_a_standard_deviation() -> None:
    """Source: Cohen (1988), Statistical Power Analysis, table 2.4.1: 64 per group, d = .5, 5 %, 80 %."""
    assert units_for_spread(1.0, 0.5, level=0.95, power=0.8) == 64
    assert t_power(0.5 * math.sqrt(32), 126, 0.95) == printed(0.80, 2)


@given(st.floats(1, 400), st.floats(0.5, 0.99), st.floats(0.5, 0.95))
def test_t_multiple_gives_the_power_asked_for(degrees: float, level: float, power: float) -> None:
    assert t_power(t_multiple(degrees, level, power), degrees, level) == pytest.approx(
        power, abs=1e-4
    )


def test_normal_multiple_at_ten_and_eighty_percent() -> None:
    assert normal_multiple(0.9, 0.8) == pytest.approx(1.6448536 + 0.8416212)
    assert t_multiple(5_000, 0.9, 0.8) == normal_multiple(0.9, 0.8)


@settings(max_examples=15, deadline=None)
@given(st.floats(0.02, 0.98), st.integers(8, 60))
def test_the_smallest_visible_share_has_the_power_asked_for(share: float, n: int) -> None:
    found = smallest_visible_proportion(share, (n, n), level=0.9, power=0.8)
    others = (0.0, 1.0) if found is None else (share - found, share + found)
    best = max(
        proportion_power((n, n), (share, other), 0.9)[0] for other in others if 0 <= other <= 1
    )
    assert best < 0.8 if found is None else best == pytest.approx(0.8, abs=1e-3)


def test_more_units_see_smaller_changes() -> None:
    sizes = (12, 48, 200, 1000)
    visible = [smallest_visible_proportion(0.1, (n, n), level=0.9, power=0.8) for n in sizes]
    known = [change for change in visible if change is not None]
    assert len(known) == len(sizes)
    assert known == sorted(known, reverse=True)


def test_three_units_see_nothing() -> None:
    assert smallest_visible_proportion(0.3, (3, 3), level=0.9, power=0.8) is None
    assert smallest_visible_pairs(3, 0.3, level=0.9, power=0.8) is None
    assert smallest_visible_pairs(0, 0.3, level=0.9, power=0.8) is None


def test_exact_and_approximate_power_agree_where_they_meet() -> None:
    exact, is_exact = proportion_power((250, 250), (0.1, 0.2), 0.9)
    near, is_near_exact = proportion_power((250, 251), (0.1, 0.2), 0.9)
    assert (is_exact, is_near_exact) == (True, False)
    assert near == pytest.approx(exact, abs=0.01)


@pytest.mark.parametrize("change", [0.3, 0.15])
def test_units_needed_make_the_change_visible(change: float) -> None:
    units = units_for_proportion(0.2, change, level=0.9, power=0.8)
    assert units is not None
    reached = [
        proportion_power((units, units), (0.2, other), 0.9)[0]
        for other in (0.2 + change, 0.2 - change)
        if other >= 0
    ]
    assert max(reached) >= 0.8


def test_pairs_smallest_visible_has_the_power_asked_for() -> None:
    found = smallest_visible_pairs(90, 0.2, level=0.9, power=0.8)
    assert found is not None
    assert mcnemar_power(90, max(0.2, found), found, 0.1) == pytest.approx(0.8, abs=0.02)


@pytest.mark.parametrize("change", [0.0, -0.1, 1.5])
def test_no_number_of_units_shows_an_impossible_change(change: float) -> None:
    assert units_for_proportion(0.3, change, level=0.9, power=0.8) is None


def test_no_spread_or_no_change_needs_no_answer() -> None:
    assert units_for_spread(0.0, 1.0, level=0.9, power=0.8) is None
    assert units_for_spread(1.0, 0.0, level=0.9, power=0.8) is None
    assert units_for_spread(math.nan, 1.0, level=0.9, power=0.8) is None


def test_power_of_the_t_test_by_simulation() -> None:
    generator = np.random.default_rng(5)
    samples = generator.normal(size=(4000, 2, 15)) + np.array([0.0, 1.0])[None, :, None]
    p_values = np.asarray(stats.ttest_ind(samples[:, 0], samples[:, 1], axis=1)[1])
    expected = t_power(1 / math.sqrt(2 / 15), 28, 0.9)
    assert float((p_values < 0.1).mean()) == pytest.approx(expected, abs=0.02)
