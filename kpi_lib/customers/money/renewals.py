"""Renewal: of the accounts whose term ended in a period, how many went on paying."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import ibis
import ibis.expr.types as ir

from kpi_lib.customers.money.ledger import Rule
from kpi_lib.customers.money.losses import losses
from kpi_lib.customers.money.tenure import with_wilson
from kpi_lib.customers.subscribed import dates, in_currency
from kpi_lib.periods import Period
from kpi_lib.schema import OPEN_END, Tables


def _grid(periods: Sequence[Period]) -> ir.Table:
    return dates({"period": [p.start for p in periods], "end": [p.end for p in periods]})


def _paid(tables: Tables, rule: Rule) -> ir.Table:
    rows = in_currency(tables, rule.currency)
    return rows.filter(rows["monthly_amount"] > 0)


def terms_ended(tables: Tables, periods: Sequence[Period], rule: Rule) -> ir.Table:
    """One row per account and period in which a term of it ended while it still paid.

    Columns: period, account_id, term (its last one in the period), is_renewed (whether it pays for
    the day on which the next term begins, whatever the contract). Contracts without a term, and
    those given up before its end, are not there.
    """
    rows, grid = _paid(tables, rule), _grid(periods)
    rows = rows.filter(rows["term_ends_on"] < OPEN_END, rows["ended_on"] >= rows["term_ends_on"])
    rows = rows.filter(rows["started_on"] < rows["term_ends_on"])
    inside = [rows["term_ends_on"] >= grid["period"], rows["term_ends_on"] <= grid["end"]]
    joined = grid.join(rows, inside)
    ended = joined.group_by("period", "account_id").aggregate(term=joined["term_ends_on"].max())
    again = _paid(tables, rule)
    again = again.select("started_on", "ended_on", of=again["account_id"])
    goes_on = [
        ended["account_id"] == again["of"],
        again["started_on"] <= ended["term"],
        again["ended_on"] > ended["term"],
    ]
    renewed = ended.join(again, goes_on)
    renewed = renewed.select(
        at=renewed["period"], who=renewed["account_id"], hit=ibis.literal(True)
    ).distinct()
    keys = [ended["period"] == renewed["at"], ended["account_id"] == renewed["who"]]
    full = ended.left_join(renewed, keys)
    return full.select("period", "account_id", "term", is_renewed=full["hit"].fill_null(False))


def renewal_rate(tables: Tables, periods: Sequence[Period], rule: Any) -> ir.Table:
    """One row per period: period, share (renewed), low, high, terms_ended, renewed, left_early.

    Wilson's limits; null where no term ended. `left_early` were lost before their term ended.
    """
    rows = terms_ended(tables, periods, rule)
    sums = rows.group_by(at=rows["period"]).aggregate(
        terms_ended=rows.count(), renewed=rows.count(where=rows["is_renewed"])
    )
    lost = losses(tables, periods, rule)
    early = lost.group_by(of=lost["period"]).aggregate(
        left_early=lost.count(where=lost["is_early"])
    )
    full = _grid(periods).drop("end")
    full = full.left_join(sums, full["period"] == sums["at"]).drop("at")
    full = full.left_join(early, full["period"] == early["of"]).drop("of")
    names = ("terms_ended", "renewed", "left_early")
    full = full.mutate(**{name: full[name].fill_null(0) for name in names})
    return with_wilson(full.order_by("period"), "period", "renewed", "terms_ended", rule.level)
