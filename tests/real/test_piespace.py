"""PieSpace: files that do not fit together are caught, and refused before anything is computed."""

from __future__ import annotations

import pandas as pd
import pytest

from kpi_lib.data import DataError, Dataset, open_dataset
from kpi_lib.engine import run
from tests.real.published import HERE, needs_real_data

pytestmark = needs_real_data


@pytest.fixture(scope="module")
def piespace() -> Dataset:
    return open_dataset(HERE / "metabase_piespace", require_clean=False)


def test_is_refused_with_one_line_per_problem() -> None:
    with pytest.raises(DataError) as refused:
        open_dataset(HERE / "metabase_piespace")
    lines = str(refused.value).splitlines()
    assert all(line.startswith("error: ") for line in lines)
    (usage,) = [line for line in lines if line.startswith("error: usage.at")]
    assert "lies before the account exists" in usage
    assert any("lies in the future" in line for line in lines)


def test_counts(piespace: Dataset) -> None:
    assert len(run(piespace.tables["accounts"])) == 2495
    leads = run(piespace.tables["leads"])
    assert leads["won_on"].notna().sum() == 1063
    assert leads["won_on"].notna().mean() == pytest.approx(0.426, abs=5e-4)
    subscriptions = run(piespace.tables["subscriptions"])
    assert (subscriptions["ended_on"] == pd.Timestamp(2999, 12, 31)).sum() == 464


def test_share_of_accounts_used_before_they_exist(piespace: Dataset) -> None:
    first = run(piespace.tables["usage"]).groupby("account_id")["at"].min()
    signed = run(piespace.tables["accounts"]).set_index("account_id")["signed_on"]
    joined = first.to_frame().join(signed)
    early = joined["at"].dt.normalize() < joined["signed_on"]
    assert len(joined) == 1528
    assert early.mean() == pytest.approx(0.73, abs=0.005)


def test_american_dates_of_two_digits_are_recognised(piespace: Dataset) -> None:
    (guess,) = [g for g in piespace.guesses if g.column == "ordered_at"]
    assert guess.value == "%m/%d/%y"
    assert guess.sure
    orders = run(piespace.tables["orders"])
    assert len(orders) == 13856
    assert orders["ordered_at"].min() == pd.Timestamp(2020, 9, 30)
    assert orders["ordered_at"].max().year == 2031
    assert orders["ordered_at"].notna().all()
