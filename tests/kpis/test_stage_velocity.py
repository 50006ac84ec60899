"""Stage velocity: deals in flight, the floor, work and waiting, Little's law, the forecast."""

from __future__ import annotations

from datetime import date, timedelta
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kpi_lib.customers.growth.business_days import business_index
from kpi_lib.customers.growth.states import STATES
from kpi_lib.customers.subscribed import dates
from kpi_lib.data import open_dataset
from kpi_lib.engine import run
from kpi_lib.example import small_company
from kpi_lib.kpis.stage_velocity import KPI, Params
from kpi_lib.measure import behind, measure, part
from kpi_lib.schema import Tables
from kpi_lib.stats.flow import audit, throughput, wait_quantile
from kpi_lib.stats.risk import risk_table
from tests.company import company
from tests.kpis.test_stage_conversion import START, WON, firm, way

SAMPLE = Path(__file__).parents[2] / "data" / "sample" / "saas"


def test_littles_law_as_published() -> None:
    """reference/published-results.md: 3 items and 8 days make .375 a day."""
    assert throughput(3, 8) == pytest.approx(0.375, abs=0.0005)


def test_the_upper_quantile_of_freireich() -> None:
    """The 6-MP arm: S falls to .627451 at 16 weeks and to .537815 at 22, and its median is 23."""
    weeks = [6, 6, 6, 6, 7, 9, 10, 10, 11, 13, 16, 17, 19, 20, 22, 23, 25, 32, 32, 34, 35]
    censored = {3, 5, 7, 8, 11, 12, 13, 16, 17, 18, 19, 20}
    seen = [0 if place in censored else 1 for place in range(len(weeks))]
    risk = risk_table(weeks, seen)
    assert wait_quantile(risk, 0.5, 0.95).value == 23
    assert wait_quantile(risk, 0.5, 0.95).low == 13
    assert wait_quantile(risk, 0.5, 0.95).high is None
    assert wait_quantile(risk, 0.4, 0.95).value == 22
    assert wait_quantile(risk, 0.9, 0.95).value is None


spans = st.lists(st.tuples(st.integers(0, 400), st.integers(0, 200), st.booleans()), max_size=30)


@given(spans, st.integers(0, 300), st.integers(1, 120))
def test_the_gap_of_littles_law_is_explained_to_the_day(
    ways: list[tuple[int, int, bool]], since: int, width: int
) -> None:
    """Mean work in progress by counting day by day; the gap is still in less before."""
    started = np.array([a for a, _, _ in ways], dtype=float)
    ended = np.array([a + n if done else np.inf for a, n, done in ways])
    found = audit(started, ended, since, since + width)
    counted = [((started <= d) & (ended > d)).sum() for d in range(since, since + width)]
    assert found.progress == pytest.approx(np.mean(counted))
    assert found.gap == pytest.approx(found.still_in - found.before, abs=1e-9)


def test_a_steady_flow_has_no_gap() -> None:
    started = np.arange(0.0, 1000.0, 4.0)
    found = audit(started, started + 8, 200, 600)
    assert found.gap == pytest.approx(0, abs=1e-12)
    assert throughput(found.progress, found.cycle) == pytest.approx(0.25)


@given(
    st.dates(date(1999, 1, 1), date(2035, 12, 31)), st.dates(date(1999, 1, 1), date(2035, 12, 31))
)
@settings(max_examples=15, deadline=None)
def test_business_days_are_those_of_numpy(one: date, other: date) -> None:
    holidays = (date(2026, 1, 1), date(2026, 1, 3), date(2020, 5, 1))
    days = dates({"one": [one], "other": [other]})
    index = [business_index(days[name], holidays) for name in ("one", "other")]
    found = run(days.select(days=index[1] - index[0]))["days"].iloc[0]
    since, until = (np.datetime64(day) for day in (one, other))
    off = [np.datetime64(day) for day in holidays]
    if since <= until:
        assert found == np.busday_count(since, until, holidays=off)
    else:
        assert found == -np.busday_count(until, since, holidays=off)


