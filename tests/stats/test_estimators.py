"""The estimators: reduced in the engine, judged against textbook formulas and scipy."""

from __future__ import annotations

import math
from typing import Any

import ibis
import numpy as np
import pandas as pd
import pytest
from scipy import stats

from kpi_lib.kpi import Estimator
from kpi_lib.stats import Mean, Proportion, Ratio, Survival, Total
from tests.stats.frames import EARLIER, LATER, observations, one, run

ESTIMATORS: list[Estimator] = [
    Mean(),
    Proportion(),
    Ratio(),
    Total(),
    Total("closing"),
    Survival(365, target_days=55),
    Survival(365, "mean"),
]
NUMBERS = [12.0, 7.0, 9.5, 14.0, 8.0, 11.0, 10.0, 6.5]
OTHERS = [13.0, 9.0, 15.5, 12.0, 17.0, 11.5]


def _two_periods(
    first: list[float], second: list[float], **columns: Any
) -> tuple[pd.DataFrame, pd.DataFrame]:
    estimator = columns.pop("estimator")
    earlier = observations(first, period=EARLIER, **columns)
    later = observations(second, period=LATER, **columns)
    return run(estimator.reduce(earlier, ["period"])), run(estimator.reduce(later, ["period"]))


def test_mean_of_one_unit_per_account_is_the_t_interval() -> None:
    cell = one(Mean(), observations(NUMBERS))
    low, high = stats.ttest_1samp(NUMBERS, 0).confidence_interval(0.9)
    assert cell["value"] == pytest.approx(np.mean(NUMBERS))
    assert (cell["low"], cell["high"]) == (pytest.approx(low), pytest.approx(high))
    assert cell["standard_error"] == pytest.approx(stats.sem(NUMBERS))
    assert (cell["n"], cell["resolved"], cell["reason"]) == (8, 1.0, "")


def test_mean_difference_is_welch() -> None:
    first, second = _two_periods(NUMBERS, OTHERS, estimator=Mean())
    found = Mean().difference(first, second, level=0.9, power=0.8)
    expected = stats.ttest_ind(OTHERS, NUMBERS, equal_var=False)
    interval = expected.confidence_interval(0.9)
    assert found.value == pytest.approx(np.mean(OTHERS) - np.mean(NUMBERS))
    assert found.p_value == pytest.approx(expected.pvalue)
    assert (found.low, found.high) == pytest.approx((interval[0], interval[1]))


def test_copies_of_an_accounts_units_add_no_information() -> None:
    names = [f"a{number}" for number in range(len(NUMBERS))]
    once = one(Mean(), observations(NUMBERS, account_id=names))
    copied = one(Mean(), observations(NUMBERS * 5, account_id=names * 5))
    assert copied["standard_error"] == pytest.approx(once["standard_error"])
    assert (copied["n"], copied["clusters"]) == (40, 8)


def test_units_without_an_account_are_their_own() -> None:
    alone = one(Mean(), observations(NUMBERS, account_id=[None] * len(NUMBERS)))
    assert alone["standard_error"] == pytest.approx(stats.sem(NUMBERS))


def test_mean_paired_over_the_same_accounts_is_the_paired_t_test() -> None:
    later = [
        value + change for value, change in zip(NUMBERS, [1, 2, 0, 3, 1, -1, 2, 4], strict=True)
    ]
    table = observations(
        NUMBERS + later, unit_id=list("abcdefgh") * 2, account_id=list("abcdefgh") * 2,
        period=[EARLIER] * 8 + [LATER] * 8,
    )  # fmt: skip
    found = Mean().paired_difference(
        run(Mean().reduce_pairs(table, EARLIER, LATER)), level=0.9, power=0.8
    )
    expected = stats.ttest_rel(later, NUMBERS)
    interval = expected.confidence_interval(0.9)
    assert found.p_value == pytest.approx(expected.pvalue)
    assert (found.low, found.high) == pytest.approx((interval[0], interval[1]))


def test_ratio_is_the_ratio_of_totals_with_the_delta_method() -> None:
    weights = [3.0, 2.0, 2.0, 4.0, 2.0, 3.0, 2.5, 1.5]
    cell = one(Ratio(), observations(NUMBERS, weight=weights))
    ratio = sum(NUMBERS) / sum(weights)
    left = np.array(NUMBERS) - ratio * np.array(weights)
    error = math.sqrt(len(NUMBERS) * float(left.var(ddof=1))) / sum(weights)
    assert cell["value"] == pytest.approx(ratio)
    assert cell["standard_error"] == pytest.approx(error)


def test_limits_of_a_ratio_are_those_a_t_test_of_the_rest_does_not_refuse() -> None:
    """Fieller (1954): value - r x weight is just told from zero at both limits r."""
    weights = [3.0, 2.0, 2.0, 4.0, 2.0, 3.0, 2.5, 1.5]
    cell = one(Ratio(), observations(NUMBERS, weight=weights))
    for limit in (cell["low"], cell["high"]):
        rest = np.array(NUMBERS) - limit * np.array(weights)
        assert stats.ttest_1samp(rest, 0).pvalue == pytest.approx(0.1)


