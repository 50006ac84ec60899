"""When a survey score is a poor KPI for a business, found from the answers that may be shown."""

from __future__ import annotations

from collections.abc import Sequence

from kpi_lib.customers.people.survey_lists import Rule, over_time
from kpi_lib.engine import run
from kpi_lib.kpi import RuleOutcome
from kpi_lib.periods import Period
from kpi_lib.schema import Tables

FEWEST = 10
_LOW_RESPONSE = 0.6


def too_few(tables: Tables, periods: Sequence[Period], rule: Rule) -> RuleOutcome | None:
    """Fires below ten answers in the newest period, or where none may be shown; None without any."""
    rows = tables["answers"]
    if run(rows.filter(rows["question"] == rule.question).limit(1)).empty:
        return None
    newest = run(over_time(tables, periods, rule)).tail(1)
    if newest.empty:
        said = (
            f"No period has more than {rule.anonymity_floor} answers, so that nothing may be shown."
        )
        return RuleOutcome(True, said, "talks with each person")
    answers = int(newest["answers"].iloc[0])
    said = (
        f"The newest period has {answers} answers: one person who changes from detractor to promoter "
        f"moves the score by {200 / answers:.0f} points."
    )
    return RuleOutcome(answers < FEWEST, said, "talks with each person")


def low_response(tables: Tables, periods: Sequence[Period], rule: Rule) -> RuleOutcome | None:
    """Fires when fewer than 60 % of those asked answered; None where nobody knows who was asked."""
    newest = run(over_time(tables, periods, rule)).dropna(subset=["at_worst"]).tail(1)
    if newest.empty:
        return None
    row = newest.iloc[0]
    said = (
        f"{row['response']:.0%} of {row['asked']:.0f} people asked answered; with the silent ones "
        f"the score lies anywhere from {row['at_worst']:.0f} to {row['at_best']:.0f} points."
    ).replace("%", " %")
    return RuleOutcome(bool(row["response"] < _LOW_RESPONSE), said)
