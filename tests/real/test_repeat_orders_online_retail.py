"""Online Retail: orders per account and year, and who came back, against the file itself."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from kpi_lib.data import open_dataset
from kpi_lib.kpis.repeat_orders import KPI, Params
from kpi_lib.measure import behind, measure, part
from kpi_lib.schema import Tables
from tests.real.published import HERE, needs_real_data, real_file

pytestmark = needs_real_data

PARAMS = Params(period="month", periods=3, no_account="not known")
END = pd.Timestamp(2011, 11, 30)


@pytest.fixture(scope="module")
def retail() -> Tables:
    return open_dataset(HERE / "online_retail_lines").as_of()


@pytest.fixture(scope="module")
def days() -> pd.DataFrame:
    """Customers and the days on which they bought something for money, by pandas."""
    rows = pd.read_parquet(real_file("online_retail/online_retail.parquet"))
    rows = rows[rows["CustomerID"].notna() & (rows["Quantity"] > 0)]
    rows = rows.assign(worth=rows["Quantity"] * rows["UnitPrice"])
    orders = rows.groupby(["CustomerID", "InvoiceNo"]).agg(
        day=("InvoiceDate", "min"), worth=("worth", "sum")
    )
    orders = orders[orders["worth"] > 0].reset_index()
    found = orders.assign(day=pd.to_datetime(orders["day"].str[:10]))
    return found[["CustomerID", "day"]].drop_duplicates().sort_values(["CustomerID", "day"])


def test_orders_per_account_and_year(retail: Tables, days: pd.DataFrame) -> None:
    """The year to November 2011: nobody has a record before it, so all count from their first order."""
    known = days[days["day"] <= END].groupby("CustomerID")["day"]
    repeats = known.size() - 1
    years = (END - known.min()).dt.days / 365.25
    found = measure(KPI, retail, PARAMS).headline
    assert found.label == "2011-11"
    assert found.n == len(repeats) > 4_000
    assert found.value == pytest.approx(repeats.sum() / years.sum(), rel=1e-9)


def test_who_came_back_within_90_days(retail: Tables, days: pd.DataFrame) -> None:
    """First orders of August 2011: all were watched for 90 days by 9 December, so it is a count."""
    params = PARAMS.model_copy(update={"periods": 4})
    row = part(KPI, retail, params, "repeat_rate").iloc[0]
    by = days.groupby("CustomerID")["day"]
    frame = pd.DataFrame({"first": by.min()})
    later = days[days["day"] > days["CustomerID"].map(frame["first"])]
    frame["second"] = later.groupby("CustomerID")["day"].min()
    cohort = frame[frame["first"].dt.strftime("%Y-%m") == "2011-08"]
    again = ((cohort["second"] - cohort["first"]).dt.days <= 90).sum()
    assert row["accounts"] == len(cohort) > 100
    assert row["ordered_again"] == again
    assert row["still_young"] == 0
    assert row["repeat_rate"] == pytest.approx(again / len(cohort), rel=1e-9)


def test_the_call_list_is_theirs(retail: Tables, days: pd.DataFrame) -> None:
    today = pd.Timestamp(2011, 12, 9)
    by = days.groupby("CustomerID")["day"]
    usual = by.apply(lambda one: one.diff().dt.days.median())
    since = (today - by.max()).dt.days
    allowed = np.maximum(usual * 3, 31).round()
    expected = set(by.size()[(by.size() >= 4) & (since > allowed)].index.astype(str))
    found = behind(KPI, retail, PARAMS)
    assert set(found["account_id"]) == expected
    assert len(expected) > 50
