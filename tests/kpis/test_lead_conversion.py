"""Lead conversion: what a lead becomes, young cohorts, the shares beside it, the planted truth."""

from __future__ import annotations

import math
from datetime import date, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from kpi_lib.data import open_dataset
from kpi_lib.engine import run
from kpi_lib.example import small_company
from kpi_lib.kpis.lead_conversion import KPI, Params
from kpi_lib.measure import behind, by_segment, measure, part
from kpi_lib.schema import Tables
from tests.company import company

SAMPLE = Path(__file__).parents[2] / "data" / "sample" / "saas"
AS_OF = date(2026, 6, 30)
Row = dict[str, Any]
EIGHTEEN_MONTHS = 548


def lead(
    name: str, created: date, won: int | None = None, lost: int | None = None, **more: Any
) -> Row:
    """A lead with the days until it is won or lost."""
    days = {"won_on": won, "lost_on": lost}
    dates = {k: created + timedelta(days=d) for k, d in days.items() if d is not None}
    return {"lead_id": name, "created_on": created, "source": "web"} | dates | more


def firm(*leads: Row, as_of: date = AS_OF, **more: list[Row]) -> Tables:
    return small_company(as_of, leads=list(leads), **more)


def found(tables: Tables, **params: Any) -> dict[str, tuple[float, int]]:
    """Days and outcome of each lead."""
    rows = run(KPI.observe(tables, Params(**params)))
    return {r["unit_id"]: (r["value"], r["outcome"]) for r in rows.to_dict("records")}


START = date(2025, 10, 10)


def test_what_becomes_of_a_lead() -> None:
    tables = firm(
        lead("won", START, won=30),
        lead("lost", START, lost=40),
        lead("open", START),
        lead("won first", START, won=30, lost=40),
        lead("lost first", START, won=40, lost=30),
        lead("both on a day", START, won=30, lost=30),
        lead("won before it came", START, won=-2),
    )
    assert found(tables) == {
        "won": (30, 1),
        "lost": (40, 2),
        "open": (263, 0),
        "won first": (30, 1),
        "lost first": (30, 2),
        "both on a day": (30, 1),
        "won before it came": (-2, 1),
    }


def test_a_lead_of_tomorrow_is_not_there() -> None:
    assert found(firm(lead("late", AS_OF + timedelta(days=1)))) == {}


def test_a_young_cohort_is_open_and_has_no_figure() -> None:
    """Four leads of May, two lost at once: they are no cohort that converts at 0 %."""
    old = [lead(f"o{i}", START, won=20 if i == 0 else None) for i in range(4)]
    young = [lead(f"y{i}", date(2026, 5, 5), lost=5 if i < 2 else None) for i in range(4)]
    measured = measure(KPI, firm(*old, *young), Params(periods=9))
    trend: Any = measured.trend.set_index("label")
    assert math.isnan(trend.loc["2026-05", "value"])
    assert trend.loc["2026-05", "is_open"]
    assert measured.headline.label == "2025-10"
    assert measured.headline.value == 0.25


def test_lost_leads_kept_open_do_not_help() -> None:
    """A cohort past its horizon has the same share whether its losses are written down or not."""
    closed = [
        lead(f"l{i}", START, won=20 if i < 2 else None, lost=30 if i > 4 else None)
        for i in range(9)
    ]
    kept = [row | {"lost_on": None} for row in closed]
    one, two = (measure(KPI, firm(*rows), Params(periods=9)).headline for rows in (closed, kept))
    assert one.value == two.value == pytest.approx(2 / 9)


def test_the_snapshot_falls_when_more_leads_come_and_the_cohort_does_not() -> None:
    """10 leads a month of which 2 are won after 65 days; from March on 20 leads, of which 4 are won."""
    rows = []
    for month in range(1, 10):
        count = 10 if month < 3 else 20
        created = date(2025, month, 1)
        rows += [
            lead(
                f"{month}-{i}",
                created,
                won=65 if i < count // 5 else None,
                lost=90 if i >= count // 5 else None,
            )
            for i in range(count)
        ]
    tables = firm(*rows, as_of=date(2026, 6, 30))
    table: Any = part(KPI, tables, Params(periods=18), "beside").set_index("period")
    ours = table.loc["2025-01-01":"2025-09-01", "conversion"]
    assert ours.tolist() == pytest.approx([0.2] * 9)
    # January's and February's deals are won in March and April, over 20 leads instead of 10
    assert table.loc["2025-03-01", "snapshot"] == pytest.approx(2 / 20)
    assert table.loc["2025-04-01", "snapshot"] == pytest.approx(2 / 20)
    # and later, when as many leads come as before, it is right again
    assert table.loc["2025-06-01", "snapshot"] == pytest.approx(4 / 20)


def test_the_win_rate_of_closed_deals_leaves_out_who_is_open() -> None:
    rows = [lead("w", START, won=15), lead("l", START, lost=15), lead("a", START), lead("b", START)]
    table: Any = part(KPI, firm(*rows), Params(periods=9), "misread").iloc[0]
    assert table["won_of_closed"] == 0.5
    assert table["conversion"] == 0.25
    assert table["as_if_nobody_left"] >= table["conversion"]


def test_a_segment_is_the_leads_own_or_that_of_its_account() -> None:
    rows = [
        lead("one", START, won=20, account_id="a", segment="small", is_ideal=True),
        lead("two", START, campaign="fair"),
    ]
    accounts = [{"account_id": "a", "name": "Ann", "signed_on": START, "country": "FR"}]
    tables = firm(*rows, accounts=accounts)

    def segments(name: str) -> dict[str, str]:
        frame = run(KPI.observe(tables, Params(segment=name, periods=9)))
        return dict(zip(frame["unit_id"], frame["segment"], strict=True))

    assert segments("segment") == {"one": "small", "two": "not stated"}
    assert segments("is_ideal") == {"one": "ideal", "two": "not stated"}
    assert segments("campaign") == {"one": "not stated", "two": "fair"}
    assert segments("source") == {"one": "web", "two": "web"}
    assert segments("country") == {"one": "FR", "two": "not stated"}


