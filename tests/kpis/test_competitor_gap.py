"""Competitor gap: like with like only, both sides' uncertainty, and nothing lost in silence."""

from __future__ import annotations

from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from kpi_lib.catalogue import get
from kpi_lib.customers.benchmarks import definition_of, differs
from kpi_lib.data import open_dataset
from kpi_lib.engine import run
from kpi_lib.example import small_company
from kpi_lib.kpi import KpiParams, Unit
from kpi_lib.kpis.competitor_gap import combine, gap
from kpi_lib.measure import measure, part
from kpi_lib.schema import Tables
from kpi_lib.stats.stated import Stated

SAMPLE = Path(__file__).parents[2] / "data" / "sample"
KPI = get("competitor_gap")
DAY = date(2026, 6, 30)


def answers(promoters: int, detractors: int) -> list[dict[str, Any]]:
    """Ten employees of the second quarter of 2026."""
    scores = [10] * promoters + [0] * detractors + [8] * (10 - promoters - detractors)
    return [
        {
            **{"answer_id": f"n{place}", "question": "employee_nps", "respondent_id": f"e{place}"},
            **{"answered_on": date(2026, 5, 1), "score": float(score), "scale_max": 10},
        }
        for place, score in enumerate(scores)
    ]


def figure(stated: float, competitor: str = "Alder", **more: Any) -> dict[str, Any]:
    row = {
        **{"competitor": competitor, "kpi": "employee_nps", "period": date(2026, 4, 1)},
        **{"value": stated, "source": "a report", "confidence": "high"},
        "definition": "promoter_from=9",
    }
    return row | more


def company(*figures: dict[str, Any]) -> Tables:
    """Six promoters, two detractors: a score of 40 points."""
    return small_company(DAY, answers=answers(6, 2), benchmarks=list(figures))


def newest(tables: Tables, **params: Any) -> Any:
    return measure(KPI, tables, KPI.Params(periods=2, **params)).trend.iloc[-1]


def reasons(tables: Tables, **params: Any) -> list[str]:
    return part(KPI, tables, KPI.Params(periods=2, **params), "left_out")["reason"].tolist()


def test_points_are_subtracted_and_figures_of_one_kpi_are_averaged() -> None:
    """Ours is 40; theirs 50 and 70, in the mean 60: we are 20 points behind."""
    assert newest(company(figure(50.0), figure(70.0, "Birch")))["value"] == pytest.approx(20.0)


def test_two_sources_of_one_competitor_are_one_figure() -> None:
    """(50 + 60) / 2 and 65, in the mean 60."""
    rows = [figure(50.0), figure(60.0, source="a blog"), figure(65.0, "Birch")]
    assert newest(company(*rows))["value"] == pytest.approx(20.0)


@pytest.mark.parametrize(
    ("name", "ours", "theirs", "behind"),
    [
        ("customer_churn", 0.03, 0.02, 50.0),
        ("basket", 80.0, 100.0, 20.0),
        ("basket", 150.0, 100.0, -50.0),
        ("employee_nps", -10.0, 5.0, 15.0),
    ],
)
def test_a_gap_is_a_per_cent_of_theirs_turned_so_that_above_zero_is_behind(
    name: str, ours: float, theirs: float, behind: float
) -> None:
    assert gap(get(name), np.array([ours]), np.array([theirs]))[0] == pytest.approx(behind)


def test_nothing_is_a_per_cent_of_zero() -> None:
    assert np.isnan(gap(get("customer_churn"), np.array([0.1]), np.array([0.0]))[0])


def test_the_median_is_that_of_numpy_where_it_is_known() -> None:
    values = np.array([[3.0, np.nan], [1.0, 7.0], [2.0, np.nan], [np.inf, np.nan]])
    found = combine({str(place): row for place, row in enumerate(values)})
    assert found.tolist() == [2.5, 7.0]


@pytest.mark.parametrize(
    ("definition", "reason"),
    [
        ("promoter_from=8", "another definition: promoter_from=8 (ours: 9)"),
        ("period = month", "another definition: period=month (ours: quarter)"),
        ("asked of managers", "another definition: asked of managers (ours has no such setting)"),
        (None, "it does not say which definition it follows"),
    ],
)
def test_another_definition_is_refused_and_listed(definition: str | None, reason: str) -> None:
    tables = company(figure(50.0), figure(90.0, "Birch", definition=definition))
    assert newest(tables)["value"] == pytest.approx(10.0)
    assert reasons(tables) == [reason]


def test_the_same_definition_may_be_written_freely() -> None:
    tables = company(figure(50.0, definition=" Promoter_From = 9 ; passive_from=7; "))
    assert newest(tables)["value"] == pytest.approx(10.0)
    assert reasons(tables) == []


def test_what_states_no_definition_can_be_let_in() -> None:
    tables = company(figure(50.0), figure(90.0, "Birch", definition=None))
    assert newest(tables, unstated="compare")["value"] == pytest.approx(30.0)
    assert reasons(tables, unstated="compare") == []


