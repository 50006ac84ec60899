"""Days between states on a real marketplace and on an invented pipeline, against independent sums."""

from __future__ import annotations

from datetime import date
from typing import Any

import numpy as np
import pandas as pd
import pytest

from kpi_lib.data import Dataset, open_dataset
from kpi_lib.kpis.stage_velocity import KPI, Params
from kpi_lib.measure import behind, measure, part
from tests.real.published import HERE, needs_real_data, real_file

pytestmark = needs_real_data

ALL_KNOWN = date(2018, 11, 30)
PAIR: Any = {"states": ("engaged", "won"), "from_state": "engaged", "to_state": "won"}
WHOLE = Params(periods=8, **PAIR)


@pytest.fixture(scope="module")
def olist() -> Dataset:
    return open_dataset(HERE / "olist")


@pytest.fixture(scope="module")
def maven() -> Dataset:
    return open_dataset(HERE / "maven_crm")


@pytest.fixture(scope="module")
def pipeline() -> pd.DataFrame:
    rows = pd.read_csv(
        real_file("maven_crm/sales_pipeline.csv"), parse_dates=["engage_date", "close_date"]
    )
    return rows.dropna(subset=["engage_date"])


def test_olist_days_to_close(olist: Dataset) -> None:
    """Expected: mean 48.4 days of the 842 won; nine of ten leads never get there, so no median."""
    steps: Any = part(KPI, olist.as_of(ALL_KNOWN), WHOLE, "steps").set_index("step")
    row = steps.loc["engaged to won"]
    assert row["mean_of_passed"] == pytest.approx(48.4, abs=0.05)
    assert row["passed"] == 842
    assert row["reason"] == "median not reached yet"
    assert pd.isna(row["median_days"])


def test_olist_curve_is_that_of_the_file(olist: Dataset) -> None:
    """Everybody was watched for half a year: the share still waiting after 14 days is a plain share."""
    leads = pd.read_csv(
        real_file("olist/olist_marketing_qualified_leads_dataset.csv"),
        parse_dates=["first_contact_date"],
    )
    deals = pd.read_csv(real_file("olist/olist_closed_deals_dataset.csv"), parse_dates=["won_date"])
    joined = leads.merge(deals[["mql_id", "won_date"]], on="mql_id", how="left")
    days = (joined["won_date"].dt.normalize() - joined["first_contact_date"]).dt.days
    curve = part(KPI, olist.as_of(ALL_KNOWN), WHOLE, "curves").set_index("day")["waiting_share"]
    for day in (7, 14, 90):
        assert curve[day] == pytest.approx(1 - (days <= day).mean(), abs=1e-12), day


def test_maven_cycle_of_the_won(maven: Dataset) -> None:
    """Expected: cycle of won mean 51.78; counting those on the way the median is longer than 57."""
    steps: Any = part(KPI, maven.as_of(), WHOLE, "steps").set_index("step")
    row = steps.loc["engaged to won"]
    assert row["mean_of_passed"] == pytest.approx(51.78, abs=0.005)
    assert row[["passed", "gone", "in_it"]].tolist() == [4238, 2473, 1589]
    assert row["median_days"] > 57


def test_maven_kaplan_meier_by_hand(maven: Dataset, pipeline: pd.DataFrame) -> None:
    end = pipeline["close_date"].fillna(pd.Timestamp("2017-12-31"))
    days, won = (end - pipeline["engage_date"]).dt.days, pipeline["deal_stage"] == "Won"
    waiting, wanted = 1.0, {}
    for day in range(140):
        at_risk = (days >= day).sum()
        waiting *= 1 - ((days == day) & won).sum() / at_risk if at_risk else 1.0
        wanted[day] = waiting
    curve: Any = part(KPI, maven.as_of(), WHOLE, "curves")
    for day, share in zip(curve["day"], curve["waiting_share"], strict=True):
        if day < 140:
            assert share == pytest.approx(wanted[int(day)], abs=1e-12), day
    median = min(day for day, share in wanted.items() if share <= 0.5)
    assert part(KPI, maven.as_of(), WHOLE, "steps")["median_days"].iloc[0] == median


def test_maven_littles_law_by_counting_days(maven: Dataset, pipeline: pd.DataFrame) -> None:
    table: Any = part(KPI, maven.as_of(), WHOLE, "little")
    table = table.set_index(table["period"].astype(str).str[:10])
    days = pd.date_range("2017-07-01", "2017-09-30")
    closed = pipeline["close_date"].fillna(pd.Timestamp("2099-01-01"))
    counted = [((pipeline["engage_date"] <= day) & (closed > day)).sum() for day in days]
    row = table.loc["2017-07-01"]
    assert row["in_progress"] == pytest.approx(np.mean(counted))
    assert row["left_a_day"] == pytest.approx(closed.between(days[0], days[-1]).sum() / len(days))
    assert row["gap"] == pytest.approx(row["still_in"] - row["before"], abs=1e-9)


def test_maven_sales_velocity_beside_what_was_won(maven: Dataset, pipeline: pd.DataFrame) -> None:
    table: Any = part(KPI, maven.as_of(), WHOLE, "sales_velocity")
    table = table.set_index(table["period"].astype(str).str[:10])
    closed = pipeline["close_date"].between("2017-04-01", "2017-06-30")
    won = pipeline.loc[closed & (pipeline["deal_stage"] == "Won"), "close_value"].sum()
    assert table.loc["2017-04-01", "won_per_day"] == pytest.approx(won / 91)
    assert table.loc["2017-04-01", "win_rate"] == pytest.approx(
        (pipeline.loc[closed, "deal_stage"] == "Won").mean()
    )


def test_everything_can_be_drawn(maven: Dataset, olist: Dataset) -> None:
    for data in (maven, olist):
        tables = data.as_of()
        assert measure(KPI, tables, WHOLE).trend["n"].sum() > 1000
        assert len(behind(KPI, tables, WHOLE)) > 1000
        for one in KPI.parts:
            assert list(part(KPI, tables, WHOLE, one.name).columns), one.name
