"""Intervals of shares against published numbers."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kpi_lib.stats.intervals import clopper_pearson, newcombe, wilson
from kpi_lib.stats.paired_shares import PairedShares, paired_share_difference
from tests.stats.frames import printed

WILSON = [
    (18, 20, 0.6989663548, 0.9721335188),
    (4, 20, 0.0806576626, 0.4160174323),
    (190, 200, 0.9104218519, 0.9726173544),
    (0, 30, 0.0, 0.1135133932),
]
CLOPPER_PEARSON = [
    (18, 20, 0.6830172860, 0.9876514728),
    (4, 20, 0.0573339970500328, 0.4366140030),
    (190, 200, 0.9099724623, 0.9757658345),
    (0, 30, 0.0, 0.1157033082),
]
counts = st.integers(1, 500).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))
levels = st.floats(0.6, 0.999)


@pytest.mark.parametrize(("hits", "n", "low", "high"), WILSON)
def test_wilson_as_printed_by_r_binom(hits: int, n: int, low: float, high: float) -> None:
    """Source: R package binom, binom.confint(method = "wilson"), 95 %."""
    assert wilson(hits, n, 0.95) == (printed(low, 10), printed(high, 10))


@pytest.mark.parametrize(("hits", "n", "low", "high"), CLOPPER_PEARSON)
def test_clopper_pearson_as_printed_by_r_binom(hits: int, n: int, low: float, high: float) -> None:
    """Source: R package binom, binom.confint(method = "exact"), 95 %.

    The lower limit of 4 of 20 is pinned to the value summed here to 40 digits, .0573339970500328; R
    prints .0573339970, which misses the half unit of its last digit by 3e-14.
    """
    assert clopper_pearson(hits, n, 0.95) == (printed(low, 10), printed(high, 10))


def test_upper_limits_at_none_of_twelve() -> None:
    """Source: R package binom, 0 of 12: Wilson .24249, Clopper-Pearson .26465."""
    assert wilson(0, 12, 0.95) == (0.0, printed(0.24249, 5))
    assert clopper_pearson(0, 12, 0.95) == (0.0, printed(0.26465, 5))


@pytest.mark.parametrize(
    ("later", "earlier", "low", "high"),
    [
        ((56, 70), (48, 80), 0.0524, 0.3339),
        ((9, 10), (3, 10), 0.1705, 0.8090),
        ((6, 7), (2, 7), 0.0582, 0.8062),
        ((5, 56), (0, 29), -0.0381, 0.1926),
    ],
)
def test_newcombe_for_independent_shares(
    later: tuple[int, int], earlier: tuple[int, int], low: float, high: float
) -> None:
    """Source: Newcombe (1998), Statistics in Medicine 17:873, table II, method 10."""
    assert newcombe(earlier, later, 0.95) == (printed(low, 4), printed(high, 4))


def test_newcombe_for_paired_shares() -> None:
    """Source: Newcombe (1998), Statistics in Medicine 17:2635, 36, 12, 2, 0 of 50, method 10."""
    found = paired_share_difference(PairedShares(36, 2, 12, 0), level=0.95, power=0.8)
    assert (found.low, found.high) == (printed(0.0569, 4), printed(0.3404, 4))


@given(counts, levels)
def test_intervals_hold_the_share_and_stay_inside_0_and_1(
    count: tuple[int, int], level: float
) -> None:
    for interval in (wilson(*count, level), clopper_pearson(*count, level)):
        assert 0 <= interval.low <= count[0] / count[1] <= interval.high <= 1


@given(counts, levels)
def test_intervals_of_the_opposite_share_are_mirrored(count: tuple[int, int], level: float) -> None:
    hits, n = count
    for method in (wilson, clopper_pearson):
        low, high = method(hits, n, level)
        assert method(n - hits, n, level) == pytest.approx((1 - high, 1 - low))


@given(counts, counts)
def test_newcombe_turned_round_is_mirrored(first: tuple[int, int], second: tuple[int, int]) -> None:
    low, high = newcombe(first, second, 0.9)
    assert newcombe(second, first, 0.9) == pytest.approx((-high, -low))
    assert -1 <= low <= second[0] / second[1] - first[0] / first[1] <= high <= 1


@pytest.mark.parametrize(("hits", "n"), [(3, 2), (-1, 5), (0, 0)])
def test_impossible_counts_are_refused(hits: int, n: int) -> None:
    with pytest.raises(ValueError, match="is not a share"):
        wilson(hits, n)
    with pytest.raises(ValueError, match="is not a share"):
        clopper_pearson(hits, n)
