"""Progress of an objective: from its baseline to its goal, is it real, and the odds."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

import pandas as pd
import pytest

from kpi_lib.evidence.looks import planned, start_of
from kpi_lib.evidence.progress import Progress, progress
from kpi_lib.experiment import start
from kpi_lib.kpi import Difference, KpiParams
from kpi_lib.kpis import inactive_customers, time_to_value
from kpi_lib.measure import Cell, Measurement
from kpi_lib.sections.objective import objective
from kpi_lib.sections.progress import progress_sentences

SAMPLE: dict[str, Any] = {
    "dataset": "data/sample/saas", "as_of": "2026-06-30", "with_evidence": False,
    "looks": ["2025-12-31", "2026-12-31"], "decide_on": "2026-12-31",
}  # fmt: skip


def cell(value: float | None, label: str, n: int = 12) -> Cell:
    return Cell(label, date(2026, 1, 1), date(2026, 3, 31), value, None, None, None, n, 1.0)


def measured(now: Cell, as_of: date = date(2026, 6, 30)) -> Measurement:
    kpi = time_to_value.KPI
    params: KpiParams = kpi.Params()
    change = Difference(None, None, None, None, None, "", "no spread")
    return Measurement(
        kpi, params, as_of, "EUR", pd.DataFrame(), now, None, change, pd.DataFrame(),
        kpi.estimator(params),
    )  # fmt: skip


def found(now: float | None, **changes: Any) -> tuple[Measurement, Progress]:
    """From 65 to 55 days by the end of 2026Q2, as the founding example has it."""
    here = cell(now, "2026Q1")
    known = Progress(
        begun_on=date(2025, 12, 31),
        due_on=date(2026, 6, 30),
        baseline=cell(65.0, "2025Q4"),
        now=here,
        goal=55.0,
        change=Difference(-4.0, -15.0, 7.0, 0.5, 16.0, ""),
        odds=0.2,
        expected=63.0,
        seen=6,
    )
    return measured(here, changes.pop("as_of", date(2026, 3, 31))), replace(known, **changes)


def said(now: float | None, **changes: Any) -> str:
    return progress_sentences(*found(now, **changes))


def test_from_65_to_55_days_where_are_we_and_is_it_real() -> None:
    told = said(61.0)
    assert told.startswith(
        "Progress since 31 December 2025: from 65 days (12 customers, 2025Q4) to 55 days by "
        "30 June 2026; now 61 days (12 customers, 2026Q1), 40.0 % of the step."
    )
    assert (
        "That is 4 days less (90 % interval of the change -15 to 7 days), a difference this size "
        "could be chance." in told
    )
    assert (
        "If it goes on as in the last 6 quarters, 55 days or less is there on 30 June 2026 in about "
        "20 of 100 cases; expected is 63 days." in told
    )


@pytest.mark.parametrize(
    ("now", "words"),
    [
        (55.0, "which is at the goal"),
        (50.0, "which is at the goal"),
        (65.0, "none of the step so far"),
        (70.0, "further from the goal than at the start"),
        (60.0, "50.0 % of the step"),
        (None, "which cannot be compared"),
    ],
)
def test_how_much_of_the_step_is_done(now: float | None, words: str) -> None:
    assert words in said(now)


def test_a_change_that_is_real_says_so() -> None:
    assert "more than chance explains" in said(
        55.0, change=Difference(-10.0, -15.0, -5.0, 0.01, 6.0, "")
    )
    assert "cannot be told: 1 customer." in said(
        61.0, change=Difference(None, None, None, None, None, "", "1 customer")
    )


def test_the_day_has_come_or_is_not_named_or_cannot_be_foreseen() -> None:
    assert "The day, 30 June 2026, has come." in said(61.0, as_of=date(2026, 6, 30))
    assert "No day is named" in said(61.0, due_on=None)
    assert "3 quarters with a value are too few" in said(61.0, odds=None, seen=3)
    assert "in about 1 of 100 cases" in said(61.0, odds=0.0)
    assert "in about 99 of 100 cases" in said(61.0, odds=1.0)


def test_before_the_first_new_figure_the_baseline_is_said() -> None:
    told = said(65.0, baseline=None, change=None)
    assert "The objective counts from 31 December 2025; the baseline is 65 days" in told
    assert "and no newer figure counts yet" in told
    early = said(65.0, baseline=None, change=None, begun_on=date(2026, 3, 31))
    assert "no newer figure" not in early


def test_a_card_without_a_goal_has_no_progress() -> None:
    assert said(61.0, goal=None) == ""


def test_the_objective_keeps_its_baseline() -> None:
    """At a later review it still reads from 65 to 55, and the step to go is the rest."""
    told = objective(*found(61.0)).said
    assert told.startswith("Reduce average time to value from 65 days to 55 days by ")
    assert "The step is 6 days" in told


def test_the_time_begins_one_step_before_the_first_look() -> None:
    ends = (date(2026, 3, 31), date(2026, 6, 30))
    assert start_of(ends) == date(2025, 12, 31)
    assert start_of((date(2026, 9, 30), date(2026, 12, 31))) == date(2026, 6, 30)
    assert start_of((date(2026, 9, 10), date(2026, 9, 20))) == date(2026, 8, 31)
    assert planned(KpiParams(looks=ends))[0].fraction == pytest.approx(90 / 181)


@pytest.fixture(scope="module")
def quiet() -> Progress:
    return start("inactive_customers", SAMPLE | {"period": "month"}).progress


def test_baseline_and_change_come_from_the_data(quiet: Progress) -> None:
    """The baseline is the share of the month end on which the objective began, as its own page shows."""
    then = start(
        "inactive_customers", SAMPLE | {"period": "month", "as_of": "2024-12-31"}
    ).measurement.headline
    assert quiet.begun_on == date(2024, 12, 31)
    assert quiet.baseline is not None
    assert quiet.baseline.label == then.label == "2024-12"
    assert quiet.baseline.value == pytest.approx(then.value)
    assert quiet.goal == pytest.approx((then.value or 0) / 2)
    assert quiet.change is not None
    assert quiet.change.value == pytest.approx((quiet.now.value or 0) - (then.value or 0), abs=0.02)
    assert quiet.change.low is not None
    assert quiet.due_on == date(2026, 12, 31)


def test_odds_are_shares_and_a_share_stays_one(quiet: Progress) -> None:
    assert quiet.odds is not None
    assert 0 <= quiet.odds <= 1
    assert quiet.expected is not None
    assert 0 < quiet.expected < 1


def test_cohorts_are_compared_as_two_samples() -> None:
    waits = start("time_to_value", SAMPLE).progress
    assert waits.baseline is not None
    assert waits.baseline.label < waits.now.label
    assert waits.goal == 55
    assert waits.change is not None
    first, last = waits.baseline.value, waits.now.value
    assert first is not None
    assert last is not None
    assert waits.change.value == pytest.approx(last - first, abs=1e-6)


def test_without_planned_looks_nothing_has_begun() -> None:
    plain = start("inactive_customers", SAMPLE | {"looks": [], "decide_on": None}).progress
    assert (plain.begun_on, plain.baseline, plain.odds) == (None, None, None)
    assert inactive_customers.KPI.okr_target is not None


def test_the_progress_of_a_day_knows_nothing_later() -> None:
    """As of a past day it is the same, whether the data set was opened for that day or for today."""
    early = SAMPLE | {"as_of": "2026-03-31", "period": "month"}
    opened_then = start("inactive_customers", early)
    today = start("inactive_customers", early | {"as_of": "2026-06-30"})
    again = progress(today.data, opened_then.measurement)
    assert again == opened_then.progress
