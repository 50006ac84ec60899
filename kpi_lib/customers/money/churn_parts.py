"""What customer churn is made of: functions of the tables and its parameters."""

from __future__ import annotations

import ibis.expr.types as ir

from kpi_lib.customers.money import churn, churn_lists, losses, renewals
from kpi_lib.customers.money.churn import Rule
from kpi_lib.customers.subscribed import with_segment
from kpi_lib.periods import Period, complete_periods
from kpi_lib.schema import Tables


def shown_periods(tables: Tables, rule: Rule) -> list[Period]:
    """The periods of the trend, oldest first."""
    return complete_periods(tables.as_of, rule.period, rule.periods, tables.quarter_starts_in)


def observed(tables: Tables, rule: Rule, segment: str) -> ir.Table:
    """The observations of the shown periods with their segment; see `churn.observed`."""
    rows = churn.states(tables, shown_periods(tables, rule), rule)
    return with_segment(tables, churn.observed(rows, rule), segment)


def counts(tables: Tables, rule: Rule) -> ir.Table:
    """Customers that came and went, per period; see `churn.counts`."""
    return churn.counts(tables, shown_periods(tables, rule), rule)


def definitions(tables: Tables, rule: Rule) -> ir.Table:
    """The share lost by each denominator, per period; see `churn_lists.definitions`."""
    return churn_lists.definitions(tables, shown_periods(tables, rule), rule)


def year(tables: Tables, rule: Rule) -> ir.Table:
    """The share lost in a year, told three ways; see `churn_lists.year`."""
    return churn_lists.year(tables, shown_periods(tables, rule), rule)


def total_and_cohorts(tables: Tables, rule: Rule) -> ir.Table:
    """Yearly retention, all and by age; see `churn_lists.total_and_cohorts`."""
    return churn_lists.total_and_cohorts(tables, shown_periods(tables, rule)[-1].end, rule)


def flat_total(tables: Tables, rule: Rule) -> ir.Table:
    """Whether the total stands still while cohorts rise; see `churn_lists.compared`."""
    return churn_lists.compared(tables, shown_periods(tables, rule)[-1].end, rule)


def renewal(tables: Tables, rule: Rule) -> ir.Table:
    """The renewal rate per period; see `renewals.renewal_rate`."""
    return renewals.renewal_rate(tables, shown_periods(tables, rule), rule)


def reasons(tables: Tables, rule: Rule) -> ir.Table:
    """Losses by reason; see `losses.reasons`."""
    return losses.reasons(tables, shown_periods(tables, rule), rule)


def who_left(tables: Tables, rule: Rule) -> ir.Table:
    """The customers that left; see `losses.accounts`."""
    return losses.accounts(tables, shown_periods(tables, rule), rule)
