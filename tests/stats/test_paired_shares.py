"""Shares of the same units seen twice: what the interval covers when some come and leave."""

from __future__ import annotations

import numpy as np
import pytest

from kpi_lib.stats.paired_shares import PairedShares, paired_share_difference

PAIRS, LEFT, CAME = 80, 25, 30


def _draw(generator: np.random.Generator, share: float, change: float) -> PairedShares:
    """Half of the units seen twice keep their state, the others draw it anew."""
    before = generator.random(PAIRS) < share
    kept = generator.random(PAIRS) < 0.5
    drawn = generator.random(PAIRS) < share + 2 * change
    after = np.where(kept, before, drawn)
    return PairedShares(
        both=int((before & after).sum()),
        lost=int((before & ~after).sum()),
        gained=int((~before & after).sum()),
        neither=int((~before & ~after).sum()),
        left=(int((generator.random(LEFT) < share).sum()), LEFT),
        came=(int((generator.random(CAME) < share + change).sum()), CAME),
    )


@pytest.mark.parametrize(("share", "change"), [(0.2, 0.0), (0.1, 0.08), (0.5, 0.1)])
def test_nine_of_ten_intervals_hold_the_true_change(share: float, change: float) -> None:
    generator = np.random.default_rng(13)
    held, errors, visible = [], [], []
    for _ in range(1000):
        found = paired_share_difference(_draw(generator, share, change), level=0.9, power=0.8)
        assert found.value is not None
        assert found.low is not None
        assert found.high is not None
        assert found.smallest_visible is not None
        held.append(found.low <= change <= found.high)
        errors.append(found.value)
        visible.append(found.smallest_visible)
    assert 0.87 <= float(np.mean(held)) <= 0.95
    assert float(np.mean(visible)) == pytest.approx(2.4865 * float(np.std(errors)), rel=0.12)


def test_no_change_is_called_a_change_about_one_time_in_ten() -> None:
    generator = np.random.default_rng(14)
    p_values = [
        paired_share_difference(_draw(generator, 0.2, 0.0), level=0.9, power=0.8).p_value
        for _ in range(1000)
    ]
    assert 0.07 <= float(np.mean([p is not None and p < 0.1 for p in p_values])) <= 0.125


def test_nothing_ever_happening_is_no_change() -> None:
    found = paired_share_difference(
        PairedShares(0, 0, 0, 40, left=(0, 3), came=(0, 5)), level=0.9, power=0.8
    )
    assert (found.value, found.p_value) == (0.0, 1.0)
    assert found.smallest_visible is not None
    assert found.smallest_visible > 0
