"""Fair definitions: each on its own, all together, or a steady sample of them."""

from __future__ import annotations

from typing import Literal

import pytest
from pydantic import model_validator

from kpi_lib.kpi import KpiParams, parameter
from kpi_lib.measure import measure
from kpi_lib.sweep import fair_values, sweep, variations
from tests.evidence.worlds import LAST_DAY, Plan, make_world, signal_kpi, signal_params

TABLES = make_world(Plan(accounts=20)).as_of(LAST_DAY)


class Params(KpiParams):
    window: int = parameter(14, meaning="days", fair=(7, 14, 21))
    people_only: bool = parameter(True, meaning="people", fair=(True, False))
    kind: Literal["a", "b"] = parameter("a", meaning="kind")


class Wide(KpiParams):
    one: int = parameter(0, meaning="", fair=range(10))
    two: int = parameter(0, meaning="", fair=range(10))
    three: int = parameter(0, meaning="", fair=range(10))


def test_the_default_comes_first_then_each_value_on_its_own_then_combinations() -> None:
    labels = [variation.label for variation in variations(Params())]
    assert labels == [
        "default", "window 7", "window 21", "people_only False",
        "window 7, people_only False", "window 21, people_only False",
    ]  # fmt: skip
    assert [v.number for v in variations(Params())] == list(range(6))
    assert len(variations(Params(), combine=False)) == 4


def test_the_present_value_is_the_default_whatever_the_card_says() -> None:
    assert fair_values(Params(window=7)) == {"window": [14, 21], "people_only": [False]}
    assert fair_values(KpiParams()) == {}
    assert [v.label for v in variations(KpiParams())] == ["default"]


def test_many_combinations_are_sampled_the_same_way_each_time() -> None:
    chosen = variations(Wide(), most=100)
    assert len(chosen) == 100
    assert len({v.params for v in chosen}) == 100
    assert [v.changed for v in chosen] == [v.changed for v in variations(Wide(), most=100)]
    assert [v.changed for v in chosen] != [v.changed for v in variations(Wide(), most=100, seed=1)]
    assert sum(len(v.changed) == 1 for v in chosen) == 27
    assert len(variations(Wide(), most=5)) == 28


def test_combinations_that_the_parameters_refuse_are_left_out() -> None:
    class Strict(Params):
        @model_validator(mode="after")
        def _together(self) -> Strict:
            if self.window == 21 and not self.people_only:
                raise ValueError("not together")
            return self

    assert "window 21, people_only False" not in {v.label for v in variations(Strict())}


def test_each_row_is_the_figure_measured_under_that_definition() -> None:
    frame = sweep(signal_kpi(), TABLES, signal_params(), combine=True)
    assert frame["label"].tolist() == ["default", "days_back 62", "days_back 92"]
    assert frame["is_default"].tolist() == [True, False, False]
    assert frame["days_back"].tolist() == ["31", "62", "92"]
    for days_back, value in zip((31, 62, 92), frame["value"], strict=True):
        alone = measure(signal_kpi(), TABLES, signal_params(days_back=days_back))
        assert value == pytest.approx(alone.headline.value)
