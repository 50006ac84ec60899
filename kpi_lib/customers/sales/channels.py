"""The money spent on channels and campaigns, matched with the leads that it brought."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Literal, Protocol

import ibis
import ibis.expr.types as ir

from kpi_lib.customers.sales import leads
from kpi_lib.customers.sales.acquisition import spread
from kpi_lib.customers.sales.leads import NOT_STATED, WON
from kpi_lib.customers.subscribed import ratio, small
from kpi_lib.periods import Period, PeriodName, add_months, complete_periods, period_of
from kpi_lib.schema import Tables, kept, named

Per = Literal["lead", "customer"]
PER: tuple[Per, ...] = ("lead", "customer")

DEPARTMENTS = ("marketing", "sales", "support", "success")
CELL = ("period", "channel", "campaign")


class Choice(Protocol):
    """The parameters of channel cost."""

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
        """Column to split by."""
        ...

    @property
    def level(self) -> float:
        """Confidence level."""
        ...

    @property
    def per(self) -> Per:
        """What the money is divided by."""
        ...

    @property
    def horizon_days(self) -> int:
        """How long a lead may take to be won."""
        ...

    @property
    def spend_months(self) -> int:
        """Over how many months a month's money brings leads."""
        ...

    @property
    def min_leads(self) -> int:
        """Leads below which a channel gets no rank."""
        ...

    @property
    def value_months(self) -> int:
        """Months of the first contract that count as returned."""
        ...

    @property
    def gross_margin(self) -> float | None:
        """Share of what customers pay that is left after serving them."""
        ...


def shown_periods(tables: Tables, params: Choice) -> list[Period]:
    """The periods of the trend, oldest first."""
    return complete_periods(tables.as_of, params.period, params.periods, tables.quarter_starts_in)


def old_enough(tables: Tables, periods: Sequence[Period], horizon_days: int) -> list[Period]:
    """The periods of which every lead has had its horizon."""
    patience = timedelta(days=horizon_days)
    return [period for period in periods if period.end + patience <= tables.as_of]


def acquiring(tables: Tables) -> ir.Table:
    """Spend to acquire: month, department, channel (null where none is named), campaign, amount.

    Spend without a stated purpose counts as spent to acquire.
    """
    rows = tables["spend"]
    rows = rows.filter(
        rows["purpose"].fill_null("acquisition") == "acquisition",
        rows["department"].isin(["marketing", "sales"]),
    )
    campaign = rows["campaign"].fill_null(NOT_STATED)
    return rows.select(
        "month", "department", "channel", campaign=campaign, amount=rows["amount"].cast("float64")
    )


@kept
def money(tables: Tables, periods: Sequence[Period], spend_months: int) -> ir.Table:
    """What was spent on the leads of each period: period, channel, campaign, cost (money).

    A month's money is spread evenly over `spend_months` months, its own the first. Only periods
    for all of whose months the spend is known, and only money that names a channel.
    """
    rows = acquiring(tables)
    rows = rows.filter(rows["channel"].notnull())
    parts = spread(periods, dict.fromkeys(DEPARTMENTS, spend_months))
    joined = parts.join(
        rows, [rows["month"] == parts["month"], rows["department"] == parts["department"]]
    )
    sums = joined.group_by(*CELL).aggregate(cost=(joined["amount"] * joined["part"]).sum())
    known = known_periods(tables, periods, spend_months).select(of="period")
    return sums.join(known, sums["period"] == known["of"]).drop("of")


@kept
def known_periods(tables: Tables, periods: Sequence[Period], spend_months: int) -> ir.Table:
    """The periods for all of whose months the spend is known: period."""
    asked = small(
        {
            "period": [p.start for p in periods],
            "first_month": [add_months(p.start, 1 - spend_months) for p in periods],
            "last_month": [add_months(p.end, 0) for p in periods],
        },
        dict.fromkeys(("period", "first_month", "last_month"), "date"),
    )
    spend = tables["spend"]
    bounds = spend.aggregate(earliest=spend["month"].min(), latest=spend["month"].max())
    found = asked.cross_join(bounds)
    found = found.filter(
        found["earliest"] <= found["first_month"], found["latest"] >= found["last_month"]
    )
    return found.select("period")


