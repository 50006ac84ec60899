"""Churn on third-party data: the MRR playbook month by month, and PieSpace, which is refused."""

from __future__ import annotations

import pandas as pd
import pytest

from kpi_lib.data import DataError, open_dataset
from kpi_lib.experiment import start
from kpi_lib.kpis import revenue_retention
from kpi_lib.kpis.customer_churn import KPI, Params
from kpi_lib.measure import measure, part
from kpi_lib.schema import Tables
from tests.real.published import HERE, needs_real_data, real_file

pytestmark = needs_real_data

MONTHS = Params(periods=36)


@pytest.fixture(scope="module")
def playbook() -> Tables:
    return open_dataset(HERE / "dbt_mrr_playbook").as_of()


@pytest.fixture(scope="module")
def expected() -> pd.DataFrame:
    """Customers by month in the expected rows: at the end, new, back, lost."""
    name = "dbt_mrr_playbook/expected_mrr_computed_spine2017.csv"
    rows = pd.read_csv(real_file(name), parse_dates=["date_month"], dtype={"customer_id": str})
    counts = {"end": (rows["mrr"] > 0).groupby(rows["date_month"]).sum()}
    for kind in ("new", "reactivation", "churn"):
        counts[kind] = (rows["change_category"] == kind).groupby(rows["date_month"]).sum()
    return pd.DataFrame(counts)


def test_customers_that_came_and_went_in_every_month(
    playbook: Tables, expected: pd.DataFrame
) -> None:
    found = part(KPI, playbook, MONTHS, "counts").set_index("period")
    for name in expected:
        ours = found[name].reindex(expected.index)
        pd.testing.assert_series_equal(ours, expected[name], check_names=False, check_dtype=False)


def test_all_58_losses_and_the_3_that_came_back(playbook: Tables) -> None:
    """55 losses on the playbook's calendar from 2018, and the three customers it drops."""
    found = part(KPI, playbook, MONTHS, "counts")
    assert (found["churn"].sum(), found["new"].sum(), found["reactivation"].sum()) == (58, 55, 3)
    assert found["end"].iloc[-1] == 0


def test_churn_is_losses_over_the_customers_of_the_month_before(
    playbook: Tables, expected: pd.DataFrame
) -> None:
    trend = measure(KPI, playbook, MONTHS).trend.set_index("period")
    start_of = expected["end"].shift()
    share = (expected["churn"] / start_of)[start_of > 0]
    assert len(share) > 20
    for month, value in share.items():
        cell = trend.loc[pd.Timestamp(str(month)).date()]
        assert cell["value"] == pytest.approx(value)
        assert cell["low"] < max(value, 1e-12) <= cell["high"]


def test_without_terms_nothing_is_said_about_renewal(playbook: Tables) -> None:
    assert part(KPI, playbook, MONTHS, "renewal")["share"].isna().all()


def test_piespace_is_refused_before_any_churn_is_computed() -> None:
    """Its usage lies before its accounts and its dates in the future: nothing is averaged."""
    with pytest.raises(DataError) as refused:
        start("customer_churn", {"dataset": str(HERE / "metabase_piespace")})
    assert "lies before the account exists" in str(refused.value)


def test_piespace_counts_only_what_had_happened_when_looked_at_all_the_same() -> None:
    """Without the refusal: converted trials come, cancellations up to the day go, later ones wait.

    Counted from the files. Accounts that have no invoice carry no amount, so they are not there.
    """
    data = open_dataset(HERE / "metabase_piespace", require_clean=False)
    day = pd.Timestamp(2024, 12, 31)
    found = part(KPI, data.as_of(day.date()), Params(periods=2), "counts").iloc[-1]
    accounts = pd.read_csv(real_file("metabase_piespace/accounts.csv"))
    invoices = pd.read_csv(real_file("metabase_piespace/invoices.csv"))
    accounts.index = accounts.index + 1
    amount = invoices.groupby("Account ID")["Payment"].median()
    paying = accounts[accounts["Trial Converted"].astype(str).str.upper() == "TRUE"]
    paying = paying[amount.reindex(paying.index).fillna(0) > 0]
    begun = pd.to_datetime(paying["Trial Ends At"].fillna(paying["Created At"])).dt.normalize()
    ended = pd.to_datetime(paying["Canceled At"]).dt.normalize()
    first = day - pd.Timedelta(days=31)

    def there(on: pd.Timestamp) -> pd.Series[bool]:
        return (begun <= on) & ~(ended <= on)

    assert found["start"] == there(first).sum() > 50
    assert found["end"] == there(day).sum()
    assert found["churn"] == (there(first) & ~there(day)).sum() > 0


def test_monthly_retention_of_the_playbook_follows_from_its_expected_movements(
    playbook: Tables,
) -> None:
    """Each month's expected movements over the amount of the month before, under every preset."""
    name = "dbt_mrr_playbook/expected_monthly_movements_spine2017.csv"
    rows = pd.read_csv(real_file(name), parse_dates=["date_month"]).set_index("date_month")
    opening = rows["total_mrr"].shift()
    gross = 1 - (rows["downgrade"].abs() + rows["churn"].abs()) / opening
    cohort = gross + rows["upgrade"] / opening
    expected = {
        ("cohort", "gross"): gross,
        ("cohort", "net"): cohort,
        ("chartmogul", "net"): cohort + rows["reactivation"] / opening,
        ("baremetrics", "net"): cohort + rows["downgrade"].abs() / opening,
    }
    for (preset, figure), values in expected.items():
        params = revenue_retention.Params.model_validate(
            {"preset": preset, "retention": figure, "periods": 36, "window_months": 1}
        )
        trend = measure(revenue_retention.KPI, playbook, params).trend.set_index("period")["value"]
        told = values[opening > 0]
        assert len(told) > 20
        for month, share in told.items():
            assert trend[pd.Timestamp(str(month)).date()] == pytest.approx(share)
