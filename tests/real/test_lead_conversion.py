"""Lead conversion on a real marketplace and on an invented pipeline, against independent sums."""

from __future__ import annotations

from datetime import date
from typing import Any

import pandas as pd
import pytest

from kpi_lib.data import Dataset, open_dataset
from kpi_lib.engine import run
from kpi_lib.kpis.lead_conversion import KPI, Params
from kpi_lib.measure import measure, part
from tests.real.published import HERE, needs_real_data, real_file

pytestmark = needs_real_data

ALL_KNOWN = date(2018, 11, 30)
HALF_A_YEAR = 180
"""The last lead of Olist came on 31 May 2018, so that by the end of November all were watched so long."""


@pytest.fixture(scope="module")
def olist() -> Dataset:
    return open_dataset(HERE / "olist")


@pytest.fixture(scope="module")
def days_to_close() -> pd.DataFrame:
    """Each lead of Olist with its days to close, read by pandas alone."""
    leads = pd.read_csv(
        real_file("olist/olist_marketing_qualified_leads_dataset.csv"),
        parse_dates=["first_contact_date"],
    )
    deals = pd.read_csv(real_file("olist/olist_closed_deals_dataset.csv"), parse_dates=["won_date"])
    joined = leads.merge(deals[["mql_id", "won_date"]], on="mql_id", how="left")
    days = (joined["won_date"].dt.normalize() - joined["first_contact_date"]).dt.days
    return joined.assign(days=days, origin=joined["origin"].fillna("unknown"))


def whole(**more: Any) -> Params:
    return Params(periods=20, **more)


def test_8000_leads_842_won(olist: Dataset, days_to_close: pd.DataFrame) -> None:
    """Expected: 8,000 leads, 842 won, which is 10.525 %; days to close 48.4, 14, -2 and 427."""
    table: Any = part(KPI, olist.as_of(ALL_KNOWN), whole(horizon_days=500), "durations")
    table = table.set_index("status")
    assert table["leads"].to_dict() == {"won": 842, "open": 7158}
    assert table.loc["won", "leads"] / table["leads"].sum() == pytest.approx(0.10525, abs=5e-6)
    assert table.loc["won", "mean_days"] == pytest.approx(48.4, abs=0.05)
    assert table.loc["won", "median_days"] == 14
    assert table.loc["won", ["shortest_days", "longest_days"]].tolist() == [-2, 427]
    assert days_to_close["days"].notna().sum() == 842


def test_share_won_within_half_a_year(olist: Dataset, days_to_close: pd.DataFrame) -> None:
    """Nobody is censored within 180 days, so each cohort is a plain share."""
    cohort = days_to_close["first_contact_date"].dt.strftime("%Y-%m")
    wanted: Any = (days_to_close["days"] <= HALF_A_YEAR).groupby(cohort).mean()
    trend: Any = measure(KPI, olist.as_of(ALL_KNOWN), whole(horizon_days=HALF_A_YEAR)).trend
    ours = trend[trend["n"] > 0].set_index("label")
    assert list(ours.index) == list(wanted.index)
    assert ours["value"].to_numpy() == pytest.approx(wanted.to_numpy(), abs=1e-12)
    assert (ours["resolved"] == 1).all()


def test_by_origin(olist: Dataset, days_to_close: pd.DataFrame) -> None:
    """Leads of each origin as in the computed reference, and won within half a year by pandas."""
    reference: Any = pd.read_csv(real_file("olist/computed_reference_by_origin.csv")).set_index(
        "origin"
    )
    wanted: Any = (days_to_close["days"] <= HALF_A_YEAR).groupby(days_to_close["origin"]).mean()
    table: Any = part(KPI, olist.as_of(ALL_KNOWN), whole(horizon_days=HALF_A_YEAR), "by_source")
    table = table.set_index("source")
    assert table["leads"].to_dict() == reference["mql"].to_dict()
    for origin, row in table.iterrows():
        assert row["conversion"] == pytest.approx(wanted[str(origin)], abs=1e-12), origin
        assert row["conversion"] <= reference.loc[origin, "won"] / reference.loc[origin, "mql"]
        assert row["low"] < row["conversion"] < row["high"]


def test_leads_of_origin_ever_won(olist: Dataset) -> None:
    """With a horizon longer than any deal the leads won by origin are those of the reference."""
    reference: Any = pd.read_csv(real_file("olist/computed_reference_by_origin.csv")).set_index(
        "origin"
    )
    table: Any = part(KPI, olist.as_of(ALL_KNOWN), whole(horizon_days=430), "by_source")
    assert table.set_index("source")["won"].to_dict() == reference["won"].to_dict()


def test_young_leads_are_censored_as_lifelines_does(
    olist: Dataset, days_to_close: pd.DataFrame
) -> None:
    """As of the end of August the leads of spring are young; without losses it is 1 - Kaplan-Meier."""
    lifelines = pytest.importorskip("lifelines")
    day = pd.Timestamp("2018-08-31")
    known = days_to_close[days_to_close["first_contact_date"] <= day]
    won = known["won_date"].dt.normalize() <= day
    waited = known["days"].where(won, (day - known["first_contact_date"]).dt.days).clip(lower=0)
    fitter = lifelines.KaplanMeierFitter().fit(waited, won)
    params = whole(horizon_days=200, segment="source")
    tables = olist.as_of(day.date())
    observations = KPI.observe(tables, params.model_copy(update={"segment": ""}))
    estimator = KPI.estimator(params)
    pooled = estimator.estimate(run(estimator.reduce(observations, [])), [], 0.9).iloc[0]
    assert pooled["n"] == len(known) == 8000
    assert pooled["value"] == pytest.approx(1 - fitter.predict(200), abs=1e-9)
    # counting the leads that are still open as lost gives less
    assert pooled["value"] > won.mean()


