"""The growth system: its figures are those of the KPIs, a link that is missing says why."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import vl_convert

from kpi_lib.catalogue import catalogue
from kpi_lib.charts.chain import MOST_LETTERS, folded
from kpi_lib.data import Dataset, open_dataset
from kpi_lib.measure import behind, measure
from kpi_lib.overview import GrowthSystem, Overview
from kpi_lib.registered import registered
from kpi_lib.sections.growth import PLACES, Told, growth_picture, growth_sentence, growth_told
from kpi_lib.wording import format_value
from tests.company import Rows, all_rows
from tests.files import write_csv

SAMPLE = Path(__file__).parents[1] / "data" / "sample" / "saas"
LEVEL = 0.9


@cache
def sample() -> Dataset:
    return open_dataset(SAMPLE)


@cache
def told() -> tuple[Told, ...]:
    return tuple(growth_told(sample(), sample().as_of(), judged=True, run={"level": LEVEL}))


def told_of(folder: Path, rows: Rows) -> list[Told]:
    data = open_dataset(write_csv(folder, rows), require_clean=False)
    return growth_told(data, data.as_of(), judged=False, run={"level": LEVEL})


def drawn(told: Any) -> tuple[list[dict[str, Any]], str]:
    """The rows behind the picture, and the picture."""
    picture = growth_picture(list(told), LEVEL)
    rows = [row for data in picture.spec["datasets"].values() for row in data]
    return rows, vl_convert.vegalite_to_svg(picture.spec, vl_version="5.8")


@pytest.mark.parametrize("place", PLACES, ids=lambda place: place.title or place.kpi)
def test_every_number_is_the_one_of_the_kpi_itself(place: Any) -> None:
    (one,) = [one for one in told() if one.place == place]
    kpi = catalogue()[place.kpi]
    params = registered(kpi, sample(), level=LEVEL)
    rows, svg = drawn(told())
    if place.reads == "list":
        profit = behind(kpi, sample().as_of(), params)["profit"]
        assert one.value == pytest.approx(profit.sum() / len(profit))
        wanted = format_value(one.value, "money", "EUR")
    else:
        asked = params.model_copy(update=dict(place.with_params))
        cell = measure(kpi, sample().as_of(), asked).headline
        assert (one.value, one.low, one.high) == (cell.value, cell.low, cell.high)
        assert one.low is not None
        wanted = format_value(cell.value, kpi.unit, "EUR")
    shown = [row for row in rows if row["title"] == one.title]
    assert shown
    assert all(row["figures"].startswith(wanted) for row in shown)
    assert all(row["href"] == f"{place.kpi}.ipynb" for row in shown)
    assert wanted in svg


def test_the_lift_to_profitability_is_the_registered_lift() -> None:
    """The page of lift shows the money seen as its headline."""
    params = registered(catalogue()["lift"], sample())
    assert params.model_dump()["counts"] == "observed"


def test_the_table_has_the_numbers_of_the_picture() -> None:
    overview = Overview(GrowthSystem(with_evidence=False), sample())
    rows, _ = drawn(told())
    text = str(overview.chain.shown())
    for one in told():
        assert one.figure in text
        assert one.interval in text
        assert one.kpi.owner in text
        assert any(row["figures"].startswith(one.figure) for row in rows)


def test_every_arrow_and_its_words_open_the_page_of_its_kpi_and_nothing_else_does() -> None:
    """A dash is two points wide: what is clicked is the whole area of an arrow, drawn over it unseen."""
    picture = growth_picture(list(told()), LEVEL)
    linked = [layer for layer in picture.spec["layer"] if "href" in layer["encoding"]]
    (area,) = linked
    assert area["mark"]["type"] == "rect"
    assert area["mark"]["fillOpacity"] == 0
    rows = picture.spec["datasets"][area["data"]["name"]]
    assert [row["title"] for row in rows] == [one.title for one in told()]
    assert [row["href"] for row in rows] == [f"{one.kpi.name}.ipynb" for one in told()]
    for row in rows:
        assert row["left"] <= row["at"] < row["words"] < row["right"]
        assert row["top"] < row["bottom"]


def test_what_cannot_be_read_is_dashed_and_named() -> None:
    rows, _ = drawn(told())
    arrows = [one for one in told() if one.place.is_arrow]
    unread = {one.title for one in arrows if one.state == "not readable here"}
    assert unread
    for one in arrows:
        firm = {row["firm"] for row in rows if row["title"] == one.title}
        assert firm == {one.state == "readable"}
    said = growth_sentence(list(told()))
    assert all(name in said for name in unread)


def test_a_data_set_with_states_alone_lacks_the_other_links(tmp_path: Path) -> None:
    rows = all_rows()
    found = told_of(tmp_path, {"states": rows["states"], "accounts": rows["accounts"]})
    by_kpi = {one.kpi.name: one for one in found}
    assert by_kpi["stage_conversion"].value is not None
    assert by_kpi["stage_velocity"].state != "missing"
    for name in ("levers", "lift"):
        assert by_kpi[name].state == "missing"
        assert "interactions" in by_kpi[name].because
    shown, svg = drawn(found)
    (lines,) = {row["figures"] for row in shown if row["title"] == by_kpi["levers"].title}
    assert lines.startswith("missing\n")
    assert {row["href"] for row in shown if row["title"] == by_kpi["levers"].title} == {""}
    assert "missing" in svg
    said = growth_sentence(found)
    count = sum(one.value is not None for one in found if one.place.is_arrow)
    assert said.startswith(f"{count} of 5 links carry a figure here. Missing: ")
    assert "interactions" in said


def test_a_data_set_that_feeds_nothing_is_a_chain_of_missing_links(tmp_path: Path) -> None:
    found = told_of(tmp_path, {"accounts": all_rows()["accounts"]})
    assert {one.state for one in found} == {"missing"}
    assert all(one.because for one in found)
    assert growth_sentence(found).startswith("0 of 5 links carry a figure here.")
    drawn(found)


def test_links_without_cases_cannot_be_told(tmp_path: Path) -> None:
    """The tables are there, and hold so little that no link has a figure."""
    rows = {name: lines[:1] for name, lines in all_rows().items()}
    found = told_of(tmp_path, rows)
    levers = next(one for one in found if one.kpi.name == "levers")
    assert (levers.state, levers.value) == ("cannot be told", None)
    assert levers.because
    drawn(found)


def test_lines_beside_an_arrow_fit_a_phone() -> None:
    for one in told():
        for line in folded(one.because):
            assert len(line) <= MOST_LETTERS
    rows, _ = drawn(told())
    lines = [line for row in rows for line in row["figures"].split("\n")]
    beside = [
        line
        for row in rows
        if row["right"] - row["left"] < 2
        for line in row["figures"].split("\n")
    ]
    assert lines
    assert max(map(len, beside)) <= MOST_LETTERS + 2


def test_without_judging_nothing_is_said_of_readability() -> None:
    found = growth_told(sample(), sample().as_of(), judged=False, run={"level": LEVEL})
    assert {one.state for one in found} == {"not judged", "counted"}
    values = [(one.value, one.low, one.high) for one in found]
    assert values == [(one.value, one.low, one.high) for one in told()]
    assert isinstance(
        Overview(GrowthSystem(with_evidence=False), sample()).chain.frame, pd.DataFrame
    )
