"""A day after the data end: a few are silence, which is said; more are refused, since nobody can tell."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from pathlib import Path

import pytest

from kpi_lib.data import DataError, open_dataset
from kpi_lib.data.ending import TOLERATED
from kpi_lib.data.errors import Problem
from kpi_lib.experiment import start
from kpi_lib.sections.data_read import report
from tests.data.companies import YAML, with_change, with_row, write_company

LAST = date(2024, 9, 30)
"""The day of the newest row of the company: a use of the product."""


def test_the_last_day_known_needs_no_warning(tmp_path: Path) -> None:
    assert open_dataset(write_company(tmp_path), as_of=LAST).problems == ()


@pytest.mark.parametrize("days", [1, 3, TOLERATED.days])
def test_a_few_quiet_days_are_read_and_said(days: int, tmp_path: Path) -> None:
    day = LAST + timedelta(days=days)
    dataset = open_dataset(write_company(tmp_path), as_of=day)
    assert dataset.last_day == day
    (problem,) = dataset.problems
    span = "the day" if days == 1 else f"the {days} days"
    said = f"warning: all tables: nothing is recorded after {LAST}, in {span} up to {day}. "
    assert str(problem).startswith(said)
    shown = report(dataset).shown()
    assert shown is not None
    assert str(problem) in shown.text


@pytest.mark.parametrize("days", [TOLERATED.days + 1, 92, 2000])
def test_a_day_long_after_is_refused_in_one_line(days: int, tmp_path: Path) -> None:
    day = LAST + timedelta(days=days)
    with pytest.raises(DataError) as refused:
        open_dataset(write_company(tmp_path), as_of=day, require_clean=False)
    (line,) = str(refused.value).splitlines()
    assert f"as_of {day} lies {days} days after {LAST}, the last day the data know" in line


def test_a_notebook_run_by_papermill_is_refused_too() -> None:
    with pytest.raises(DataError, match="the last day the data know"):
        start("inactive_customers", {"dataset": "data/sample/saas", "as_of": "2026-09-30"})


def test_a_budget_of_later_months_is_no_newer_data(tmp_path: Path) -> None:
    folder = write_company(tmp_path, spend=with_row("spend", "2024-11-01,sales,1000"))
    with pytest.raises(DataError, match=f"days after {LAST}"):
        open_dataset(folder, as_of="2024-12-31")


def test_a_date_that_lies_ahead_is_no_newer_data(tmp_path: Path) -> None:
    later = date.today() + timedelta(days=40)
    usage = with_row("usage", f"a1,,{later} 09:00:00,report_viewed,ui,1")
    with pytest.raises(DataError, match=f"days after {LAST}"):
        open_dataset(write_company(tmp_path, usage=usage), as_of=later, require_clean=False)


def test_the_data_set_may_say_until_when_it_is_complete(tmp_path: Path) -> None:
    folder = write_company(tmp_path, YAML + "as_of: 2024-12-31\n")
    assert open_dataset(folder).problems == ()
    assert open_dataset(folder, as_of="2024-12-15").problems == ()
    assert len(open_dataset(folder, as_of="2025-01-02").problems) == 1
    with pytest.raises(DataError, match="the last day the data know"):
        open_dataset(folder, as_of="2025-01-31")


def test_it_cannot_be_complete_until_a_day_to_come(tmp_path: Path) -> None:
    later = date.today() + timedelta(days=40)
    folder = write_company(tmp_path, YAML + f"as_of: {later}\n")
    with pytest.raises(DataError, match=f"as_of {later} lies .* days after {LAST}"):
        open_dataset(folder)


def test_what_comes_later_does_not_take_the_warning_away(tmp_path: Path) -> None:
    """The report of a day is the same once later rows are there."""
    without = with_change("usage", "a4,c4,2024-09-30 12:00:00,report_shared,ui,1\n", "")
    alone = write_company(tmp_path / "alone", usage=without)
    followed = write_company(tmp_path / "followed")
    # The history of a4 is of 15 August; the next row, if any, is of 30 September.
    first, second = (open_dataset(one, as_of="2024-08-18") for one in (alone, followed))
    assert first.problems == second.problems
    assert len(first.problems) == 1


ORDERS = with_row("orders", f"o9,a2,{LAST} 10:00:00,,,,5")
STOPPED = LAST - timedelta(days=200)


def _usage(days: int) -> str:
    """The usage of the company, ten more rows a day over so many days, and nothing since `STOPPED`."""
    more = [
        f"a1,,{STOPPED - timedelta(days=back)} {hour:02d}:30:00,report_viewed,ui,1"
        for back in range(days)
        for hour in range(8, 18)
    ]
    head, *lines = with_row("usage", "\n".join(more)).splitlines()
    kept = [line for line in lines if line.split(",")[2] <= f"{STOPPED} 23"]
    return "\n".join([head, *kept]) + "\n"


def _silent(found: Sequence[Problem]) -> list[str]:
    return [one.severity for one in found if one.table == "usage" and "recorded" in one.rule]


def test_an_export_of_usage_that_stopped_is_refused_in_one_line(tmp_path: Path) -> None:
    """Ten rows a day for two months, then 200 days of nothing while orders go on."""
    folder = write_company(tmp_path, usage=_usage(60), orders=ORDERS)
    with pytest.raises(DataError) as refused:
        open_dataset(folder, as_of=LAST)
    (line,) = [line for line in str(refused.value).splitlines() if "recorded" in line]
    assert f"error: usage: nothing is recorded after {STOPPED}, 200 days before {LAST}" in line
    assert "every account would look inactive" in line


def test_usage_is_read_for_a_day_before_its_end(tmp_path: Path) -> None:
    folder = write_company(tmp_path, usage=_usage(60), orders=ORDERS)
    found = open_dataset(folder, as_of=STOPPED + TOLERATED, require_clean=False)
    assert _silent(found.problems) == []


def test_a_data_set_that_is_complete_may_have_a_table_that_ends(tmp_path: Path) -> None:
    yaml = YAML + f"as_of: {LAST}\n"
    folder = write_company(tmp_path, yaml, usage=_usage(60), orders=ORDERS)
    assert _silent(open_dataset(folder).problems) == []


def test_a_table_of_few_rows_may_be_silent_for_long(tmp_path: Path) -> None:
    folder = write_company(tmp_path, usage=_usage(2), orders=ORDERS)
    found = open_dataset(folder, as_of=LAST, require_clean=False)
    assert _silent(found.problems) == []


def test_plans_that_are_set_once_a_year_are_not_silent_in_between() -> None:
    wholesale = Path(__file__).parents[2] / "data" / "sample" / "wholesale"
    found = open_dataset(wholesale, as_of="2026-06-30")
    assert [one.rule for one in found.problems if one.table == "targets"] == []
