"""What a customer costs through each channel and what it returns, matched with the money spent on it."""

from __future__ import annotations

from typing import Any

import ibis
import ibis.expr.types as ir
import numpy as np

from kpi_lib.customers.frames import table_of
from kpi_lib.customers.money.margin import gross_margin
from kpi_lib.customers.sales import channels
from kpi_lib.customers.sales.channel_parts import finite, sums
from kpi_lib.customers.sales.channels import Choice, old_enough, shown_periods
from kpi_lib.engine import run
from kpi_lib.periods import Period
from kpi_lib.schema import Tables
from kpi_lib.stats.unit_returns import cost_per, return_on

_RETURN = {"name": "string"}
_RETURN |= dict.fromkeys(
    ("cost_per_customer", "low", "high", "roi", "roi_low", "roi_high"), "float64"
)
_RETURN |= {"spend": "float64", "customers": "int64", "reason": "string"}


def returns(by: str) -> Any:
    """The part with the cost of a customer and the return by channel or campaign, lag-matched."""

    def compute(tables: Tables, params: Choice) -> ir.Table:
        """The named column, cost_per_customer with low and high, roi with roi_low and roi_high, spend,
        customers, reason; the most money first.

        Of the periods whose leads have all had their horizon: the money of a period against the
        customers that its own leads became. No figure below `min_leads` leads. `roi` is null where
        it is not known what customers pay or what serving them costs.
        """
        periods = old_enough(tables, shown_periods(tables, params), params.horizon_days)
        frame = sums(tables, periods, params, by) if periods else None
        if frame is None or frame.empty:
            return table_of(None, _RETURN).rename({by: "name"})
        values = _values(tables, periods, params, by)
        rows = [_return_of(row, values, params, by) for row in frame.to_dict("records")]
        table = table_of(frame.assign(**_columns(rows)), _RETURN).rename({by: "name"})
        return table.order_by(ibis.desc("spend"), by)

    return compute


def _columns(rows: list[dict[str, Any]]) -> dict[str, list[Any]]:
    return {name: [row[name] for row in rows] for name in rows[0]}


def _return_of(
    row: dict[Any, Any], values: dict[str, list[float]] | None, params: Choice, by: str
) -> dict[str, Any]:
    names = ("cost_per_customer", "low", "high", "roi", "roi_low", "roi_high")
    told: dict[str, Any] = dict.fromkeys(names, np.nan)
    if row["leads"] < params.min_leads:
        return told | {"reason": f"fewer than {params.min_leads} leads"}
    label = f"{by} {row['name']}"
    cost = cost_per(row["spend"], row["customers"], f"customers of {label}")
    ends = cost.limits(params.level)
    told |= dict(zip(names[:3], finite([cost.value, *ends]).tolist(), strict=True))
    if values is None:
        return told | {"reason": "what customers bring is not known: no roi"}
    back = return_on(row["spend"], values.get(row["name"], []), f"returns of {label}")
    told |= dict(zip(names[3:], (back.value, *back.limits(params.level)), strict=True))
    return told | {"reason": "" if row["customers"] else "no customer came"}


def _values(
    tables: Tables, periods: list[Period], params: Choice, by: str
) -> dict[str, list[float]] | None:
    """What each customer brings by channel or campaign (money); None where that is not known.

    The first paid amount x `value_months` x gross margin; 0 for a customer without a contract.
    """
    margin = gross_margin(tables, params.gross_margin) if "subscriptions" in tables else np.nan
    if not np.isfinite(margin):
        return None
    rows = channels.paid_leads(tables, periods, params.horizon_days)
    rows = rows.filter(rows["is_customer"])
    first = channels.first_amounts(tables).rename(of="account_id")
    rows = rows.left_join(first, rows["account_id"] == first["of"])
    frame = run(rows.select(name=rows[by], amount=rows["monthly_amount"].fill_null(0.0)))
    worth = frame["amount"] * params.value_months * margin
    return {str(name): part.tolist() for name, part in worth.groupby(frame["name"])}
