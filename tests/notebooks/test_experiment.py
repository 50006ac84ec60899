"""An experiment: what it takes from a notebook, what it says, what travels to the review."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

import kpi_lib
from kpi_lib import experiment as module
from kpi_lib.charts.picture import Picture
from kpi_lib.data import DataError
from kpi_lib.experiment import Experiment, start
from kpi_lib.measure import Measurement, measure
from kpi_lib.results import RESULT, record
from kpi_lib.review.report.records import ResultRecord
from kpi_lib.view import View

KEYS = {
    "schema", "kpi", "title", "unit", "better", "role", "owner", "cadence", "dataset", "currency",
    "as_of", "period", "value", "low", "high", "level", "n", "previous_value", "change", "sentence",
    "trend", "verdict", "findings", "list", "problems", "notes", "left_out", "okr", "progress", "drop_if", "looks",
    "params",
}  # fmt: skip

SAMPLE = {"dataset": "data/sample/saas", "as_of": "2026-06-30", "with_evidence": False}
VIEWS = ("registration", "card", "data_report", "number", "trend", "segments", "behind", "sweep")


@pytest.fixture(scope="module")
def revenue() -> Experiment:
    return start("gross_revenue", {**SAMPLE, "segment": "segment", "unrelated": 3})


@pytest.fixture(scope="module")
def waits() -> Experiment:
    return start("time_to_value", dict(SAMPLE))


def finite(value: Any) -> Iterator[bool]:
    """Whether each number inside is one that JSON can hold."""
    if isinstance(value, float):
        yield math.isfinite(value)
    children = (
        value.values() if isinstance(value, dict) else value if isinstance(value, list) else []
    )
    for child in children:
        yield from finite(child)


def test_only_fields_of_params_are_taken_from_the_notebook(revenue: Experiment) -> None:
    assert revenue.params.segment == "segment"
    assert not hasattr(revenue.params, "unrelated")


def test_a_value_out_of_bounds_is_refused() -> None:
    with pytest.raises(ValidationError, match="periods"):
        start("gross_revenue", {**SAMPLE, "periods": 0})


def test_an_unknown_kpi_and_an_unknown_data_set_are_refused() -> None:
    with pytest.raises(KeyError, match="gros_revenue"):
        start("gros_revenue", SAMPLE)
    with pytest.raises(DataError, match="no such data set"):
        start("gross_revenue", {**SAMPLE, "dataset": "data/sample/sas"})


def test_the_data_set_is_found_wherever_the_kernel_starts(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    assert start("gross_revenue", SAMPLE).data.name


@pytest.mark.parametrize("name", VIEWS)
def test_every_section_says_something_with_a_full_stop(name: str, revenue: Experiment) -> None:
    view = getattr(revenue, name)
    assert isinstance(view, View)
    assert view.said.rstrip().endswith((".", "?", ")"))
    assert "nan" not in view.said


@pytest.mark.parametrize("name", ["trend", "segments", "sweep", "behind"])
def test_these_sections_have_pictures(name: str, revenue: Experiment) -> None:
    assert isinstance(getattr(revenue, name).drawn(), Picture)


def test_a_segment_that_is_overwritten_at_the_source_carries_a_warning(revenue: Experiment) -> None:
    undated = replace(revenue.data, undated=("accounts.segment",))
    assert "overwritten" in Experiment(revenue.kpi, revenue.params, undated).segments.said
    assert "overwritten" not in revenue.segments.said


@pytest.mark.parametrize("name", ["specification", "verdict", "lead"])
def test_without_judging_the_sections_say_that_it_is_switched_off(
    name: str, revenue: Experiment
) -> None:
    view = getattr(revenue, name)
    assert "switched off" in view.said
    assert view.drawn() is None
    assert view.shown() is None


def test_every_part_can_be_said_and_shown(waits: Experiment) -> None:
    for part in waits.kpi.parts:
        view = waits.part(part.name)
        assert view.said
        assert view.shown()
        assert part.view == "table" or isinstance(view.drawn(), Picture)


def test_an_unknown_part_names_those_there_are(waits: Experiment) -> None:
    with pytest.raises(KeyError, match="days_by_stage"):
        waits.part("days_by_stages")


def test_the_measurement_is_computed_once(monkeypatch: pytest.MonkeyPatch) -> None:
    calls = []

    def counted(*given: Any) -> Measurement:
        calls.append(given)
        return measure(*given)

    monkeypatch.setattr(module, "measure", counted)
    fresh = start("gross_revenue", dict(SAMPLE))
    assert fresh.number.said
    assert fresh.trend.drawn()
    assert record(fresh).value
    assert len(calls) == 1


def test_the_record_has_the_keys_that_the_review_reads(waits: Experiment) -> None:
    travelling = record(waits)
    value = travelling.value
    assert set(value) == KEYS
    assert value["schema"] == 1
    assert value["kpi"] == "time_to_value"
    assert value["as_of"] == "2026-06-30"
    assert value["verdict"] is None
    assert value["findings"] == []
    assert value["list"] is None
    assert all(finite(value))
    assert ResultRecord.model_validate(json.loads(json.dumps(value))).kpi == "time_to_value"
    assert travelling._repr_mimebundle_() == {RESULT: value, "text/plain": travelling.text}
    assert "\n" not in travelling.text


def test_the_record_holds_what_the_page_says(waits: Experiment) -> None:
    value, measured = record(waits).value, waits.measurement
    assert value["sentence"] == waits.number.said
    assert value["period"] == measured.headline.label
    assert value["value"] == pytest.approx(measured.headline.value, rel=1e-6)
    assert [row["label"] for row in value["trend"]] == measured.trend["label"].tolist()
    assert set(value["trend"][0]) == {"label", "start", "value", "low", "high", "n", "resolved"}
    assert value["params"] == waits.params.model_dump(mode="json")


def test_the_list_for_the_meeting_travels_along() -> None:
    inactive = start("inactive_customers", dict(SAMPLE))
    found = record(inactive).value["list"]
    names = [column["name"] for column in found["columns"]]
    assert {"account", "owner", "mrr", "last_seen", "idle_days"} <= set(names)
    assert (
        dict(zip(names, [c["unit"] for c in found["columns"]], strict=True))["idle_days"] == "days"
    )
    assert found["rows"]
    assert all(list(row) == names for row in found["rows"])


def test_the_face_is_small_and_says_what_it_does_not_know() -> None:
    for name in ("start", "begin", "say", "draw", "show", "record", "open_dataset"):
        assert callable(getattr(kpi_lib, name))
        assert name in dir(kpi_lib)
    with pytest.raises(AttributeError, match="nonsense"):
        _ = kpi_lib.nonsense
