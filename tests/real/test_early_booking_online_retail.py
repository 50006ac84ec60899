"""Online Retail: what larger quantities pay, by the pieces of a line, against the file itself."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from kpi_lib.data import open_dataset
from kpi_lib.kpis.early_booking import KPI, Params
from kpi_lib.measure import measure, part
from kpi_lib.schema import Tables
from tests.real.published import HERE, needs_real_data, real_file
from tests.real.test_basket_online_retail import NOT_GOODS

pytestmark = needs_real_data

STEPS = (12, 48, 144)
PARAMS = Params(
    period="month",
    periods=12,
    orders_of="all",
    tier_by="line",
    piece_steps=STEPS,
    not_goods=NOT_GOODS,
    no_account="not known",
)


@pytest.fixture(scope="module")
def retail() -> Tables:
    return open_dataset(HERE / "online_retail_lines").as_of()


@pytest.fixture(scope="module")
def lines() -> pd.DataFrame:
    """Goods sold to known customers in the twelve whole months, with a list price, by pandas."""
    rows = pd.read_parquet(real_file("online_retail/online_retail.parquet"))
    small = rows[rows["Quantity"].between(1, 11) & (rows["UnitPrice"] > 0)]
    usual = small.groupby("StockCode")["UnitPrice"].median()
    rows = rows.assign(listed=rows["StockCode"].map(usual).fillna(rows["UnitPrice"]))
    rows = rows[(rows["Quantity"] > 0) & (rows["UnitPrice"] > 0) & rows["CustomerID"].notna()]
    rows = rows[~rows["StockCode"].isin(NOT_GOODS) & (rows["InvoiceDate"] < "2011-12-01")]
    return rows.assign(tier=np.digitize(rows["Quantity"], STEPS))


def test_larger_quantities_pay_less_tier_by_tier(retail: Tables, lines: pd.DataFrame) -> None:
    found = part(KPI, retail, PARAMS, "by_quantity")
    assert found["tier"].tolist() == ["below 12", "12 to 47", "48 to 143", "144 and more"]
    paid = (lines["Quantity"] * lines["UnitPrice"]).groupby(lines["tier"]).sum()
    listed = (lines["Quantity"] * lines["listed"]).groupby(lines["tier"]).sum()
    np.testing.assert_allclose(found["discount"], 1 - paid / listed, rtol=1e-9)
    np.testing.assert_allclose(found["pieces"], lines.groupby("tier")["Quantity"].sum(), rtol=1e-12)
    assert found["discount"].is_monotonic_increasing
    assert found["discount"].iloc[-1] > 0.1


def test_the_margin_is_that_of_the_file(retail: Tables, lines: pd.DataFrame) -> None:
    """The file has no freight, so the margin is price less 70 % of list."""
    trend = measure(KPI, retail, PARAMS).trend
    margin = lines["Quantity"] * (lines["UnitPrice"] - 0.7 * lines["listed"])
    month = lines["InvoiceDate"].str[:7]
    expected = margin.groupby(month).sum() / lines["Quantity"].groupby(month).sum()
    assert trend["label"].tolist() == expected.index.tolist()
    np.testing.assert_allclose(trend["value"], expected, rtol=1e-9)


def test_without_bookings_it_says_what_it_cannot_tell(retail: Tables) -> None:
    """No order has a day of delivery, and nothing was ordered a year before the first one."""
    assert part(KPI, retail, PARAMS, "by_weeks").empty
    row = part(KPI, retail, PARAMS, "moved").iloc[0]
    assert pd.isna(row["moved_share"])
    assert row["reason"] == "the year before the first booking is not wholly on record"
    found = part(KPI, retail, PARAMS, "by_period")
    assert found["freight_per_piece"].isna().all()
    assert found["booked_share"].tolist() == [1.0] * 12
