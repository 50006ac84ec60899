"""Demos and trials: which began, what became of each, and when each ended.

A demo is a lead whose clock starts on the day of the demo instead of the day it came in, so that the
helpers of leads serve for both.
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import Literal, Protocol

import ibis
import ibis.expr.types as ir

from kpi_lib.customers.sales import leads
from kpi_lib.customers.sales.lead_parts import Choice as LeadChoice
from kpi_lib.customers.sales.leads import LOST, NOT_STATED, WON
from kpi_lib.editing import with_table
from kpi_lib.periods import Period, period_of
from kpi_lib.schema import Tables, named

Denominator = Literal["started", "ended"]
DENOMINATORS: tuple[Denominator, ...] = ("started", "ended")

NO_PAGE = "no industry page"
TRIED = ("page", "plan")
"""What a demo can be split by besides the columns of its lead."""


class Choice(LeadChoice, Protocol):
    """The parameters of demo conversion."""

    @property
    def denominator(self) -> Denominator:
        """Which demos a period counts."""
        ...

    @property
    def page_prefix(self) -> str:
        """How campaigns that are industry pages begin."""
        ...

    @property
    def min_group(self) -> int:
        """Below so many people nothing is told of a group."""
        ...

    @property
    def feedback_question(self) -> str:
        """The survey question whose comments are quoted."""
        ...


def clocked(tables: Tables) -> Tables:
    """The tables in which a lead is created on the day of its demo; others are not there.

    Also left out are demos seen after the deal was closed: they could not bring it about.
    """
    rows = tables["leads"]
    seen = rows["demo_on"] <= tables.as_of
    open_then = [
        rows[name].fill_null(ibis.literal(date.max)) >= rows["demo_on"]
        for name in ("won_on", "lost_on")
    ]
    kept = rows.filter(rows["demo_on"].notnull(), seen, *open_then)
    return with_table(tables, "leads", kept.mutate(created_on=kept["demo_on"]))


@named
def outcomes(tables: Tables, page_prefix: str) -> ir.Table:
    """One row per demo seen by `as_of`: the columns of `leads.outcomes`, with page and plan.

    `created_on` is the day of the demo, days are counted from it. `page`: what follows the prefix
    in the name of the campaign, "no industry page" for other campaigns; with an empty prefix each
    campaign is a page. `plan`: the plan that is tried, "not stated" where none is.
    """
    rows, raw = leads.outcomes(clocked(tables)), tables["leads"]
    tried = raw.select(of=raw["lead_id"], plan=raw["plan"].fill_null(NOT_STATED))
    rows = rows.join(tried, rows["lead_id"] == tried["of"]).drop("of")
    campaign, start = rows["campaign"], len(page_prefix)
    is_page = campaign.startswith(page_prefix) if start else campaign != NOT_STATED
    page = ibis.ifelse(is_page, campaign.substr(start), NO_PAGE)
    return rows.mutate(page=page)


@named
def ended(tables: Tables, page_prefix: str, horizon_days: int) -> ir.Table:
    """The demos that ended by `as_of`: the same columns, each with the result at its end.

    A demo ends on the day it is won or lost, at the latest after `horizon_days`. `closed_on` is that
    day; outcome is 1 won, 2 not bought; days are counted to the end; exposed is the horizon, since
    nothing is open any more.
    """
    rows = outcomes(tables, page_prefix)
    horizon = ibis.literal(horizon_days).cast("float64")
    patience = (rows["created_on"] + ibis.interval(days=horizon_days)).cast("date")
    in_time = (rows["outcome"] != leads.OPEN) & (rows["days"] <= horizon)
    bought = in_time & (rows["outcome"] == WON)
    rows = rows.mutate(
        closed_on=ibis.ifelse(in_time, rows["closed_on"], patience),
        outcome=ibis.ifelse(bought, WON, LOST).cast("int64"),
        days=ibis.ifelse(in_time, rows["days"], horizon),
        exposed=horizon,
    )
    return rows.filter(rows["closed_on"] <= tables.as_of)


def shown(
    tables: Tables, periods: list[Period], params: Choice, denominator: Denominator
) -> ir.Table:
    """The demos started, or ended, in one of the periods, with `period`."""
    if denominator == "started":
        return leads.created_in(outcomes(tables, params.page_prefix), periods)
    rows = ended(tables, params.page_prefix, params.horizon_days)
    rows = rows.mutate(period=period_of(rows["closed_on"], periods))
    return rows.filter(rows["period"].notnull())


def split_by(tables: Tables, rows: ir.Table, segment: str) -> ir.Table:
    """The demos with the column `segment`: page, plan, or what `leads.split_by` knows.

    Raises ValueError when `segment` is none of them.
    """
    if segment in TRIED:
        return rows.mutate(segment=rows[segment])
    return leads.split_by(tables, rows, segment)


def year_before(day: date) -> date:
    """A year of 365 days earlier."""
    return day - timedelta(days=365)
