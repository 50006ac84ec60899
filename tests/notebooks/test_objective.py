"""What the objective says: where we stand, where to, and whether the step could be seen."""

from __future__ import annotations

import math
import re
from datetime import date
from typing import Any

import pandas as pd
import pytest

from kpi_lib.experiment import start
from kpi_lib.kpi import Difference, Kpi, KpiParams
from kpi_lib.kpis import gross_revenue, inactive_customers, time_to_value
from kpi_lib.measure import Cell, Measurement
from kpi_lib.sections.objective import objective
from kpi_lib.stats.power import chance_to_see

SAMPLE = {"dataset": "data/sample/saas", "as_of": "2026-06-30", "with_evidence": False}


def measured(kpi: Kpi, value: float | None, visible: float | None, **params: Any) -> Measurement:
    chosen: KpiParams = kpi.Params(**params)
    cell = Cell("2026Q1", date(2026, 1, 1), date(2026, 3, 31), value, None, None, None, 12, 1.0)
    change = Difference(1.0, None, None, None, visible, "", "" if visible else "no spread")
    return Measurement(
        kpi, chosen, date(2026, 6, 30), "EUR", pd.DataFrame(), cell, None, change,
        pd.DataFrame(), kpi.estimator(chosen),
    )  # fmt: skip


def test_a_step_that_is_still_to_go() -> None:
    said = objective(measured(time_to_value.KPI, 65.0, 10.0, target_days=55)).said
    assert said.startswith("Reduce average time to value from 65 days to 55 days by ")
    assert "The step is 10 days. With 12 customers in a quarter" in said
    assert "in about 80 of 100 cases" in said  # the smallest visible change is seen with 80 %


@pytest.mark.parametrize("value", [54.0, 55.0, 55.4])
def test_an_objective_that_is_reached_is_not_set_again(value: float) -> None:
    said = objective(measured(time_to_value.KPI, value, 10.0, interesting_change=20.0)).said
    assert "already at the target of 55 days" in said
    assert "Reduce" not in said
    assert "The smallest change worth acting on is 20 days" in said


def test_without_a_value_it_says_so() -> None:
    said = objective(measured(time_to_value.KPI, None, None)).said
    assert said.startswith("Reduce average time to value from a value not known yet to 55 days")


def test_without_noise_to_compare_the_chance_cannot_be_told() -> None:
    said = objective(measured(time_to_value.KPI, 65.0, None)).said
    assert "whether it could be seen cannot be told: no spread." in said


def test_a_target_may_follow_from_the_value() -> None:
    said = objective(measured(inactive_customers.KPI, 0.11, 0.06)).said
    assert "The step is 5.5 percentage points" in said


def test_a_control_has_the_smallest_change_only() -> None:
    said = objective(measured(gross_revenue.KPI, 7e5, 1e5, interesting_change=1e5)).said
    assert "The smallest change worth acting on is EUR 100,000" in said


@pytest.mark.parametrize("level", [0.8, 0.9, 0.95])
def test_the_chance_to_see_a_change(level: float) -> None:
    """By definition: the level's error without a change, the power at the smallest visible one."""

    def chance(change: float) -> float:
        return chance_to_see(change, 7.0, level=level, power=0.8)

    assert chance(0.0) == pytest.approx(1 - level, abs=1e-12)
    assert chance(7.0) == pytest.approx(0.8, abs=5e-4)
    steps = [chance(step) for step in (0.0, 2.0, 4.0, 7.0, 14.0)]
    assert steps == sorted(steps)
    assert math.isclose(chance(-4.0), chance(4.0))


def test_time_to_value_is_judged_on_the_restricted_mean_as_its_objective_is_an_average() -> None:
    """kpis.md: the OKR, an average, is judged on the restricted mean to `horizon_days`."""
    experiment = start("time_to_value", SAMPLE)
    told = experiment.part_rows("told").set_index("period")["restricted_mean_days"]
    newest = told.loc[pd.Timestamp(experiment.measurement.headline.start)]
    shown = re.search(r"(\d+) days \(\d+ customers?, 2026Q1\)", experiment.okr.said)
    assert shown is not None
    assert float(shown[1]) == round(newest)
    assert round(newest) != round(experiment.measurement.headline.value or 0)
