"""The controls: one per parameter, and a page that follows them."""

from __future__ import annotations

from typing import Any

import ipywidgets
import pytest

from kpi_lib.experiment import Experiment, start
from kpi_lib.explore import NOT_HERE, control, controls
from kpi_lib.kpis.inactive_customers import Params


@pytest.fixture(scope="module")
def revenue() -> Experiment:
    sample = {"dataset": "data/sample/saas", "as_of": "2026-06-30", "with_evidence": False}
    return start("gross_revenue", sample)


def made(name: str, value: Any) -> Any:
    return control(name, Params.model_fields[name], value)


@pytest.mark.parametrize(
    ("name", "value", "kind"),
    [
        ("period", "week", ipywidgets.Dropdown),
        ("weight", "accounts", ipywidgets.Dropdown),
        ("people_only", True, ipywidgets.Checkbox),
        ("window_days", 14, ipywidgets.IntSlider),
        ("level", 0.9, ipywidgets.FloatText),
        ("segment", "", ipywidgets.Text),
        ("activity_events", ("query",), ipywidgets.TagsInput),
    ],
)
def test_each_kind_of_parameter_has_its_control(name: str, value: Any, kind: type) -> None:
    assert type(made(name, value)) is kind


def test_a_slider_stays_within_the_bounds_and_reaches_the_fair_values() -> None:
    slider = made("window_days", 14)
    assert slider.min == 1
    assert 90 <= slider.max <= 365
    assert slider.value == 14


def test_a_day_has_no_control() -> None:
    assert control("decide_on", Params.model_fields["decide_on"], None) is None


def test_there_is_a_control_for_every_question_to_the_data(revenue: Experiment) -> None:
    grid, _ = controls(revenue).children
    told = {child.description.replace(" ", "_") for child in grid.children}
    assert told == set(type(revenue.params).model_fields) - NOT_HERE


def said(page: Any) -> str:
    return " ".join(one["data"]["text/plain"] for one in page.outputs)


def test_the_page_follows_a_control_and_a_refusal_is_said(revenue: Experiment) -> None:
    grid, page = controls(revenue).children
    assert "2026Q2)" in said(page)
    assert "picture: " in said(page)
    by_name = {child.description: child for child in grid.children}
    by_name["period"].value = "month"
    assert "2026-06)" in said(page)
    by_name["level"].value = 2.0
    assert said(page).startswith("Not possible")
