"""Every picture draws, says what it shows with units, and is the same bytes every time."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from typing import Any

import pandas as pd
import pytest
import vl_convert

from kpi_lib.charts import bars, lines
from kpi_lib.charts.parts import picture_of
from kpi_lib.charts.picture import VEGA_LITE, Picture
from kpi_lib.charts.theme import PALETTE
from kpi_lib.kpi import Part, Unit
from tests.charts.gallery import EXAMPLES, trend_frame

OLDEST = "5.8"
"""The oldest Vega-Lite that the converter has; JupyterLab bundles 5.6."""

every_picture = pytest.mark.parametrize("name", EXAMPLES)


def parts(value: Any) -> Iterator[dict[str, Any]]:
    """Every object inside a specification."""
    if isinstance(value, dict):
        yield value
    children = (
        value.values() if isinstance(value, dict) else value if isinstance(value, list) else []
    )
    for child in children:
        yield from parts(child)


def channels(picture: Picture, *names: str) -> list[dict[str, Any]]:
    """All encodings of these channels."""
    found = [part["encoding"] for part in parts(picture.spec) if "encoding" in part]
    return [one[name] for one in found for name in names if name in one]


@every_picture
def test_it_draws(name: str) -> None:
    svg = vl_convert.vegalite_to_svg(EXAMPLES[name]().spec, vl_version=OLDEST)
    assert svg.startswith("<svg")
    assert "NaN" not in svg


@every_picture
def test_it_is_the_same_bytes_every_time(name: str) -> None:
    first, second = EXAMPLES[name](), EXAMPLES[name]()
    assert json.dumps(first.spec) == json.dumps(second.spec)
    assert first.digest == second.digest


@every_picture
def test_it_travels_as_one_type_with_one_line_of_text(name: str) -> None:
    bundle = EXAMPLES[name]()._repr_mimebundle_()
    assert set(bundle) == {VEGA_LITE, "text/plain"}
    assert bundle["text/plain"].startswith("picture: ")
    assert "\n" not in bundle["text/plain"]
    assert "/v5" in bundle[VEGA_LITE]["$schema"]
    json.dumps(bundle, allow_nan=False)


@pytest.mark.parametrize("name", sorted(set(EXAMPLES) - {"sparkline"}))
def test_it_says_what_it_shows(name: str) -> None:
    picture = EXAMPLES[name]()
    assert picture.spec["title"]["text"]
    titles = [one.get("title") for one in channels(picture, "x", "y")]
    assert any(titles)
    assert channels(picture, "tooltip")


@pytest.mark.parametrize("name", sorted(set(EXAMPLES) - {"sparkline", "small_multiples"}))
def test_its_width_is_fixed_in_lab_and_may_follow_the_page_in_a_report(name: str) -> None:
    spec = EXAMPLES[name]().spec
    assert isinstance(spec["width"], int)
    assert spec["autosize"]["type"] == "fit-x"


@pytest.mark.parametrize(
    ("name", "unit"),
    [
        ("trend", "(days)"),
        ("weekly", "(%)"),
        ("waterfall", "(EUR per month)"),
        ("stacked", "(EUR)"),
    ],
)
def test_axes_name_the_unit(name: str, unit: str) -> None:
    titles = [str(one.get("title")) for one in channels(EXAMPLES[name](), "x", "y")]
    assert any(title.endswith(unit) for title in titles)


def test_data_inside_are_rounded() -> None:
    picture = EXAMPLES["survival"]()
    numbers = [
        v for rows in picture.spec["datasets"].values() for row in rows for v in row.values()
    ]
    told = [number for number in numbers if isinstance(number, float)]
    assert told
    assert all(number == float(f"{number:.6g}") for number in told)


def test_an_upper_end_that_is_not_reached_is_drawn_to_the_top_and_said() -> None:
    picture = EXAMPLES["trend"]()
    rows = max(picture.spec["datasets"].values(), key=len)
    open_ended = rows[1]
    assert open_ended["high"] is None
    assert open_ended["top"] == 80.0
    assert "no upper end" in picture.spec["title"]["subtitle"][0]


def test_colours_stay_apart_for_readers_who_do_not_tell_red_from_green() -> None:
    seen = [deuteranope(colour) for colour in PALETTE[:6]]
    pairs = [(a, b) for place, a in enumerate(seen) for b in seen[place + 1 :]]
    assert min(sum((x - y) ** 2 for x, y in zip(a, b, strict=True)) ** 0.5 for a, b in pairs) > 0.1


def deuteranope(colour: str) -> list[float]:
    """The linear colour as seen without green cones (Machado, Oliveira and Fernandes 2009)."""
    matrix = [
        [0.367322, 0.860646, -0.227968],
        [0.280085, 0.672501, 0.047413],
        [-0.011820, 0.042940, 0.968881],
    ]
    linear = [(int(colour[place : place + 2], 16) / 255) ** 2.2 for place in (1, 3, 5)]
    return [sum(m * c for m, c in zip(row, linear, strict=True)) for row in matrix]


def limits(picture: Picture) -> list[float]:
    """The heights of the dashed lines."""
    rows = [row for data in picture.spec["datasets"].values() for row in data]
    return [row["limit"] for row in rows if "limit" in row]


def test_a_limit_that_a_share_cannot_reach_is_not_drawn() -> None:
    frame = trend_frame().assign(lower_limit=-0.05, upper_limit=0.12)
    frame[["value", "low", "high"]] /= 1000
    assert limits(lines.trend(frame, title="t", what="churn", unit=Unit.SHARE)) == [0.12]
    assert limits(lines.trend(frame, title="t", what="gain", unit=Unit.MONEY)) == [-0.05, 0.12]


def test_the_last_bits_of_a_sum_do_not_reach_the_picture() -> None:
    def drawn(size: float) -> Picture:
        frame = pd.DataFrame({"step": ["one", "two"], "size": [size, 200.25]})
        return bars.waterfall(
            frame, title="t", name="step", value="size", what="money", unit=Unit.MONEY
        )  # fmt: skip

    assert drawn(100 / 3).spec == drawn(math.nextafter(100 / 3, 99)).spec


def test_a_waterfall_that_ends_below_zero_is_not_cut_off() -> None:
    """The axis reaches down to the lowest step, so that no bar lies over the names."""
    steps = pd.DataFrame({"step": ["new", "churn"], "size": [10.0, -40.0]})
    picture = bars.waterfall(
        steps, title="t", name="step", value="size", what="amount", unit=Unit.MONEY
    )
    (scale,) = [x["scale"] for x in channels(picture, "x") if "scale" in x]
    assert scale["domain"][0] == -30
    assert scale["domain"][1] > 10


def told_by_bars(values: list[float]) -> tuple[set[str], str]:
    """The labels drawn of a part with these figures, and the subtitle."""
    part = Part(
        name="levers",
        title="Levers",
        meaning="",
        compute=lambda tables, _: tables["states"],
        view="bars",
        units={"amount": Unit.MONEY},
    )
    names = [f"lever {number}" for number in range(len(values))]
    picture = picture_of(part, pd.DataFrame({"lever": names, "amount": values}), currency="EUR")
    assert picture is not None
    rows = [row for data in picture.spec["datasets"].values() for row in data]
    title = picture.spec["title"]
    return {row["label"] for row in rows}, str(title.get("subtitle", ""))


def test_many_rows_without_a_figure_take_no_place_among_the_bars() -> None:
    labels, said = told_by_bars([3.0, 2.0, math.nan])
    assert labels == {"lever 0", "lever 1"}
    assert "1 without a figure" in said
    labels, said = told_by_bars([3.0, 2.0, 2.0, 1.0, math.nan])
    assert len(labels) == 5
    assert "figure" not in said
    assert len(told_by_bars([math.nan, math.nan])[0]) == 2


def test_kinds_are_stacked_in_the_order_in_which_they_come() -> None:
    """The states of a journey, and not the letters they begin with."""
    frame = pd.DataFrame({"period": ["Q1"] * 3, "state": ["new", "busy", "done"], "n": [3, 2, 1]})
    asked: dict[str, Any] = {"title": "x", "x": "period", "kind": "state", "value": "n"}
    picture = bars.stacked(frame, **asked, what="n", unit=Unit.COUNT)
    colour = picture.spec["encoding"]["color"]
    assert colour["scale"]["domain"] == ["new", "busy", "done"]
    assert "indexof" in picture.spec["transform"][0]["calculate"]
    drawn = vl_convert.vegalite_to_vega(picture.spec, vl_version="5.8")
    assert "indexof" in json.dumps(drawn)


def test_long_names_of_lines_stand_whole_in_the_legend() -> None:
    names = ["executive workshop in opportunity", "newsletter in qualified"]
    frame = pd.DataFrame({"segment": names, "label": ["Q1", "Q1"], "value": [1.0, 2.0]})
    picture = lines.lines(frame, title="x", what="share", unit=Unit.SHARE)
    assert picture.spec["encoding"]["color"]["legend"]["labelLimit"] > 300
