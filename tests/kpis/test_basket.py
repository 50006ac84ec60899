"""Basket: what counts, what comes back, year on year as factors, like for like, the planted truth."""

from __future__ import annotations

from datetime import date, datetime
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kpi_lib.data import open_dataset
from kpi_lib.engine import run
from kpi_lib.example import small_company
from kpi_lib.kpis.basket import KPI, Params
from kpi_lib.measure import behind, measure, part
from kpi_lib.schema import Tables
from kpi_lib.stats.drivers import effects, log_mean

SAMPLE = Path(__file__).parents[2] / "data" / "sample" / "wholesale"
AS_OF = date(2026, 4, 30)
PRICE = 10.0
Row = dict[str, Any]


def order(
    name: str, account: str, day: date, *quantities: float, **more: Any
) -> tuple[Row, list[Row]]:
    head = {
        "order_id": name,
        "account_id": account,
        "ordered_at": datetime.combine(day, datetime.min.time()),
    }
    lines = [
        {"order_id": name, "line_no": n, "product_id": f"p{n}", "quantity": q, "unit_price": PRICE}
        for n, q in enumerate(quantities)
    ]
    return head | more, lines


def firm(*orders: tuple[Row, list[Row]], as_of: date = AS_OF) -> Tables:
    lines = [line for _, some in orders for line in some]
    return small_company(as_of, orders=[head for head, _ in orders], order_lines=lines)


def value(tables: Tables, **params: Any) -> float | None:
    """The basket of April."""
    return measure(KPI, tables, Params(periods=2, **params)).headline.value


APRIL = date(2026, 4, 7)


def test_it_is_a_ratio_of_totals_and_no_mean_of_means() -> None:
    """Ann: 1 + 1 + 1 pieces in three orders, Bob 9 in one: 12 pieces of 10 in 4 orders."""
    ann = [order(f"a{n}", "ann", APRIL, 1) for n in range(3)]
    tables = firm(*ann, order("b", "bob", APRIL, 4, 5))
    assert value(tables) == 30
    assert value(tables, measure="quantity") == 3
    assert value(tables, measure="products") == 5 / 4


def test_cancelled_orders_and_free_goods_are_no_baskets() -> None:
    tables = firm(
        order("a", "ann", APRIL, 2),
        order("b", "ann", APRIL, 50, cancelled_on=date(2026, 4, 8)),
        order("c", "bob", APRIL, 0),
    )
    assert value(tables) == 20


@pytest.mark.parametrize(
    ("rule", "march", "april"), [("net", 50, -1), ("restate", 10, 30), ("gross", 50, 40)]
)
def test_what_comes_back_counts_by_rule(rule: str, march: float, april: float) -> None:
    """March: 10 and 90, the 90 come back in April; April: 40 and a credit note of 10.

    Net: April is 40 - 90 - 10 = -60 over one order; restated: March 10, April 30; gross: as sold.
    """
    tables = firm(
        order("a", "ann", date(2026, 3, 3), 1),
        order("b", "ann", date(2026, 3, 9), 9, returned_on=date(2026, 4, 2)),
        order("c", "ann", APRIL, 4),
        order("note", "ann", APRIL, -1),
    )
    found = measure(KPI, tables, Params(periods=2, returns=rule)).trend["value"].tolist()
    assert found == [march, -60 if rule == "net" else april]


def test_a_return_of_tomorrow_is_not_known() -> None:
    tables = firm(order("a", "ann", APRIL, 3), as_of=AS_OF)
    assert value(tables) == 30


def test_codes_copies_and_buyers_not_known_are_left_out_and_counted() -> None:
    head, lines = order("a", "ann", APRIL, 1, 2)
    twice = [lines[0], lines[0] | {"line_no": 9}, lines[1] | {"product_id": "POST"}]
    stranger = order("s", "nobody", APRIL, 7)
    tables = firm((head, twice), stranger)
    rule = {"not_goods": ("POST",), "repeated_lines": "drop", "no_account": "nobody"}
    assert value(tables, **rule) == 10
    assert value(tables) == 55
    found = part(KPI, tables, Params(periods=2, **rule), "left_out").set_index("rule")
    assert found["lines"].to_dict() == {
        "all lines": 4, "repeated lines": 1, "not goods": 1, "buyer not known": 1, "counted": 1,
    }  # fmt: skip
    assert found["amount"].iloc[1:].sum() == found["amount"]["all lines"] == 110


def test_a_partial_period_is_never_compared_with_a_whole_one() -> None:
    """On 15 April the newest period is March; April 2025 on is on record, so March 2025 is not."""
    days = [date(2025, 4, 20), date(2026, 3, 20), date(2026, 4, 10)]
    tables = firm(
        *[order(str(n), "ann", d, 1) for n, d in enumerate(days)], as_of=date(2026, 4, 15)
    )
    assert measure(KPI, tables, Params(periods=2)).headline.label == "2026-03"
    found = part(KPI, tables, Params(periods=2), "year_on_year").iloc[-1]
    assert pd.isna(found["change"])
    assert "orders begin after" in found["reason"]
    left = part(KPI, tables, Params(periods=2), "left_out").set_index("rule")["lines"]
    assert left["partial last period"] == 1


