"""The planted levers are found on the sample: which works, which does nothing, which only looks so.

The truth is the data card's (`TRUTH`); the comparison knows only the tables.
"""

from __future__ import annotations

import math
from typing import Any

import pandas as pd
import pytest

from data.sample.generator.truth import TRUTH
from kpi_lib.customers.growth.lever_effects import cells, timing
from kpi_lib.customers.growth.states import STATES
from kpi_lib.data import open_dataset
from kpi_lib.engine import run
from kpi_lib.schema import Tables
from kpi_lib.stats import touched
from tests.kpis.test_lever_paths import SAMPLE, Chosen

RULE = Chosen(states=STATES, horizon_days=365, landmark_share=0.95)


@pytest.fixture(scope="module")
def tables() -> Tables:
    return open_dataset(SAMPLE).as_of()


@pytest.fixture(scope="module")
def counted(tables: Tables) -> pd.DataFrame:
    return run(cells(tables, RULE))


def row(table: pd.DataFrame, lever: str, state: str) -> Any:
    return table.set_index(["lever", "state"]).loc[(lever, state)]


PLANTED = {
    ("executive_workshop", "opportunity"): TRUTH.odds_ratio_workshop,
    ("guide_integration", "qualified"): TRUTH.odds_ratio_guide,
    ("post_ten_trends", "engaged"): TRUTH.odds_ratio_ten_trends,
}


@pytest.mark.parametrize(("lever", "state"), PLANTED)
def test_the_planted_odds_ratio_lies_in_the_interval(
    counted: pd.DataFrame, lever: str, state: str
) -> None:
    truth = PLANTED[lever, state]
    odds = row(touched.effectiveness(counted, 0.95), lever, state)
    assert odds["low"] <= truth <= odds["high"]
    more = row(touched.elasticity(counted, 0.95), lever, state)
    assert more["low"] <= math.log(truth) <= more["high"]


@pytest.mark.parametrize(("lever", "state"), list(PLANTED)[:2])
def test_levers_that_work_differ_from_nothing_and_pass_the_placebo(
    counted: pd.DataFrame, lever: str, state: str
) -> None:
    assert row(touched.effectiveness(counted, 0.95), lever, state)["low"] > 1
    assert not row(touched.placebo(counted, 0.99), lever, state)["differs"]


def test_the_webinar_looks_strong_and_the_placebo_gives_it_away(counted: pd.DataFrame) -> None:
    """Before the renewal: those invited had come to value faster, which no webinar can have done."""
    assert row(touched.effectiveness(counted, 0.95), "renewal_webinar", "value")["low"] > 1
    before = row(touched.placebo(counted, 0.99), "renewal_webinar", "value")
    assert before["differs"]
    assert before["high"] < 0


def test_before_the_sale_the_webinar_is_given_away_by_its_timing(
    tables: Tables, counted: pd.DataFrame
) -> None:
    """Nothing differed before; but it is sent in the last days of a deal, whose end it cannot have made."""
    assert row(touched.elasticity(counted, 0.95), "renewal_webinar", "committed")["low"] > 0
    late = run(timing(tables, "name", STATES)).set_index(["lever", "position"])
    shares = late["late"] / late["ended"]
    assert shares["renewal_webinar", STATES.index("committed") + 1] > touched.MOSTLY
    for lever, state in PLANTED:
        assert shares[lever, STATES.index(state) + 1] < 0.05
