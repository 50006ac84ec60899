"""Early booking: margin after discount and freight, tiers, what only moved, the planted programme."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from kpi_lib.customers.shop.booking_parts import NO_BOOKING, NO_YEAR
from kpi_lib.customers.shop.bookings import sold_lines
from kpi_lib.data import open_dataset
from kpi_lib.engine import run
from kpi_lib.example import small_company
from kpi_lib.kpi import RuleOutcome
from kpi_lib.kpis.early_booking import KPI, Params
from kpi_lib.measure import behind, measure, part
from kpi_lib.schema import Tables

SAMPLE = Path(__file__).parents[2] / "data" / "sample" / "wholesale"
AS_OF = date(2026, 3, 31)
DAY = date(2026, 2, 3)
Row = dict[str, Any]


def order(
    name: str, pieces: float, price: float, booking: bool = True, day: date = DAY, **more: Any
) -> tuple[Row, Row]:
    """An order of one line of a good that is 100 on the list; `weeks` ahead, `by` an account."""
    weeks, account = more.pop("weeks", 9), more.pop("by", "ann")
    head = {
        "order_id": name, "account_id": account, "ordered_at": datetime(*day.timetuple()[:3], 9),
        "booking": booking, "deliver_on": day + timedelta(weeks=weeks) if booking else None,
        "freight": 20.0,
    }  # fmt: skip
    line = {"order_id": name, "line_no": 1, "product_id": "p", "quantity": pieces}
    return head | more, line | {"list_price": 100.0, "unit_price": price}


def firm(*orders: tuple[Row, Row]) -> Tables:
    heads, lines = zip(*orders, strict=True)
    return small_company(AS_OF, orders=list(heads), order_lines=list(lines))


def value(tables: Tables, **params: Any) -> float | None:
    return measure(KPI, tables, Params(periods=2, **params)).headline.value


def test_margin_is_price_less_cost_less_freight_per_piece() -> None:
    """10 pieces at 90: 900 - 10 x 70 - 20 = 180, so 18 a piece; freight left out, 20."""
    tables = firm(order("a", 10, 90.0), order("b", 50, 100.0, booking=False))
    assert value(tables) == pytest.approx(18)
    assert value(tables, with_freight=False) == pytest.approx(20)
    assert value(tables, margin_share=0.5) == pytest.approx(38)


def test_it_is_a_ratio_of_totals() -> None:
    """180 over 10 pieces, and 80 - 70 - 20 = -10 over 1: 170 / 11."""
    assert value(firm(order("a", 10, 90.0), order("b", 1, 80.0, by="bob"))) == pytest.approx(
        170 / 11
    )


def test_cancelled_bookings_do_not_count_and_returned_ones_by_rule() -> None:
    tables = firm(
        order("a", 10, 90.0),
        order("b", 10, 100.0, cancelled_on=date(2026, 2, 4)),
        order("c", 10, 100.0, returned_on=date(2026, 3, 4)),
    )
    assert value(tables) == pytest.approx(18)
    assert value(tables, returns="gross") == pytest.approx((180 + 280) / 20)


def test_tiers_begin_where_the_parameters_say() -> None:
    """23 and 24 pieces, 9 and 10 weeks ahead, stand on two sides of a step."""
    tables = firm(order("a", 23, 98.0, weeks=9), order("b", 24, 95.0, weeks=10, by="bob"))
    by = part(KPI, tables, Params(periods=2), "by_quantity").set_index("tier")
    assert by["discount"].to_dict() == pytest.approx({"below 24": 0.02, "24 to 47": 0.05})
    weeks = part(KPI, tables, Params(periods=2), "by_weeks").set_index("tier")
    assert weeks["discount"].to_dict() == pytest.approx(
        {"below 10 weeks": 0.02, "10 to 13 weeks": 0.05}
    )
    assert by["beyond_own"].isna().all()


def test_what_the_programme_gives_is_beyond_the_accounts_own_discount() -> None:
    """Ann pays 95 for anything; booked, she pays 90. Bob has no other order to compare with."""
    tables = firm(
        order("a", 30, 90.0), order("o", 5, 95.0, booking=False), order("b", 30, 70.0, by="bob")
    )
    row = part(KPI, tables, Params(periods=2), "by_quantity").iloc[0]
    assert row["discount"] == pytest.approx(0.2)
    assert row["beyond_own"] == pytest.approx(0.05)


def test_bookings_stand_beside_the_same_accounts_other_orders() -> None:
    tables = firm(
        order("a", 30, 90.0),
        order("o", 5, 95.0, booking=False),
        order("x", 7, 100.0, booking=False, by="bob"),
    )
    found = part(KPI, tables, Params(periods=2), "against_own").set_index("orders_of")
    assert found["pieces_per_order"].tolist() == [30, 5, 7]
    assert found["freight_per_piece"].tolist() == pytest.approx([20 / 30, 4, 20 / 7])
    row = behind(KPI, tables, Params()).iloc[0]
    assert (row["basket"], row["own_basket"], row["given"]) == (2700, 475, 300)


def test_what_moved_needs_a_year_before_the_first_booking() -> None:
    assert part(KPI, firm(order("a", 9, 90.0)), Params(), "moved")["reason"].iloc[0] == NO_YEAR
    none = firm(order("a", 9, 90.0, booking=False))
    assert part(KPI, none, Params(), "moved")["reason"].iloc[0] == NO_BOOKING


def many(growth: float, booked: float, kept: float) -> Tables:
    """12 accounts that book and 12 that do not. A year before the first booking each bought 100; in the
    last year the others bought 100 x growth, and those who book `kept` in season and `booked` ahead.
    Further bookings are due before that year, or after it, and do not count."""
    first, rows = date(2025, 1, 20), []
    before, season = first - timedelta(days=200), date(2025, 10, 1)
    for n in range(12):
        rows += [order(f"{k}{n}-0", 100, 95.0, False, before, by=f"{k}{n}") for k in "ab"]
        rows += [
            order(f"a{n}-1", booked, 90.0, day=first, by=f"a{n}", weeks=8),
            order(f"a{n}-2", booked, 90.0, day=date(2025, 12, 1), by=f"a{n}", weeks=10),
            order(f"a{n}-3", booked, 90.0, day=DAY, by=f"a{n}", weeks=12),
            order(f"a{n}-4", kept, 95.0, False, season, by=f"a{n}"),
            order(f"b{n}-1", 100 * growth, 95.0, False, season, by=f"b{n}"),
        ]
    rows.append(order("begin", 1, 95.0, False, date(2024, 1, 2), by="old"))
    return firm(*rows)


@pytest.mark.parametrize(("kept", "moved"), [(60.0, 1.0), (100.0, 0.0), (70.0, 0.75)])
def test_what_was_not_added_was_moved(kept: float, moved: float) -> None:
    """40 booked and due by the last day. With no growth elsewhere 60 kept is all moved, 100 kept none."""
    row = part(KPI, many(1.0, 40.0, kept), Params(), "moved").iloc[0]
    assert (row["accounts_that_book"], row["others"]) == (12, 12)
    assert row["booked"] == 12 * 40
    assert row["moved_share"] == pytest.approx(moved)
    assert row["at_least"] == pytest.approx(moved)


def test_growth_of_the_others_is_no_work_of_the_programme() -> None:
    """The others grow by 10 %: of 40 booked and 80 kept after 100, 10 were added."""
    row = part(KPI, many(1.1, 40.0, 80.0), Params(), "moved").iloc[0]
    assert row["growth_of_others"] == pytest.approx(0.1)
    assert row["added"] == pytest.approx(12 * 10)
    assert row["moved_share"] == pytest.approx(0.75)


@cache
def sample() -> Tables:
    return open_dataset(SAMPLE).as_of()


def planted(pieces: pd.Series[Any], weeks: pd.Series[Any]) -> Any:
    """README of the sample: 3, 5, 8 % from 24, 48, 96 pieces, and 2, 4, 6 % from 10, 14, 18 weeks."""
    by_pieces = np.select([pieces >= 96, pieces >= 48, pieces >= 24], [0.08, 0.05, 0.03], 0.0)
    return by_pieces + np.select([weeks >= 18, weeks >= 14, weeks >= 10], [0.06, 0.04, 0.02], 0.0)


def test_the_planted_discounts_are_recovered_by_tier() -> None:
    """What bookings pay beyond their accounts' own discount is, tier by tier, what was planted."""
    params = Params(periods=8)
    rows = run(sold_lines(sample(), params))
    rows = rows[rows["booked"] & (pd.to_datetime(rows["day"]) >= pd.Timestamp(2024, 7, 1))]
    given = planted(rows["order_pieces"], rows["weeks"]) * rows["listed"]
    place = np.digitize(rows["order_pieces"], [24, 48, 96])
    expected = given.groupby(place).sum() / rows["listed"].groupby(place).sum()
    found = part(KPI, sample(), params, "by_quantity")
    assert len(found) == 4
    np.testing.assert_allclose(found["beyond_own"], expected, atol=0.002)
    place = np.digitize(rows["weeks"], [10, 14, 18])
    expected = given.groupby(place).sum() / rows["listed"].groupby(place).sum()
    weeks = part(KPI, sample(), params, "by_weeks")
    np.testing.assert_allclose(weeks["beyond_own"], expected, atol=0.002)


