"""The controls: one per parameter, and a page that follows them."""

from __future__ import annotations

from typing import Any

import ipywidgets
import pytest
from pydantic.fields import FieldInfo

from kpi_lib.charts.picture import Picture
from kpi_lib.experiment import Experiment, start
from kpi_lib.explore import NOT_HERE, Page, changed, control, controls
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


def test_a_list_of_whole_numbers_has_a_control_of_its_own() -> None:
    assert type(control("steps", FieldInfo(annotation=tuple[int, ...]), (2, 5))) is (
        ipywidgets.IntsInput
    )


def test_a_slider_stays_within_the_bounds_and_reaches_the_fair_values() -> None:
    slider = made("window_days", 14)
    assert slider.min == 1
    assert 90 <= slider.max <= 365
    assert slider.value == 14


def test_a_day_has_no_control() -> None:
    assert control("decide_on", Params.model_fields["decide_on"], None) is None


def test_there_is_a_control_for_every_question_to_the_data(revenue: Experiment) -> None:
    assert set(controls(revenue.params)) == set(type(revenue.params).model_fields) - NOT_HERE


class Screen(Page):
    """A page that remembers what it was turned to."""

    def __init__(self) -> None:
        self.seen: list[Any] = []

    def turn(self, *shown: Any) -> None:
        self.seen = list(shown)


def test_the_page_follows_a_control_and_a_refusal_is_said(revenue: Experiment) -> None:
    made, screen = controls(revenue.params), Screen()
    made["period"].value = "month"
    changed(revenue, made, screen, None)
    said, picture = screen.seen
    assert "2026-06)" in said.text
    assert isinstance(picture, Picture)
    made["level"].value = 2.0
    changed(revenue, made, screen, None)
    assert next(str(one) for one in screen.seen).startswith("Not possible")
    assert len(screen.seen) == 1


def test_exploring_shows_the_page_and_returns_nothing(
    revenue: Experiment, capsys: pytest.CaptureFixture[str]
) -> None:
    revenue.explore()
    assert "Gross revenue is" in capsys.readouterr().out


def test_the_trend_is_drawn_once_for_section_and_controls(
    revenue: Experiment, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn = revenue.trend.drawn()

    def again(*_: Any, **__: Any) -> None:
        raise AssertionError("the trend is drawn again")

    monkeypatch.setattr("kpi_lib.charts.lines.trend", again)
    assert revenue.trend.drawn() is drawn
    revenue.explore()
