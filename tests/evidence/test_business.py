"""How a company sells, told from its data: the KPIs that do not fit it, and those only not handed in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import pytest

from kpi_lib.catalogue import catalogue
from kpi_lib.customers.money.business_rules import (
    OPENED_BY_SALES,
    opened_by_sales,
    sold_by_contract,
    sold_by_order,
)
from kpi_lib.evidence.choosing import choose, turned_away
from kpi_lib.evidence.finding import NO_OTHERS, TESTS
from kpi_lib.evidence.fitting import not_fitting
from kpi_lib.example import small_company
from kpi_lib.kpi import Kpi, KpiParams, RuleOutcome
from kpi_lib.schema import Tables

TODAY = date(2026, 6, 30)
Rows = list[dict[str, Any]]


@dataclass(frozen=True)
class Company:
    """A source that knows the same tables on every day."""

    tables: Tables
    last_day: date = TODAY

    def as_of(self, day: date) -> Tables:
        assert day == self.last_day
        return self.tables


def ordered(*accounts: str, amount: float = 100.0, on: int = 1) -> Mapping[str, Rows]:
    """One order of each account in May 2026."""
    orders = [
        {"order_id": f"o-{a}", "account_id": a, "ordered_at": datetime(2026, 5, on, 9)}
        for a in accounts
    ]
    lines = [
        {"order_id": f"o-{a}", "line_no": 1, "product_id": "p", "quantity": 1, "unit_price": amount}
        for a in accounts
    ]
    return {"orders": orders, "order_lines": lines}


def contracts(*accounts: str, amount: float = 100.0) -> Rows:
    """A contract of each account since 2024."""
    return [
        {
            "subscription_id": f"s-{a}",
            "account_id": a,
            "started_on": date(2024, 1, 1),
            "ended_on": date(2999, 12, 31),
            "monthly_amount": amount,
        }
        for a in accounts
    ]


def company(**tables: Any) -> Tables:
    return small_company(TODAY, **tables)


def checked(found: RuleOutcome | None) -> tuple[bool, str, str]:
    assert found is not None
    return found.fires, found.sentence, found.substitute


BY_ORDER = sold_by_order("repeat_orders", "nothing runs on", unless="usage")


def test_a_company_without_contracts_sells_orders() -> None:
    fires, said, substitute = checked(BY_ORDER.check(company(**ordered("a", "b")), None))
    assert fires
    assert said == (
        "This company sells orders: 2 accounts bought within a year, and none of them holds a "
        "contract, so nothing runs on."
    )
    assert substitute == "repeat_orders"


@pytest.mark.parametrize(
    ("tables", "why"),
    [
        ({"subscriptions": contracts("a")}, "it sells contracts alone"),
        ({"subscriptions": contracts("a", "b"), **ordered("a", "b", amount=9e6)},
         "whoever orders holds a contract"),
        ({"subscriptions": contracts("a", amount=9e6), **ordered("b", "c", "d")},
         "one large contract brings more than the orders"),
        ({"usage": [{"account_id": "a", "at": datetime(2026, 5, 1), "event": "x"}], **ordered("a")},
         "what the KPI is about is on record"),
    ],
)  # fmt: skip
def test_it_does_not_where_contracts_or_use_are_there(tables: Any, why: str) -> None:
    assert not checked(BY_ORDER.check(company(**tables), None))[0], why


def test_nothing_is_said_of_a_company_that_sold_nothing() -> None:
    for tables in (company(), company(accounts=[{"account_id": "a", "signed_on": TODAY}])):
        assert BY_ORDER.check(tables, None) is None
        assert sold_by_contract("customer_churn")(tables, None) is None
        assert opened_by_sales(tables, None) is None


def test_a_company_with_contracts_alone_does_not_sell_orders() -> None:
    fires, said, substitute = checked(
        sold_by_contract("customer_churn")(company(subscriptions=contracts("a")), None)
    )
    assert fires
    assert "This company sells contracts" in said
    assert substitute == "customer_churn"


def test_most_of_the_money_decides_where_both_are_there() -> None:
    """A contract of 100 a month earns 1,200 a year: an order of 1,300 is more, one of 1,100 less."""
    rule = sold_by_contract("customer_churn")
    for amount, fires in ((1_300.0, False), (1_100.0, True)):
        both = company(subscriptions=contracts("a"), **ordered("b", amount=amount))
        assert checked(rule(both, None))[0] is fires


def accounts(**signed: date) -> Rows:
    return [{"account_id": name, "name": name, "signed_on": day} for name, day in signed.items()]


def test_accounts_that_stand_in_the_books_before_they_order_were_opened_by_sales() -> None:
    """One of May that ordered on the day it came, two let in in April that ordered in May."""
    new = accounts(a=date(2026, 5, 1), b=date(2026, 4, 20), c=date(2026, 4, 2))
    fires, said, substitute = checked(
        opened_by_sales(company(accounts=new, **ordered("a", "b", "c")), None)
    )
    assert fires
    assert said.startswith("2 of 3 accounts new within a year were opened before the day of")
    assert substitute == "repeat_orders"


def test_a_shop_in_which_customers_open_their_accounts_themselves_wins_customers() -> None:
    new = accounts(a=date(2026, 5, 1), b=date(2026, 5, 1), c=date(2026, 4, 2))
    assert not checked(opened_by_sales(company(accounts=new, **ordered("a", "b", "c")), None))[0]


@pytest.mark.parametrize(("linked", "fires"), [(["a", "b"], False), (["a"], True)])
def test_leads_decide_where_there_are_any(linked: list[str], fires: bool) -> None:
    """All three were let in before they ordered; two of three with a lead is most of them."""
    new = accounts(a=date(2026, 4, 1), b=date(2026, 4, 2), c=date(2026, 4, 3))
    leads = [
        {"lead_id": name, "account_id": name, "created_on": date(2026, 1, 1), "source": "fair"}
        for name in linked
    ]
    tables = company(accounts=new, leads=leads, **ordered("a", "b", "c"))
    assert checked(OPENED_BY_SALES.check(tables, None))[0] is fires


def verdicts(tables: Tables, *present: str) -> dict[str, str]:
    """Names and reasons of what does not fit, of the KPIs that need more than the tables present."""
    cards = catalogue().values()
    unfed = {kpi.name: (kpi, kpi.Params()) for kpi in cards if not set(kpi.needs) <= set(present)}
    return {one.kpi.name: one.because for one in turned_away(unfed, Company(tables))}


WHOLESALER = company(accounts=accounts(a=date(2026, 4, 1), b=date(2026, 4, 2)), **ordered("a", "b"))
SOFTWARE = company(accounts=accounts(a=date(2024, 1, 1)), subscriptions=contracts("a"))

ONLY_ORDERS = {"account_targets", "basket", "cart_abandonment", "early_booking", "repeat_orders"}
ONLY_CONTRACTS = {
    *("recurring_revenue", "revenue_retention", "customer_churn", "inactive_customers"),
    *("time_to_value", "engagement_score", "stage_conversion", "stage_velocity"),
    *("lead_conversion", "demo_conversion", "channel_cost", "acquisition_cost", "clv_to_cac"),
}


def test_on_a_wholesaler_what_is_made_for_contracts_is_dropped_with_a_substitute() -> None:
    found = verdicts(WHOLESALER, "accounts", "orders", "order_lines")
    assert set(found) == ONLY_CONTRACTS
    for because in found.values():
        assert because.startswith("It does not fit this business: ")
        assert because.endswith(" instead.")


def test_on_a_software_company_what_is_made_for_orders_is_dropped_with_a_substitute() -> None:
    found = verdicts(SOFTWARE, "accounts", "subscriptions")
    assert set(found) == ONLY_ORDERS
    assert "Use customer_churn instead." in found["repeat_orders"]
    assert "Use recurring_revenue instead." in found["basket"]


@pytest.mark.parametrize("name", ["employee_nps", "levers", "lift"])
@pytest.mark.parametrize("tables", [WHOLESALER, SOFTWARE])
def test_what_is_only_not_handed_in_is_not_said_not_to_fit(name: str, tables: Tables) -> None:
    """Any company may ask its people, and touch its accounts."""
    kpi = catalogue()[name]
    assert not_fitting(kpi, Company(tables), kpi.Params()) is None


def test_a_software_company_without_leads_and_use_has_only_not_handed_them_in() -> None:
    for name in ("lead_conversion", "inactive_customers", "time_to_value", "stage_conversion"):
        kpi = catalogue()[name]
        assert not_fitting(kpi, Company(SOFTWARE), kpi.Params()) is None


def test_what_does_not_fit_stands_in_the_comparison_untested() -> None:
    kpi: Kpi = catalogue()["customer_churn"]
    unfed: dict[str, tuple[Kpi, KpiParams]] = {
        name: (catalogue()[name], catalogue()[name].Params())
        for name in ("employee_nps", "customer_churn")
    }
    frame = choose(NO_OTHERS, Company(WHOLESALER), unfed=unfed)
    assert frame["title"].tolist() == [kpi.title]
    row = frame.iloc[0]
    assert row["suggestion"] == "drop"
    assert row["substitutes"] == ["repeat_orders"]
    assert not row["in_set"]
    assert [row[test] for test in TESTS] == [None] * 5 + [False]