@named
def paid_leads(tables: Tables, periods: Sequence[Period], horizon_days: int) -> ir.Table:
    """The leads of the periods that came through a channel on which money is ever spent.

    The columns of `leads.outcomes` and period, channel (the lead's source), campaign, is_customer
    (won within the horizon).
    """
    rows = leads.created_in(leads.outcomes(tables), periods)
    spent = acquiring(tables)
    spent = spent.filter(spent["channel"].notnull(), spent["amount"] > 0)
    rows = rows.filter(rows["source"].isin(spent["channel"]))
    won = (rows["outcome"] == WON) & (rows["days"] <= horizon_days)
    return rows.mutate(channel=rows["source"], is_customer=won)


@named
def costed(
    tables: Tables, periods: Sequence[Period], spend_months: int, horizon_days: int, per: Per
) -> ir.Table:
    """One row per lead, or per customer, with an equal share of the money of its cell.

    A cell is a period, channel and campaign. Columns: unit_id, account_id, period, channel,
    campaign, source, lead_segment, is_ideal (text), value (money; null where the spend is not known
    and, per customer, while leads of the period have not had their horizon), weight 1. A cell that
    brought nobody has one row of weight 0 that carries its money.
    """
    came = paid_leads(tables, periods, horizon_days)
    came = came.filter(came["is_customer"]) if per == "customer" else came
    told = periods if per == "lead" else old_enough(tables, periods, horizon_days)
    cost = money(tables, periods, spend_months)
    counts = came.group_by(*CELL).aggregate(units=came.count())
    cells = cost.outer_join(counts, [cost[name] == counts[name] for name in CELL])
    cells = cells.select(
        "units",
        *[ibis.coalesce(cells[name], cells[f"{name}_right"]).name(f"of_{name}") for name in CELL],
        cost=cells["cost"].fill_null(0.0),
    )
    known = known_periods(tables, periods, spend_months).select("period")
    is_told = cells["of_period"].isin(known["period"]) & cells["of_period"].isin(
        [p.start for p in told] or [tables.as_of + timedelta(days=1)]
    )
    cells = cells.mutate(
        value=ibis.ifelse(is_told, _each(cells["cost"], cells["units"]), ibis.null("float64"))
    )
    return _with_rows(came, cells)


def _each(cost: ir.FloatingValue, units: ir.IntegerValue) -> ir.FloatingValue:
    return ibis.ifelse(units.fill_null(0) > 0, ratio(cost, units), cost)


def _with_rows(came: ir.Table, cells: ir.Table) -> ir.Table:
    """The units with the value of their cell, and the cells of nobody."""
    one, none = (ibis.literal(number).cast("float64") for number in (1, 0))
    keys = [came[name] == cells[f"of_{name}"] for name in CELL]
    rows = came.join(cells, keys)
    units = rows.select(
        "account_id",
        *CELL,
        "source",
        "is_ideal",
        "value",
        lead_segment=rows["segment"],
        unit_id=rows["lead_id"],
        weight=one,
    )
    empty = cells.filter(cells["units"].isnull(), cells["cost"] > 0)
    names = {name: empty[f"of_{name}"] for name in CELL}
    alone = empty.select(
        account_id=ibis.null("string"),
        **names,
        source=empty["of_channel"],
        is_ideal=ibis.literal(NOT_STATED),
        value=empty["value"],
        lead_segment=ibis.literal(NOT_STATED),
        unit_id=ibis.literal("nobody: ") + empty["of_channel"] + ", " + empty["of_campaign"],
        weight=none,
    )
    return units.union(alone.select(*units.columns))


def first_amounts(tables: Tables) -> ir.Table:
    """What each account pays at first: account_id, monthly_amount (money per month, float64)."""
    paid = tables["subscriptions"]
    paid = paid.filter(paid["monthly_amount"] > 0)
    order = [paid["started_on"], paid["subscription_id"], paid["monthly_amount"]]
    place = ibis.row_number().over(ibis.window(group_by="account_id", order_by=order))
    paid = paid.mutate(place=place)
    first = paid.filter(paid["place"] < 1)
    return first.select("account_id", monthly_amount=first["monthly_amount"].cast("float64"))


def won_in(tables: Tables, periods: Sequence[Period]) -> ir.Table:
    """Leads of paid channels won in each period, whenever they came: period, won."""
    rows = leads.outcomes(tables)
    spent = acquiring(tables)
    spent = spent.filter(spent["channel"].notnull(), spent["amount"] > 0)
    rows = rows.filter(rows["source"].isin(spent["channel"]), rows["outcome"] == WON)
    rows = rows.mutate(period=period_of(rows["closed_on"], list(periods)))
    rows = rows.filter(rows["period"].notnull())
    return rows.group_by("period").aggregate(won=rows.count())
