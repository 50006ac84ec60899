"""The figure of any KPI, its trend, its change, who is behind it, and the sentence that says it."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

import ibis
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from kpi_lib.kpi import Better, Difference, KpiParams, Part
from kpi_lib.measure import (
    Measurement,
    behind,
    by_segment,
    headline_position,
    measure,
    outline,
    part,
    pool_value,
    pooled,
)
from kpi_lib.sections.number import trend_sentence
from kpi_lib.sentence import is_distinguishable, sentence
from kpi_lib.stats import Mean, Proportion, Survival
from tests.evidence.worlds import LAST_DAY, Plan, make_world, signal_kpi, signal_params

TABLES = make_world(Plan(accounts=40)).as_of(LAST_DAY)
QUARTERS = [date(2025, month, 1) for month in (1, 4, 7, 10)]
Rows = list[tuple[str, date, float]]
OBSERVED = pa.schema(
    {"unit_id": pa.string(), "account_id": pa.string(), "period": pa.date32(),
     "value": pa.float64(), "segment": pa.string()}
)  # fmt: skip


def kpi_of(rows: Rows, estimator: Any = None, **changes: Any) -> Any:
    """A KPI whose observations are given: (account, period, value)."""
    columns = {
        "unit_id": [row[0] for row in rows],
        "account_id": [row[0] for row in rows],
        "period": [row[1] for row in rows],
        "value": [float(row[2]) for row in rows],
        "segment": ["" for _ in rows],
    }
    made = ibis.memtable(pa.table(columns, schema=OBSERVED))
    chosen = estimator or Mean()
    return signal_kpi(
        observe=lambda tables, params: made, estimator=lambda params: chosen, **changes
    )


def measured(rows: Rows, estimator: Any = None, **changes: Any) -> Measurement:
    return measure(kpi_of(rows, estimator, **changes), TABLES, KpiParams(periods=4))


def quarterly(values: list[list[float]]) -> Rows:
    return [
        (f"a{number}", start, value)
        for start, own in zip(QUARTERS, values, strict=True)
        for number, value in enumerate(own)
    ]


LINE = quarterly([[1, 3], [2, 4], [3, 5], [6, 8]])


def test_the_headline_is_the_last_complete_period_and_the_change_is_against_the_one_before() -> (
    None
):
    found = measured(LINE)
    assert (found.headline.label, found.headline.value, found.headline.n) == ("2025Q4", 7.0, 2)
    assert found.previous is not None
    assert found.previous.value == 4.0
    assert found.change.value == pytest.approx(3.0)
    assert found.trend["label"].tolist() == ["2025Q1", "2025Q2", "2025Q3", "2025Q4"]


def test_stocks_are_compared_account_by_account_and_cohorts_as_samples() -> None:
    paired, apart = measured(LINE, paired=True), measured(LINE, paired=False)
    assert paired.change.value == apart.change.value
    assert paired.change.method != apart.change.method


def test_a_period_without_rows_is_shown_empty() -> None:
    found = measured([row for row in LINE if row[1] != QUARTERS[1]])
    assert found.trend["n"].tolist() == [2, 0, 2, 2]
    assert found.trend["value"].isna().tolist() == [False, True, False, False]


def test_nothing_at_all_is_an_answer() -> None:
    found = measured([])
    assert (found.headline.label, found.headline.value, found.headline.n) == ("2025Q4", None, 0)
    assert found.change.reason == "nothing was observed in 2025Q3"
    assert sentence(found).startswith("Signal cannot be told: nothing was observed in 2025Q4.")


def test_a_window_longer_than_a_period_sets_the_limits_from_values_that_share_no_day() -> None:
    def limits(days: int | None) -> tuple[int, float, str]:
        look = None if days is None else lambda params: days
        measured = measure(signal_kpi(looks_back=look), TABLES, signal_params(periods=8))
        return (
            measured.apart,
            float(measured.trend["upper_limit"].iloc[0]),
            trend_sentence(measured),
        )

    values = measure(signal_kpi(), TABLES, signal_params(periods=8)).trend["value"].to_numpy()
    for days, apart in [(None, 1), (28, 1), (60, 2), (90, 3)]:
        expected = values.mean() + 2.66 * np.abs(values[apart:] - values[:-apart]).mean()
        found, upper, said = limits(days)
        assert found == apart
        assert upper == pytest.approx(expected)
        assert ("share days" in said) is (apart > 1)
    assert limits(60)[2].endswith(
        "Neighbouring months share days of the 60-day window, so the limits come from values "
        "2 months apart."
    )
    assert np.isnan(limits(400)[1])


def test_process_limits_mark_what_is_a_signal() -> None:
    """Mean 3.5 and moving ranges 1, 1, 1, 20 of mean 5.75 give limits of 3.5 +- 2.66 x 5.75."""
    values = [[1.0], [2.0], [3.0], [4.0]]
    trend = measured(quarterly(values)).trend
    assert trend["centre"].iloc[0] == pytest.approx(2.5)
    assert trend["upper_limit"].iloc[0] == pytest.approx(2.5 + 2.66)
    assert trend["lower_limit"].iloc[0] == pytest.approx(2.5 - 2.66)
    assert not trend["is_signal"].any()
    few = measure(kpi_of(quarterly(values)), TABLES, KpiParams(periods=3)).trend
    assert few["centre"].isna().all()


@pytest.mark.parametrize(
    ("n", "resolved", "paired", "position"),
    [
        ([5, 5, 5], [1.0, 1.0, 1.0], False, 2),
        ([5, 5, 5], [1.0, 0.6, 0.2], False, 1),
        ([5, 5, 0], [1.0, 1.0, 1.0], False, 1),
        ([5, 5, 0], [1.0, 1.0, 1.0], True, 2),
        ([5, 5, 5], [0.1, 0.1, 0.1], False, 2),
    ],
)
def test_the_headline_is_the_newest_period_of_which_half_is_resolved(
    n: list[int], resolved: list[float], paired: bool, position: int
) -> None:
    is_open = [count > 0 and share < 0.5 for count, share in zip(n, resolved, strict=True)]
    trend = pd.DataFrame({"n": n, "resolved": resolved, "is_open": is_open})
    assert headline_position(trend, paired) == position


def test_pooling_periods_is_the_figure_over_all_their_rows() -> None:
    found = measured(LINE)
    both = pooled(found, 2)
    assert both is not None
    assert (both.value, both.n, both.label) == (5.5, 4, "2025Q3 to 2025Q4")
    earlier = pooled(found, 2, back=2)
    assert earlier is not None
    assert earlier.value == 2.5
    assert pooled(found, 2, back=3) is None
    one = pooled(found, 1)
    assert one is not None
    assert one.value == found.headline.value


def test_an_outline_has_the_values_of_the_measurement_without_intervals() -> None:
    ends = (*LINE, ("late", date(2026, 1, 1), 9.0))  # a period that is not over
    kpi = kpi_of(list(ends))
    whole, bare = (one(kpi, TABLES, KpiParams(periods=4)) for one in (measure, outline))
    for name in ("period", "label", "value", "n", "resolved", "is_open"):
        assert list(bare.trend[name]) == list(whole.trend[name])
    for cell, other in ((bare.headline, whole.headline), (bare.previous, whole.previous)):
        assert cell is not None
        assert other is not None
        assert cell == replace(other, low=None, high=None, standard_error=None)


def test_a_pool_without_interval_has_the_value_of_the_pool() -> None:
    found = measured(LINE)
    for count, back in ((1, 0), (2, 0), (2, 2)):
        whole, bare = pooled(found, count, back), pool_value(found, count, back)
        assert whole is not None
        assert bare == replace(whole, low=None, high=None, standard_error=None)
    assert pool_value(found, 2, back=3) is None


def test_who_is_behind_is_sorted_worst_first_with_names() -> None:
    rows = behind(signal_kpi(), TABLES, signal_params())
    assert rows["value"].is_monotonic_decreasing
    assert rows["name"].tolist() == rows["account_id"].str.upper().tolist()
    assert set(rows["owner"]) == {"ann"}
    assert rows["period"].nunique() == 1
    best_last = behind(signal_kpi(better=Better.HIGHER), TABLES, signal_params())
    assert best_last["value"].is_monotonic_increasing


def test_a_card_may_bring_its_own_list_and_its_parts() -> None:
    own = Part(
        name="own", title="Own", meaning="", compute=lambda tables, params: tables["accounts"]
    )
    kpi = signal_kpi(who=own, parts=(own,))
    assert len(behind(kpi, TABLES, signal_params())) == 40
    assert len(part(kpi, TABLES, signal_params(), "own")) == 40
    with pytest.raises(KeyError, match="no part 'other'; its parts: own"):
        part(kpi, TABLES, signal_params(), "other")


def test_segments_add_up_to_the_whole() -> None:
    params = signal_params(segment="segment")
    parts = by_segment(signal_kpi(), TABLES, params)
    whole = measure(signal_kpi(), TABLES, params).trend.set_index("label")
    assert parts["segment"].unique().tolist() == ["north", "south"]
    sums = parts.assign(total=parts["value"] * parts["n"]).groupby("label")[["total", "n"]].sum()
    assert sums["n"].tolist() == whole["n"].tolist()
    assert (sums["total"] / sums["n"]).to_numpy() == pytest.approx(whole["value"].to_numpy())


def test_the_sentence_has_value_interval_n_period_and_change() -> None:
    rows = quarterly([[0] * 12, [1] * 12, list(range(64, 76)), list(range(55, 67))])
    found = measured(rows, title="Time to value", unit="days", paired=False)
    assert sentence(found) == (
        "Time to value is 60 days (90 % interval 59 to 62; 12 customers, 2025Q4). "
        "That is 9 days less than 2025Q3, more than chance explains."
    )


def test_the_sentence_says_when_a_change_could_be_chance_and_when_there_is_none() -> None:
    noisy = measured(quarterly([[1, 9], [1, 9], [1, 9], [2, 9]]), paired=False)
    assert "a difference this size could be chance" in sentence(noisy)
    same = measured(quarterly([[1, 9], [1, 9], [1, 9], [1, 9]]))
    assert "That is the same as 2025Q3." in sentence(same)


def test_a_share_is_said_in_percent() -> None:
    rows = quarterly([[0, 1], [0, 1], [0, 0, 0, 1], [0, 1, 1, 1]])
    said = sentence(
        measured(rows, Proportion(), title="Inactive customers", unit="share", paired=False)
    )
    assert said.startswith("Inactive customers are 75.0 % (90 % interval ")
    assert "50.0 percentage points more than 2025Q3" in said


@pytest.mark.parametrize(
    ("p_value", "low", "high", "expected"),
    [
        (0.05, None, None, True),
        (0.2, None, None, False),
        (None, 0.1, 0.4, True),
        (None, -0.1, 0.4, False),
        (None, None, None, None),
    ],
)
def test_a_change_is_told_from_noise_at_the_level_asked_for(
    p_value: float | None, low: float | None, high: float | None, expected: bool | None
) -> None:
    assert is_distinguishable(Difference(0.2, low, high, p_value, None, ""), 0.9) is expected


def test_the_newest_cohort_may_still_be_open() -> None:
    columns = {
        "unit_id": ["a", "b", "c", "d"], "account_id": ["a", "b", "c", "d"],
        "period": [QUARTERS[2]] * 2 + [QUARTERS[3]] * 2, "value": [10.0, 20.0, 5.0, 6.0],
        "outcome": [1, 1, 0, 0], "entered": [0.0] * 4, "segment": [""] * 4,
    }  # fmt: skip
    rows = ibis.memtable(pd.DataFrame(columns)).cast({"period": "date"})
    survival = Survival(horizon_days=365, statistic="median", target_days=55)
    kpi = replace(
        signal_kpi(paired=False, title="Wait", unit="days"),
        observe=lambda tables, params: rows,
        estimator=lambda params: survival,
    )
    found = measure(kpi, TABLES, KpiParams(periods=4))
    assert found.headline.label == "2025Q3"
    assert found.trend["is_open"].tolist() == [False, False, False, True]
    assert "2025Q4 is still open" in sentence(found)


@pytest.mark.parametrize(
    ("title", "verb"),
    [
        ("Inactive customers", "are"),
        ("Return on levers", "is"),
        ("Time to value", "is"),
        ("Cost of sales", "is"),
        ("Gross loss", "is"),
    ],
)
def test_the_verb_follows_the_head_of_the_title(title: str, verb: str) -> None:
    found = measure(signal_kpi(title=title), TABLES, signal_params())
    assert sentence(found).startswith(f"{title} {verb} ")