def test_our_own_definition_is_the_one_at_hand() -> None:
    """With an 8 counted as a promoter ours is 8 less 2 of 10."""
    tables = company(figure(50.0, definition="promoter_from=8"))
    assert np.isnan(newest(tables)["value"])
    mine = newest(tables, part_values=("employee_nps.promoter_from: 8",))
    assert mine["value"] == pytest.approx(50.0 - 60.0)


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ({"kpi": "gross_revenue"}, "a KPI that is not compared on this page"),
        ({"period": date(2026, 5, 1)}, "no whole period shown on this page begins on that day"),
        ({"period": date(2026, 1, 1)}, "ours cannot be told: nothing was observed"),
        (
            {"kpi": "customer_churn", "value": 0.0, "definition": "period=quarter"},
            "no gap in per cent of a figure that is not above 0",
        ),
    ],
)
def test_what_cannot_be_compared_is_listed_with_its_reason(
    row: dict[str, Any], reason: str
) -> None:
    assert reasons(company(figure(50.0), figure(60.0, "Birch", **row))) == [reason]


def test_a_range_makes_the_interval_wider_and_none_stated_the_widest() -> None:
    margins = {"margin_high": 0.0, "margin_medium": 60.0, "margin_low": 100.0}

    def width(confidence: str | None) -> float:
        row = newest(company(figure(50.0, confidence=confidence)), **margins)
        return float(row["high"] - row["low"])

    assert width("high") < width("medium") < width("low")
    assert width(None) == pytest.approx(width("low"))


def test_a_stated_mean_is_as_uncertain_as_its_parts() -> None:
    """Two figures with errors of 3 and 4: the mean is off by 5 / 2."""
    rows = pd.DataFrame({"n": [1, 1], "total": [10.0, 20.0], "variance": [9.0, 16.0]})
    cell = Stated().estimate(rows, [], 0.9).iloc[0]
    assert cell["value"] == pytest.approx(15.0)
    assert cell["standard_error"] == pytest.approx(2.5)
    draws = Stated().draws(rows, np.random.default_rng(1).poisson(1.0, (4_000, 2)).astype(float))
    assert draws.mean() == pytest.approx(15.0, abs=0.2)
    assert draws.std() == pytest.approx(2.5, abs=0.15)


def test_settings_are_compared_by_their_values() -> None:
    assert definition_of(KpiParams(), "EUR") == {"period": "quarter", "currency": "eur"}
    assert differs("currency=EUR; period=quarter", definition_of(KpiParams(), "EUR")) == []
    assert differs("currency=USD", definition_of(KpiParams(), "EUR")) == [
        "currency=USD (ours: eur)"
    ]


@cache
def sample(name: str) -> Tables:
    return open_dataset(SAMPLE / name).as_of(DAY)


SAID = {
    "saas": {
        ("Customer churn", "Northbeam Metrics"),
        ("Time to value", "Northbeam Metrics"),
        ("Acquisition cost", "Northbeam Metrics"),
    },
    "wholesale": {
        ("Cart abandonment", "Grand Lac Wheels"),
        ("Basket", "Grand Lac Wheels"),
    },
}
"""What the sample plants as not comparable, company by company."""


@pytest.mark.parametrize("name", list(SAID))
def test_the_sample_shows_what_was_planted_and_loses_nothing(name: str) -> None:
    tables, params = sample(name), KPI.Params(periods=6)
    refused = part(KPI, tables, params, "left_out")
    assert set(zip(refused["kpi"], refused["competitor"], strict=True)) == SAID[name]
    compared = part(KPI, tables, params, "coverage")["figures"].sum()
    assert len(refused) + compared == len(run(tables["benchmarks"]))


def test_the_gap_of_the_sample_is_that_of_the_pages_of_its_parts() -> None:
    """Churn, retention, acquisition cost and score as measured alone, against the rows of the file."""
    tables, params = sample("saas"), KPI.Params(periods=6)
    rows = pd.read_csv(SAMPLE / "saas" / "benchmarks.csv")
    rows = rows[rows["period"] == "2025-10-01"]
    shown = part(KPI, tables, params, "over_time")
    then = shown[shown["period"].astype(str).str[:10] == "2025-10-01"]
    gaps = then.set_index("kpi")["gap"]
    theirs = {
        "customer_churn": ["Pelican Insights"],
        "revenue_retention": ["Pelican Insights", "Northbeam Metrics"],
        "acquisition_cost": ["Pelican Insights"],
        "employee_nps": ["Pelican Insights", "Northbeam Metrics"],
    }
    for name, competitors in theirs.items():
        card = get(name)
        trend = measure(card, tables, card.Params(period="quarter", periods=6)).trend
        ours = trend.loc[trend["period"] == date(2025, 10, 1), "value"].iloc[0]
        mine = rows[(rows["kpi"] == name) & rows["competitor"].isin(competitors)]["value"].mean()
        behind = (ours - mine) * (1 if card.better.value == "lower" else -1)
        wanted = behind if card.unit is Unit.POINTS else 100 * behind / mine
        assert gaps[card.title] == pytest.approx(wanted)
