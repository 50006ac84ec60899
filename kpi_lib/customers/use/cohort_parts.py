"""What time to value is made of: functions of the tables and its parameters."""

from __future__ import annotations

from typing import Literal, Protocol

import ibis
import ibis.expr.types as ir

from kpi_lib.customers.use import cohorts, value_days
from kpi_lib.customers.use.waits import Rule, in_periods, waits
from kpi_lib.periods import PeriodName, complete_periods
from kpi_lib.schema import Tables, named
from kpi_lib.stats.survival import Survival


class Choice(Rule, Protocol):
    """The parameters of time to value."""

    @property
    def period(self) -> PeriodName:
        """Length of a cohort's period."""
        ...

    @property
    def periods(self) -> int:
        """How many cohorts are shown."""
        ...

    @property
    def level(self) -> float:
        """Confidence level."""
        ...

    @property
    def horizon_days(self) -> int:
        """How far the restricted mean looks."""
        ...

    @property
    def statistic(self) -> Literal["median", "mean"]:
        """What stands for a cohort."""
        ...

    @property
    def target_days(self) -> int:
        """The goal."""
        ...


@named
def shown_waits(tables: Tables, params: Choice) -> ir.Table:
    """The waits that began in a period of the trend; see `waits.waits`."""
    start = tables.quarter_starts_in
    periods = complete_periods(tables.as_of, params.period, params.periods, start)
    return in_periods(waits(tables, params), periods)


def observed(tables: Tables, params: Choice) -> ir.Table:
    """The same as observations: unit_id, account_id, period, value (days), entered, outcome."""
    rows = shown_waits(tables, params)
    return rows.select(
        "account_id",
        "period",
        "outcome",
        unit_id=rows["account_id"],
        value=rows["days"],
        entered=ibis.literal(0).cast("float64"),
    )


def estimator(params: Choice) -> Survival:
    """Kaplan-Meier median, or restricted mean."""
    return Survival(params.horizon_days, params.statistic, params.target_days)


@named
def _headline(tables: Tables, params: Choice) -> ir.Table:
    return cohorts.headline_cohort(shown_waits(tables, params), params.horizon_days)


def days_by_stage(tables: Tables, params: Choice) -> ir.Table:
    """Mean days by stage and owner of the newest cohort that is at least half resolved."""
    return cohorts.waterfall(tables, _headline(tables, params))


def days_by_owner(tables: Tables, params: Choice) -> ir.Table:
    """Mean days in each owner's hands, same cohort."""
    means = cohorts.mean_days(tables, _headline(tables, params), ["owner"])
    return means.order_by(ibis.desc("days"), "owner").select("owner", "days", "accounts")


def timeline(tables: Tables, params: Choice) -> ir.Table:
    """The stages of every account of the same cohort, in days since its start."""
    return cohorts.gantt(tables, _headline(tables, params))


def curves(tables: Tables, params: Choice) -> ir.Table:
    """Shares over days since the start, per cohort."""
    return cohorts.curves(shown_waits(tables, params))


def told(tables: Tables, params: Choice) -> ir.Table:
    """The naive mean beside the median and the restricted mean, per cohort."""
    return cohorts.told(observed(tables, params), estimator(params), params.level)


def reached_by(tables: Tables, params: Choice) -> ir.Table:
    """Share that reached value by 30, 60, 90 and 180 days, per cohort."""
    return cohorts.reached_by(observed(tables, params), estimator(params), params.level)


def confirmed(tables: Tables, params: Choice) -> ir.Table:
    """What speaks for the recorded days, per cohort; see `value_days.confirmed`."""
    return value_days.confirmed(tables, shown_waits(tables, params), params)


def accounts(tables: Tables, params: Choice) -> ir.Table:
    """The accounts behind the cohorts shown."""
    return cohorts.accounts(tables, shown_waits(tables, params))