@pytest.mark.parametrize(("begin", "before"), [(date(2024, 4, 20), 30.0), (date(2024, 6, 1), None)])
def test_a_year_that_is_not_wholly_on_record_is_no_year_before(
    begin: date, before: float | None
) -> None:
    """On 30 April 2026 the year before the last one begins on 1 May 2024."""
    tables = firm(
        order("x", "first", begin, 1),
        order("a", "ann", date(2024, 9, 1), 3),
        order("b", "ann", APRIL, 2),
    )
    row = behind(KPI, tables, Params(periods=2)).set_index("account_id").loc["ann"]
    assert row["basket"] == 20
    assert pd.isna(row["basket_before"]) if before is None else row["basket_before"] == before


def test_like_for_like_leaves_new_and_lost_accounts_out() -> None:
    tables = firm(
        order("x", "first", date(2025, 1, 2), 1),
        order("a", "ann", date(2025, 4, 7), 2),
        order("l", "lost", date(2025, 4, 7), 100),
        order("b", "ann", APRIL, 3),
        order("n", "new", APRIL, 50),
    )
    assert value(tables, accounts="like_for_like") == 30
    found = part(KPI, tables, Params(periods=2), "like_for_like").iloc[-1]
    assert (found["like_for_like"], found["a_year_before"], found["change"]) == (30, 20, 10)
    assert (found["accounts"], found["same_accounts"]) == (2, 1)


POSITIVE = st.floats(0.01, 1e4)


@given(st.lists(st.tuples(POSITIVE, POSITIVE), min_size=2, max_size=5))
def test_effects_add_up_to_the_change(pairs: list[tuple[float, float]]) -> None:
    earlier = {str(n): [one] for n, (one, _) in enumerate(pairs)}
    later = {str(n): [other] for n, (_, other) in enumerate(pairs)}
    before, after = (float(np.prod([v[0] for v in side.values()])) for side in (earlier, later))
    found = sum(float(effect[0]) for effect in effects(earlier, later).values())
    assert found == pytest.approx(after - before, rel=1e-8, abs=1e-8 * (before + after))


def test_the_log_mean_lies_between_its_numbers_and_knows_equal_ones() -> None:
    assert log_mean([2.0], [2.0])[0] == 2
    assert log_mean([1.0], [np.e])[0] == pytest.approx(np.e - 1)
    assert np.isnan(log_mean([0.0], [1.0])[0])
    with pytest.raises(ValueError, match="same factors"):
        effects({"a": 1.0}, {"b": 1.0})


@cache
def sample() -> Tables:
    return open_dataset(SAMPLE).as_of()


@pytest.mark.parametrize("name", ["month", "quarter"])
def test_customers_frequency_and_basket_add_up_on_the_sample(name: Any) -> None:
    found = part(KPI, sample(), Params(period=name, periods=10), "year_on_year")
    told = found[found["reason"] == ""]
    assert len(told) == 10
    split = told["by_customers"] + told["by_frequency"] + told["by_basket"]
    np.testing.assert_allclose(split, told["amount"] - told["year_before"], atol=1e-6)
    np.testing.assert_allclose(
        told["of_it_pieces"] + told["of_it_price"], told["by_basket"], atol=1e-6
    )


def test_baskets_grow_by_price_and_not_by_pieces() -> None:
    """Planted: list prices rise by 6 % each January; pieces and lines per order do not change."""
    params = Params(period="quarter", periods=14, with_booking=False)
    found = part(KPI, sample(), params, "measures")
    years = found.assign(year=pd.to_datetime(found["period"]).dt.year)
    weighted = years.assign(
        amount=years["amount_per_order"] * years["orders"],
        pieces=years["pieces_per_order"] * years["orders"],
    )
    sums = weighted.groupby("year")[["amount", "pieces", "orders"]].sum()
    price, pieces = sums["amount"] / sums["pieces"], sums["pieces"] / sums["orders"]
    growth = (price[2025] / price[2023]) ** 0.5 - 1
    assert growth == pytest.approx(0.06, abs=0.015)
    assert pieces[2025] / pieces[2023] == pytest.approx(1, abs=0.05)


def test_the_parts_are_the_same_figure() -> None:
    params = Params(periods=12)
    trend = measure(KPI, sample(), params).trend["value"]
    found = part(KPI, sample(), params, "measures")
    np.testing.assert_allclose(found["amount_per_order"], trend, rtol=1e-9)
    split = part(KPI, sample(), params, "left_out")
    assert split["amount"].iloc[1:].sum() == pytest.approx(split["amount"].iloc[0])
    assert split["lines"].iloc[1:].sum() == split["lines"].iloc[0] == 11_378


def test_orders_are_each_counted_once() -> None:
    rows = run(KPI.observe(sample(), Params(period="quarter", periods=14, returns="gross")))
    orders = pd.read_csv(SAMPLE / "orders.csv")
    assert rows["weight"].sum() == orders["cancelled_on"].isna().sum()


def test_the_price_per_piece_grows_by_what_was_planted() -> None:
    """Planted: list prices rise by 6 % each January. Bookings have discounts of their own."""
    params = Params(period="quarter", periods=8, with_booking=False)
    found = part(KPI, sample(), params, "year_on_year")["price_growth"]
    assert found.mean() == pytest.approx(0.06, abs=0.015)
