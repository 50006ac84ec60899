"""The MRR playbook: every expected month of movements, from our ledger."""

from __future__ import annotations

import pandas as pd
import pytest

from kpi_lib.data import open_dataset
from kpi_lib.engine import run
from kpi_lib.kpis.recurring_revenue import KPI, Params
from kpi_lib.measure import part
from tests.real.published import HERE, needs_real_data, real_file

pytestmark = needs_real_data

THEIRS = {
    "new": "new",
    "upgrade": "expansion",
    "reactivation": "reactivation",
    "downgrade": "contraction",
    "churn": "churn",
}
"""The playbook's word for a movement, and ours."""

COUNTS_FROM_2018 = {
    "new": (52, 2_195),
    "expansion": (30, 660),
    "reactivation": (3, 150),
    "contraction": (27, 555),
    "churn": (55, 2_450),
}
"""Movements and their sums on the playbook's calendar from 2018 (reference of the data set)."""

MONTHS = Params(periods=36)


@pytest.fixture(scope="module")
def ledger() -> pd.DataFrame:
    tables = open_dataset(HERE / "dbt_mrr_playbook").as_of()
    return part(KPI, tables, MONTHS, "ledger").set_index("period")


@pytest.fixture(scope="module")
def entries() -> pd.DataFrame:
    tables = open_dataset(HERE / "dbt_mrr_playbook").as_of()
    return run(KPI.observe(tables, MONTHS))


@pytest.mark.parametrize("calendar", ["spine2017", "spine2018"])
def test_every_expected_month(calendar: str, ledger: pd.DataFrame) -> None:
    name = f"dbt_mrr_playbook/expected_monthly_movements_{calendar}.csv"
    expected = pd.read_csv(real_file(name), parse_dates=["date_month"]).set_index("date_month")
    assert len(expected) > 20
    for theirs, ours in THEIRS.items():
        found = ledger[ours].reindex(expected.index)
        pd.testing.assert_series_equal(found, expected[theirs].abs(), check_names=False)
    closing = ledger["closing"].reindex(expected.index)
    pd.testing.assert_series_equal(closing, expected["total_mrr"], check_names=False)
    others = ledger[(ledger.index >= expected.index[0]) & ~ledger.index.isin(expected.index)]
    assert (others[list(THEIRS.values())] == 0).all(axis=None)


def test_every_expected_movement_of_every_customer(entries: pd.DataFrame) -> None:
    name = "dbt_mrr_playbook/expected_mrr_computed_spine2017.csv"
    expected = pd.read_csv(real_file(name), parse_dates=["date_month"], dtype={"customer_id": str})
    expected = expected[expected["change_category"].notna()]
    kinds, changes = expected["change_category"].map(THEIRS), expected["mrr_change"].abs()
    theirs = set(zip(expected["date_month"], expected["customer_id"], kinds, changes, strict=True))
    moved = entries[entries["kind"].isin(THEIRS.values())]
    ours = set(
        zip(moved["period"], moved["account_id"], moved["kind"], moved["value"], strict=True)
    )
    assert ours == theirs


def test_the_totals_of_the_playbook(entries: pd.DataFrame) -> None:
    """52 new on the calendar from 2018, and 55 with the three customers it drops."""
    since = entries[entries["period"] >= "2018-01-01"]
    found = since.groupby("kind")["value"].agg(["count", "sum"])
    assert {k: tuple(found.loc[k]) for k in COUNTS_FROM_2018} == COUNTS_FROM_2018
    full = entries.groupby("kind")["value"].count()
    assert (full["new"], full["churn"]) == (55, 58)


def test_the_ledger_adds_up(ledger: pd.DataFrame) -> None:
    came = ledger["new"] + ledger["expansion"] + ledger["reactivation"]
    went = ledger["contraction"] + ledger["churn"]
    pd.testing.assert_series_equal(
        ledger["opening"] + came - went, ledger["closing"], check_names=False
    )
