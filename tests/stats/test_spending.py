"""Alpha spending: published boundaries, and the laws that they keep."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kpi_lib.stats.spending import at_most, boundaries, nominal, spent

GSDESIGN = {
    2: (2.9626, 1.9686),
    3: (3.7103, 2.5114, 1.9930),
    4: (4.3326, 2.9631, 2.3590, 2.0141),
    5: (4.8769, 3.3570, 2.6803, 2.2898, 2.0310),
}
"""gsDesign 3.10.1 (R), sfLDOF, one-sided 0.025, equally spaced looks; read second hand, where its
output is quoted."""


def equal(count: int) -> tuple[float, ...]:
    return tuple(number / count for number in range(1, count + 1))


@pytest.mark.parametrize("count", GSDESIGN)
def test_published_limits_of_equally_spaced_looks(count: int) -> None:
    assert boundaries(equal(count), 0.95) == pytest.approx(GSDESIGN[count], abs=0.5e-4)


def test_one_look_is_the_usual_test() -> None:
    assert boundaries((1.0,), 0.95) == pytest.approx((1.9600,), abs=0.5e-4)
    assert boundaries((1.0,), 0.9) == pytest.approx((1.6449,), abs=0.5e-4)
    assert nominal(1.959964) == pytest.approx(0.05, abs=1e-7)


def test_the_whole_chance_is_given_out_at_the_end() -> None:
    assert spent(0.0, 0.9) == 0.0
    assert spent(1.0, 0.9) == pytest.approx(0.1, abs=1e-12)
    assert spent(2.0, 0.9) == spent(1.0, 0.9)


FRACTIONS = st.lists(st.integers(1, 40), min_size=1, max_size=6, unique=True).map(
    lambda marks: tuple(sorted({mark / max(marks) for mark in marks}))
)


@settings(deadline=None, max_examples=30)
@given(FRACTIONS, st.sampled_from([0.8, 0.9, 0.95]))
def test_limits_are_never_below_the_usual_one_at_the_end(
    fractions: tuple[float, ...], level: float
) -> None:
    """Looking more often never makes the last look easier, and its first look is in closed form."""
    limits = boundaries(fractions, level)
    assert limits[-1] >= boundaries((1.0,), level)[0] - 1e-9
    assert nominal(limits[0]) == pytest.approx(spent(fractions[0], level), rel=1e-6, abs=1e-15)
    assert at_most(limits) >= 1 - level - 1e-9


def test_false_alarms_of_simulated_paths_are_as_many_as_promised() -> None:
    """200,000 Brownian paths drawn here: each look spends its share, within four standard errors."""
    fractions, level, paths = (0.3, 0.5, 0.9, 1.0), 0.9, 200_000
    steps = np.sqrt(np.diff((0.0, *fractions)))
    walks = np.cumsum(np.random.default_rng(7).normal(size=(paths, 4)) * steps, axis=1)
    beyond = np.abs(walks / np.sqrt(fractions)) > np.array(boundaries(fractions, level))
    so_far = np.logical_or.accumulate(beyond, axis=1).mean(axis=0)
    for share, fraction in zip(so_far, fractions, strict=True):
        promised = spent(fraction, level)
        assert abs(share - promised) < 4 * math.sqrt(promised * (1 - promised) / paths) + 1e-9


def test_looks_without_common_data_find_at_most_the_sum() -> None:
    limits = boundaries((0.5, 1.0), 0.9)
    p_values = [nominal(limit) for limit in limits]
    assert at_most(limits) == pytest.approx(sum(p_values) - math.prod(p_values), abs=1e-12)
    assert at_most(()) == 0.0


def test_a_look_far_too_early_gives_nothing_out() -> None:
    limits = boundaries((0.0005, 1.0), 0.9)
    assert limits[0] == math.inf
    assert limits[1] == pytest.approx(boundaries((1.0,), 0.9)[0], abs=1e-6)
    assert nominal(limits[0]) == 0.0


@pytest.mark.parametrize("fractions", [(0.0, 1.0), (0.5, 0.5), (0.8, 0.4), (-0.1,), (0.5, 1.1)])
def test_fractions_must_rise_to_at_most_one(fractions: tuple[float, ...]) -> None:
    with pytest.raises(ValueError, match="fraction"):
        boundaries(fractions, 0.9)
