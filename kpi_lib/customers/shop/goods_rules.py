"""When KPIs of orders fit a business badly, found from its data."""

from __future__ import annotations

from datetime import timedelta

from kpi_lib.customers.shop.goods import Plain, orders_counted
from kpi_lib.engine import run
from kpi_lib.kpi import RuleOutcome
from kpi_lib.schema import Tables

_LARGE = 0.1
_YEAR = timedelta(days=365)


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
