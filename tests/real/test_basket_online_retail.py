"""Online Retail, all 541,909 lines: totals of the file, and what is left out of the basket and why."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import pandas as pd
import pytest

from kpi_lib.customers.shop.goods import by_account
from kpi_lib.data import open_dataset
from kpi_lib.engine import run
from kpi_lib.kpis.basket import KPI, Params
from kpi_lib.measure import measure, part
from kpi_lib.periods import Period
from kpi_lib.schema import Tables
from tests.real.published import HERE, needs_real_data, real_file

pytestmark = needs_real_data

NOT_GOODS = (
    "POST",
    "DOT",
    "M",
    "m",
    "C2",
    "D",
    "S",
    "BANK CHARGES",
    "AMAZONFEE",
    "CRUK",
    "B",
    "PADS",
)
CLEAN = Params(periods=12, not_goods=NOT_GOODS, no_account="not known", repeated_lines="drop")
WHOLE = [Period(date(2010, 12, 1), date(2011, 12, 31), "month")]


@pytest.fixture(scope="module")
def retail() -> Tables:
    return open_dataset(HERE / "online_retail_lines").as_of()


@pytest.fixture(scope="module")
def file() -> pd.DataFrame:
    rows = pd.read_parquet(real_file("online_retail/online_retail.parquet"))
    worth = rows["Quantity"] * rows["UnitPrice"]
    return rows.assign(worth=worth, month=rows["InvoiceDate"].str[:7])


def test_totals_are_those_of_the_readme(retail: Tables) -> None:
    """README of the data: gross 9,747,747.934; positive quantities 10,644,560.424; 4,372 customers,
    25,900 invoices; the ten largest customers 16.5 % of what known customers bought."""
    rows = run(by_account(retail, WHOLE, Params()))
    assert rows["amount"].sum() == pytest.approx(9_747_747.934, abs=5e-4)
    # The two written-off debts have positive quantities in the file: 2 x 11,062.06 below nothing.
    gross = run(by_account(retail, WHOLE, Params(returns="gross")))["amount"].sum()
    assert gross - 2 * 11_062.06 == pytest.approx(10_644_560.424, abs=5e-4)
    known = rows[rows["account_id"] != "not known"].sort_values("amount", ascending=False)
    accounts = run(retail["accounts"])
    assert (accounts["account_id"] != "not known").sum() == 4_372
    assert len(run(retail["orders"])) == 25_900
    share = known["amount"].head(10).sum() / known["amount"].sum()
    assert share == pytest.approx(0.165, abs=5e-4)


def test_the_one_customer_without_a_basket_got_free_goods(
    retail: Tables, file: pd.DataFrame
) -> None:
    """The README counts 4,372 customers, the baskets know 4,371: customer 13256 stands in one line only,
    12,540 paper stickers at a price of 0, which is no basket. Nobody else is missing."""
    theirs = file[file["CustomerID"].notna()].assign(who=file["CustomerID"].astype(str))
    bought = set(run(by_account(retail, WHOLE, Params()))["account_id"]) - {"not known"}
    assert set(theirs["who"]) - bought == {"13256"}
    assert len(bought) == 4_371
    lines = theirs[theirs["who"] == "13256"]
    assert lines[["Quantity", "UnitPrice"]].to_numpy().tolist() == [[12_540, 0.0]]


def test_every_line_stands_under_one_rule(retail: Tables, file: pd.DataFrame) -> None:
    found = part(KPI, retail, CLEAN, "left_out").set_index("rule")
    assert found["lines"]["all lines"] == 541_909
    assert found["orders"]["all lines"] == 25_900
    assert found["lines"].iloc[1:].sum() == 541_909
    assert found["amount"].iloc[1:].sum() == pytest.approx(9_747_747.934, abs=5e-4)
    key = ["InvoiceNo", "StockCode", "Quantity", "UnitPrice"]
    copies = file.duplicated(key)
    assert found["lines"]["repeated lines"] == copies.sum() >= 5_268
    left = file[~copies]
    codes = left["StockCode"].isin(NOT_GOODS)
    assert found["lines"]["not goods"] == codes.sum()
    left = left[~codes]
    assert found["lines"]["buyer not known"] == left["CustomerID"].isna().sum()
    left = left[left["CustomerID"].notna()]
    late = left["InvoiceDate"] >= "2011-12-01"
    assert found["lines"]["partial last period"] == late.sum()
    back = left[~late & (left["Quantity"] < 0)]
    assert found["lines"]["credit notes"] == len(back)


def test_baskets_are_those_of_the_file(retail: Tables, file: pd.DataFrame) -> None:
    """By pandas: known customers, goods, copies dropped; credit notes taken off their month."""
    trend = measure(KPI, retail, CLEAN).trend
    assert trend["label"].tolist()[0] == "2010-12"
    assert trend["label"].tolist()[-1] == "2011-11"
    rows = file.drop_duplicates(["InvoiceNo", "StockCode", "Quantity", "UnitPrice"])
    rows = rows[rows["CustomerID"].notna() & ~rows["StockCode"].isin(NOT_GOODS)]
    orders = rows[rows["Quantity"] > 0].groupby(["month", "InvoiceNo"])["worth"].sum()
    sold = orders[orders > 0].groupby("month").agg(["sum", "size"])
    back = rows[rows["Quantity"] < 0].groupby("month")["worth"].sum()
    expected = (sold["sum"] + back) / sold["size"]
    np.testing.assert_allclose(trend["value"], expected.iloc[:12], rtol=1e-9)


def test_no_month_has_a_whole_year_before(retail: Tables) -> None:
    """December 2011 has nine days: it is no period. No other month has itself a year before."""
    found = part(KPI, retail, CLEAN, "year_on_year")
    assert found["change"].isna().all()
    assert (found["reason"] != "").all()
    later = Tables(retail.tables, date(2011, 12, 31), currency="GBP")
    compared = part(KPI, later, CLEAN, "year_on_year").iloc[-1]
    assert compared["reason"] == ""
    split = compared[["by_customers", "by_frequency", "by_basket"]].astype(float).sum()
    assert split == pytest.approx(compared["change"], rel=1e-9)


def test_the_pair_of_80995_pieces_nets_to_nothing(retail: Tables) -> None:
    """Customer 16446 orders 80,995 pieces on 9 December 2011 and sends them back within minutes."""
    day = date(2011, 12, 9)
    rows = run(by_account(retail, [Period(day, day + timedelta(days=6), "week")], Params()))
    row = rows[rows["account_id"] == "16446"].iloc[0]
    assert row["amount"] == pytest.approx(0, abs=1e-6)
    assert row["quantity"] == 0
    assert row["orders"] == 1
