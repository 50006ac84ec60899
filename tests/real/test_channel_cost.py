"""Channel cost on real advertisements: the expected figures, and the sums of pandas."""

from __future__ import annotations

from datetime import date
from typing import Any

import pandas as pd
import pytest

from kpi_lib.data import open_dataset
from kpi_lib.kpis.channel_cost import KPI, Params
from kpi_lib.measure import measure, part
from kpi_lib.schema import Tables
from kpi_lib.stats.intervals import poisson_limits
from tests.real.published import HERE, needs_real_data, real_file

pytestmark = needs_real_data

AUGUST = Params(period="month", periods=2, horizon_days=1)
CUSTOMERS = AUGUST.model_copy(update={"per": "customer"})


@pytest.fixture(scope="module")
def ads() -> Tables:
    """As of a day later than the last ad, so that every lead has had its day."""
    return open_dataset(HERE / "kag_ads").as_of(date(2023, 9, 30))


@pytest.fixture(scope="module")
def rows() -> pd.DataFrame:
    return pd.read_csv(real_file("kag_ads/KAG_conversion_data.csv"))


def test_spend_leads_and_sales(ads: Tables) -> None:
    """Expected: spend 58,705.23; 3,264 leads, 1,079 sales; CPL 17.99, CPA 54.41."""
    lead, sale = (measure(KPI, ads, params).headline for params in (AUGUST, CUSTOMERS))
    assert (lead.label, lead.n, sale.n) == ("2023-08", 3264, 1079)
    assert lead.value == pytest.approx(17.99, abs=0.005)
    assert sale.value == pytest.approx(54.41, abs=0.005)
    assert part(KPI, ads, AUGUST, "left_out")["with_channel"].iloc[0] == pytest.approx(
        58_705.23, abs=0.005
    )


def test_by_campaign_against_pandas(ads: Tables, rows: pd.DataFrame) -> None:
    sums = rows.groupby(rows["xyz_campaign_id"].astype(str))
    sums = sums[["Spent", "Total_Conversion", "Approved_Conversion"]].sum()
    leads: Any = part(KPI, ads, AUGUST, "by_campaign").set_index("campaign").loc[sums.index]
    sales: Any = part(KPI, ads, AUGUST, "returns_by_campaign").set_index("campaign").loc[sums.index]
    assert leads["leads"].tolist() == sums["Total_Conversion"].tolist()
    assert sales["customers"].tolist() == sums["Approved_Conversion"].tolist()
    assert leads["cost_per_lead"].tolist() == pytest.approx(
        (sums["Spent"] / sums["Total_Conversion"]).tolist()
    )
    assert sales["cost_per_customer"].tolist() == pytest.approx(
        (sums["Spent"] / sums["Approved_Conversion"]).tolist()
    )
    assert leads["rank"].to_dict() == {"916": 1, "936": 2, "1178": 3}


def test_intervals_of_campaigns_are_close_to_the_exact_ones(ads: Tables) -> None:
    table = part(KPI, ads, AUGUST, "by_campaign")
    for row in table.to_dict("records"):
        few, many = (float(limit) for limit in poisson_limits(row["leads"], 0.9))
        assert row["low"] == pytest.approx(row["spend"] / many, rel=0.05)
        assert row["high"] == pytest.approx(row["spend"] / few, rel=0.05)


def test_leads_of_ads_without_spend_count_with_their_campaign(
    ads: Tables, rows: pd.DataFrame
) -> None:
    """207 ads carry no spend and 212 leads; without them a lead would seem dearer than it is."""
    free = rows[rows["Spent"] == 0]
    assert (len(free), free["Total_Conversion"].sum()) == (207, 212)
    found = measure(KPI, ads, AUGUST).headline
    assert found.value is not None
    assert found.value < rows["Spent"].sum() / (3264 - 212)
    assert part(KPI, ads, AUGUST, "left_out")["free_leads"].iloc[0] == 0


def test_what_the_file_does_not_hold_is_not_told(ads: Tables) -> None:
    returns = part(KPI, ads, AUGUST, "returns_by_channel").iloc[0]
    assert pd.isna(returns["roi"])
    assert "not known" in returns["reason"]
    assert "fewer than 12 months" in part(KPI, ads, AUGUST, "marginal")["reason"].iloc[0]
    fired = {rule.name: rule.check(ads, AUGUST) for rule in KPI.fit_rules}
    assert fired["one channel"] is not None
    assert fired["one channel"].fires
