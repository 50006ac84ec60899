"""Renewal decisions of accounts, and how well scores of the months before told them apart."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import ibis
import ibis.expr.types as ir
import numpy as np

from kpi_lib.engine import run
from kpi_lib.periods import Period, add_months, complete_periods
from kpi_lib.schema import OPEN_END, Tables
from kpi_lib.stats.bootstrap import cluster_weights
from kpi_lib.stats.rank import auc, auc_draws

if TYPE_CHECKING:
    import pandas as pd

GRACE = 31
"""Days within which a contract that goes on counts as renewed."""

LEAST = 10
"""Losses and renewals below which no comparison is made."""

MOST_MONTHS = 60
DRAWS = 1000
SEED = 20200206


def decisions(tables: Tables) -> ir.Table:
    """One row per account and decision: account_id, decision_on, acted_on, first_paid_on, is_lost.

    A decision is the end of a term, or the day on which paying stopped for longer than the grace. A
    loss was acted on when notice was given (`acted_on`), a renewal never (null). Decisions younger than
    the grace are not settled yet and left out.
    """
    paid = tables["subscriptions"]
    paid = paid.filter(paid["monthly_amount"] > 0)
    ends = [_dates(paid, "term_ends_on"), _dates(paid, "ended_on")]
    settled = tables.as_of - timedelta(days=GRACE)
    days = ends[0].union(ends[1]).distinct()
    days = days.filter(days["decision_on"] <= settled, days["decision_on"] < OPEN_END)
    rows = days.join(paid, days["of"] == paid["account_id"])
    later = rows["decision_on"] + ibis.interval(days=GRACE)
    before = (rows["started_on"] < rows["decision_on"]) & (rows["ended_on"] >= rows["decision_on"])
    goes_on = (rows["started_on"] <= later) & (rows["ended_on"] > later)
    is_end = rows["term_ends_on"] == rows["decision_on"]
    sums = rows.group_by("of", "decision_on").aggregate(
        paid_before=_any(before),
        is_renewed=_any(goes_on),
        is_term_end=_any(is_end),
        first_paid_on=rows["started_on"].min(),
        notice_on=ibis.ifelse(before, rows["cancelled_on"], ibis.null("date")).max(),
    )
    sums = sums.filter(sums["paid_before"] == 1)
    sums = sums.filter((sums["is_term_end"] == 1) | (sums["is_renewed"] == 0))
    lost = sums["is_renewed"] == 0
    acted = ibis.least(ibis.coalesce(sums["notice_on"], sums["decision_on"]), sums["decision_on"])
    return sums.select(
        "decision_on",
        "first_paid_on",
        account_id=sums["of"],
        acted_on=ibis.ifelse(lost, acted, ibis.null("date")),
        is_lost=lost,
    )


def _dates(paid: ir.Table, column: str) -> ir.Table:
    rows = paid.filter(paid[column].notnull())
    return rows.select(of=rows["account_id"], decision_on=rows[column])


def _any(flag: ir.BooleanValue) -> ir.IntegerScalar:
    return ibis.ifelse(flag, 1, 0).max()


def month_ends(tables: Tables) -> list[Period]:
    """The calendar months whose last days scores are taken on, oldest first."""
    return complete_periods(tables.as_of, "month", MOST_MONTHS)


@dataclass(frozen=True)
class Tested:
    """How well one score told losses: AUC with interval, and how much it is ahead of the first one."""

    name: str
    auc: float | None
    low: float | None
    high: float | None
    ahead: float | None
    ahead_low: float | None
    ahead_high: float | None


def asked(tables: Tables, months_ahead: int) -> pd.DataFrame:
    """When each decision is looked at: account_id, is_lost, tenure_months, period (of the month end).

    The month end lies at least `months_ahead` before the day on which the account acted. A renewed
    account did not act; the median notice of the lost is taken, so that both are scored as early.
    """
    import pandas as pd

    rows = run(decisions(tables).order_by("account_id", "decision_on"))
    wait = (rows["decision_on"] - rows["acted_on"]).dt.days
    notice = int(wait.median()) if wait.notna().any() else 0
    if rows.empty:
        return rows[["account_id", "is_lost"]].assign(period=[], tenure_months=[])
    acted = rows["acted_on"].fillna(rows["decision_on"] - pd.Timedelta(days=notice))
    ends = [_month_before(day.date(), months_ahead) for day in acted]
    tenure = [
        (end - first.date()).days for end, first in zip(ends, rows["first_paid_on"], strict=True)
    ]
    return rows[["account_id", "is_lost"]].assign(
        period=[end.replace(day=1) for end in ends], tenure_months=np.array(tenure) / 30.4375
    )


def _month_before(day: Any, months: int) -> Any:
    """The last month end at least so many whole months before a day."""
    whole = (
        add_months(day, 1 - months)
        if (day + timedelta(days=1)).day == 1
        else add_months(day, -months)
    )
    return whole - timedelta(days=1)


def compared(rows: pd.DataFrame, scores: Mapping[str, str], level: float) -> list[Tested]:
    """Each score against the losses of the same rows; a high score means that the account stays.

    `rows`: account_id, is_lost and the columns that `scores` names (name shown to column). Rows on
    which one of them is unknown are left out for all, so that the comparison is fair. Intervals by
    bootstrap of accounts, the same draws for all.
    """
    known = rows.dropna(subset=list(dict.fromkeys(scores.values())))
    lost = known["is_lost"].to_numpy(dtype=bool)
    if min(lost.sum(), (~lost).sum()) < LEAST:
        return [Tested(name, None, None, None, None, None, None) for name in scores]
    weights = cluster_weights(known["account_id"], DRAWS, SEED)
    draws, values = {}, {}
    for name, column in scores.items():
        risk = -known[column].to_numpy(dtype=np.float64)
        draws[name], values[name] = auc_draws(risk, lost, weights), auc(risk, lost)
    first = next(iter(scores))
    return [_tested(name, values, draws, first, level) for name in scores]


def _tested(
    name: str, values: Mapping[str, Any], draws: Mapping[str, Any], first: str, level: float
) -> Tested:
    tails = [(1 - level) / 2, (1 + level) / 2]
    low, high = np.nanquantile(draws[name], tails)
    if name == first:
        return Tested(name, values[name], float(low), float(high), None, None, None)
    ahead = np.nanquantile(draws[first] - draws[name], tails)
    return Tested(
        name, values[name], float(low), float(high), values[first] - values[name],
        float(ahead[0]), float(ahead[1]),
    )  # fmt: skip
