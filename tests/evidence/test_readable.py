"""Could we see a change at our size?"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from kpi_lib.evidence.finding import Finding, Settings
from kpi_lib.evidence.readable import readable
from kpi_lib.stats import Mean
from tests.evidence.worlds import (
    LAST_DAY,
    Plan,
    World,
    make_world,
    signal_kpi,
    signal_params,
    with_signals,
)

WORLD = make_world(Plan(accounts=80))


def found(change: float = 0.5, world: World = WORLD, *, paired: bool = True) -> Finding:
    return readable(signal_kpi(paired=paired), world, signal_params(interesting_change=change))


def test_passed_exactly_when_the_interesting_change_can_be_seen() -> None:
    visible = found().numbers["smallest_visible"]
    assert found(visible * 1.01).passed is True
    assert found(visible * 0.99).passed is False
    assert found(visible * (1 + 1e-9)).passed is True  # sums may differ in the last digits


def test_the_smallest_visible_change_is_found_with_the_power_it_promises() -> None:
    """Two fresh samples of the same size that differ by it are told apart 80 % of the time."""
    finding = found(paired=False)
    first = finding.table.head(1)
    sizes = [int(first[name].astype("int64").sum()) for name in ("n_earlier", "n_later")]
    visible = finding.numbers["smallest_visible"]
    rng = np.random.default_rng(3)
    spread = finding.numbers["standard_error"] * np.sqrt(sizes[1])
    seen = 0
    for _ in range(600):
        one = rng.normal(0, spread, sizes[0])
        two = rng.normal(visible, spread, sizes[1])
        error = np.sqrt(one.var(ddof=1) / len(one) + two.var(ddof=1) / len(two))
        seen += abs(two.mean() - one.mean()) / error > 1.655
    assert 0.7 < seen / 600 < 0.9


def test_pooling_shows_smaller_changes_and_the_table_says_when() -> None:
    for paired in (True, False):
        table_ = found(paired=paired).table
        assert table_["periods_pooled"].tolist() == [1, 2, 4]
        assert table_["smallest_visible"].is_monotonic_decreasing
    first = found(paired=False).table
    assert first["n_later"].tolist() == [80, 160, 320]


def test_when_it_cannot_be_seen_the_sentence_says_what_could() -> None:
    between = found(paired=False).table["smallest_visible"].astype("float64").tolist()[1] * 1.001
    assert "Pooled over 2 months it can be seen." in found(between, paired=False).headline
    tiny = found(0.01, paired=False)
    assert f"It takes {tiny.numbers['units_needed']:,} customers" in tiny.headline
    assert tiny.numbers["periods_needed"] == -(-tiny.numbers["units_needed"] // 80)
    assert found(0.01).numbers["periods_needed"] is None


def test_without_a_registered_change_it_says_so_and_gives_the_smallest_visible() -> None:
    finding = found(0.0)
    assert finding.passed is None
    assert "no interesting_change is registered" in finding.reason


def test_deciding_on_pooled_periods() -> None:
    settings = Settings(compare_periods=4, also_shown=(1, 2))
    params = signal_params(interesting_change=0.5, periods=3)
    finding = readable(signal_kpi(), WORLD, params, settings)
    assert finding.table["periods_pooled"].tolist() == [4, 1, 2]
    assert finding.numbers["smallest_visible"] == finding.table["smallest_visible"].iloc[0]


def test_a_line_that_is_noise_is_said_to_be_noise() -> None:
    quiet = found().numbers["noise_share"]
    assert 0 <= quiet <= 1
    levels = [{"account_id": f"a{n}", "on": LAST_DAY, "level": 1.0 + n} for n in range(2)]
    steady = with_signals(make_world(Plan(accounts=2)), levels)
    assert found(world=steady).numbers["noise_share"] is None


@pytest.mark.parametrize("accounts", [0, 1])
def test_thin_data_cannot_be_told(accounts: int) -> None:
    finding = found(world=make_world(replace(Plan(), accounts=accounts)))
    assert finding.passed is None
    assert finding.reason


def test_the_estimator_decides_the_method() -> None:
    assert "accounts" in found().table["method"].iloc[0]
    assert Mean().columns == ()
