"""Rules that find, in the data, that a KPI suits the business badly; and the tests not yet there."""

from __future__ import annotations

from typing import Any

import pytest

from kpi_lib.evidence.distinct import distinct
from kpi_lib.evidence.finding import NOT_TESTED
from kpi_lib.evidence.fitting import fitting
from kpi_lib.evidence.honest import honest
from kpi_lib.kpi import CheapMove, FitRule, RuleOutcome
from kpi_lib.schema import Tables
from tests.evidence.worlds import Plan, make_world, signal_kpi, signal_params

WORLD = make_world(Plan(accounts=2))


def rule(outcome: RuleOutcome | None, *, severe: bool = True) -> FitRule:
    def check(tables: Tables, params: Any) -> RuleOutcome | None:
        assert "signals" in tables
        return outcome

    return FitRule(name="rule", meaning="why", check=check, severe=severe)


FIRES = RuleOutcome(True, "Four of five accounts use the API only.", "call volume")
QUIET = RuleOutcome(False, "People use it.")


@pytest.mark.parametrize(
    ("rules", "passed", "said"),
    [
        ((), True, "names no kind of business"),
        ((rule(QUIET),), True, "None of the 1 rules"),
        ((rule(QUIET), rule(None)), True, "None of the 1 rules"),
        ((rule(None),), None, "tables that its rules look at are absent"),
        ((rule(FIRES),), False, "Use call volume instead."),
        ((rule(FIRES, severe=False),), True, "Caution: Four of five"),
    ],
)
def test_a_rule_that_fires_speaks_against_the_kpi(
    rules: tuple[FitRule, ...], passed: bool | None, said: str
) -> None:
    finding = fitting(signal_kpi(fit_rules=rules), WORLD, signal_params())
    assert finding.passed is passed
    assert said in finding.headline
    assert len(finding.table) == len(rules)


def test_the_substitute_is_named_in_the_numbers() -> None:
    finding = fitting(signal_kpi(fit_rules=(rule(FIRES),)), WORLD, signal_params())
    assert finding.numbers["substitutes"] == ["call volume"]


def test_honest_lists_the_declared_moves_and_is_not_tested() -> None:
    move = CheapMove(
        name="script",
        meaning="a script logs in",
        edit=lambda tables, params: tables,
        given_away_by="depth",
    )
    finding = honest(signal_kpi(cheap_moves=(move,)), WORLD, signal_params())
    assert finding.passed is None
    assert finding.reason == NOT_TESTED
    assert finding.table.to_dict("records") == [
        {"name": "script", "meaning": "a script logs in", "given_away_by": "depth"}
    ]


def test_distinct_is_not_tested() -> None:
    finding = distinct(signal_kpi(), WORLD, signal_params())
    assert (finding.passed, finding.reason) == (None, NOT_TESTED)