def test_leads_of_one_account_are_one_cluster() -> None:
    rows = [
        lead(f"l{i}", START, won=20 if i < 4 else None, account_id=f"a{i // 2}") for i in range(12)
    ]
    alone = [row | {"account_id": None} for row in rows]
    together, apart = (measure(KPI, firm(*r), Params(periods=9)).headline for r in (rows, alone))
    assert together.value == apart.value == pytest.approx(1 / 3)
    assert together.standard_error is not None
    assert apart.standard_error is not None
    assert together.standard_error == pytest.approx(apart.standard_error * math.sqrt(2))


def test_splits_hold_every_lead_once() -> None:
    tables, params = company(), Params(periods=24)
    whole = part(KPI, tables, params, "beside")["leads"].sum()
    for name in ("source", "campaign", "segment", "is_ideal"):
        assert part(KPI, tables, params, f"by_{name}")["leads"].sum() == whole, name
    assert len(behind(KPI, tables, params)) == whole


def test_the_curves_add_up_to_one() -> None:
    frame = part(KPI, company(), Params(periods=24), "curves")
    total = frame[["won_share", "lost_share", "open_share"]].sum(axis=1)
    assert total.to_numpy() == pytest.approx([1.0] * len(frame))


def rules(tables: Tables, **params: Any) -> dict[str, bool | None]:
    checked = {rule.name: rule.check(tables, Params(**params)) for rule in KPI.fit_rules}
    return {name: None if outcome is None else outcome.fires for name, outcome in checked.items()}


def test_when_it_does_not_fit() -> None:
    accounts = [{"account_id": name, "name": name, "signed_on": START} for name in "abc"]
    rows = [lead("slow", date(2025, 1, 1), won=300, account_id="a"), lead("open", START)]
    assert rules(firm(*rows, accounts=accounts)) == {
        "accounts without leads": True,
        "horizon too short": True,
        "losses not recorded": True,
    }
    rows += [lead("b", START, won=10, account_id="b"), lead("c", START, lost=10)]
    assert rules(firm(*rows, accounts=accounts), horizon_days=400) == {
        "accounts without leads": False,
        "horizon too short": False,
        "losses not recorded": False,
    }


@cache
def sample() -> Tables:
    return open_dataset(SAMPLE).as_of()


WHOLE = Params(horizon_days=EIGHTEEN_MONTHS, period="quarter", periods=36, segment="segment")


def test_planted_enterprise_leads_are_won_at_16_and_mid_market_leads_at_8_percent() -> None:
    """Data card: in every year; the interval of each segment holds the planted share."""
    table: Any = part(KPI, sample(), WHOLE, "by_segment").set_index("segment")
    for segment, planted in (("enterprise", 0.16), ("mid_market", 0.08)):
        row = table.loc[segment]
        assert row["low"] <= planted <= row["high"], segment
    assert table.loc["enterprise", "low"] > table.loc["mid_market", "high"]


def test_planted_the_whole_improves_by_mix_while_no_segment_does() -> None:
    """Data card: the share of enterprise leads rises, and that is all that raises the total."""
    table: Any = part(KPI, sample(), WHOLE, "mix").set_index("segment")
    assert table.loc["enterprise", "later_share"] > table.loc["enterprise", "earlier_share"] + 0.05
    whole = table.loc["all segments"]
    change = whole["later_rate"] - whole["earlier_rate"]
    assert whole["from_mix"] + whole["from_rate"] == pytest.approx(change, abs=1e-12)
    assert whole["from_mix"] > 0
    params = WHOLE.model_copy(update={"level": 0.95})
    cells: Any = by_segment(KPI, sample(), params).dropna(subset=["value"])
    planted = cells["segment"].map({"enterprise": 0.16, "mid_market": 0.08})
    inside = (cells["low"] <= planted) & (planted <= cells["high"])
    assert inside.mean() >= 0.9


def test_planted_won_leads_take_6_to_18_months() -> None:
    table: Any = part(KPI, sample(), WHOLE, "durations").set_index("status")
    assert table.loc["won", "shortest_days"] >= 180
    assert table.loc["won", "longest_days"] <= EIGHTEEN_MONTHS


def test_on_the_sample_half_a_year_is_too_short() -> None:
    assert rules(sample())["horizon too short"] is True
    measured = measure(KPI, sample(), Params(periods=24))
    assert measured.headline.value == 0
    assert measured.headline.high is not None
    assert measured.headline.high > 0


def test_against_the_shares_of_pandas() -> None:
    """Cohorts whose 18 months have passed for every lead need no method: won in time over all."""
    leads = pd.read_csv(SAMPLE / "leads.csv", parse_dates=["created_on", "won_on"])
    old = leads[leads["created_on"].between("2022-01-01", "2024-12-28")]
    in_time = (old["won_on"] - old["created_on"]).dt.days <= EIGHTEEN_MONTHS
    wanted: Any = in_time.groupby(old["created_on"].dt.to_period("Q").astype(str)).mean()
    trend: Any = measure(KPI, sample(), WHOLE).trend.set_index("label")["value"]
    for quarter, share in wanted.iloc[:-1].items():
        assert trend[quarter] == pytest.approx(share, abs=1e-12), quarter
