"""When KPIs of orders fit a business badly, found from its data."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from kpi_lib.customers.money.families import yearly_amounts
from kpi_lib.customers.shop.goods import Plain, orders_counted
from kpi_lib.engine import run
from kpi_lib.kpi import RuleOutcome
from kpi_lib.schema import Tables
from kpi_lib.stats.value_models import CONTRACT, ORDERS

_MOST = 0.5
_LARGE = 0.1
_YEAR = timedelta(days=365)


@dataclass(frozen=True)
class _Money:
    """All amounts, whatever brought them."""

    family: str = "detect"
    margin_from: str = "share"
    margin_share: float = 1.0
    currency: str = ""


def sold_by_contract(substitute: str) -> Callable[[Tables, object], RuleOutcome | None]:
    """A rule that fires where most of the money of a year came under contract, not by orders."""

    def check(tables: Tables, params: object) -> RuleOutcome | None:
        del params
        if not {"orders", "order_lines"} <= set(tables):
            return None
        found = yearly_amounts(tables, _Money())
        total = sum(amount for _, amount in found.values())
        if not total > 0:
            return None
        share = found.get(CONTRACT, (0, 0.0))[1] / total
        if share <= _MOST:
            return RuleOutcome(
                False, f"{found[ORDERS][1] / total:.0%} of a year's amount is ordered."
            )
        said = f"{share:.0%} of a year's amount comes under contract, and an order is an exception."
        return RuleOutcome(True, said, substitute)

    return check


def few_orders(tables: Tables, params: object) -> RuleOutcome | None:
    """Fires when accounts order less than twice a year on average: there is no habit to follow."""
    del params
    rows = orders_counted(tables, Plain())
    rows = rows.filter(rows["cancelled_on"].isnull(), rows["day"] > tables.as_of - _YEAR)
    counted = run(rows.aggregate(orders=rows.count(), accounts=rows["account_id"].nunique()))
    orders, accounts = int(counted["orders"].iloc[0]), int(counted["accounts"].iloc[0])
    if not accounts:
        return None
    sentence = f"{accounts} accounts placed {orders} orders in the last 365 days."
    return RuleOutcome(orders < 2 * accounts, sentence)


def one_bulk_buyer(tables: Tables, params: object) -> RuleOutcome | None:
    """Fires when a single order makes more than a tenth of a year's amount."""
    del params
    rows = orders_counted(tables, Plain())
    rows = rows.filter(rows["cancelled_on"].isnull(), rows["day"] > tables.as_of - _YEAR)
    counted = run(rows.aggregate(whole=rows["sold"].sum(), largest=rows["sold"].max()))
    whole, largest = (counted[name].astype(float).iloc[0] for name in ("whole", "largest"))
    if not whole > 0:
        return None
    share = largest / whole
    sentence = f"The largest order of the last 365 days is {share:.1%} of the amount."
    return RuleOutcome(bool(share > _LARGE), sentence)
