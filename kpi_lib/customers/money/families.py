"""Under contract, or by orders: how a company's customers pay, and what is left of it as margin."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol

import ibis.expr.types as ir

from kpi_lib.customers.money.recognised import from_orders, from_subscriptions
from kpi_lib.customers.subscribed import dates, ratio
from kpi_lib.engine import run
from kpi_lib.periods import Period, add_months
from kpi_lib.schema import Tables
from kpi_lib.stats.value_models import CONTRACT, ORDERS


class Rule(Protocol):
    """The parameters that say how customers pay and what their margin is."""

    @property
    def family(self) -> str:
        """How customers pay: detect, contract, orders."""
        ...

    @property
    def margin_from(self) -> str:
        """Where the margin comes from: costs, share."""
        ...

    @property
    def margin_share(self) -> float:
        """Margin as a share of the amount, where it does not come from costs."""
        ...

    @property
    def currency(self) -> str:
        """Currency of subscriptions, "" for that of the data set."""
        ...


@dataclass(frozen=True)
class _Recognised:
    """All amounts of one source by the day on which they were ordered."""

    revenue_from: str
    currency: str
    recognise_on: str = "ordered"


def available(tables: Tables) -> list[str]:
    """The families that the tables there are can tell about."""
    found = [CONTRACT] if "subscriptions" in tables else []
    return found + ([ORDERS] if {"orders", "order_lines"} <= set(tables) else [])


def family_of(tables: Tables, rule: Rule) -> str:
    """The family that applies: the one asked for, else the one that brought more money in a year.

    Contracts where both brought the same. Raises ValueError where its tables are not there.
    """
    there = available(tables)
    asked = [one for one in there if rule.family in ("detect", one)]
    if not asked:
        raise ValueError(f"no table to take lifetimes from ({rule.family})")
    if len(asked) == 1:
        return asked[0]
    money = yearly_amounts(tables, rule)
    return max(asked, key=lambda family: money.get(family, (0, 0.0))[1])


def yearly_amounts(tables: Tables, rule: Rule) -> dict[str, tuple[int, float]]:
    """Accounts and amount of the last 12 months by family, for families whose tables are there."""
    key = ("yearly amounts", rule.currency)
    return tables.once(key, lambda: _yearly_amounts(tables, rule))


def _yearly_amounts(tables: Tables, rule: Rule) -> dict[str, tuple[int, float]]:
    window = [whole_months(Period(tables.as_of, tables.as_of, "month"))]
    found = {}
    for family in available(tables):
        rows = _amounts(tables, window, family, rule)
        sums = run(
            rows.aggregate(
                accounts=rows["account_id"].nunique(), amount=rows["amount"].sum().fill_null(0.0)
            )
        )
        found[family] = (int(sums["accounts"].iloc[0]), float(sums["amount"].iloc[0]))
    return found


def whole_months(period: Period) -> Period:
    """The last 12 whole calendar months that end on or before the end of a period."""
    last = add_months(period.end + timedelta(days=1), 0) - timedelta(days=1)
    return Period(add_months(last, -11), last, "month")


def _amounts(tables: Tables, windows: Sequence[Period], family: str, rule: Rule) -> ir.Table:
    recognised = _Recognised(family, rule.currency)
    source = from_subscriptions if family == CONTRACT else from_orders
    return source(tables, windows, recognised)


def margins(tables: Tables, periods: Sequence[Period], family: str, rule: Rule) -> ir.Table:
    """Margin as a share of the amount, per period: period, margin.

    1 - costs / amounts over those of the 12 whole months up to its end for which costs are recorded;
    a period without any is not there. Where no costs are recorded or asked for, the share given.
    """
    starts = [p.start for p in periods]
    if rule.margin_from != "costs" or "costs" not in tables:
        shares = [rule.margin_share for _ in periods]
        return dates({"period": starts, "margin": shares}, margin="float64")
    windows = [whole_months(p) for p in periods]
    months = sorted({month for window in windows for month in _months(window)})
    monthly = _monthly(tables, months, family, rule)
    grid = dates(
        {
            "period": starts,
            "since": [w.start for w in windows],
            "until": [w.end for w in windows],
        }
    )
    rows = grid.join(monthly, [monthly["of"] >= grid["since"], monthly["of"] <= grid["until"]])
    sums = rows.group_by("period").aggregate(cost=rows["cost"].sum(), amount=rows["amount"].sum())
    sums = sums.mutate(margin=1.0 - ratio(sums["cost"], sums["amount"]))
    return sums.filter(sums["margin"].notnull()).select("period", "margin")


def _months(window: Period) -> list[Period]:
    starts = [add_months(window.start, count) for count in range(12)]
    return [Period(s, add_months(s, 1) - timedelta(days=1), "month") for s in starts]


def _monthly(tables: Tables, months: Sequence[Period], family: str, rule: Rule) -> ir.Table:
    """Costs of goods and service beside the amounts, for months with costs: of, cost, amount."""
    costs = tables["costs"]
    spent = costs.group_by(of=costs["month"]).aggregate(cost=costs["amount"].cast("float64").sum())
    amounts = _amounts(tables, months, family, rule)
    amounts = amounts.group_by(start=amounts["period"]).aggregate(amount=amounts["amount"].sum())
    return spent.join(amounts, spent["of"] == amounts["start"]).drop("start")
