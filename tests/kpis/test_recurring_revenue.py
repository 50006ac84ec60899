"""Recurring revenue: published arithmetic, the identity of the ledger, and its parts."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kpi_lib.customers.money.ledger import KINDS
from kpi_lib.customers.subscribed import monthly
from kpi_lib.engine import run
from kpi_lib.example import small_company
from kpi_lib.kpis.recurring_revenue import KPI, Params
from kpi_lib.measure import measure, part
from kpi_lib.schema import Tables
from tests.company import company

AS_OF = date(2026, 3, 31)


def paid(
    who: str, since: date, amount: float, until: date | None = None, **more: Any
) -> dict[str, Any]:
    row = {"subscription_id": who, "account_id": who, "started_on": since}
    return row | {"monthly_amount": amount, "ended_on": until} | more


def ledger(tables: Tables, **params: Any) -> pd.DataFrame:
    return part(KPI, tables, Params(**params), "ledger").set_index("period")


def last(tables: Tables, **params: Any) -> pd.Series[Any]:
    return ledger(tables, **params).iloc[-1]


def test_four_customers_at_500_a_year_bring_166_67() -> None:
    """New MRR of four customers at 500 a year: 166.67 (a billing vendor's worked example)."""
    amount = monthly(500, "year")
    rows = [paid(f"c{n}", date(2026, 3, 5), amount) for n in range(4)]
    assert last(small_company(AS_OF, subscriptions=rows))["new"] == pytest.approx(166.67, abs=0.005)


def test_monthly_and_yearly_plans_add_up_to_12500() -> None:
    """100 customers at 100 a month and 50 at 600 a year: 12,500 (a vendor's worked example)."""
    month = [paid(f"m{n}", date(2026, 1, 1), monthly(100, "month")) for n in range(100)]
    year = [paid(f"y{n}", date(2026, 1, 1), monthly(600, "year")) for n in range(50)]
    tables = small_company(AS_OF, subscriptions=month + year)
    assert last(tables)["closing"] == pytest.approx(12_500, abs=0.5)
    assert measure(KPI, tables, Params()).headline.value == pytest.approx(12_500, abs=0.5)


def test_quick_ratio_of_3_5() -> None:
    """(20 new + 8 expansion) / (5 churn + 3 contraction) = 3.5."""
    before, march = date(2026, 1, 1), date(2026, 3, 1)
    rows = [
        paid("new", march, 20),
        paid("more", before, 10, march),
        paid("more", march, 18),
        paid("less", before, 10, march),
        paid("less", march, 7),
        paid("gone", before, 5, march),
    ]
    found = last(small_company(AS_OF, subscriptions=rows))
    kinds = ("new", "expansion", "reactivation", "contraction", "churn")
    assert [found[kind] for kind in kinds] == [20, 8, 0, 3, 5]
    assert found["quick_ratio"] == pytest.approx(3.5, abs=0.05)


@pytest.mark.parametrize(
    ("amount", "every", "expected"),
    [(120, "year", 10), (30, "quarter", 10), (10, "month", 10), (12, "week", 52)],
)
def test_amounts_per_month(amount: float, every: str, expected: float) -> None:
    assert monthly(amount, every) == pytest.approx(expected)


def test_an_unknown_billing_span_is_refused() -> None:
    with pytest.raises(KeyError):
        monthly(10, "fortnight")


def test_arr_is_twelve_times_mrr() -> None:
    found = ledger(company())
    np.testing.assert_allclose(found["arr"], 12 * found["closing"])


def assert_identity(found: pd.DataFrame) -> None:
    came = found["new"] + found["expansion"] + found["reactivation"]
    went = found["contraction"] + found["churn"]
    np.testing.assert_allclose(found["opening"] + came - went, found["closing"], atol=1e-6)
    np.testing.assert_allclose(found["closing"].iloc[:-1], found["opening"].iloc[1:], atol=1e-6)


def wide(tables: Tables, params: Params, by: list[str]) -> pd.DataFrame:
    """The sums of all kinds per cell of observations."""
    rows = run(KPI.observe(tables, params))
    cells = rows.pivot_table(index=by, columns="kind", values="value", aggfunc="sum")
    return cells.reindex(columns=list(KINDS)).fillna(0.0)


@pytest.mark.parametrize("period", ["week", "month", "quarter"])
@pytest.mark.parametrize(
    "choice", [{}, {"unit": "subscription", "churn_on": "request"}, {"include_usage": "trailing"}]
)
def test_the_ledger_adds_up_in_every_period(period: str, choice: dict[str, str]) -> None:
    assert_identity(ledger(company(), period=period, periods=8, **choice))


def test_the_ledger_adds_up_in_every_segment() -> None:
    cells = wide(company(), Params(segment="segment"), ["segment", "period"])
    split = {str(name): rows for name, rows in cells.groupby("segment")}
    assert set(split) == {"small", "large", "not stated"}
    for rows in split.values():
        assert_identity(rows)


def test_currencies_are_never_added() -> None:
    start = date(2026, 1, 1)
    rows = [
        paid("a", start, 10, currency="EUR"),
        paid("b", start, 20),
        paid("c", start, 40, currency="USD"),
    ]
    tables = small_company(AS_OF, subscriptions=rows)
    assert last(tables)["closing"] == 30
    assert last(tables, currency="USD")["closing"] == 40
    assert_identity(ledger(tables, currency="USD"))
    found = part(KPI, tables, Params(), "currencies")
    assert found[["currency", "accounts", "mrr"]].values.tolist() == [
        ["USD", 1, 40.0],
        ["EUR", 2, 30.0],
    ]
    rule = next(rule for rule in KPI.fit_rules if rule.name == "several currencies")
    outcome = rule.check(tables, Params())
    assert outcome is not None
    assert outcome.fires
    assert outcome.sentence == "1 accounts pay in USD: run once per currency."


spans = st.lists(
    st.tuples(
        st.sampled_from("abcd"),
        st.integers(0, 500),
        st.integers(1, 300),
        st.integers(0, 5),
    ),
    min_size=4,
    max_size=16,
)


@settings(max_examples=6, deadline=None)
@given(spans)
def test_any_ledger_adds_up(found: list[tuple[str, int, int, int]]) -> None:
    """Whatever spans there are, overlapping or not, amounts of 0 among them."""
    origin = date(2025, 1, 1)
    rows = [
        paid(who, origin + timedelta(days=since), amount, origin + timedelta(days=since + days))
        for who, since, days, amount in found
    ]
    tables = small_company(AS_OF, subscriptions=rows)
    assert_identity(ledger(tables, periods=14))


def test_notice_is_booked_when_it_is_given_if_asked() -> None:
    notice, end = date(2026, 1, 20), date(2026, 3, 10)
    rows = [paid("a", date(2025, 6, 1), 10, end, cancelled_on=notice)]
    tables = small_company(AS_OF, subscriptions=rows)
    assert ledger(tables)["churn"].to_dict()[pd.Timestamp(2026, 3, 1)] == 10
    assert ledger(tables, churn_on="request")["churn"].to_dict()[pd.Timestamp(2026, 1, 1)] == 10


def test_metered_charges_count_as_their_mean_over_three_months() -> None:
    orders = [
        {"order_id": "1", "account_id": "a", "ordered_at": date(2026, 2, 10), "channel": "usage"},
        {"order_id": "2", "account_id": "a", "ordered_at": date(2026, 3, 10), "channel": "shop"},
        {"order_id": "3", "account_id": "a", "ordered_at": date(2025, 12, 10), "channel": "usage"},
    ]
    lines = [{"order_id": n, "line_no": 1, "quantity": 3.0, "unit_price": 10.0} for n in "123"]
    rows = [paid("a", date(2025, 1, 1), 100)]
    tables = small_company(AS_OF, subscriptions=rows, orders=orders, order_lines=lines)
    assert last(tables)["closing"] == 100
    found = ledger(tables, include_usage="trailing")["closing"].tolist()[-4:]
    assert found == [110, 110, 120, 110]


def test_a_customer_that_returns_is_no_new_one() -> None:
    rows = [paid("a", date(2020, 1, 1), 10, date(2020, 6, 1)), paid("a", date(2026, 3, 2), 10)]
    found = last(small_company(AS_OF, subscriptions=rows), periods=2)
    assert (found["new"], found["reactivation"]) == (0, 10)


def test_contracted_revenue_ends_with_each_term() -> None:
    start, term, notice = date(2026, 1, 1), date(2026, 6, 15), date(2026, 5, 1)
    rows = [
        paid("term", start, 10, term_ends_on=term),
        paid("leaving", start, 20, notice, term_ends_on=term),
        paid("rolling", start, 40, term_ends_on=date(2999, 12, 31)),
        paid("over", date(2024, 1, 1), 80, term_ends_on=date(2025, 1, 1)),
    ]
    found = part(KPI, small_company(AS_OF, subscriptions=rows), Params(), "contracted")
    assert len(found) == 12
    assert found["month"].iloc[0] == pd.Timestamp(2026, 4, 1)
    assert found["contracted"].tolist()[:4] == [30, 10, 0, 0]
    assert found["up_for_renewal"].tolist()[:4] == [0, 20, 10, 0]


def test_contracted_revenue_within_a_month_starts_with_its_rest() -> None:
    rows = [paid("a", date(2026, 1, 1), 10, term_ends_on=date(2026, 3, 20))]
    found = part(KPI, small_company(date(2026, 3, 10), subscriptions=rows), Params(), "contracted")
    assert found["month"].iloc[0] == pd.Timestamp(2026, 3, 1)
    assert found["up_for_renewal"].iloc[0] == 10
    assert len(found) == 12


def test_metered_contracts_are_found() -> None:
    use = [{"account_id": n, "at": date(2026, 3, 1), "event": "call"} for n in "abc"]
    tables = small_company(AS_OF, subscriptions=[paid("a", date(2025, 1, 1), 10)], usage=use)
    rule = next(rule for rule in KPI.fit_rules if rule.name == "metered contracts")
    outcome = rule.check(tables, Params())
    assert outcome is not None
    assert outcome.fires
    assert outcome.substitute == "gross_revenue"
    assert outcome.sentence.startswith("2 of 3 accounts")


def test_churn_booked_as_contraction_shows_in_the_ledger() -> None:
    rows = [paid("a", date(2025, 1, 1), 100, date(2026, 3, 10)), paid("b", date(2025, 1, 1), 100)]
    tables = small_company(AS_OF, subscriptions=rows)
    move = next(move for move in KPI.cheap_moves if move.name == "churn booked as contraction")
    before, after = last(tables), last(move.edit(tables, Params()))
    assert (before["churn"], before["contraction"], before["closing"]) == (100, 0, 100)
    assert (after["churn"], after["contraction"], after["closing"]) == (0, 90, 110)
