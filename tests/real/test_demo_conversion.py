"""Demo conversion on PieSpace: 2,495 trials, of which 1,063 were paid for.

The folder is refused as a whole, since its events and invoices do not fit its accounts. Trials stand in
one file and need neither, so they are measured here without that refusal, and with all of its future
counted as past.
"""

from __future__ import annotations

from datetime import date
from typing import Any

import pandas as pd
import pytest

from kpi_lib.data import open_dataset
from kpi_lib.kpis.demo_conversion import KPI, Params
from kpi_lib.measure import measure, part
from kpi_lib.schema import Tables
from tests.real.published import HERE, needs_real_data, real_file

pytestmark = needs_real_data

ALL_KNOWN = date(2033, 6, 30)
WHOLE = Params(period="quarter", periods=60, page_prefix="")


@pytest.fixture(scope="module")
def piespace() -> Tables:
    return open_dataset(HERE / "metabase_piespace", require_clean=False).as_of(ALL_KNOWN)


@pytest.fixture(scope="module")
def trials() -> pd.DataFrame:
    """The trials as pandas alone reads them, with days to paid (missing where not paid for)."""
    moments = ["Created At", "Trial Ends At", "Canceled At"]
    rows = pd.read_csv(real_file("metabase_piespace/accounts.csv"), parse_dates=moments)
    paid_on = rows["Trial Ends At"].fillna(rows["Created At"]).where(rows["Trial Converted"])
    days = (paid_on.dt.normalize() - rows["Created At"].dt.normalize()).dt.days
    return rows.assign(days=days)


def test_1063_of_2495_trials_are_paid_for(piespace: Tables) -> None:
    """Expected: 2,495 accounts, 1,063 trials converted (42.6 %)."""
    table: Any = part(KPI, piespace, WHOLE, "durations").set_index("status")
    assert table["demos"].to_dict() == {"paid": 1063, "lost": 2495 - 1063}
    row = part(KPI, piespace, WHOLE, "left_out").iloc[0]
    assert row.to_dict() == {"leads": 2495, "without_demo": 0, "closed_before": 0, "demos": 2495}
    both = part(KPI, piespace, WHOLE, "both")
    share = (both["of_started"] * both["started"]).sum() / both["started"].sum()
    assert share == pytest.approx(0.426, abs=5e-4)
    assert (both["of_ended"] * both["ended"]).sum() == pytest.approx(1063)


@pytest.mark.parametrize(("part_name", "column"), [("by_plan", "Plan"), ("by_source", "Source")])
def test_by_plan_and_source(
    piespace: Tables, trials: pd.DataFrame, part_name: str, column: str
) -> None:
    groups = trials[column].fillna("unknown")
    wanted: Any = trials["Trial Converted"].groupby(groups).agg(["sum", "count", "mean"])
    found: Any = part(KPI, piespace, WHOLE, part_name).set_index(part_name.removeprefix("by_"))
    assert found["bought"].to_dict() == wanted["sum"].to_dict()
    assert found["demos"].to_dict() == wanted["count"].to_dict()
    for name, row in found.iterrows():
        # nobody is censored, and everybody who pays does so within a year
        assert row["conversion"] == pytest.approx(wanted.loc[name, "mean"], abs=1e-12), name
        assert row["low"] < row["conversion"] < row["high"]


def test_time_from_trial_to_paid(piespace: Tables, trials: pd.DataFrame) -> None:
    table: Any = part(KPI, piespace, WHOLE, "durations").set_index("status")
    row, days = table.loc["paid"], trials["days"].dropna()
    assert row["mean_days"] == pytest.approx(days.mean())
    assert row["median_days"] == days.median() == 15
    assert (row["shortest_days"], row["longest_days"]) == (days.min(), days.max())


def test_within_20_days_by_quarter(piespace: Tables, trials: pd.DataFrame) -> None:
    params = WHOLE.model_copy(update={"horizon_days": 20})
    wanted: Any = (
        (trials["days"] <= 20).groupby(trials["Created At"].dt.to_period("Q").astype(str)).mean()
    )
    trend: Any = measure(KPI, piespace, params).trend
    ours: Any = trend[trend["n"] > 0].set_index("label")["value"]
    assert ours.to_dict() == pytest.approx(wanted.to_dict(), abs=1e-12)


def test_a_trial_that_runs_is_not_lost(piespace: Tables, trials: pd.DataFrame) -> None:
    """As of the end of 2023, summed up by hand: open share of the day before x paid for / at risk."""
    day, horizon = pd.Timestamp("2023-12-31"), 15
    tables = open_dataset(HERE / "metabase_piespace", require_clean=False).as_of(day.date())
    known = trials[trials["Created At"].dt.normalize() <= day]
    created = known["Created At"].dt.normalize()
    gone = (known["Canceled At"].dt.normalize() - created).dt.days.where(~known["Trial Converted"])
    ends = known["days"].fillna(gone)
    seen = (day - created).dt.days
    causes = known["Trial Converted"].map({True: 1, False: 2}).where(ends <= seen, 0)
    causes = causes.where(ends <= horizon, 0)
    spans = ends.where(ends <= seen, seen)
    wanted, still_open = 0.0, 1.0
    for span in range(horizon + 1):
        at_risk, today = (spans >= span).sum(), spans == span
        bought, lost = ((today & (causes == cause)).sum() for cause in (1, 2))
        wanted += still_open * bought / at_risk
        still_open *= 1 - (bought + lost) / at_risk
    params = WHOLE.model_copy(update={"horizon_days": horizon})
    method = KPI.estimator(params)
    pooled = method.estimate(
        method.reduce(KPI.observe(tables, params), []).execute(), [], 0.9
    ).iloc[0]
    assert pooled["n"] == len(known)
    assert pooled["value"] == pytest.approx(wanted, abs=1e-12)
    # who counts the trials that still run as lost finds less
    assert pooled["value"] > (causes == 1).mean()


def test_feedback_of_those_who_did_not_buy(piespace: Tables, trials: pd.DataFrame) -> None:
    """Each of the comments of trials not paid for is quoted, without saying whose it is."""
    said = pd.read_csv(real_file("metabase_piespace/feedback.csv"))
    owners = trials.reset_index().assign(number=lambda rows: rows["index"] + 1)
    joined = said.merge(owners, left_on="Account ID", right_on="number")
    lost = joined[~joined["Trial Converted"]]
    quotes = part(KPI, piespace, WHOLE, "quotes")
    row = part(KPI, piespace, WHOLE, "feedback").iloc[0]
    assert row["with_comment"] == quotes["said_by"].sum() == lost["Account ID"].nunique() == 370
    assert quotes["mean_score"].iloc[0] == pytest.approx(2 * lost["Rating"].mean())
    assert row["with_reason"] == 0
    assert list(quotes.columns) == ["lost_reason", "comment", "said_by", "mean_score"]
