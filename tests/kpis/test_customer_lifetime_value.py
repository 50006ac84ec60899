"""Customer lifetime value: what is counted, which family applies, identities, reasons, both samples."""

from __future__ import annotations

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
from kpi_lib.kpis.customer_lifetime_value import KPI, Params
from kpi_lib.measure import measure, part
from kpi_lib.schema import Tables
from kpi_lib.stats import renewals

SAMPLE = Path(__file__).parents[2] / "data" / "sample"
AS_OF = date(2026, 3, 31)
Row = dict[str, Any]


@cache
def sample(name: str) -> Tables:
    return open_dataset(SAMPLE / name).as_of()


def contract(who: str, year: int, amount: float = 100.0, until: date | None = None) -> Row:
    row = {"subscription_id": who, "account_id": who, "started_on": date(year, 3, 1)}
    return row | {"monthly_amount": amount, "ended_on": until}


def order(who: str, day: date, worth: float, **more: Any) -> tuple[Row, Row]:
    name = f"{who} {day} {worth}"
    line = {"order_id": name, "line_no": 1, "quantity": 2.0, "unit_price": worth / 2}
    return {"order_id": name, "account_id": who, "ordered_at": day} | more, line


def by_orders(*orders: tuple[Row, Row], as_of: date = AS_OF, **more: Any) -> Tables:
    heads, lines = [list(rows) for rows in zip(*orders, strict=True)]
    return small_company(as_of, orders=heads, order_lines=lines, **more)


def known(tables: Tables, **params: Any) -> pd.DataFrame:
    """The observations of the newest period, by account."""
    rows = run(KPI.observe(tables, Params(**params)))
    newest: pd.DataFrame = rows[rows["period"] == rows["period"].max()]
    return newest.set_index("account_id")


def test_value_is_margin_times_the_discounted_lifetime_by_hand() -> None:
    """Of 10 that came up for the first renewal 6 stayed, of 3 for the second 3: churn 4/10, then 0.

    With a margin of 50 % and 1,200 a year each payment is 600. The limit of ever more different
    customers keeps 60 % for ever: 600 + 0.6 x 600 / 0.1 = 4,200.
    """
    rows = [contract(f"gone {n}", 2024, until=date(2025, 3, 1)) for n in range(4)]
    rows += [contract(f"once {n}", 2025) for n in range(3)]
    rows += [contract(f"twice {n}", 2024) for n in range(3)]
    tables = small_company(AS_OF, subscriptions=rows)
    found = measure(KPI, tables, Params(margin_share=0.5)).headline
    assert found.n == 10
    assert found.value == pytest.approx(4_200, rel=1e-3)


def test_a_contract_that_ends_early_is_lost_at_the_renewal_after() -> None:
    rows = [
        contract("early", 2024, until=date(2024, 9, 15)),
        contract("on the day", 2024, until=date(2025, 3, 1)),
        contract("a day late", 2024, until=date(2025, 3, 2)),
        contract("renewed", 2025),
    ]
    found = known(small_company(AS_OF, subscriptions=rows))
    assert found["repeats"].to_dict() == {
        "early": 0,
        "on the day": 0,
        "a day late": 1,
        "renewed": 1,
    }
    assert found["age"].to_dict() == {"early": 1, "on the day": 1, "a day late": 2, "renewed": 1}


def test_losses_count_when_notice_is_given_if_asked() -> None:
    row = contract("ann", 2024, until=date(2027, 3, 1)) | {"cancelled_on": date(2026, 1, 10)}
    open_end = contract("bob", 2024) | {"cancelled_on": date(2026, 1, 10)}
    tables = small_company(AS_OF, subscriptions=[row, open_end])
    stays = known(tables)
    assert (stays["repeats"] == stays["age"]).all()
    gone = known(tables, churn_on="request")
    assert gone["repeats"].to_dict() == {"ann": 2, "bob": 1}
    assert (gone["age"] == gone["repeats"] + 1).all()


def test_amounts_are_averages_over_the_life_or_the_latest() -> None:
    """100 for 2024-03 to 2025-03 (365 days), then 200 until 2025-12-31 (305 days)."""
    rows = [contract("ann", 2024, 100.0, date(2025, 3, 1)), contract("ann", 2025, 200.0)]
    tables = small_company(date(2025, 12, 31), subscriptions=rows)
    average = (100 * 365 + 200 * 306) / 671
    assert known(tables, margin_share=1.0)["value"]["ann"] == pytest.approx(12 * average)
    assert known(tables, margin_share=1.0, amount="latest")["value"]["ann"] == pytest.approx(2_400)


