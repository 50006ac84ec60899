"""When cart abandonment is a poor KPI for a business, found from its data."""

from __future__ import annotations

from typing import Any

from kpi_lib.customers.shop.carts import NOT_SEEN, with_cause
from kpi_lib.engine import run
from kpi_lib.kpi import RuleOutcome
from kpi_lib.schema import Tables

_MOST = 0.5
_FEW = 0.2


def few_orders_by_cart(tables: Tables, rule: Any) -> RuleOutcome | None:
    """Fires when fewer than a fifth of the orders since the first cart came out of a cart."""
    del rule
    if "orders" not in tables:
        return None
    carts, orders = tables["carts"], tables["orders"]
    begin = run(carts.aggregate(begin=carts["created_at"].min(), kept=carts["ordered_at"].count()))
    if not len(begin) or begin["begin"].isna().iloc[0]:
        return None
    since = orders.filter(orders["ordered_at"] >= begin["begin"].iloc[0].to_pydatetime())
    whole = int(run(since.aggregate(orders=since.count()))["orders"].iloc[0])
    if not whole:
        return None
    kept = int(begin["kept"].iloc[0])
    sentence = f"{kept:,} of {whole:,} orders since the first cart came out of a cart."
    fires = kept < _FEW * whole
    return RuleOutcome(fires, sentence, "repeat_orders" if fires else "")


def visits_not_tagged(tables: Tables, rule: Any) -> RuleOutcome | None:
    """Fires when most carts left belong to a visit without page views: no cause can be told."""
    rows = with_cause(tables, rule)
    rows = rows.filter((rows["is_left"] == 1).fill_null(False))
    counted = run(
        rows.aggregate(left=rows.count(), blind=rows.count(where=rows["cause"] == NOT_SEEN))
    )
    left, blind = int(counted["left"].iloc[0]), int(counted["blind"].iloc[0])
    if not left:
        return None
    sentence = f"{left - blind:,} of {left:,} carts left belong to a visit with page views."
    return RuleOutcome(blind > _MOST * left, sentence)
