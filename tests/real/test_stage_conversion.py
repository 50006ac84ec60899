"""Conversion between states on a real marketplace and on an invented pipeline, against independent sums."""

from __future__ import annotations

from datetime import date
from typing import Any

import pandas as pd
import pytest

from kpi_lib.data import Dataset, open_dataset
from kpi_lib.engine import run
from kpi_lib.kpis.stage_conversion import KPI, Params
from kpi_lib.measure import measure, part
from tests.real.published import HERE, needs_real_data, real_file

pytestmark = needs_real_data

ALL_KNOWN = date(2018, 11, 30)
PAIR: Any = {"states": ("engaged", "won"), "from_state": "engaged", "to_state": "won"}


@pytest.fixture(scope="module")
def olist() -> Dataset:
    return open_dataset(HERE / "olist")


@pytest.fixture(scope="module")
def maven() -> Dataset:
    return open_dataset(HERE / "maven_crm")


def test_olist_8000_engaged_842_won(olist: Dataset) -> None:
    """Expected: 8,000 leads, 842 won, which is 10.525 %; within half a year nobody is censored."""
    params = Params(period="quarter", periods=8, horizon_days=500, **PAIR)
    steps: Any = part(KPI, olist.as_of(ALL_KNOWN), params, "steps").set_index("step")
    row = steps.loc["engaged to won"]
    assert row[["entered", "moved_on", "gone", "in_it"]].tolist() == [8000, 842, 0, 7158]
    assert row["moved_on"] / row["entered"] == pytest.approx(0.10525, abs=5e-6)


def test_olist_cohorts_by_pandas(olist: Dataset) -> None:
    leads = pd.read_csv(
        real_file("olist/olist_marketing_qualified_leads_dataset.csv"),
        parse_dates=["first_contact_date"],
    )
    deals = pd.read_csv(real_file("olist/olist_closed_deals_dataset.csv"), parse_dates=["won_date"])
    joined = leads.merge(deals[["mql_id", "won_date"]], on="mql_id", how="left")
    days = (joined["won_date"].dt.normalize() - joined["first_contact_date"]).dt.days
    month = joined["first_contact_date"].dt.strftime("%Y-%m")
    wanted: Any = (days <= 180).groupby(month).mean()
    params = Params(period="month", periods=20, horizon_days=180, **PAIR)
    trend: Any = measure(KPI, olist.as_of(ALL_KNOWN), params).trend
    ours = trend[trend["n"] > 0].set_index("label")
    assert list(ours.index) == list(wanted.index)
    assert ours["value"].to_numpy() == pytest.approx(wanted.to_numpy(), abs=1e-12)


def test_olist_writes_no_losses_down(olist: Dataset) -> None:
    rule = next(rule for rule in KPI.fit_rules if rule.name == "losses not recorded")
    outcome = rule.check(olist.as_of(), Params(**PAIR))
    assert outcome is not None
    assert outcome.fires


def test_maven_engaged_won_and_lost(maven: Dataset) -> None:
    """Expected: won 4,238, lost 2,473, engaging 1,589; won value 10,005,534; win rate of closed 63.15 %."""
    params = Params(period="quarter", periods=5, horizon_days=138, **PAIR)
    steps: Any = part(KPI, maven.as_of(), params, "steps").set_index("step")
    row = steps.loc["engaged to won"]
    assert row[["moved_on", "gone", "in_it"]].tolist() == [4238, 2473, 1589]
    assert row["moved_on"] / (row["moved_on"] + row["gone"]) == pytest.approx(0.6315, abs=5e-5)
    states = maven.as_of()["states"]
    won = run(states.filter(states["state"] == "won").aggregate(total=states["amount"].sum()))
    assert won["total"].iloc[0] == pytest.approx(10_005_534, abs=0.5)


def test_maven_aalen_johansen_day_by_day(maven: Dataset) -> None:
    """The same share summed up by hand from the file: open share of the day before x won / at risk."""
    pipeline = pd.read_csv(
        real_file("maven_crm/sales_pipeline.csv"), parse_dates=["engage_date", "close_date"]
    )
    known = pipeline.dropna(subset=["engage_date"])
    days = (known["close_date"].fillna(pd.Timestamp("2017-12-31")) - known["engage_date"]).dt.days
    wanted, still_open = 0.0, 1.0
    for day in range(101):
        at_risk, today = (days >= day).sum(), days == day
        won, lost = ((today & (known["deal_stage"] == stage)).sum() for stage in ("Won", "Lost"))
        wanted += still_open * won / at_risk
        still_open *= 1 - (won + lost) / at_risk
    params = Params(period="quarter", periods=5, horizon_days=100, **PAIR)
    steps = part(KPI, maven.as_of(), params, "steps")
    assert steps["conversion"].iloc[0] == pytest.approx(wanted, abs=1e-12)
    assert steps["entered"].iloc[0] == 8300
