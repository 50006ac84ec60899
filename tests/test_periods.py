"""Calendars: periods are whole, adjoin each other, and are over on the day asked for."""

from __future__ import annotations

from datetime import date, timedelta
from itertools import pairwise

import ibis
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kpi_lib.periods import (
    PeriodName,
    add_months,
    complete_periods,
    grid,
    period_of,
    period_start,
    quarter_end,
)

days = st.dates(date(2000, 1, 1), date(2100, 1, 1))
names = st.sampled_from(["week", "month", "quarter"])
months = st.integers(1, 12)


@given(days, names, st.integers(1, 30), months)
def test_periods_adjoin_and_are_over(
    as_of: date, name: PeriodName, count: int, starts_in: int
) -> None:
    periods = complete_periods(as_of, name, count, starts_in)
    assert len(periods) == count
    assert periods[-1].end <= as_of
    longest = {"week": 7, "month": 31, "quarter": 92}[name]
    assert as_of - periods[-1].end < timedelta(days=longest)
    for earlier, later in pairwise(periods):
        assert earlier.end + timedelta(days=1) == later.start


@given(days, st.integers(1, 12), months)
def test_labels_are_different_and_quarters_end_where_they_say(
    as_of: date, count: int, starts_in: int
) -> None:
    periods = complete_periods(as_of, "quarter", count, starts_in)
    assert len({period.label for period in periods}) == count
    assert all(quarter_end(period.label, starts_in) == period.end for period in periods)


@pytest.mark.parametrize(
    ("as_of", "name", "starts_in", "start", "end", "label"),
    [
        (date(2026, 6, 30), "quarter", 1, date(2026, 4, 1), date(2026, 6, 30), "2026Q2"),
        (date(2026, 6, 29), "quarter", 1, date(2026, 1, 1), date(2026, 3, 31), "2026Q1"),
        (date(2026, 3, 31), "quarter", 4, date(2026, 1, 1), date(2026, 3, 31), "2025Q4"),
        (date(2026, 1, 31), "quarter", 2, date(2025, 11, 1), date(2026, 1, 31), "2025Q4"),
        (date(2024, 2, 29), "month", 1, date(2024, 2, 1), date(2024, 2, 29), "2024-02"),
        (date(2024, 2, 28), "month", 1, date(2024, 1, 1), date(2024, 1, 31), "2024-01"),
        (date(2026, 6, 30), "week", 1, date(2026, 6, 24), date(2026, 6, 30), "2026-06-30"),
    ],
)
def test_last_complete_period(
    as_of: date, name: PeriodName, starts_in: int, start: date, end: date, label: str
) -> None:
    last = complete_periods(as_of, name, 1, starts_in)[-1]
    assert (last.start, last.end, last.label) == (start, end, label)
    assert last.days == (end - start).days + 1


def test_grid_and_period_of_agree() -> None:
    periods = complete_periods(date(2026, 6, 30), "month", 3)
    days_table = ibis.memtable(
        {"day": [date(2026, 3, 31), date(2026, 4, 1), date(2026, 6, 30), date(2026, 7, 1)]},
        schema={"day": "date"},
    )
    found = (
        days_table.mutate(period=period_of(days_table["day"], periods)).order_by("day").execute()
    )
    starts = ["" if pd.isna(start) else f"{start:%Y-%m-%d}" for start in found["period"]]
    assert starts == ["", "2026-04-01", "2026-06-01", ""]
    assert grid(periods).order_by("period").execute()["days"].tolist() == [30, 31, 30]


@pytest.mark.parametrize("text", ["2025", "Q4", "2025Q5", "25Q1", "2025Q", "2025-Q1"])
def test_what_is_not_a_quarter_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="not a quarter"):
        quarter_end(text)


def test_months_carry_over_years() -> None:
    assert add_months(date(2025, 12, 31), 1) == date(2026, 1, 1)
    assert add_months(date(2025, 1, 15), -1) == date(2024, 12, 1)
    assert period_start(date(2026, 1, 5), "quarter", 12) == date(2025, 12, 1)
    with pytest.raises(ValueError, match="weeks"):
        period_start(date(2026, 1, 5), "week")
