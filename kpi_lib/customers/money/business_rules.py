"""How a company sells, found from its data, and the KPIs that do not fit it for that reason.

These rules look at the business and not at what a KPI is computed from, so that they can be checked
where its tables are not there: whether a table is not there because the business has no such thing.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from kpi_lib.customers.money.families import yearly_amounts
from kpi_lib.customers.subscribed import number_of
from kpi_lib.engine import run
from kpi_lib.kpi import FitRule, RuleOutcome
from kpi_lib.schema import Tables
from kpi_lib.stats.value_models import CONTRACT, ORDERS

_MOST = 0.5
_YEAR = timedelta(days=365)

Check = Callable[[Tables, object], RuleOutcome | None]

WAYS_OF_PAYING = {
    "orders": ("order_id", "account_id", "ordered_at", "cancelled_on", "returned_on"),
    "order_lines": ("order_id", "quantity", "unit_price"),
    "subscriptions": (
        *("subscription_id", "account_id", "started_on", "ended_on", "monthly_amount", "currency"),
    ),
}
"""What tells whether customers pay under contract or by order."""

WAYS_OF_COMING = {
    "accounts": ("account_id", "signed_on"),
    "leads": ("lead_id", "account_id"),
    "orders": ("order_id", "account_id", "ordered_at"),
}
"""What tells whether customers come as leads, by ordering, or by the hand of the sales team."""


@dataclass(frozen=True)
class _Money:
    """All amounts, whatever brought them."""

    family: str = "detect"
    margin_from: str = "share"
    margin_share: float = 1.0
    currency: str = ""


def sold_by_contract(substitute: str) -> Check:
    """A rule that fires where most of the money of a year came under contract, not by orders."""

    def check(tables: Tables, params: object) -> RuleOutcome | None:
        del params
        found = yearly_amounts(tables, _Money())
        total = sum(amount for _, amount in found.values())
        if not total > 0:
            return None
        share = found.get(CONTRACT, (0, 0.0))[1] / total
        if share <= _MOST:
            return RuleOutcome(False, f"{1 - share:.0%} of a year's amount is ordered.")
        if ORDERS not in found:
            said = "This company sells contracts: all of a year's amount comes under contract, and there are no orders."
            return RuleOutcome(True, said, substitute)
        said = f"{share:.0%} of a year's amount comes under contract, and an order is an exception."
        return RuleOutcome(True, said, substitute)

    return check


def sold_by_order(substitute: str, lacks: str, *, unless: str = "") -> FitRule:
    """A rule that fires where customers order and hold no contract; `lacks` says what is then not there.

    It takes most of a year's amount and most of the accounts that bought: a company with a few large
    contracts, or whose contract customers order as well, has both. A company that has filled the
    table `unless` has what the KPI is about, however it sells.
    """

    def check(tables: Tables, params: object) -> RuleOutcome | None:
        del params
        if unless and unless in tables and _has_rows(tables, unless):
            return RuleOutcome(False, f"There are {unless} on record.")
        found = yearly_amounts(tables, _Money())
        total = sum(amount for _, amount in found.values())
        if not total > 0:
            return None
        bound, contracted = found.get(CONTRACT, (0, 0.0))
        buyers, ordered = found.get(ORDERS, (0, 0.0))
        if ordered <= _MOST * total or bound >= _MOST * buyers:
            return RuleOutcome(
                False, f"{contracted / total:.0%} of a year's amount comes under contract."
            )
        held = f"{bound} of them hold a contract" if bound else "none of them holds a contract"
        said = f"This company sells orders: {buyers} accounts bought within a year, and {held}, so {lacks}."
        return RuleOutcome(True, said, substitute)

    return FitRule(
        name="sold by order",
        meaning=f"Customers order and hold no contract, so {lacks}.",
        check=check,
        reads=WAYS_OF_PAYING | ({unless: ("account_id",)} if unless else {}),
    )


def opened_by_sales(tables: Tables, params: object) -> RuleOutcome | None:
    """Fires where most accounts of a year were opened by the sales team: the shop brings no new customer.

    Told by the leads where there are any, most new accounts having none. Else by the orders: an
    account that stands in the books before the day of its first order was let in by somebody.
    """
    del params
    if "accounts" not in tables:
        return None
    if "leads" in tables and _has_rows(tables, "leads"):
        return _came_without_lead(tables)
    return _let_in_before_ordering(tables) if "orders" in tables else None


OPENED_BY_SALES = FitRule(
    name="accounts without leads",
    meaning="Sales opens most accounts itself, so that nobody is won by leads, demos or channels.",
    check=opened_by_sales,
    reads=WAYS_OF_COMING,
)


def _came_without_lead(tables: Tables) -> RuleOutcome | None:
    accounts, leads = tables["accounts"], tables["leads"]
    signed = accounts["signed_on"] <= tables.as_of
    recent = accounts.filter(signed, accounts["signed_on"] > tables.as_of - _YEAR)
    linked = recent["account_id"].isin(leads.filter(leads["account_id"].notnull())["account_id"])
    counted = run(recent.aggregate(new=recent.count(), linked=number_of(linked).sum()))
    new = int(counted["new"].iloc[0])
    if not new:
        return None
    alone = new - int(counted["linked"].iloc[0])
    sentence = f"{alone} of {new} accounts signed within a year came without a lead."
    fires = alone > _MOST * new
    return RuleOutcome(fires, sentence, "repeat_orders" if fires else "")


def _let_in_before_ordering(tables: Tables) -> RuleOutcome | None:
    accounts, orders = tables["accounts"], tables["orders"]
    first = orders.group_by(of=orders["account_id"]).aggregate(first=orders["ordered_at"].min())
    recent = accounts.filter(
        accounts["signed_on"] <= tables.as_of, accounts["signed_on"] > tables.as_of - _YEAR
    )
    rows = recent.join(first, recent["account_id"] == first["of"])
    let_in = number_of(rows["signed_on"] < rows["first"].date())
    counted = run(rows.aggregate(new=rows.count(), let_in=let_in.sum()))
    new = int(counted["new"].iloc[0])
    if not new:
        return None
    opened = int(counted["let_in"].iloc[0])
    sentence = f"{opened} of {new} accounts new within a year were opened before the day of their first order"
    if opened <= _MOST * new:
        return RuleOutcome(False, f"{sentence}.")
    said = f"{sentence}, and no lead is on record: the sales team opens accounts, and no shop or channel brings a new customer."
    return RuleOutcome(True, said, "repeat_orders")


def _has_rows(tables: Tables, name: str) -> bool:
    return bool(len(run(tables[name].select("account_id").limit(1))))
