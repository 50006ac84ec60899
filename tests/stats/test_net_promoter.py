"""Net promoter score: published digits, exact bounds against enumeration, what a change needs."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kpi_lib.stats.net_promoter import (
    NetPromoter,
    adjusted_wald,
    if_all_had_answered,
    net_interval,
    net_variance,
    visible_change,
    wald,
)
from kpi_lib.stats.trinomial import exact_net, net_chances
from tests.stats.frames import EARLIER, LATER, observations, one, printed, run

answer_counts = st.integers(1, 25).flatmap(
    lambda n: st.integers(0, n).flatmap(
        lambda more: st.tuples(st.just(more), st.integers(0, n - more), st.just(n))
    )
)


def answers(promoters: int, detractors: int, n: int) -> list[float]:
    return [100.0] * promoters + [-100.0] * detractors + [0.0] * (n - promoters - detractors)


def test_variance_of_half_third_and_sixth() -> None:
    """Published: half promoters, a third passive, a sixth detractors: score 1/3, variance 5/9 each."""
    assert net_variance(3, 1, 6) * 6 == pytest.approx(5 / 9, abs=1e-15)
    cell = one(NetPromoter(), observations(answers(3, 1, 6)))
    assert cell["value"] == pytest.approx(100 / 3, abs=1e-12)
    assert cell["standard_error"] == pytest.approx(100 * math.sqrt(5 / 9 / 6), abs=1e-12)


def test_score_of_eighty_answers() -> None:
    """Published: 36 promoters, 28 passives, 16 detractors of 80 score 25."""
    assert one(NetPromoter(), observations(answers(36, 16, 80)))["value"] == 25


def test_only_the_textbook_interval_says_positive() -> None:
    """Published: 19 promoters, 9 detractors of 36: 27.78; Wald .44 to 55.12, adjusted -.44 to 51.72."""
    cell = one(NetPromoter(), observations(answers(19, 9, 36)), 0.95)
    assert cell["value"] == printed(27.78, 2)
    assert [100 * end for end in wald(19, 9, 36)] == [printed(0.44, 2), printed(55.12, 2)]
    assert [100 * end for end in adjusted_wald(19, 9, 36)] == [printed(-0.44, 2), printed(51.72, 2)]
    assert (cell["low"], cell["high"]) == (printed(-0.44, 2), printed(51.72, 2))


@pytest.mark.parametrize("n", [1, 2, 5, 12, 29])
def test_exact_bound_where_all_are_promoters(n: int) -> None:
    """n of n have the chance p^n, largest without passives: p = (1 + net) / 2, so 2 (a/2)^(1/n) - 1."""
    assert exact_net(n, 0, n) == pytest.approx((2 * 0.025 ** (1 / n) - 1, 1.0), abs=1e-7)
    assert exact_net(0, n, n) == pytest.approx((-1.0, 1 - 2 * 0.025 ** (1 / n)), abs=1e-7)


def test_chances_of_net_counts_against_counting() -> None:
    """Three answers, .5 promoters, .2 detractors: all 27 sequences added up."""
    chance = {1: 0.5, 0: 0.3, -1: 0.2}
    counted = np.zeros(7)
    for sequence in itertools.product(chance, repeat=3):
        counted[sum(sequence) + 3] += math.prod(chance[one] for one in sequence)
    found = net_chances(np.array([0.5]), np.array([0.2]), 3)[0]
    np.testing.assert_allclose(found, counted, atol=1e-14)


@pytest.mark.parametrize("n", [3, 8])
def test_exact_bounds_cover_at_least_their_level(n: int) -> None:
    """Over every outcome of n answers, for shares on a grid: chances from the multinomial formula."""
    level = 0.9
    cells = [(p, d) for p in range(n + 1) for d in range(n + 1 - p)]
    bounds = {cell: exact_net(*cell, n, level) for cell in cells}
    for more, less in itertools.product(np.linspace(0, 1, 11), repeat=2):
        if more + less > 1:
            continue
        covered = 0.0
        for p, d in cells:
            ways = math.comb(n, p) * math.comb(n - p, d)
            chance = ways * more**p * less**d * max(0.0, 1 - more - less) ** (n - p - d)
            low, high = bounds[p, d]
            covered += chance * (low - 1e-6 <= more - less <= high + 1e-6)
        assert covered >= level - 1e-6, (more, less)


@settings(max_examples=40, deadline=None)
@given(answer_counts)
def test_intervals_hold_the_score_and_mirror(counts: tuple[int, int, int]) -> None:
    more, less, n = counts
    low, high = net_interval(more, less, n, 0.9)
    assert -1 <= low <= (more - less) / n <= high <= 1
    assert net_interval(less, more, n, 0.9) == pytest.approx((-high, -low))
    wider = net_interval(more, less, n, 0.99)
    assert wider.low <= low + 1e-9
    assert wider.high >= high - 1e-9


@given(answer_counts, st.integers(0, 40))
def test_the_silent_bound_the_score_of_all(counts: tuple[int, int, int], silent: int) -> None:
    """Any way in which the silent might answer gives a score within the two ends."""
    more, less, n = counts
    bounds = if_all_had_answered(more, less, n, n + silent)
    assert bounds is not None
    for happy in (0, silent // 2, silent):
        score = (more + happy - less - (silent - happy)) / (n + silent)
        assert bounds.low - 1e-12 <= score <= bounds.high + 1e-12
    assert bounds.high - bounds.low == pytest.approx(2 * silent / (n + silent))
    assert if_all_had_answered(more, less, n, n - 1) is None


def test_a_visible_change_is_seen_in_four_of_five_cases() -> None:
    """Simulated by numpy: 2,000 answers a period, half promoters, a third passive, and the shift."""
    change = visible_change(1000, 340, 2000, 0.9, 0.8)
    generator = np.random.default_rng(20)
    before = generator.multinomial(2000, [0.5, 0.33, 0.17], 1500)
    after = generator.multinomial(2000, [0.5 + change / 2, 0.33, 0.17 - change / 2], 1500)
    seen = 0
    for first, last in zip(before, after, strict=True):
        nets = [(c[0] - c[2]) / 2000 for c in (first, last)]
        variances = [net_variance(c[0], c[2], 2000) for c in (first, last)]
        seen += abs(nets[1] - nets[0]) > 1.645 * math.sqrt(sum(variances))
    assert 0.76 < seen / 1500 < 0.84


def test_a_change_has_its_interval_and_its_answers() -> None:
    table = observations(
        answers(36, 16, 80) + answers(50, 10, 80), period=[EARLIER] * 80 + [LATER] * 80
    )
    reduced = run(NetPromoter().reduce(table, ["period"])).sort_values("period")
    change = NetPromoter().difference(reduced.iloc[:1], reduced.iloc[1:], level=0.9, power=0.8)
    assert change.value == pytest.approx(25)
    assert change.low is not None
    assert change.high is not None
    assert change.p_value is not None
    assert (change.p_value < 0.1) == (change.low > 0)
    needed = NetPromoter().units_needed(reduced.iloc[:1], 25.0, level=0.9, power=0.8)
    assert needed is not None
    assert visible_change(36 * needed / 80, 16 * needed / 80, needed, 0.9, 0.8) <= 0.25


def test_too_few_answers_give_a_reason() -> None:
    nothing = run(NetPromoter().reduce(observations([0.0]).limit(0), ["period"]))
    few = run(NetPromoter().reduce(observations([100.0, -100.0]), ["period"]))
    told = NetPromoter().difference(nothing, few, level=0.9, power=0.8)
    assert (told.value, told.reason) == (None, "one of the periods has no answers")
    told = NetPromoter().difference(few, few, level=0.9, power=0.8)
    assert (told.smallest_visible, told.reason) == (None, "too few answers to see any change")
    assert NetPromoter().units_needed(nothing, 10.0, level=0.9, power=0.8) is None


@pytest.mark.parametrize("counts", [(-1, 0, 5), (3, 3, 5), (0, 0, 0)])
def test_impossible_counts_are_refused(counts: tuple[int, int, int]) -> None:
    with pytest.raises(ValueError, match=r"impossible|are not shares"):
        adjusted_wald(*counts)
    with pytest.raises(ValueError, match="are not shares"):
        exact_net(*counts)
