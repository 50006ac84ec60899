"""Customers that came and went in each period: paying at its start, at its end, or in between."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import ibis
import ibis.expr.types as ir

from kpi_lib.customers.money import ledger
from kpi_lib.customers.subscribed import dates, number_of
from kpi_lib.kpi import Estimator
from kpi_lib.periods import Period, PeriodName
from kpi_lib.schema import Tables
from kpi_lib.stats.compounded import Compounded
from kpi_lib.stats.net_share import NetShare
from kpi_lib.stats.proportion import Proportion

PERIODS_A_YEAR = {"week": 52, "month": 12, "quarter": 4}

KEPT, LOST, NEW, BACK, PASSED = "kept", "lost", "new", "reactivated", "passed"
"""Paying at both ends; only at the start; only at the end (first time or again); came and left."""


class Rule(ledger.Rule, Protocol):
    """The parameters of customer churn."""

    @property
    def period(self) -> PeriodName:
        """Length of one period."""
        ...

    @property
    def periods(self) -> int:
        """How many are shown."""
        ...

    @property
    def level(self) -> float:
        """Confidence level."""
        ...

    @property
    def denominator(self) -> str:
        """Customers at risk: start, start_plus_new."""
        ...

    @property
    def net_of_reactivated(self) -> bool:
        """Whether returned customers are taken off the lost ones."""
        ...

    @property
    def annualise(self) -> bool:
        """Whether the share is compounded to a year."""
        ...


def states(tables: Tables, periods: Sequence[Period], rule: ledger.Rule) -> ir.Table:
    """One row per account and period in which it paid.

    Columns: period, account_id, opening and closing (money per month), first_on (first day it ever
    paid), state (of `KEPT`, `LOST`, `NEW`, `BACK`, `PASSED`). Who came back and left within one
    period is not there.
    """
    rows = ledger.balances(tables, periods, rule)
    opens, closes = rows["opening"] > 0, rows["closing"] > 0
    first_time = rows["first_on"] >= rows["period"]
    state = ibis.cases(
        (opens & closes, KEPT),
        (opens, LOST),
        (closes & first_time, NEW),
        (closes, BACK),
        (first_time, PASSED),
        else_="none",
    )
    rows = rows.mutate(state=state).filter(state != "none")
    return rows.select("period", "account_id", "opening", "closing", "first_on", "state")


def observed(rows: ir.Table, rule: Rule) -> ir.Table:
    """The observations in `states`: unit_id, account_id, period, value (and weight if net)."""
    state = rows["state"]
    at_risk = state.isin([KEPT, LOST])
    if rule.denominator == "start_plus_new":
        at_risk = at_risk | state.isin([NEW, PASSED])
    counted = at_risk | (state == BACK) if rule.net_of_reactivated else at_risk
    gone = number_of(state.isin([LOST, PASSED]))
    columns = {"unit_id": rows["account_id"], "value": gone}
    if rule.net_of_reactivated:
        columns |= {"value": gone - number_of(state == BACK), "weight": number_of(at_risk)}
    return rows.filter(counted).select("period", "account_id", **columns)


def estimator(rule: Rule) -> Estimator:
    """A proportion; a net share where returned customers are taken off; compounded if annualised."""
    share: Estimator = NetShare() if rule.net_of_reactivated else Proportion()
    return Compounded(share, PERIODS_A_YEAR[rule.period]) if rule.annualise else share


def scores(tables: Tables, rule: ledger.Rule) -> ir.Table:
    """1 for an account that paid once and no longer on `as_of`, 0 for one that pays: account_id, score."""
    rows = ledger.spans(tables, rule)
    rows = rows.filter(rows["from_day"] <= tables.as_of)
    runs = rows["until_day"] > tables.as_of
    sums = rows.group_by("account_id").aggregate(runs=rows.count(where=runs))
    return sums.select("account_id", score=number_of(sums["runs"] == 0))


def counts(tables: Tables, periods: Sequence[Period], rule: ledger.Rule) -> ir.Table:
    """One row per period: period, start, new, reactivation, churn, end, passed (accounts).

    start + new + reactivation - churn = end; `passed` came and left within the period.
    """
    rows = states(tables, periods, rule)
    state = rows["state"]
    wanted = {
        "start": [KEPT, LOST],
        "new": [NEW],
        "reactivation": [BACK],
        "churn": [LOST],
        "end": [KEPT, NEW, BACK],
        "passed": [PASSED],
    }
    sums = rows.group_by(at=rows["period"]).aggregate(
        **{name: rows.count(where=state.isin(kinds)) for name, kinds in wanted.items()}
    )
    shown = dates({"period": [p.start for p in periods]})
    full = shown.left_join(sums, shown["period"] == sums["at"]).drop("at")
    return full.mutate(**{name: full[name].fill_null(0) for name in wanted}).order_by("period")