def test_the_margin_comes_from_the_costs_of_the_last_12_months() -> None:
    """1,200 billed in the 12 months to March 2026, 300 of costs in them: 75 %."""
    costs = [
        {"account_id": "ann", "month": date(2025, month, 1), "kind": "goods", "amount": 20.0}
        for month in range(4, 13)
    ]
    costs += [{"account_id": "ann", "month": date(2026, 1, 1), "kind": "service", "amount": 120.0}]
    costs += [
        {"account_id": "ann", "month": date(2026, m, 1), "kind": "goods", "amount": 0.0}
        for m in (2, 3)
    ]
    costs += [{"account_id": "ann", "month": date(2024, 6, 1), "kind": "goods", "amount": 9_999.0}]
    tables = small_company(AS_OF, subscriptions=[contract("ann", 2023)], costs=costs)
    assert known(tables)["value"]["ann"] == pytest.approx(1_200 * 0.75)
    assert known(tables, margin_from="share")["value"]["ann"] == pytest.approx(1_200 * 0.8)


def test_orders_of_a_day_are_one_and_void_ones_do_not_count() -> None:
    start = date(2025, 1, 1)
    tables = by_orders(
        order("ann", start, 500.0),
        order("ann", start + timedelta(days=30), 60.0),
        order("ann", start + timedelta(days=30), 40.0),
        order("ann", start + timedelta(days=100), 300.0),
        order("ann", start + timedelta(days=200), 900.0, cancelled_on=start + timedelta(days=201)),
        order("ann", start + timedelta(days=210), 900.0, returned_on=start + timedelta(days=240)),
        order("bob", start + timedelta(days=5), 70.0),
    )
    found = known(tables, margin_share=1.0)
    assert set(found["kind"]) == {"orders"}
    ann, bob = found.loc["ann"], found.loc["bob"]
    assert (ann["repeats"], ann["recency"], ann["age"]) == (2, 100, (AS_OF - start).days)
    assert ann["value"] == pytest.approx(200)
    assert (bob["repeats"], bob["recency"], bob["value"]) == (0, 0, 70)


def test_an_order_stands_until_it_is_returned() -> None:
    start = date(2025, 10, 10)
    tables = by_orders(
        order("ann", start, 50.0),
        order("ann", date(2025, 11, 1), 50.0, returned_on=date(2026, 2, 1)),
    )
    rows = run(KPI.observe(tables, Params())).set_index("period")["repeats"]
    assert rows.to_dict() == {pd.Timestamp(2025, 10, 1): 1, pd.Timestamp(2026, 1, 1): 0}


def test_the_family_is_where_more_money_comes_from() -> None:
    some = [order("bob", date(2026, 1, 5), 100.0), order("bob", date(2026, 2, 5), 100.0)]
    small = by_orders(*some, subscriptions=[contract("ann", 2024, 100.0)])
    assert set(known(small)["kind"]) == {"contract"}
    assert set(known(small, family="orders")["kind"]) == {"orders"}
    large = by_orders(*some, subscriptions=[contract("ann", 2024, 1.0)])
    assert set(known(large)["kind"]) == {"orders"}
    told = part(KPI, large, Params(), "families").set_index("family")
    assert told["applies"].to_dict() == {"contract": "no", "orders": "yes"}
    assert told["amount"].to_dict() == pytest.approx({"contract": 12.0, "orders": 200.0})
    rule = next(rule for rule in KPI.fit_rules if rule.name == "other family")
    asked, detected = (rule.check(large, Params(family=f)) for f in ("contract", "detect"))
    assert asked is not None
    assert detected is not None
    assert asked.fires
    assert not detected.fires
    assert "94% of the last 12 months came by orders" in detected.sentence


def test_a_family_without_its_tables_is_refused() -> None:
    tables = small_company(AS_OF, subscriptions=[contract("ann", 2024)])
    with pytest.raises(ValueError, match="no table to take lifetimes from"):
        KPI.observe(tables, Params(family="orders"))


@pytest.mark.parametrize(
    ("rows", "reason"),
    [
        ([contract(f"{n}", 2023) for n in range(9)], renewals.NOBODY_LEFT),
        (
            [contract(f"{n}", 2023, until=date(2024, 3, 1)) for n in range(9)],
            renewals.EVERYBODY_LEFT,
        ),
        ([contract("1", 2023)], renewals.ONE_ACCOUNT),
        ([contract(f"{n}", 2026) for n in range(9)], renewals.NO_RENEWALS),
    ],
)
def test_what_cannot_be_told_is_null_with_a_reason(rows: list[Row], reason: str) -> None:
    tables = small_company(AS_OF, subscriptions=rows)
    found = measure(KPI, tables, Params())
    assert found.headline.value is None
    assert found.headline.n == len(rows)
    cells = found.estimator.estimate(found.reduced, ["period"], 0.9)
    assert cells["reason"].iloc[-1] == reason
    rule = next(rule for rule in KPI.fit_rules if rule.name == "few renewals")
    outcome = rule.check(tables, Params())
    assert outcome is not None
    assert outcome.fires
    assert reason in outcome.sentence
    assert part(KPI, tables, Params(), "ways").empty


