"""Who became a customer when, and what was spent to win it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from typing import Literal, Protocol

import ibis
import ibis.expr.types as ir

from kpi_lib.customers.subscribed import ratio, small
from kpi_lib.periods import Period, PeriodName, add_months, complete_periods, period_of
from kpi_lib.schema import Tables, kept, named

Variant = Literal["all", "acquisition", "lagged", "loaded"]

VARIANTS: tuple[Variant, ...] = ("all", "acquisition", "lagged", "loaded")
"""All of sales and marketing; without retention; spread over the sales cycle; with support."""

NOBODY = "nobody"
"""The unit that carries the money of a period in which no customer came."""


class Choice(Protocol):
    """The parameters of acquisition cost."""

    @property
    def period(self) -> PeriodName:
        """Length of a period."""
        ...

    @property
    def periods(self) -> int:
        """How many periods are shown."""
        ...

    @property
    def segment(self) -> str:
        """Column of accounts, or empty."""
        ...

    @property
    def level(self) -> float:
        """Confidence level."""
        ...

    @property
    def variant(self) -> Variant:
        """Which spend counts."""
        ...

    @property
    def marketing_months(self) -> int:
        """Months over which marketing brings customers."""
        ...

    @property
    def sales_months(self) -> int:
        """Months over which sales brings customers."""
        ...

    @property
    def gross_margin(self) -> float | None:
        """Share of what customers pay that is left after serving them."""
        ...

    @property
    def min_customers(self) -> int:
        """Customers below which a channel gets no figure."""
        ...


def shown_periods(tables: Tables, params: Choice) -> list[Period]:
    """The periods of the trend, oldest first."""
    return complete_periods(tables.as_of, params.period, params.periods, tables.quarter_starts_in)


def last_year(tables: Tables, params: Choice) -> list[Period]:
    """The complete periods of the last twelve months."""
    count = {"month": 12, "quarter": 4}[params.period]
    return complete_periods(tables.as_of, params.period, count, tables.quarter_starts_in)


@kept
def new_customers(tables: Tables, periods: Sequence[Period]) -> ir.Table:
    """Accounts that paid for the first time in one of the periods: account_id, period, started_on.

    An account that comes back is not new.
    """
    rows = tables["subscriptions"]
    rows = rows.filter(rows["monthly_amount"] > 0)
    first = rows.group_by("account_id").aggregate(started_on=rows["started_on"].min())
    first = first.mutate(period=period_of(first["started_on"], list(periods)))
    return first.filter(first["period"].notnull())


def spend_of(tables: Tables, variant: Variant) -> ir.Table:
    """The spend that a variant counts: month, department, channel, amount.

    Spend without a stated purpose counts as spent to acquire.
    """
    rows = tables["spend"]
    counted = ["marketing", "sales", *(["support"] if variant == "loaded" else [])]
    rows = rows.filter(rows["department"].isin(counted))
    if variant in ("acquisition", "lagged"):
        rows = rows.filter(rows["purpose"].fill_null("acquisition") == "acquisition")
    return rows.select("month", "department", "channel", amount=rows["amount"].cast("float64"))


def months_of(variant: Variant, params: Choice) -> Mapping[str, int]:
    """Over how many months, its own the first, the spend of each department is spread."""
    if variant == "lagged":
        return {"marketing": params.marketing_months, "sales": params.sales_months}
    return {"marketing": 1, "sales": 1, "support": 1}


def spread(periods: Sequence[Period], months: Mapping[str, int]) -> ir.Table:
    """Which part of a month's spend belongs to a period: period, department, month, part.

    A month's money is spread evenly over `months` months, beginning with its own.
    """
    rows: dict[tuple[date, str, date], float] = {}
    for period in periods:
        for department, length in months.items():
            for month in _months_in(period):
                for back in range(length):
                    key = (period.start, department, add_months(month, -back))
                    rows[key] = rows.get(key, 0.0) + 1 / length
    names = ("period", "department", "month")
    columns: dict[str, list[object]] = {
        name: [key[place] for key in rows] for place, name in enumerate(names)
    }
    kinds = {"period": "date", "department": "string", "month": "date", "part": "float64"}
    return small(columns | {"part": list(rows.values())}, kinds)


def _months_in(period: Period) -> Iterator[date]:
    month = add_months(period.start, 0)
    while month <= period.end:
        yield month
        month = add_months(month, 1)


@kept
def cost_by_period(
    tables: Tables, periods: Sequence[Period], variant: Variant, params: Choice
) -> ir.Table:
    """What was spent on the customers of each period: period, cost (money).

    Null where the spend is not known for all the months it is made of.
    """
    months = months_of(variant, params)
    reach = max(months.values()) - 1
    asked = small(
        {
            "period": [p.start for p in periods],
            "first_month": [add_months(p.start, -reach) for p in periods],
            "last_month": [add_months(p.end, 0) for p in periods],
        },
        dict.fromkeys(("period", "first_month", "last_month"), "date"),
    )
    rows, parts = spend_of(tables, variant), spread(periods, months)
    keys = [rows["month"] == parts["month"], rows["department"] == parts["department"]]
    joined = parts.join(rows, keys)
    sums = joined.group_by(of=joined["period"]).aggregate(
        cost=(joined["amount"] * joined["part"]).sum()
    )
    spend = tables["spend"]
    bounds = spend.aggregate(earliest=spend["month"].min(), latest=spend["month"].max())
    found = asked.cross_join(bounds)
    found = found.left_join(sums, found["period"] == sums["of"]).drop("of")
    is_known = (found["earliest"] <= found["first_month"]) & (
        found["latest"] >= found["last_month"]
    )
    cost = ibis.ifelse(
        is_known.fill_null(False), found["cost"].fill_null(0.0), ibis.null("float64")
    )
    return found.select("period", cost=cost)


@named
def costs_of_customers(
    tables: Tables, periods: Sequence[Period], variant: Variant, params: Choice
) -> ir.Table:
    """One row per new customer with an equal share of its period's cost.

    Columns: unit_id, account_id, period, started_on, value (money, null where the spend is not
    known), weight 1. A period in which money was spent and nobody came has one row of weight 0.
    """
    customers = new_customers(tables, periods)
    counts = customers.group_by(of=customers["period"]).aggregate(customers=customers.count())
    costs = cost_by_period(tables, periods, variant, params)
    costs = costs.left_join(counts, costs["period"] == counts["of"]).drop("of")
    costs = costs.select("cost", "customers", of=costs["period"])
    rows = customers.join(costs, customers["period"] == costs["of"])
    one, none = (ibis.literal(number).cast("float64") for number in (1, 0))
    each = rows.select(
        "account_id",
        "period",
        "started_on",
        unit_id=rows["account_id"],
        value=ratio(rows["cost"], rows["customers"]),
        weight=one,
    )
    empty = costs.filter(costs["customers"].isnull(), costs["cost"] > 0)
    alone = empty.select(
        account_id=ibis.null("string"),
        period=empty["of"],
        started_on=ibis.null("date"),
        unit_id=ibis.literal(NOBODY),
        value=empty["cost"],
        weight=none,
    )
    return each.union(alone)
