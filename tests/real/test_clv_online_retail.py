"""Online Retail: lifetime value by orders on a real wholesaler, against the file itself."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from kpi_lib.data import open_dataset
from kpi_lib.engine import run
from kpi_lib.kpis.customer_lifetime_value import KPI, Params
from kpi_lib.measure import measure, part
from kpi_lib.schema import Tables
from tests.real.published import HERE, needs_real_data, real_file

pytestmark = needs_real_data

PARAMS = Params(periods=3, margin_share=1.0)


@pytest.fixture(scope="module")
def retail() -> Tables:
    return open_dataset(HERE / "online_retail").as_of()


@pytest.fixture(scope="module")
def days() -> pd.DataFrame:
    """Amount per customer and day to 30 September 2011, by pandas."""
    rows = pd.read_parquet(real_file("online_retail/online_retail.parquet"))
    rows = rows[rows["CustomerID"].notna() & ~rows["InvoiceNo"].str.startswith("C")]
    rows = rows.assign(day=rows["InvoiceDate"].str[:10], worth=rows["Quantity"] * rows["UnitPrice"])
    invoices = rows.groupby(["CustomerID", "InvoiceNo"])
    each = invoices.agg(day=("day", "min"), worth=("worth", "sum")).reset_index()
    each = each[(each["worth"] > 0) & (each["day"] <= "2011-09-30")]
    return each.groupby(["CustomerID", "day"])["worth"].sum().reset_index()


def test_histories_are_those_of_the_file(retail: Tables, days: pd.DataFrame) -> None:
    found = run(KPI.observe(retail, PARAMS))
    found = found[found["period"] == found["period"].max()]
    assert set(found["kind"]) == {"orders"}
    each = days.assign(day=pd.to_datetime(days["day"])).groupby("CustomerID")
    first = each["day"].transform("min")
    expected = each["day"].agg(["min", "max", "size"])
    expected.index = expected.index.astype(str)
    ours = found.set_index("account_id").reindex(expected.index)
    assert len(found) == len(expected) > 3_000
    np.testing.assert_array_equal(ours["repeats"], expected["size"] - 1)
    np.testing.assert_array_equal(ours["recency"], (expected["max"] - expected["min"]).dt.days)
    since = (pd.Timestamp(2011, 9, 30) - expected["min"]).dt.days
    np.testing.assert_array_equal(ours["age"], since)
    days = days.assign(day=pd.to_datetime(days["day"]))
    again = days[days["day"] > first].groupby("CustomerID")["worth"].mean()
    again.index = again.index.astype(str)
    np.testing.assert_allclose(ours["value"].reindex(again.index), again, rtol=1e-9)


def test_the_model_applies_and_gives_a_value(retail: Tables) -> None:
    found = measure(KPI, retail, PARAMS).headline
    assert found.label == "2011Q3"
    assert found.value is not None
    assert found.low is not None
    assert found.high is not None
    assert 0 < found.low < found.value < found.high
    rule = next(rule for rule in KPI.fit_rules if rule.name == "other family")
    outcome = rule.check(retail, PARAMS)
    assert outcome is not None
    assert not outcome.fires


def test_what_customers_ordered_later_was_expected(retail: Tables, days: pd.DataFrame) -> None:
    """Orders expected from the history to June lie within a fifth of those placed in July to September."""
    from kpi_lib.stats import purchases
    from kpi_lib.stats.future_orders import residual_orders

    each = days.assign(day=pd.to_datetime(days["day"]))
    before = (
        each[each["day"] <= "2011-06-30"].groupby("CustomerID")["day"].agg(["min", "max", "size"])
    )
    later = each[(each["day"] > "2011-06-30") & each["CustomerID"].isin(before.index)]
    repeats, recency = before["size"] - 1, (before["max"] - before["min"]).dt.days
    age = (pd.Timestamp(2011, 6, 30) - before["min"]).dt.days
    fitted = purchases.fit(purchases.histories(repeats, recency, age))
    expected = residual_orders(fitted.parameters, repeats, recency, age, 0.0, 92).sum()
    assert expected == pytest.approx(len(later), rel=0.2)


def test_the_parts_are_filled(retail: Tables) -> None:
    for name in ("families", "retention", "ways", "base"):
        assert not part(KPI, retail, PARAMS, name).empty, name
