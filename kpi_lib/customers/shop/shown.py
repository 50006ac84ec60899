"""The whole periods that parameters ask for, and parts made over them; columns that cards of orders read."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import ibis.expr.types as ir

from kpi_lib.kpi import KpiParams
from kpi_lib.periods import Period, complete_periods
from kpi_lib.schema import Tables

ORDER_COLUMNS = (
    *("order_id", "account_id", "ordered_at", "shipped_on", "cancelled_on", "returned_on"),
    "booking",
)
LINE_COLUMNS = ("order_id", "line_no", "product_id", "quantity", "list_price", "unit_price")
CONTRACT_COLUMNS = (
    *("subscription_id", "account_id", "started_on", "ended_on", "monthly_amount", "currency"),
)


def shown_periods(tables: Tables, params: KpiParams) -> list[Period]:
    """The whole periods of the trend, oldest first."""
    start = tables.quarter_starts_in
    return complete_periods(tables.as_of, params.period, params.periods, start)


def over_periods(
    compute: Callable[[Tables, list[Period], Any], ir.Table],
) -> Callable[[Tables, Any], ir.Table]:
    """What a part computes, over the periods that the parameters show."""

    def computed(tables: Tables, params: Any) -> ir.Table:
        return compute(tables, shown_periods(tables, params), params)

    return computed