def test_olist_writes_no_losses_down(olist: Dataset) -> None:
    fired = {r.name: r.check(olist.as_of(), Params()).fires for r in KPI.fit_rules}  # type: ignore[union-attr]
    assert fired == {
        "accounts without leads": False,
        "horizon too short": False,
        "losses not recorded": True,
    }


LONGEST_CYCLE = 138


@pytest.fixture(scope="module")
def maven() -> Dataset:
    return open_dataset(HERE / "maven_crm")


@pytest.fixture(scope="module")
def pipeline() -> pd.DataFrame:
    return pd.read_csv(
        real_file("maven_crm/sales_pipeline.csv"), parse_dates=["engage_date", "close_date"]
    )


def test_opportunities_by_stage(maven: Dataset, pipeline: pd.DataFrame) -> None:
    """Expected: won 4,238, lost 2,473, engaging 1,589, prospecting 500 (which have no date)."""
    params = Params(period="quarter", periods=5, horizon_days=LONGEST_CYCLE)
    table: Any = part(KPI, maven.as_of(), params, "durations").set_index("status")
    assert table["leads"].to_dict() == {"won": 4238, "open": 1589, "lost": 2473}
    assert (pipeline["deal_stage"] == "Prospecting").sum() == 500
    assert pipeline["engage_date"].isna().sum() == 500
    assert len(pipeline) == 8800
    # cycle of won mean 51.78, median 57; of lost 41.48, 14
    assert table.loc["won", "mean_days"] == pytest.approx(51.78, abs=0.005)
    assert table.loc["won", "median_days"] == 57
    assert table.loc["lost", "mean_days"] == pytest.approx(41.48, abs=0.005)
    assert table.loc["lost", "median_days"] == 14


def test_the_win_rate_of_closed_deals_is_not_the_conversion(maven: Dataset) -> None:
    """Expected: win rate of closed 63.15 %; who is still open is missing from it."""
    params = Params(period="quarter", periods=5, horizon_days=LONGEST_CYCLE)
    table: Any = part(KPI, maven.as_of(), params, "misread")
    won = (table["won_of_closed"] * table["closed"]).sum()
    assert won == pytest.approx(4238)
    assert table["closed"].sum() == 4238 + 2473
    assert won / table["closed"].sum() == pytest.approx(0.6315, abs=5e-5)
    told = table.dropna(subset=["conversion"])
    assert len(told) == 4
    assert (told["as_if_nobody_left"] > told["conversion"]).all()


def test_aalen_johansen_day_by_day(maven: Dataset, pipeline: pd.DataFrame) -> None:
    """The same share summed up by hand from the file: open share of the day before x won / at risk."""
    known = pipeline.dropna(subset=["engage_date"])
    end = known["close_date"].fillna(pd.Timestamp("2017-12-31"))
    days = (end - known["engage_date"]).dt.days
    wanted, still_open = 0.0, 1.0
    for day in range(101):
        at_risk, today = (days >= day).sum(), days == day
        won, lost = ((today & (known["deal_stage"] == stage)).sum() for stage in ("Won", "Lost"))
        wanted += still_open * won / at_risk
        still_open *= 1 - (won + lost) / at_risk
    params = Params(period="quarter", periods=5, horizon_days=100)
    estimator = KPI.estimator(params)
    reduced = run(estimator.reduce(KPI.observe(maven.as_of(), params), []))
    ours = estimator.estimate(reduced, [], 0.9).iloc[0]
    assert ours["value"] == pytest.approx(wanted, abs=1e-12)
    assert ours["as_if_nobody_left"] > ours["value"]


def test_opportunities_of_one_account_hang_together(maven: Dataset) -> None:
    """85 accounts hold 7,212 opportunities, so that fewer are worth counting."""
    params = Params(period="quarter", periods=5, horizon_days=100)
    estimator = KPI.estimator(params)
    rows = KPI.observe(maven.as_of(), params)
    reduced = run(estimator.reduce(rows, []))
    assert reduced.loc[reduced["cluster"] != "", "cluster"].nunique() == 85
    assert reduced.loc[reduced["cluster"] != "", "units"].sum() == 7212
    ours = estimator.estimate(reduced, [], 0.9).iloc[0]
    assert 0 < ours["effective"] < ours["n"] == 8300


def test_names_written_in_two_ways_are_one(maven: Dataset, pipeline: pd.DataFrame) -> None:
    leads, accounts = run(maven.tables["leads"]), run(maven.tables["accounts"])
    assert {"GTXPro"} < set(pipeline["product"])
    products = set(pd.read_csv(real_file("maven_crm/products.csv"))["product"])
    assert set(leads["campaign"]) <= products
    assert "technology" in set(accounts["segment"])
    assert "technolgy" not in set(accounts["segment"])
    assert pipeline["account"].isna().sum() == 1425
    assert leads["account_id"].isna().sum() == 1088
