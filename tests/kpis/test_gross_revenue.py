"""Gross revenue: by the day, by order, and why it is only the control."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kpi_lib.engine import run
from kpi_lib.example import small_company
from kpi_lib.kpi import Role
from kpi_lib.kpis.gross_revenue import KPI, Params
from kpi_lib.measure import behind, measure, part
from kpi_lib.schema import Tables
from tests.company import company
from tests.lawful import assert_same

AS_OF = date(2026, 3, 31)


def values(tables: Tables, **params: Any) -> list[float]:
    return [float(v) for v in measure(KPI, tables, Params(**params)).trend["value"]]


def subscribed(since: date, until: date | None = None, amount: float = 310.0) -> dict[str, Any]:
    return {
        "subscription_id": "s",
        "account_id": "a",
        "started_on": since,
        "ended_on": until,
        "monthly_amount": amount,
    }


def test_it_is_the_control() -> None:
    assert KPI.role is Role.CONTROL
    assert any("does not help to decide" in caution for caution in KPI.cautions)


@pytest.mark.parametrize("period", ["week", "month", "quarter"])
def test_a_whole_month_earns_the_monthly_amount(period: str) -> None:
    tables = small_company(AS_OF, subscriptions=[subscribed(date(2020, 1, 1))])
    found = values(tables, period=period, periods=5)
    usual = {"month": 310.0, "quarter": 930.0, "week": 310.0 * 7 / 31}[period]
    assert found[-1] == pytest.approx(usual)


def test_days_are_counted_from_the_first_to_the_day_before_the_end() -> None:
    rows = [subscribed(date(2026, 1, 31), date(2026, 2, 15))]
    found = values(small_company(AS_OF, subscriptions=rows), period="month", periods=3)
    assert found == pytest.approx([310 / 31, 310 * 14 / 28, float("nan")], nan_ok=True)


spans = st.lists(
    st.tuples(st.integers(0, 600), st.integers(1, 600), st.integers(1, 400)), min_size=5, max_size=9
)


@settings(max_examples=5, deadline=None)
@given(spans)
def test_splitting_a_price_period_changes_nothing(found: list[tuple[int, int, int]]) -> None:
    one, two = [], []
    for place, (start, first, second) in enumerate(found):
        origin, name = date(2024, 1, 1) + timedelta(days=start), {"account_id": str(place)}
        cut, end = origin + timedelta(days=first), origin + timedelta(days=first + second)
        one.append(subscribed(origin, end) | name)
        two += [subscribed(origin, cut) | name, subscribed(cut, end) | name]
    whole, split = (
        run(KPI.observe(company({"subscriptions": rows}), Params())) for rows in (one, two)
    )
    assert_same({"observe": whole}, {"observe": split})


def order(number: str, day: date, **more: Any) -> dict[str, Any]:
    return {"order_id": number, "account_id": "a", "ordered_at": day} | more


def shop(*orders: dict[str, Any]) -> Tables:
    lines = [
        {"order_id": row["order_id"], "line_no": n, "quantity": 2.0, "unit_price": 5.0 * n}
        for row in orders
        for n in (1, 2)
    ]
    return small_company(AS_OF, orders=list(orders), order_lines=lines)


def test_an_order_counts_with_all_its_lines() -> None:
    assert values(shop(order("1", date(2026, 2, 1))), periods=2)[-1] == 30


def test_cancelled_orders_do_not_count() -> None:
    found = shop(order("1", date(2026, 2, 1), cancelled_on=date(2026, 2, 2)))
    assert measure(KPI, found, Params()).headline.n == 0


def test_returns_count_against_the_period_in_which_they_come_back() -> None:
    tables = shop(order("1", date(2025, 12, 30), returned_on=date(2026, 1, 5)))
    assert values(tables, periods=2) == [30, -30]


def test_orders_count_when_shipped_if_asked() -> None:
    tables = shop(
        order("1", date(2025, 12, 30), shipped_on=date(2026, 1, 2)), order("2", date(2026, 3, 30))
    )
    assert values(tables, periods=2) == [30, 30]
    found = values(tables, periods=2, recognise_on="shipped")
    assert found == pytest.approx([float("nan"), 30], nan_ok=True)


def test_sources_add_up() -> None:
    tables = company()
    both, one, other = (values(tables, revenue_from=s) for s in ("all", "subscriptions", "orders"))
    assert both == pytest.approx([a + b for a, b in zip(one, other, strict=True)])
    found = part(KPI, tables, Params(), "by_source").groupby("period")["amount"].sum()
    assert found.tolist() == pytest.approx(both)


def test_a_source_that_is_not_there_is_refused() -> None:
    tables = small_company(AS_OF, subscriptions=[subscribed(date(2026, 1, 1))])
    with pytest.raises(ValueError, match="no table to take revenue from"):
        KPI.observe(tables, Params(revenue_from="orders"))


def test_the_accounts_behind_add_up_to_the_number() -> None:
    tables = company()
    found = behind(KPI, tables, Params())
    trend = values(tables)
    assert found["amount"].sum() == pytest.approx(trend[-1])
    assert found["before"].sum() == pytest.approx(trend[-2])
    assert found["amount"].is_monotonic_decreasing


def test_concentration_names_the_share_of_the_largest() -> None:
    found = part(KPI, company(), Params(), "concentration").set_index("period")
    rows = behind(KPI, company(), Params())
    newest = found.loc[pd.Timestamp(2025, 10, 1)]
    assert newest["largest_share"] == pytest.approx(rows["amount"].max() / rows["amount"].sum())
    assert newest["ten_largest_share"] == pytest.approx(
        rows["amount"].head(10).sum() / rows["amount"].sum()
    )


def test_one_account_that_makes_most_of_it_is_said() -> None:
    rule = KPI.fit_rules[0]
    outcome = rule.check(shop(order("1", date(2026, 2, 1))), Params())
    assert outcome is not None
    assert outcome.fires
    assert outcome.sentence == "The largest account makes 100% of the amount of the last 91 days."
    quiet = rule.check(company(), Params())
    assert quiet is not None
    assert not quiet.fires


@pytest.mark.parametrize("move", KPI.cheap_moves, ids=lambda move: move.name)
def test_cheap_moves_work_on_orders_too(move: Any) -> None:
    tables = shop(order("1", date(2026, 2, 1)))
    assert values(move.edit(tables, Params()))[-1] > values(tables)[-1]