def test_customers_that_cost_more_than_they_bring_have_no_value() -> None:
    costs = [{"account_id": "a", "month": date(2026, 1, 1), "kind": "goods", "amount": 9_999.0}]
    rows = [contract("a", 2023), contract("b", 2023, until=date(2024, 3, 1)), contract("c", 2023)]
    found = measure(KPI, small_company(AS_OF, subscriptions=rows, costs=costs), Params())
    assert found.headline.value is None


@pytest.mark.parametrize("name", ["saas", "wholesale"])
def test_both_samples_have_a_value_with_an_interval(name: str) -> None:
    found = measure(KPI, sample(name), Params())
    cell = found.headline
    assert cell.value is not None
    assert cell.low is not None
    assert cell.high is not None
    assert cell.low < cell.value < cell.high
    assert found.change.value is not None
    previous = found.previous.value if found.previous else None
    assert found.change.value == pytest.approx(cell.value - (previous or 0))
    assert found.change.low is not None
    assert found.change.high is not None
    width = cell.high - cell.low
    assert found.change.high - found.change.low < width, "the same accounts are in both"


def test_the_saas_margin_is_the_planted_one() -> None:
    """The data card plants a gross margin of 0.78."""
    tables = sample("saas")
    ratio = known(tables)["value"] / known(tables, margin_from="share", margin_share=1.0)["value"]
    assert ratio.to_numpy() == pytest.approx(0.78, abs=0.005)


@pytest.mark.parametrize("name", ["saas", "wholesale"])
def test_the_parts_agree_with_the_headline(name: str) -> None:
    tables, params = sample(name), Params()
    value = measure(KPI, tables, params).headline.value
    ways = part(KPI, tables, params, "ways")
    assert ways["value"].iloc[0] == pytest.approx(value, rel=1e-6)
    assert ways["difference"].iloc[0] == pytest.approx(0, abs=1e-3)
    base = part(KPI, tables, params, "base")
    sums = ["residual_value", "at_risk", "constant_value", "undervalued", "accounts"]
    np.testing.assert_allclose(base[sums].iloc[:-1].sum(), base[sums].iloc[-1], rtol=1e-9)
    gap = base["residual_value"] - base["constant_value"]
    np.testing.assert_allclose(base["undervalued"], gap)
    who = part_of_who(tables, params)
    assert who["residual_value"].sum() == pytest.approx(base["residual_value"].iloc[-1])
    assert who["at_risk"].is_monotonic_decreasing
    assert KPI.score is not None
    scores = run(KPI.score(tables, params)).set_index("account_id")["score"]
    pd.testing.assert_series_equal(
        scores.sort_index(),
        who.set_index("account_id")["residual_value"].sort_index(),
        check_names=False,
    )


def part_of_who(tables: Tables, params: Params) -> pd.DataFrame:
    assert KPI.who is not None
    return run(KPI.who.compute(tables, params))


def test_the_first_two_closed_forms_differ_by_one_payment() -> None:
    """m(1+d)/(1+d-r) - mr/(1+d-r) = m, here the mean margin of a year."""
    tables = sample("saas")
    ways = part(KPI, tables, Params(), "ways").set_index("way")["value"]
    gap = ways["constant, paid at once"] - ways["constant, after renewal"]
    assert gap == pytest.approx(known(tables)["value"].mean())


def test_one_constant_churn_undervalues_customers_who_stayed() -> None:
    base = part(KPI, sample("saas"), Params(), "base").iloc[:-1]
    assert (base["chance_to_leave"].diff().dropna() < 0).all()
    per_account = base["undervalued"] / base["residual_value"]
    assert per_account.iloc[-1] > per_account.iloc[0] > 0


def test_a_horizon_and_a_higher_discount_lower_the_value() -> None:
    for name in ("saas", "wholesale"):
        values = [
            measure(KPI, sample(name), Params(**choice)).headline.value or 0.0
            for choice in ({}, {"horizon_years": 5}, {"discount_rate": 0.3})
        ]
        assert values[0] > values[1] > 0
        assert values[0] > values[2] > 0


def test_a_pool_of_periods_is_its_last() -> None:
    """Each period holds the whole history, so accounts of two periods are not twice as many."""
    found = measure(KPI, sample("saas"), Params())
    pooled = found.estimator.estimate(found.reduced.assign(pool=0), ["pool"], 0.9)
    assert pooled["n"].iloc[0] == found.headline.n
    assert pooled["value"].iloc[0] == pytest.approx(found.headline.value)


def test_amounts_in_another_currency_stay_out() -> None:
    rows = [contract(f"{n}", 2023) | {"currency": "USD" if n % 2 else "EUR"} for n in range(8)]
    tables = small_company(AS_OF, subscriptions=rows)
    assert len(known(tables)) == len(known(tables, currency="USD")) == 4


def test_a_day_without_any_table_row_is_empty() -> None:
    tables = small_company(AS_OF, subscriptions=[])
    assert run(KPI.observe(tables, Params())).empty
