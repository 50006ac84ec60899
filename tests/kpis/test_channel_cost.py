"""Channel cost: what is divided by what, the lag, ranks and returns, what is left out, the sample."""

from __future__ import annotations

import math
from datetime import date, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from kpi_lib.data import open_dataset
from kpi_lib.engine import run
from kpi_lib.example import small_company
from kpi_lib.kpis.channel_cost import KPI, Params
from kpi_lib.measure import behind, measure, part
from kpi_lib.schema import Tables

SAMPLE = Path(__file__).parents[2] / "data" / "sample" / "saas"
AS_OF = date(2026, 6, 30)
Row = dict[str, Any]


def quarterly(**more: Any) -> Params:
    return Params.model_validate({"periods": 8, "horizon_days": 100} | more)


def lead(name: str, day: date, won: int | None = None, **more: Any) -> Row:
    row = {"lead_id": name, "created_on": day, "source": "fair"}
    return row | ({} if won is None else {"won_on": day + timedelta(days=won)}) | more


def spent(month: date, amount: float, channel: str | None = "fair", **more: Any) -> Row:
    row = {"month": month, "department": "marketing", "channel": channel, "amount": amount}
    return row | more


def firm(leads: list[Row], spend: list[Row], as_of: date = AS_OF, **more: list[Row]) -> Tables:
    return small_company(as_of, leads=leads, spend=spend, **more)


SPRING, SUMMER, AUTUMN = date(2025, 4, 1), date(2025, 7, 1), date(2025, 10, 1)
LAST = date(2026, 6, 1)


def value(tables: Tables, params: Params) -> dict[str, float]:
    trend: Any = measure(KPI, tables, params).trend.dropna(subset=["value"])
    return dict(zip(trend["label"], trend["value"], strict=True))


def test_what_counts_as_money_and_as_a_lead() -> None:
    leads = [lead(f"f{i}", SPRING) for i in range(3)]
    leads += [lead("a", SPRING, source="adverts"), lead("free", SPRING, source="friends")]
    spend = [
        spent(SPRING, 300),
        spent(SPRING, 500, "adverts"),
        spent(SPRING, 7_000, None),
        spent(SPRING, 7_000, purpose="retention"),
        spent(SPRING, 7_000, department="support"),
        spent(LAST, 0.0),
    ]
    tables = firm(leads, spend)
    assert value(tables, quarterly()) == {"2025Q2": 800 / 4}
    row: Any = part(KPI, tables, quarterly(), "left_out").set_index("period").iloc[0]
    assert (row["with_channel"], row["without_channel"]) == (800, 7_000)
    assert row["named_share"] == pytest.approx(800 / 7_800)
    assert (row["paid_leads"], row["free_leads"]) == (4, 1)


def test_a_campaign_that_brings_nobody_keeps_its_cost() -> None:
    spend = [spent(SPRING, 300, campaign="north"), spent(SPRING, 100, campaign="south")]
    tables = firm([lead("a", SPRING, campaign="north")], [*spend, spent(LAST, 0.0)])
    rows = run(KPI.observe(tables, quarterly(segment="campaign")))
    found = {r["segment"]: (r["value"], r["weight"]) for r in rows.to_dict("records")}
    assert found == {"north": (300, 1), "south": (100, 0)}
    assert value(tables, quarterly()) == {"2025Q2": 400}


def test_spend_that_is_not_known_is_no_spend_of_nothing() -> None:
    tables = firm([lead("a", SPRING), lead("b", AUTUMN)], [spent(SPRING, 90), spent(SUMMER, 10)])
    found: Any = measure(KPI, tables, quarterly()).trend.set_index("label")
    assert found.loc["2025Q2", "value"] == 90
    assert math.isnan(found.loc["2025Q4", "value"])
    full = firm([lead("a", SPRING), lead("b", AUTUMN)], [spent(SPRING, 90), spent(LAST, 10)])
    found = measure(KPI, full, quarterly()).trend.set_index("label")
    assert found.loc["2025Q2", "value"] == 90
    assert found.loc["2025Q4", "value"] == 0


def test_a_months_money_spread_over_three_months() -> None:
    """300 of March: 100 each for March, April and May, so 200 for the leads of spring."""
    leads = [lead(f"l{i}", SPRING) for i in range(4)]
    tables = firm(
        leads, [spent(date(2024, 1, 1), 0.0), spent(date(2025, 3, 1), 300), spent(LAST, 0)]
    )
    assert value(tables, quarterly(spend_months=3))["2025Q2"] == pytest.approx(50)
    assert value(tables, quarterly())["2025Q2"] == 0


