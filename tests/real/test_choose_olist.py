"""What choose_kpis says about a real marketplace: no enterprise, no consumer business either."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest

from kpi_lib.candidates import candidates, readiness, unfed
from kpi_lib.data import Dataset, open_dataset
from kpi_lib.evidence.choosing import turned_away
from kpi_lib.evidence.finding import Finding
from kpi_lib.evidence.fitting import fitting
from kpi_lib.sections.assumptions import Assumption, checked, marked
from tests.real.published import HERE, needs_real_data, real_file

pytestmark = needs_real_data

LAST_DAY = pd.Timestamp("2018-08-31")
RUN: dict[str, Any] = {"dataset": "tests/real/olist", "as_of": None}


@pytest.fixture(scope="module")
def olist() -> Dataset:
    return open_dataset(HERE / "olist")


@pytest.fixture(scope="module")
def said(olist: Dataset) -> dict[str, Assumption]:
    return {one.name: one for one in checked(olist.as_of())}


@pytest.fixture(scope="module")
def raw() -> pd.DataFrame:
    """Leads with the day on which they were won, as published."""
    leads = pd.read_csv(
        real_file("olist/olist_marketing_qualified_leads_dataset.csv"),
        parse_dates=["first_contact_date"],
    )
    deals = pd.read_csv(real_file("olist/olist_closed_deals_dataset.csv"), parse_dates=["won_date"])
    return leads.merge(deals[["mql_id", "won_date"]], on="mql_id", how="left")


def test_half_of_what_consumer_kpis_rest_on_holds(
    olist: Dataset, said: dict[str, Assumption]
) -> None:
    """Merchants decide quickly and are many; they cannot sell before they sign, and are not a thousand."""
    assert [one.holds for one in said.values()] == [None, True, False, True, False]
    assert marked(olist.as_of()) == ()


def test_the_assumptions_are_measured(said: dict[str, Assumption], raw: pd.DataFrame) -> None:
    won = raw[raw["won_date"].dt.normalize() <= LAST_DAY]
    days = (won["won_date"].dt.normalize() - won["first_contact_date"]).dt.days.median()
    quick = said["Buying decisions are made quickly"].sentence
    assert quick == (f"The median won lead took {days:.0f} days from first contact to signature.")
    year = raw["first_contact_date"] > LAST_DAY - pd.Timedelta(days=365)
    came = said["There are hundreds of prospects to talk to"].sentence
    assert came == f"{year.sum():,} leads came in during the last 365 days."
    signed = won["won_date"].dt.normalize() > LAST_DAY - pd.Timedelta(days=365)
    small = said["Sales are many and each is small"].sentence
    assert small.startswith(f"{signed.sum():,} customers signed in the last 365 days")


def test_what_is_not_handed_in_is_not_said_not_to_fit(olist: Dataset) -> None:
    """Spend, carts, targets and surveys are not published; a marketplace has all of them."""
    absent = unfed(olist, **RUN)
    assert {"acquisition_cost", "account_targets", "cart_abandonment", "employee_nps"} <= set(
        absent
    )
    assert turned_away(absent, olist) == []
    assert readiness(olist)["recurring_revenue"].lacks[0].startswith("left out: the fee")
    assert "recurring_revenue" not in absent


def test_contracts_and_orders_of_the_same_merchants_fit_both_kinds_of_kpi(olist: Dataset) -> None:
    found = {name: checked_fit(olist, name) for name in ("customer_churn", "inactive_customers")}
    found |= {name: checked_fit(olist, name) for name in ("basket", "repeat_orders")}
    assert {name: one.passed for name, one in found.items()} == dict.fromkeys(found, True)


@pytest.mark.parametrize(
    ("name", "rule"),
    [("demo_conversion", "sold without demos"), ("early_booking", "nothing is booked")],
)
def test_demos_and_bookings_that_nobody_writes_down_are_not_said_to_be_missing(
    olist: Dataset, name: str, rule: str
) -> None:
    found = checked_fit(olist, name)
    assert found.passed is not False
    assert found.table.set_index("name")["fires"][rule] is None


def checked_fit(olist: Dataset, name: str) -> Finding:
    kpi, params = candidates(olist, **RUN)[name]
    return fitting(kpi, olist, params)