def test_a_ratio_over_a_weight_that_may_be_zero_has_no_interval() -> None:
    cell = one(Ratio(), observations([1.0, 2.0, 3.0], weight=[5.0, -4.0, 1.0]))
    assert cell["value"] == pytest.approx(3.0)
    assert math.isnan(cell["low"])
    assert cell["reason"] == "the denominator cannot be told from zero: no interval"


def test_ratio_error_agrees_with_a_bootstrap_of_accounts() -> None:
    generator = np.random.default_rng(8)
    weights = generator.gamma(4, 2, 200)
    values = 3 * weights + generator.normal(0, 3, 200)
    draws = generator.integers(0, 200, (4000, 200))
    resampled = values[draws].sum(axis=1) / weights[draws].sum(axis=1)
    cell = one(Ratio(), observations(values.tolist(), weight=weights.tolist()))
    assert cell["standard_error"] == pytest.approx(resampled.std(), rel=0.08)


def test_total_is_as_uncertain_as_a_draw_of_its_accounts() -> None:
    cell = one(Total(), observations(NUMBERS))
    assert cell["value"] == pytest.approx(sum(NUMBERS))
    assert cell["standard_error"] == pytest.approx(math.sqrt(8 * np.var(NUMBERS, ddof=1)))


def test_total_of_a_kind_leaves_the_others_out() -> None:
    kinds = ["closing", "new"] * 4
    table = observations(NUMBERS, kind=kinds)
    assert one(Total("closing"), table)["value"] == pytest.approx(sum(NUMBERS[::2]))
    assert one(Total(), table)["value"] == pytest.approx(sum(NUMBERS))
    assert Total("closing").counted(table).count().to_pyarrow().as_py() == 4


def test_total_pairs_run_over_the_accounts_of_either_period() -> None:
    table = observations(
        [10.0, 20.0, 30.0, 12.0, 18.0, 5.0], unit_id=list("abcabd"), account_id=list("abcabd"),
        period=[EARLIER] * 3 + [LATER] * 3,
    )  # fmt: skip
    found = Total().paired_difference(
        run(Total().reduce_pairs(table, EARLIER, LATER)), level=0.9, power=0.8
    )
    changes = np.array([2.0, -2.0, -30.0, 5.0])
    half = float(stats.t.ppf(0.95, 3)) * math.sqrt(4 * changes.var(ddof=1))
    assert found.value == pytest.approx(changes.sum())
    assert found.high == pytest.approx(changes.sum() + half)


def test_proportion_counts_and_leaves_unknown_values_open() -> None:
    cell = one(Proportion(), observations([1.0, 0.0, 1.0, None, None]))
    assert (cell["n"], cell["successes"]) == (3, 2)
    assert cell["value"] == pytest.approx(2 / 3)
    assert cell["resolved"] == pytest.approx(3 / 5)


def test_proportion_refuses_other_values() -> None:
    with pytest.raises(ValueError, match="values of 0 and 1"):
        one(Proportion(), observations([0.5, 3.0]))


def test_proportion_difference_uses_fisher() -> None:
    first, second = _two_periods(
        [1.0] * 8 + [0.0] * 4, [1.0] * 3 + [0.0] * 9, estimator=Proportion()
    )
    found = Proportion().difference(first, second, level=0.9, power=0.8)
    assert found.value == pytest.approx(-5 / 12)
    assert found.p_value == pytest.approx(stats.fisher_exact(np.array([[8, 4], [3, 9]]))[1])
    assert found.smallest_visible is not None
    assert 0.3 < found.smallest_visible < 0.7


def _paired_shares(earlier: dict[str, float], later: dict[str, float]) -> Any:
    names = [*earlier, *later]
    days = [EARLIER] * len(earlier) + [LATER] * len(later)
    table = observations([*earlier.values(), *later.values()], unit_id=names, period=days)
    pairs = run(Proportion().reduce_pairs(table, EARLIER, LATER))
    return Proportion().paired_difference(pairs, level=0.9, power=0.8)


def test_proportion_pairs_use_mcnemar_when_all_are_seen_twice() -> None:
    earlier = {f"u{n}": float(n < 10) for n in range(40)}
    later = {f"u{n}": float(7 <= n < 20) for n in range(40)}
    found = _paired_shares(earlier, later)
    assert found.value == pytest.approx(3 / 40)
    assert found.p_value == pytest.approx(stats.binomtest(7, 17).pvalue)
    assert "McNemar" in found.method


