"""Properties that hold for any observations: adding up, order, scale."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kpi_lib.kpi import Estimator
from kpi_lib.stats import Mean, Proportion, Ratio, Survival, Total
from tests.stats.frames import EARLIER, LATER, observations, run

NUMERIC: list[Estimator] = [Mean(), Ratio(), Total()]
ALL: list[Estimator] = [*NUMERIC, Proportion(), Survival(60), Survival(60, "mean")]

row = st.fixed_dictionaries(
    {
        "account_id": st.sampled_from(["a", "b", "c", "d", None]),
        "period": st.sampled_from([EARLIER, LATER]),
        "value": st.one_of(st.none(), st.integers(0, 1).map(float)),
        "weight": st.integers(1, 9).map(float),
        "outcome": st.integers(0, 2),
        "segment": st.sampled_from(["x", "y"]),
    }
)
tables = st.lists(row, min_size=1, max_size=25)
few = settings(max_examples=5, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def _table(rows: list[dict[str, Any]], times: float = 1.0) -> Any:
    columns = {name: [one_row[name] for one_row in rows] for name in rows[0]}
    values = [None if value is None else value * times for value in columns.pop("value")]
    return observations(values, **columns)


def _same(first: pd.DataFrame, second: pd.DataFrame) -> None:
    pd.testing.assert_frame_equal(first, second, check_dtype=False, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("estimator", ALL, ids=repr)
@few
@given(rows=tables)
def test_pooling_periods_equals_reducing_their_union(
    estimator: Estimator, rows: list[dict[str, Any]]
) -> None:
    table = _table(rows)
    apart = run(estimator.reduce(table, ["period", "segment"]))
    together = run(estimator.reduce(table, ["segment"]))
    pooled = estimator.estimate(apart, ["segment"], 0.9)
    _same(pooled, estimator.estimate(together, ["segment"], 0.9))


@pytest.mark.parametrize("estimator", ALL, ids=repr)
@few
@given(rows=tables, seed=st.integers(0, 99))
def test_the_order_of_rows_changes_nothing(
    estimator: Estimator, rows: list[dict[str, Any]], seed: int
) -> None:
    mixed = [rows[place] for place in np.random.default_rng(seed).permutation(len(rows))]
    once, again = (
        estimator.estimate(run(estimator.reduce(_table(given_rows), ["period"])), ["period"], 0.9)
        for given_rows in (rows, mixed)
    )
    _same(once, again)


@pytest.mark.parametrize("estimator", NUMERIC, ids=repr)
@few
@given(rows=tables)
def test_values_times_a_hundred_scale_the_estimate(
    estimator: Estimator, rows: list[dict[str, Any]]
) -> None:
    columns = ["value", "low", "high", "standard_error"]
    once, scaled = (
        estimator.estimate(run(estimator.reduce(_table(rows, times), ["period"])), ["period"], 0.9)
        for times in (1.0, 100.0)
    )
    _same(once[columns] * 100, scaled[columns])


@few
@given(rows=tables)
def test_a_ratio_does_not_change_when_both_totals_are_scaled(rows: list[dict[str, Any]]) -> None:
    larger = [one_row | {"weight": one_row["weight"] * 100} for one_row in rows]
    once = run(Ratio().reduce(_table(rows), []))
    both = run(Ratio().reduce(_table(larger, 100.0), []))
    _same(Ratio().estimate(once, [], 0.9), Ratio().estimate(both, [], 0.9))


@pytest.mark.parametrize("estimator", ALL, ids=repr)
@few
@given(rows=tables)
def test_every_number_is_finite_or_null_and_null_has_a_reason(
    estimator: Estimator, rows: list[dict[str, Any]]
) -> None:
    reduced = run(estimator.reduce(_table(rows), ["period"]))
    frame = estimator.estimate(reduced, ["period"], 0.9)
    numbers = frame.select_dtypes("number").to_numpy(dtype=float)
    assert not np.isinf(numbers).any()
    unknown = frame[["value", "low", "high"]].isna().any(axis=1)
    assert (frame.loc[unknown, "reason"] != "").all()
    found = estimator.difference(reduced, reduced, level=0.9, power=0.8)
    told = [found.value, found.low, found.high, found.p_value, found.smallest_visible]
    assert all(number is None or math.isfinite(number) for number in told)
    assert found.reason or None not in told


@pytest.mark.parametrize("estimator", [Mean(), Ratio(), Total(), Proportion()], ids=repr)
@few
@given(rows=tables)
def test_a_paired_change_is_the_change_of_the_headlines(
    estimator: Estimator, rows: list[dict[str, Any]]
) -> None:
    table = _table(rows)
    frame = estimator.estimate(run(estimator.reduce(table, ["period"])), ["period"], 0.9)
    pairs = run(estimator.reduce_pairs(table, EARLIER, LATER))
    found = estimator.paired_difference(pairs, level=0.9, power=0.8)
    values = frame["value"].dropna().tolist()
    if len(values) < 2:
        assert found.value is None
    else:
        assert found.value == pytest.approx(values[1] - values[0], abs=1e-9)


@pytest.mark.parametrize("estimator", ALL, ids=repr)
def test_a_second_copy_of_every_account_doubles_counts_and_keeps_rates(
    estimator: Estimator,
) -> None:
    values = [1.0, 0.0, 1.0, 1.0, 0.0, 1.0]
    names = [f"a{number}" for number in range(6)]
    once = run(estimator.reduce(observations(values, account_id=names), []))
    twice = run(
        estimator.reduce(observations(values * 2, account_id=names + [f"{n}b" for n in names]), [])
    )
    first = estimator.estimate(once, [], 0.9).iloc[0]
    second = estimator.estimate(twice, [], 0.9).iloc[0]
    factor = 2 if isinstance(estimator, Total) else 1
    assert second["n"] == 2 * first["n"]
    assert second["value"] == pytest.approx(factor * first["value"])