def found(tables: Tables, **params: Any) -> dict[str, tuple[float, int]]:
    rows = run(KPI.observe(tables, Params(**params)))
    return {r["unit_id"]: (r["value"], r["outcome"]) for r in rows.to_dict("records")}


def test_deals_in_flight_are_censored_and_not_left_out() -> None:
    """Two won after 100 days, six on the way for 446: the mean of the won says 100 days."""
    ways = [way(f"w{n}", *WON) for n in range(2)] + [way(f"o{n}", WON[0]) for n in range(6)]
    tables = firm(*ways)
    assert found(tables, periods=5)["o0"] == (446, 0)
    table: Any = part(KPI, tables, Params(periods=5), "told").iloc[0]
    assert table["naive_mean_days"] == 100
    assert pd.isna(table["median_days"])
    steps: Any = part(KPI, tables, Params(periods=5), "steps").set_index("step")
    row = steps.loc["opportunity to committed"]
    assert row["mean_of_passed"] == 60
    assert row["reason"] == "median not reached yet"
    assert row[["entered", "passed", "gone", "in_it"]].tolist() == [8, 2, 0, 6]


def test_time_between_states() -> None:
    rows = way("a", ("engaged", 0), gone=10) + way("a", ("qualified", 40), gone=50)
    steps: Any = part(KPI, firm(rows), Params(periods=5), "steps").set_index("step")
    assert steps.loc["engaged to qualified", "days_between"] == 30
    assert steps.loc["engaged to qualified", "median_days"] == 40


def test_work_and_waiting_on_the_business_calendar() -> None:
    """From Monday 6 to Monday 27 April 2026 are 15 business days, 14 without the 20th.

    Touched on Wednesday 8 (covers 3 days: 8, 9, 10), on Thursday 9 (9, 10, 13) and on Saturday 25, which
    counts for Monday 27 and so no more in this state: 8, 9, 10 and 13 are worked.
    """
    monday = date(2026, 4, 6)
    states = [
        {"account_id": "a", "state": "engaged", "entered_at": monday, "left_at": date(2026, 4, 27)},
        {"account_id": "a", "state": "qualified", "entered_at": date(2026, 4, 27)},
    ]
    touches = [
        {"interaction_id": str(n), "account_id": "a", "at": date(2026, 4, n), "lever": "team"}
        for n in (1, 8, 9, 25)
    ]
    tables = small_company(date(2026, 6, 30), states=states, interactions=touches)
    params = Params(touch_covers_days=3, holidays=(date(2026, 4, 20),))
    row = part(KPI, tables, params, "work").iloc[0]
    assert row[["business_days", "working_days", "waiting_days"]].tolist() == [14, 4, 10]
    assert row["waiting_share"] == pytest.approx(10 / 14)
    assert row["touches"] == 3


def test_working_and_waiting_add_up() -> None:
    table = part(KPI, company(), Params(), "work")
    total = table["working_days"] + table["waiting_days"]
    assert len(table) > 5
    assert total.to_numpy() == pytest.approx(table["business_days"].to_numpy())
    assert (table["waiting_share"].between(0, 1)).all()


def test_the_floor_leaves_forced_passages_out() -> None:
    """Ten cycles of 100 to 154 days; an eleventh of 20 days closes on the last day of a quarter."""
    ways = [way(f"w{n}", ("opportunity", 0), ("won", 100 + 6 * n)) for n in range(10)]
    end = (date(2025, 6, 30) - START).days
    ways.append(way("forced", ("opportunity", end - 20), ("won", end)))
    tables = firm(*ways)
    table: Any = part(KPI, tables, Params(push_days=0), "floor").set_index("is_ideal")
    assert table.loc["all journeys", "floor_days"] == 100
    assert table.loc["all journeys", "forced"] == 0
    strict = Params(push_days=7, floor_quantile=0.09, target_days=90)
    table = part(KPI, tables, strict, "floor").set_index("is_ideal")
    assert table.loc["all journeys", "forced"] == 1
    assert table.loc["all journeys", "floor_days"] == 100
    assert table.loc["all journeys", "reading"] == "the target lies below the floor"
    loose = Params(push_days=0, floor_quantile=0.09)
    assert part(KPI, tables, loose, "floor")["floor_days"].iloc[0] == 20


