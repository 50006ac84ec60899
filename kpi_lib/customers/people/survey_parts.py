"""What the employee net promoter score is made of: functions of the tables and its parameters."""

from __future__ import annotations

from typing import Any, Protocol

import ibis.expr.types as ir

from kpi_lib.customers.people import survey_lists, survey_rules
from kpi_lib.customers.people.survey_lists import Rule
from kpi_lib.kpi import RuleOutcome
from kpi_lib.periods import Period, PeriodName, complete_periods
from kpi_lib.schema import Tables


class Choice(Rule, Protocol):
    """The parameters of a survey score."""

    @property
    def period(self) -> PeriodName:
        """Length of one period."""
        ...

    @property
    def periods(self) -> int:
        """How many periods are shown."""
        ...

    @property
    def pulse_questions(self) -> tuple[str, ...]:
        """Other questions that are scored the same way."""
        ...

    def model_copy(self, *, update: dict[str, Any]) -> Choice:
        """The same with other values."""
        ...


def shown_periods(tables: Tables, params: Choice) -> list[Period]:
    """The quarters of the trend, oldest first."""
    start = tables.quarter_starts_in
    return complete_periods(tables.as_of, params.period, params.periods, start)


def over_time(tables: Tables, params: Choice) -> ir.Table:
    """One row per quarter; see `survey_lists.over_time`."""
    return survey_lists.over_time(tables, shown_periods(tables, params), params)


def shares(tables: Tables, params: Choice) -> ir.Table:
    """The shares of promoters, passives and detractors per quarter."""
    rows = over_time(tables, params)
    names = ["promoter_share", "passive_share", "detractor_share"]
    return rows.select("period", *names, "answers").order_by("period")


def silent(tables: Tables, params: Choice) -> ir.Table:
    """The score per quarter, and what it would be if the silent were all unhappy, or all happy."""
    rows = over_time(tables, params)
    names = ["score", "at_worst", "at_best", "response", "answers", "asked"]
    return rows.select("period", *names).order_by("period")


def teams(tables: Tables, params: Choice) -> ir.Table:
    """One row per team as shown in the newest quarter; see `survey_lists.by_group`."""
    return survey_lists.by_group(tables, shown_periods(tables, params), params)


def readable_change(tables: Tables, params: Choice) -> ir.Table:
    """What change can be seen with how many answers; see `survey_lists.readable_change`."""
    return survey_lists.readable_change(tables, shown_periods(tables, params), params)


def pulse(tables: Tables, params: Choice) -> ir.Table:
    """The newest score of each question, by the same code; see `survey_lists.questions`."""
    names = dict.fromkeys([params.question, *params.pulse_questions])
    rules = [params.model_copy(update={"question": name}) for name in names]
    return survey_lists.questions(tables, shown_periods(tables, params), rules)


def comments(tables: Tables, params: Choice) -> ir.Table:
    """What people wrote, in teams that are shown by themselves; see `survey_lists.comments`."""
    return survey_lists.comments(tables, shown_periods(tables, params), params)


def too_few(tables: Tables, params: Choice) -> RuleOutcome | None:
    """See `survey_rules.too_few`."""
    return survey_rules.too_few(tables, shown_periods(tables, params), params)


def low_response(tables: Tables, params: Choice) -> RuleOutcome | None:
    """See `survey_rules.low_response`."""
    return survey_rules.low_response(tables, shown_periods(tables, params), params)