def test_customers_are_set_against_the_money_of_their_own_leads() -> None:
    """400 in spring brings a customer that signs in summer; 100 in summer brings none in time."""
    leads = [lead("a", SPRING, won=95), lead("b", SPRING), lead("c", SUMMER, won=101)]
    tables = firm(leads, [spent(SPRING, 400), spent(SUMMER, 100), spent(LAST, 0)])
    assert value(tables, quarterly(per="customer")) == {"2025Q2": 400}
    table: Any = part(KPI, tables, quarterly(), "matched").set_index("period")
    assert table["matched"].tolist()[0] == 400
    assert math.isnan(table["unmatched"].iloc[0])
    assert table["unmatched"].iloc[1] == 100
    assert table["won_per_lead"].iloc[1] == 1


def test_a_cohort_that_is_young_has_no_cost_of_a_customer() -> None:
    young = date(2026, 4, 1)
    tables = firm([lead("a", young, won=3)], [spent(young, 50), spent(LAST, 0)])
    trend: Any = measure(KPI, tables, quarterly(per="customer")).trend.set_index("label")
    assert math.isnan(trend.loc["2026Q2", "value"])
    assert value(tables, quarterly())["2026Q2"] == 50


def many(count: int, source: str, won: int = 0) -> list[Row]:
    return [
        lead(
            f"{source}{i}",
            SPRING,
            10 if i < won else None,
            source=source,
            account_id=f"{source}{i}",
        )
        for i in range(count)
    ]


def test_channels_with_few_leads_get_no_rank() -> None:
    leads = many(40, "dear") + many(40, "cheap") + many(4, "tiny")
    spend = [spent(SPRING, 4_000, "dear"), spent(SPRING, 400, "cheap"), spent(SPRING, 4, "tiny")]
    tables = firm(leads, [*spend, spent(LAST, 0)])
    table: Any = part(KPI, tables, quarterly(), "by_channel").set_index("channel")
    assert list(table.index) == ["dear", "cheap", "tiny"]
    assert table["cost_per_lead"].to_dict() == {"dear": 100, "cheap": 10, "tiny": 1}
    assert table.loc[["dear", "cheap"], "rank"].tolist() == [2, 1]
    assert math.isnan(table.loc["tiny", "rank"])
    assert "fewer than 30 leads" in table.loc["tiny", "reason"]
    assert table.loc["cheap", "cheapest"] == 1
    assert (
        (table["low"] < table["cost_per_lead"]) & (table["cost_per_lead"] < table["high"])
    ).all()
    returns: Any = part(KPI, tables, quarterly(), "returns_by_channel").set_index("channel")
    assert math.isnan(returns.loc["tiny", "cost_per_customer"])


def test_channels_that_cannot_be_told_apart_share_the_first_place() -> None:
    tables = firm(
        many(40, "one") + many(40, "other"),
        [spent(SPRING, 400, "one"), spent(SPRING, 401, "other"), spent(LAST, 0)],
    )
    table: Any = part(KPI, tables, quarterly(), "by_channel").set_index("channel")
    assert 0.3 < table.loc["one", "cheapest"] < 0.7
    assert table["cheapest"].sum() == pytest.approx(1)


def test_return_is_what_customers_bring_less_the_money_over_the_money() -> None:
    """40 leads for 2,000, of which 4 pay 100 a month; at a margin of 0.5 a year of each is 600."""
    leads = many(40, "fair", won=4)
    paid = [
        {
            "subscription_id": f"s{i}",
            "account_id": f"fair{i}",
            "started_on": SPRING,
            "monthly_amount": 100.0,
        }
        for i in range(4)
    ]
    tables = firm(leads, [spent(SPRING, 2_000), spent(LAST, 0)], subscriptions=paid)
    row: Any = part(KPI, tables, quarterly(gross_margin=0.5), "returns_by_channel").iloc[0]
    assert row["cost_per_customer"] == 500
    assert row["roi"] == pytest.approx(4 * 100 * 12 * 0.5 / 2_000 - 1)
    assert row["roi_low"] < row["roi"] < row["roi_high"]
    assert row["customers"] == 4
    unknown: Any = part(KPI, tables, quarterly(), "returns_by_channel").iloc[0]
    assert math.isnan(unknown["roi"])
    assert "not known" in unknown["reason"]