def test_sales_velocity_is_what_was_won_where_nothing_piles_up() -> None:
    """A deal of 1,000 begins every 4 days and is won after 8: 250 a day."""
    first = date(2024, 1, 1)
    states = []
    for n in range(200):
        begun = first + timedelta(days=4 * n)
        won = begun + timedelta(days=8)
        deal = {"account_id": f"a{n}", "amount": 1000.0}
        states.append(deal | {"state": "opportunity", "entered_at": begun, "left_at": won})
        states.append(deal | {"state": "won", "entered_at": won})
    tables = small_company(date(2025, 12, 31), states=states)
    params = Params(periods=4)
    table = part(KPI, tables, params, "sales_velocity")
    assert table["won_per_day"].to_numpy() == pytest.approx([250] * 4, rel=0.03)
    assert table["velocity_per_day"].to_numpy() == pytest.approx([250] * 4, rel=0.03)
    little = part(KPI, tables, params, "little")
    ratio = table["velocity_per_day"] / table["won_per_day"]
    expected = little["in_progress"] / little["expected"]
    assert ratio.to_numpy() == pytest.approx(expected.to_numpy())
    assert set(little["reading"]) == {"in balance"}


def test_the_forecast_of_a_steady_flow_is_the_flow() -> None:
    """Every 2 days a deal begins; half are won after 100 days, half lost after 50: 22 to 23 a quarter."""
    first = date(2023, 1, 1)
    states: list[dict[str, Any]] = []
    for n in range(546):
        begun = first + timedelta(days=2 * n)
        wins = n % 2 == 0
        left = begun + timedelta(days=100 if wins else 50)
        ended = left <= date(2025, 12, 31)
        row = {"account_id": f"a{n}", "state": "opportunity", "entered_at": begun}
        states.append(row | {"left_at": left if ended else None})
        if wins and ended:
            states.append({"account_id": f"a{n}", "state": "won", "entered_at": left})
    tables = small_company(date(2025, 12, 31), states=states)
    table = part(KPI, tables, Params(), "forecast")
    assert table["quarter"].tolist() == ["2026Q1", "2026Q2", "2026Q3", "2026Q4"]
    assert table["expected"].to_numpy() == pytest.approx([22.5, 22.75, 23, 23], abs=1.5)
    assert (table["on_the_way"] + table["still_to_come"]).to_numpy() == pytest.approx(
        table["expected"].to_numpy()
    )
    assert table["on_the_way"].iloc[0] > 15 > 1 > table["on_the_way"].iloc[2]
    covered: Any = part(KPI, tables, Params(), "coverage").set_index("quarters_ahead")
    assert covered.loc["all", "covered"] == 1


def test_without_arrivals_there_is_no_forecast() -> None:
    tables = firm(way("a", ("opportunity", 0)))
    for name in ("forecast", "back_test", "coverage"):
        assert part(KPI, tables, Params(), name).empty, name


def test_the_stuck_come_first_with_their_value() -> None:
    ways = [
        way("long", ("opportunity", 0), amount=5.0),
        way("moved", ("opportunity", 0), ("committed", 400), amount=7.0),
        way("won", *WON),
    ]
    accounts = [{"account_id": "long", "name": "Long", "signed_on": START, "owner": "Kim"}]
    table = behind(KPI, firm(*ways, accounts=accounts), Params())
    assert table["name"].tolist() == ["Long", "moved"]
    assert table["owner"].iloc[0] == "Kim"
    assert table["days_in_state"].tolist() == [446, 46]
    assert table["amount"].tolist() == [5, 7]


@cache
def sample() -> Tables:
    return open_dataset(SAMPLE).as_of()


@cache
def days_of_file() -> Any:
    """Company x state: the day each was entered."""
    rows = pd.read_csv(SAMPLE / "states.csv", parse_dates=["entered_at"])
    days: Any = rows.pivot(index="account_id", columns="state", values="entered_at")
    return days.apply(lambda column: column.dt.normalize())[list(STATES)]