def test_the_planted_freight_is_recovered() -> None:
    """README of the sample: 60 + 0.9 a piece for a booking, 18 + 2.6 a piece for another order."""
    found = part(KPI, sample(), Params(periods=8), "against_own")
    fixed, each = np.array([60, 18, 18]), np.array([0.9, 2.6, 2.6])
    expected = fixed / found["pieces_per_order"].to_numpy() + each
    np.testing.assert_allclose(found["freight_per_piece"], expected, atol=0.005)


def test_most_of_what_is_booked_was_only_moved() -> None:
    """Planted: 80 % moved, 20 % added. 45 accounts that book tell it from nothing, and no closer."""
    row = part(KPI, sample(), Params(), "moved").iloc[0]
    assert row["reason"] == ""
    assert row["at_least"] < 0.8 < row["at_most"]
    assert row["at_least"] > 0.3


def test_the_parts_are_the_same_figure() -> None:
    params = Params(periods=8)
    trend = measure(KPI, sample(), params).trend["value"]
    found = part(KPI, sample(), params, "by_period")
    np.testing.assert_allclose(found["margin_per_piece"], trend, rtol=1e-9)
    tiers = part(KPI, sample(), params, "by_quantity")
    assert tiers["pieces"].sum() == found["pieces"].sum()
    assert tiers["orders"].sum() == found["orders"].sum()


@pytest.mark.parametrize(("accounts", "fires"), [(9, True), (10, False)])
def test_a_programme_that_hardly_anybody_uses_is_none(accounts: int, fires: bool) -> None:
    booked = [order(f"b{n}", 10, 90.0, by=f"a{n}") for n in range(accounts)]
    outcome = nothing_is_booked(firm(*booked, order("plain", 10, 100.0, booking=False)))
    assert outcome is not None
    assert outcome.fires is fires
    assert outcome.substitute == "basket"


def test_where_no_order_says_whether_it_was_booked_nothing_is_told() -> None:
    plain = [(head | {"booking": None}, line) for head, line in [order("a", 10, 100.0)]]
    assert nothing_is_booked(firm(*plain)) is None
    assert nothing_is_booked(firm(*plain), orders_of="all") is not None


def nothing_is_booked(tables: Tables, **params: Any) -> RuleOutcome | None:
    rule = next(rule for rule in KPI.fit_rules if rule.name == "nothing is booked")
    return rule.check(tables, Params.model_validate(params))