def months_of_spend(amounts: list[float], leads_of: list[int]) -> Tables:
    months = [date(2024 + i // 12, i % 12 + 1, 1) for i in range(6, 6 + len(amounts))]
    leads = [
        lead(f"{month}-{i}", month)
        for month, count in zip(months, leads_of, strict=True)
        for i in range(count)
    ]
    return firm(
        leads, [spent(month, amount) for month, amount in zip(months, amounts, strict=True)]
    )


def test_the_next_lead_costs_what_a_further_one_did() -> None:
    """5 leads come for nothing, and one more for each 100: the next costs 100, the average less."""
    amounts = [100.0 * (1 + i % 4) for i in range(24)]
    tables = months_of_spend(amounts, [5 + int(amount / 100) for amount in amounts])
    row: Any = part(KPI, tables, quarterly(), "marginal").iloc[0]
    assert row["marginal"] == pytest.approx(100)
    assert row["average"] == pytest.approx(sum(amounts) / sum(5 + a / 100 for a in amounts))
    assert row["low"] == pytest.approx(100)
    assert row["high"] == pytest.approx(100)
    assert row["months"] == 24


@pytest.mark.parametrize(
    ("amounts", "counts", "reason"),
    [
        ([100.0] * 24, [3 + i % 2 for i in range(24)], "the same was spent"),
        ([100.0 + i for i in range(24)], [30 - i for i in range(24)], "brought no more"),
    ],
)
def test_no_next_lead_is_told_without_a_slope(
    amounts: list[float], counts: list[int], reason: str
) -> None:
    row: Any = part(KPI, months_of_spend(amounts, counts), quarterly(), "marginal").iloc[0]
    assert math.isnan(row["marginal"])
    assert reason in row["reason"]


def test_who_is_behind_it() -> None:
    leads = [lead("a", SPRING, won=5, account_id="a"), lead("b", SPRING, won=9), lead("c", SPRING)]
    tables = firm(
        leads,
        [spent(SPRING, 80), spent(LAST, 0)],
        accounts=[{"account_id": "a", "name": "Ann", "signed_on": SPRING}],
    )
    rows = behind(KPI, tables, quarterly())
    assert rows["name"].tolist() == ["Ann", "b"]
    assert rows["cost"].tolist() == [40, 40]


def rules(tables: Tables, **params: Any) -> dict[str, bool | None]:
    checked = {rule.name: rule.check(tables, quarterly(**params)) for rule in KPI.fit_rules}
    return {name: None if outcome is None else outcome.fires for name, outcome in checked.items()}


def test_when_it_does_not_fit() -> None:
    slow = [lead("slow", SPRING, won=300)]
    poor = firm(slow, [spent(AUTUMN, 100), spent(AUTUMN, 900, None), spent(LAST, 0)])
    assert rules(poor) == {
        "accounts without leads": None,
        "few customers": False,
        "money names no channel": True,
        "one channel": True,
        "channels too small": True,
        "horizon too short": True,
    }
    spend = [spent(AUTUMN, 100), spent(SPRING, 900, "adverts"), spent(AUTUMN, 50, None)]
    good = firm(
        [lead("new", AUTUMN, won=4), *many(40, "fair", won=4), *many(40, "adverts")],
        [*spend, spent(AUTUMN, 5, "adverts"), spent(LAST, 0)],
    )
    assert rules(good) == dict.fromkeys(rules(good), False) | {"accounts without leads": None}


@pytest.mark.parametrize(
    ("won", "per", "fires"), [(30, "customer", True), (51, "customer", False), (30, "lead", False)]
)
def test_thirty_customers_a_year_have_no_cost_per_channel(won: int, per: str, fires: bool) -> None:
    leads = [lead(f"c{i}", AUTUMN, won=4) for i in range(won)]
    tables = firm(leads, [spent(AUTUMN, 100), spent(LAST, 0)])
    rule = next(rule for rule in KPI.fit_rules if rule.name == "few customers")
    outcome = rule.check(tables, quarterly(per=per))
    assert outcome is not None
    assert outcome.fires is fires
    assert outcome.substitute == ("acquisition_cost" if fires else "")


@cache
def sample() -> Tables:
    return open_dataset(SAMPLE).as_of()


def test_the_sample_against_pandas() -> None:
    """Money of a quarter that names a channel over its leads; every source of the sample costs money."""
    spend = pd.read_csv(SAMPLE / "spend.csv", parse_dates=["month"])
    spend = spend[spend["channel"].notna() & (spend["purpose"] == "acquisition")]
    leads = pd.read_csv(SAMPLE / "leads.csv", parse_dates=["created_on"])
    money = spend.groupby(spend["month"].dt.to_period("Q").astype(str))["amount"].sum()
    came = leads.groupby(leads["created_on"].dt.to_period("Q").astype(str)).size()
    found = value(sample(), Params(periods=16))
    assert len(found) == 16
    for quarter, cost in found.items():
        assert cost == pytest.approx(money[quarter] / came[quarter], rel=1e-12), quarter
    table: Any = part(KPI, sample(), Params(periods=16), "by_channel").set_index("channel")
    recent = spend[spend["month"] >= "2022-07-01"].groupby("channel")["amount"].sum()
    counts = leads[leads["created_on"] >= "2022-07-01"].groupby("source").size()
    np.testing.assert_allclose(table["cost_per_lead"], (recent / counts)[table.index], rtol=1e-12)


def test_segments_add_up_to_the_whole_on_the_sample() -> None:
    whole = value(sample(), Params(periods=8))
    for segment in ("channel", "campaign", "segment", "is_ideal", "industry"):
        rows = run(KPI.observe(sample(), Params(periods=8, segment=segment)))
        sums = rows.groupby("period")[["value", "weight"]].sum()
        assert (sums["value"] / sums["weight"]).tolist() == pytest.approx(list(whole.values()))
