"""Identities of the KPIs on the sample companies."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
import pytest

from kpi_lib.customers.use.stages import days_by_stage
from kpi_lib.customers.use.waits import REACHED, waits
from kpi_lib.data import open_dataset
from kpi_lib.engine import run
from kpi_lib.kpis import gross_revenue, recurring_revenue, time_to_value
from kpi_lib.measure import measure, part
from kpi_lib.schema import Tables

SAMPLE = Path(__file__).parents[2] / "data" / "sample"


@cache
def sample(name: str) -> Tables:
    return open_dataset(SAMPLE / name).as_of()


def test_stage_days_add_up_to_the_wait_of_every_account() -> None:
    tables = sample("saas")
    rows = waits(tables, time_to_value.Params())
    reached = run(rows.filter(rows["outcome"] == REACHED)).set_index("account_id")["days"]
    spent = run(days_by_stage(tables, rows)).groupby("account_id")["days"].sum()
    assert len(reached) > 100
    np.testing.assert_allclose(spent.reindex(reached.index).fillna(0.0), reached, rtol=1e-9)


@pytest.mark.parametrize("period", ["month", "quarter"])
def test_the_ledger_adds_up_and_runs_on(period: str) -> None:
    params = recurring_revenue.Params.model_validate({"period": period, "periods": 24})
    found = part(recurring_revenue.KPI, sample("saas"), params, "ledger")
    came = found["new"] + found["expansion"] + found["reactivation"]
    went = found["contraction"] + found["churn"]
    np.testing.assert_allclose(found["opening"] + came - went, found["closing"], atol=1e-6)
    np.testing.assert_allclose(found["closing"].iloc[:-1], found["opening"].iloc[1:], atol=1e-6)
    assert found["closing"].iloc[-1] > 0


@pytest.mark.parametrize("name", ["saas", "wholesale"])
def test_revenue_by_source_adds_up(name: str) -> None:
    tables, params = sample(name), gross_revenue.Params()
    trend = measure(gross_revenue.KPI, tables, params).trend
    sources = part(gross_revenue.KPI, tables, params, "by_source")
    sums = sources.groupby("period")["amount"].sum()
    np.testing.assert_allclose(sums.to_numpy(), trend["value"].dropna().to_numpy(), rtol=1e-9)
    assert trend["value"].iloc[-1] > 0
