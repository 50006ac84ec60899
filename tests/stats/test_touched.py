"""Touched against not yet touched: arithmetic by hand, planted slopes, and checks that bite."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from kpi_lib.stats import touched

JAN = pd.Timestamp("2026-01-01")
counts = st.floats(1, 50)


def cells(rows: list[dict[str, object]]) -> pd.DataFrame:
    """Cells that state only what matters."""
    usual: dict[str, object] = {"lever": "x", "state": "s", "month": JAN, "segment": "a"}
    usual |= {"ideal": "ideal", "known": 0, "before_sum": 0.0, "before_squares": 0.0}
    return pd.DataFrame([usual | row for row in rows])


@given(counts, counts, counts, counts)
def test_one_stratum_is_the_plain_odds_ratio(a: float, b: float, c: float, d: float) -> None:
    """With Woolf's variance, 1/a + 1/b + 1/c + 1/d."""
    one = [np.array([x]) for x in (a, b, c, d)]
    ratio, low, high = touched.mantel_haenszel(one, 0.9)
    error = math.sqrt(1 / a + 1 / b + 1 / c + 1 / d)
    assert ratio == pytest.approx(a * d / (b * c))
    assert math.log(high) - math.log(low) == pytest.approx(2 * stats.norm.ppf(0.95) * error)


@given(counts, counts, counts, counts, st.integers(2, 6))
def test_strata_alike_change_nothing(a: float, b: float, c: float, d: float, times: int) -> None:
    one = [np.full(times, x) for x in (a, b, c, d)]
    assert touched.mantel_haenszel(one, 0.9)[0] == pytest.approx(a * d / (b * c))


def test_a_month_in_which_all_went_better_is_no_merit_of_the_lever() -> None:
    """In each month both sides move on alike; the lever was used in the better month."""
    later = pd.Timestamp("2026-02-01")
    rows = cells(
        [
            {"touches": 1, "n": 80, "moved": 60},
            {"touches": 0, "n": 20, "moved": 15},
            {"touches": 1, "n": 20, "moved": 5, "month": later},
            {"touches": 0, "n": 80, "moved": 20, "month": later},
        ]
    )
    found = touched.effectiveness(rows, 0.9).iloc[0]
    assert found["odds_ratio"] == pytest.approx(1)
    assert found["low"] < 1 < found["high"]
    assert found["share_touched"] == pytest.approx(0.65)
    assert found["share_others"] == pytest.approx(0.35)


def planted(form: str, slope: float) -> pd.DataFrame:
    """Cells whose shares lie exactly on a curve, over months and two segments."""
    rows = []
    for month in pd.date_range(JAN, periods=4, freq="MS"):
        for segment, base in (("a", -0.5), ("b", 0.7)):
            for k in range(5):
                curve = k if form == touched.LINEAR else math.log1p(k)
                share = 1 / (1 + math.exp(-(base + slope * curve)))
                row = {"touches": k, "n": 20_000, "moved": 20_000 * share}
                rows.append(row | {"month": month, "segment": segment})
    return cells(rows)


@pytest.mark.parametrize("slope", [-0.4, 0.0, 0.3])
def test_a_planted_slope_is_found(slope: float) -> None:
    found = touched.elasticity(planted(touched.LINEAR, slope), 0.9).iloc[0]
    assert found["per_touch"] == pytest.approx(slope, abs=1e-4)
    assert found["low"] < slope < found["high"]


def test_saturation_is_told_from_touches_that_count_alike() -> None:
    alike = touched.elasticity(planted(touched.LINEAR, 0.3), 0.9).iloc[0]
    less = touched.elasticity(planted(touched.SATURATING, 0.8), 0.9).iloc[0]
    assert alike["form"] == touched.LINEAR
    assert [alike["first"], alike["third"]] == pytest.approx([0.3, 0.3], abs=1e-3)
    assert less["form"] == touched.SATURATING
    wanted = [0.8 * math.log(2), 0.8 * math.log(3 / 2), 0.8 * math.log(4 / 3)]
    assert [less["first"], less["second"], less["third"]] == pytest.approx(wanted, abs=1e-3)


def test_what_was_never_seen_has_no_effect_told() -> None:
    rows = cells([{"touches": 0, "n": 50, "moved": 20}, {"touches": 1, "n": 50, "moved": 30}])
    found = touched.elasticity(rows, 0.9).iloc[0]
    assert np.isfinite(found["first"])
    assert np.isnan(found["second"])


@given(st.integers(0, 10_000))
def test_placebo_is_welch_on_the_log_days(seed: int) -> None:
    generator = np.random.default_rng(seed)
    one, two = generator.normal(3, 1, 15), generator.normal(3.4, 0.5, 40)
    rows = cells(
        [
            {"touches": k, "n": x.size, "moved": 5, "known": x.size}
            | {"before_sum": x.sum(), "before_squares": (x * x).sum()}
            for k, x in ((2, one), (0, two))
        ]
    )
    found = touched.placebo(rows, 0.99).iloc[0]
    wanted = stats.ttest_ind(one, two, equal_var=False).confidence_interval(0.99)
    assert [found["low"], found["high"]] == pytest.approx([wanted.low, wanted.high])
    assert found["differs"] == (wanted.low > 0 or wanted.high < 0)


def test_thin_data_is_a_reason_and_no_number() -> None:
    few = cells([{"touches": 1, "n": 9, "moved": 4}, {"touches": 0, "n": 90, "moved": 40}])
    alike = cells([{"touches": 1, "n": 20, "moved": 20}, {"touches": 0, "n": 20, "moved": 20}])
    for rows, word in ((few, "9 touched"), (alike, "the same way")):
        for table in (touched.effectiveness(rows, 0.9), touched.elasticity(rows, 0.9)):
            assert word in table["reason"].iloc[0]
            assert np.isnan(table["low"].iloc[0])
    assert touched.placebo(few, 0.99)["reason"].iloc[0] == "no state lies before"
    assert touched.placebo(few, 0.99)["differs"].iloc[0] is None


def test_no_cells_give_no_rows() -> None:
    nothing = cells([{"touches": 1, "n": 1, "moved": 1}]).iloc[:0]
    for table in (touched.effectiveness(nothing, 0.9), touched.elasticity(nothing, 0.9)):
        assert table.empty
    assert touched.placebo(nothing, 0.9).empty


@pytest.mark.parametrize(
    ("case", "wanted"),
    [
        ((1.2, 3.0, True, 0.0, ""), "chosen"),
        ((1.2, 3.0, False, 0.7, ""), "sent at the end"),
        ((1.2, 3.0, False, 0.1, ""), "goes with moving on; nothing differed"),
        ((1.2, 3.0, None, 0.1, ""), "goes with moving on; no time before"),
        ((0.2, 0.8, False, 0.1, ""), "goes with staying"),
        ((0.8, 1.3, False, 0.1, ""), "no difference"),
        ((np.nan, np.nan, None, 0.1, "3 touched"), "cannot be told: 3 touched"),
    ],
)
def test_readings(case: tuple[float, float, bool | None, float, str], wanted: str) -> None:
    assert touched.reading(*case).startswith(wanted)