def test_proportion_pairs_give_the_change_of_the_headline_when_some_come_and_leave() -> None:
    earlier = {f"u{n}": float(n < 10) for n in range(40)}
    later = {f"u{n}": float(n < 20) for n in range(5, 50)}
    found = _paired_shares(earlier, later)
    assert found.value == pytest.approx(15 / 45 - 10 / 40)
    assert found.low < found.value < found.high
    assert "overlapping" in found.method


def test_without_anyone_seen_twice_the_pairs_are_independent_samples() -> None:
    earlier = {f"a{n}": float(n < 10) for n in range(40)}
    later = {f"b{n}": float(n < 20) for n in range(45)}
    found = _paired_shares(earlier, later)
    apart = Proportion().difference(
        *_two_periods(list(earlier.values()), list(later.values()), estimator=Proportion()),
        level=0.9,
        power=0.8,
    )
    assert (found.low, found.high) == (pytest.approx(apart.low), pytest.approx(apart.high))


@pytest.mark.parametrize("estimator", ESTIMATORS, ids=repr)
def test_no_rows_give_null_and_zero_units(estimator: Estimator) -> None:
    table = observations([1.0]).limit(0)
    cell = one(estimator, table)
    assert cell["n"] == 0
    assert math.isnan(cell["value"])
    assert cell["reason"] == "no units"
    by_period = run(estimator.reduce(table, ["period"]))
    frame = estimator.estimate(by_period, ["period"], 0.9)
    assert frame.empty
    assert {"period", "value", "low", "high", "standard_error", "n", "resolved"} <= set(frame)
    assert estimator.units_needed(by_period, 1.0, level=0.9, power=0.8) is None


@pytest.mark.parametrize("estimator", ESTIMATORS, ids=repr)
def test_differences_without_rows_say_why(estimator: Estimator) -> None:
    some = run(estimator.reduce(observations([1.0, 0.0, 1.0]), ["period"]))
    none = some.iloc[:0]
    pairs = run(estimator.reduce_pairs(observations([1.0]).limit(0), EARLIER, LATER))
    for found in (
        estimator.difference(none, some, level=0.9, power=0.8),
        estimator.difference(some, none, level=0.9, power=0.8),
        estimator.paired_difference(pairs, level=0.9, power=0.8),
    ):
        numbers = (found.value, found.low, found.high, found.p_value, found.smallest_visible)
        assert numbers == (None,) * 5
        assert found.reason


@pytest.mark.parametrize("estimator", ESTIMATORS, ids=repr)
def test_one_unit_never_raises(estimator: Estimator) -> None:
    table = observations([1.0])
    cell = one(estimator, table)
    assert cell["n"] == 1
    rows = run(estimator.reduce(table, ["period"]))
    found = estimator.difference(rows, rows, level=0.9, power=0.8)
    assert found.smallest_visible is None
    assert found.reason


@pytest.mark.parametrize("estimator", ESTIMATORS, ids=repr)
def test_the_same_unit_everywhere_shows_no_noise(estimator: Estimator) -> None:
    rows = run(estimator.reduce(observations([1.0] * 6), ["period"]))
    found = estimator.difference(rows, rows, level=0.9, power=0.8)
    assert found.value == 0
    assert found.smallest_visible is None or found.smallest_visible > 0


@pytest.mark.parametrize("estimator", ESTIMATORS, ids=repr)
def test_reduce_compiles_for_other_engines(estimator: Estimator) -> None:
    table = observations([1.0, 0.0])
    for expression in (
        estimator.reduce(table, ["period", "segment"]),
        estimator.reduce_pairs(table, EARLIER, LATER),
    ):
        for dialect in ("postgres", "snowflake", "trino"):
            assert "SELECT" in ibis.to_sql(expression, dialect=dialect)


@pytest.mark.parametrize("estimator", ESTIMATORS, ids=repr)
def test_estimators_are_plain_values(estimator: Estimator) -> None:
    assert hash(estimator) == hash(type(estimator)(**vars(estimator)))
    assert set(estimator.columns) <= {"weight", "kind", "entered", "outcome"}


@pytest.mark.parametrize("estimator", [Mean(), Ratio(), Total(), Survival(365, "mean")], ids=repr)
def test_units_needed_makes_the_smallest_visible_change_visible(estimator: Estimator) -> None:
    """Two periods of n like units see a change of d; so d needs about n units."""
    values = np.random.default_rng(2).gamma(3, 4, 120).round(1).tolist()
    weights = np.random.default_rng(3).gamma(8, 1, 120).tolist()
    rows = run(estimator.reduce(observations(values, weight=weights), ["period"]))
    visible = estimator.difference(rows, rows, level=0.9, power=0.8).smallest_visible
    assert visible is not None
    assert estimator.units_needed(rows, visible, level=0.9, power=0.8) == pytest.approx(120, abs=2)
    assert estimator.units_needed(rows, visible / 2, level=0.9, power=0.8) == pytest.approx(
        480, abs=8
    )
    assert estimator.units_needed(rows, 0.0, level=0.9, power=0.8) is None
