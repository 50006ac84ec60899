"""The MRR playbook: the mapped price periods give every expected month of every customer."""

from __future__ import annotations

import pandas as pd
import pytest

from kpi_lib.data import Dataset, open_dataset
from kpi_lib.engine import run
from tests.real.published import HERE, needs_real_data, real_file

pytestmark = needs_real_data


@pytest.fixture(scope="module")
def playbook() -> Dataset:
    return open_dataset(HERE / "dbt_mrr_playbook")


def paying(subscriptions: pd.DataFrame, month: pd.Timestamp) -> pd.Series:
    """Amount per account paying on the first day of a month."""
    there = (subscriptions["started_on"] <= month) & (subscriptions["ended_on"] > month)
    return subscriptions[there].groupby("account_id")["monthly_amount"].sum()


def test_every_expected_month_of_every_customer(playbook: Dataset) -> None:
    subscriptions = run(playbook.tables["subscriptions"])
    expected = pd.read_csv(
        real_file("dbt_mrr_playbook/expected_mrr_computed_spine2017.csv"),
        parse_dates=["date_month"],
        dtype={"customer_id": str},
    )
    for month, rows in expected.groupby("date_month"):
        ours = paying(subscriptions, pd.Timestamp(str(month)))
        theirs = rows.set_index("customer_id")["mrr"]
        assert ours.to_dict() == theirs[theirs > 0].to_dict()


def test_monthly_totals(playbook: Dataset) -> None:
    subscriptions = run(playbook.as_of()["subscriptions"])
    expected = pd.read_csv(
        real_file("dbt_mrr_playbook/expected_monthly_movements_spine2017.csv"),
        parse_dates=["date_month"],
    )
    for row in expected.itertuples():
        ours = paying(subscriptions, pd.Timestamp(str(row.date_month)))
        assert (ours.sum(), len(ours)) == (row.total_mrr, row.active)


def test_customers_of_2017_are_there(playbook: Dataset) -> None:
    accounts = run(playbook.as_of()["accounts"])
    assert len(accounts) == 55
    only_2017 = run(playbook.tables["subscriptions"]).groupby("account_id")["ended_on"].max()
    assert (only_2017 <= pd.Timestamp(2018, 1, 1)).sum() == 3


def test_an_end_is_not_known_before_it_comes(playbook: Dataset) -> None:
    early = run(playbook.as_of("2019-11-30")["subscriptions"])
    open_ended = early[early["ended_on"] == pd.Timestamp(2999, 12, 31)]
    late = run(playbook.tables["subscriptions"])
    assert len(open_ended) == len(
        late[(late["started_on"] <= "2019-11-30") & (late["ended_on"] > "2019-11-30")]
    )
    assert not playbook.problems