def test_the_mean_of_who_passed_by_pandas() -> None:
    steps: Any = part(KPI, sample(), Params(periods=40), "steps").set_index("step")
    days = days_of_file()
    for state, following in pairwise(STATES[:8]):
        wanted = (days[following] - days[state]).dt.days.mean()
        assert steps.loc[f"{state} to {following}", "mean_of_passed"] == pytest.approx(wanted), (
            state
        )


def test_planted_opportunities_take_35_days_at_least() -> None:
    """The generator gives no winner and no loser less than 35 days as an opportunity."""
    curves: Any = part(KPI, sample(), Params(periods=40), "curves")
    first = curves[curves["step"] == "opportunity to committed"]
    assert first.loc[first["waiting_share"] < 1, "day"].min() >= 35


def test_planted_commitments_take_10_to_60_days() -> None:
    """data card and generator: winners are committed for 10 to 60 days; the floor lies inside."""
    params = Params(from_state="committed", to_state="won", target_days=30)
    table: Any = part(KPI, sample(), params, "floor").set_index("is_ideal")
    row = table.loc["all journeys"]
    assert 10 <= row["low"] <= row["floor_days"] <= row["median_days"] <= 60


def test_planted_access_takes_15_days_of_the_way_to_live() -> None:
    """Customers of 2025Q4 go live when IT has given access, which alone takes 15 days on average."""
    days = days_of_file()
    quarter = days[days["won"].between("2025-10-01", "2025-12-31")]
    params = Params(from_state="won", to_state="live", statistic="mean", horizon_days=90)
    measured: Any = measure(KPI, sample(), params).trend.set_index("label")
    assert measured.loc["2025Q4", "n"] == 12
    wanted = (quarter["live"] - quarter["won"]).dt.days.mean()
    assert measured.loc["2025Q4", "value"] == pytest.approx(wanted)
    assert wanted >= 15


def test_lifelines_gives_the_same_median() -> None:
    lifelines = pytest.importorskip("lifelines")
    rows = run(KPI.observe(sample(), Params(periods=24)))
    fitter = lifelines.KaplanMeierFitter().fit(rows["value"], rows["outcome"] == 1)
    table: Any = part(KPI, sample(), Params(periods=24), "floor")
    assert len(table)
    estimator = KPI.estimator(Params())
    reduced = run(estimator.reduce(KPI.observe(sample(), Params(periods=24)), []))
    ours = estimator.estimate(reduced, [], 0.9).iloc[0]
    assert ours["value"] == fitter.median_survival_time_


def test_the_forecast_is_back_tested_with_its_coverage() -> None:
    """On the sample the limits of the coverage, which knows of twelve quarters only, hold what is promised."""
    tests = part(KPI, sample(), Params(), "back_test")
    inside = tests["actual"].between(tests["low"], tests["high"])
    assert (inside == (tests["inside"] == "yes")).all()
    signed: Any = days_of_file()["won"].dt.to_period("Q").astype(str).value_counts()
    assert tests["actual"].tolist() == [signed.get(quarter, 0) for quarter in tests["quarter"]]
    covered: Any = part(KPI, sample(), Params(), "coverage").set_index("quarters_ahead")
    assert covered.loc["all", "inside"] == inside.sum()
    assert covered.loc["all", "forecasts"] == len(tests) == 42
    assert covered.loc["all", "quarters"] == tests["quarter"].nunique() == 12
    assert covered.loc["all", "low"] <= 0.9 <= covered.loc["all", "high"]
    assert 0.8 <= covered.loc["all", "covered"] < 1
    assert abs(covered.loc["all", "bias"]) < 2


def test_a_forecast_uses_only_what_was_known() -> None:
    """The back-test's forecast of a past day is the forecast made with the tables of that day."""
    day = date(2025, 6, 30)
    then = part(KPI, open_dataset(SAMPLE).as_of(day), Params(), "forecast")
    now: Any = part(KPI, sample(), Params(), "back_test")
    now = now[pd.to_datetime(now["made_on"]) == pd.Timestamp(day)]
    assert then["expected"].tolist() == pytest.approx(now["expected"].tolist())
    assert then["low"].tolist() == now["low"].tolist()
