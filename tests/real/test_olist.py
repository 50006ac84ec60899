"""Olist: 8,000 leads and 842 merchants of a real marketplace, against computed figures."""

from __future__ import annotations

from datetime import date

import pandas as pd
import pytest

from kpi_lib.data import Dataset, open_dataset
from kpi_lib.engine import run
from tests.real.published import HERE, needs_real_data, real_file

pytestmark = needs_real_data


@pytest.fixture(scope="module")
def olist() -> Dataset:
    return open_dataset(HERE / "olist")


@pytest.fixture(scope="module")
def leads(olist: Dataset) -> pd.DataFrame:
    return run(olist.tables["leads"])


def test_leads_won(leads: pd.DataFrame) -> None:
    assert len(leads) == 8000
    assert leads["won_on"].notna().sum() == 842
    assert leads["won_on"].notna().mean() == pytest.approx(0.10525, abs=5e-6)


def test_days_to_close(leads: pd.DataFrame) -> None:
    days = (leads["won_on"] - leads["created_on"]).dt.days.dropna()
    assert days.mean() == pytest.approx(48.4, abs=0.05)
    assert days.median() == 14
    assert (days.min(), days.max()) == (-2, 427)


def test_leads_by_origin(leads: pd.DataFrame) -> None:
    expected = pd.read_csv(real_file("olist/computed_reference_by_origin.csv")).set_index("origin")
    counted = leads.groupby("source").agg(mql=("lead_id", "count"), won=("won_on", "count"))
    joined = expected.join(counted.add_suffix("_ours"))
    assert (joined["mql"] == joined["mql_ours"]).all()
    assert (joined["won"] == joined["won_ours"]).all()
    assert expected["mql"].sum() == 8000


def test_merchants_ever_in_the_list_of_sellers(olist: Dataset) -> None:
    accounts = run(olist.tables["accounts"])
    assert len(accounts) == 842
    # The list of sellers holds those who ever sold; their federal state comes from it.
    assert accounts["country"].notna().sum() == 380
    assert accounts["country"].isna().sum() == 462


def test_sales_belong_to_merchants(olist: Dataset) -> None:
    usage, lines = run(olist.tables["usage"]), run(olist.tables["order_lines"])
    assert len(usage) == len(lines) == 324
    assert set(usage["event"]) == {"sale"}
    assert run(olist.tables["orders"])["order_id"].nunique() == 300
    assert usage["quantity"].sum() == pytest.approx(lines["unit_price"].sum(), abs=0.005)


def test_read_as_of_the_end_of_orders(olist: Dataset) -> None:
    assert olist.last_day == date(2018, 8, 31)
    assert len(run(olist.as_of()["accounts"])) == 792
    assert len(run(olist.tables["accounts"])) == 842


def test_a_deal_won_before_the_first_contact_is_reported_and_kept(olist: Dataset) -> None:
    (problem,) = [p for p in olist.problems if p.column == "won_on"]
    assert (problem.severity, problem.rows) == ("warning", 1)
    assert "created_on 2018-03-08, won_on 2018-03-06" in str(problem)
    assert len(run(olist.as_of()["leads"])) == 8000


def test_biases_are_stated(olist: Dataset) -> None:
    notes = " ".join(olist.notes)
    assert "8 %" in notes
    assert "censored" in notes
    assert "recurring_revenue" in olist.leave_out
