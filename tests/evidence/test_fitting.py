"""Rules that find, in the data, that a KPI suits the business badly; and the tests not yet there."""

from __future__ import annotations

import html
from dataclasses import replace
from datetime import date, datetime
from typing import Any

import pandas as pd
import pytest

from kpi_lib.evidence.beside import beside
from kpi_lib.evidence.finding import Finding
from kpi_lib.evidence.fitting import fitting
from kpi_lib.evidence.verdict import concluded
from kpi_lib.example import small_company
from kpi_lib.kpi import FitRule, Kpi, RuleOutcome
from kpi_lib.kpis import gross_revenue, time_to_value
from kpi_lib.schema import Tables
from kpi_lib.sections.judged import verdict_card
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


def facts(kpi: Kpi, company: Tables) -> dict[str, str]:
    return {fact["name"]: fact["sentence"] for fact in beside(kpi, company)}


def company(**tables: Any) -> Tables:
    return small_company(date(2026, 3, 31), **tables)


def test_what_is_made_of_use_is_customer_value_and_what_is_made_of_books_a_scoreboard() -> None:
    assert facts(time_to_value.KPI, company())["kind"].startswith("Customer value: it is made of")
    assert "(orders, subscriptions)" in facts(gross_revenue.KPI, company())["kind"]
    turned = replace(gross_revenue.KPI, is_scoreboard=False)
    assert facts(turned, company())["kind"].startswith("Customer value")


def test_who_can_move_it_is_the_owner_those_who_hold_stages_and_the_levers() -> None:
    at = datetime(2026, 1, 5)
    stages = [
        {"account_id": "a", "stage": s, "owner": s, "entered_at": at} for s in ("legal", "it")
    ]
    touched = [
        {"interaction_id": "1", "account_id": "a", "at": at, "lever": "content", "name": "post"}
    ]
    known = company(onboarding=stages, interactions=touched)
    said = facts(time_to_value.KPI, known)["movers"]
    assert said == (
        "Can be moved by customer success (owner); it, legal (owners of onboarding stages); "
        "content (levers in the interactions). See that none pushes it onto another."
    )
    assert "stages" not in facts(gross_revenue.KPI, known)["movers"]
    assert facts(time_to_value.KPI, company())["movers"] == (
        "Can be moved by customer success (owner)."
    )


def test_the_cost_of_measuring_is_the_tables_read_and_their_rows() -> None:
    used = [
        {"account_id": "a", "at": datetime(2026, 1, day), "event": "query"} for day in (1, 2, 3)
    ]
    known = company(accounts=[{"account_id": "a"}], usage=used, answers=[{"answer_id": "1"}])
    assert facts(time_to_value.KPI, known)["cost"] == "Measuring it reads 2 tables with 4 rows."


def test_the_delay_is_told_where_recording_is_dated() -> None:
    late = [
        {
            "account_id": "a",
            "at": datetime(2026, 1, 1),
            "event": "x",
            "recorded_at": datetime(2026, 1, day),
        }
        for day in (2, 4)
    ]
    told = facts(time_to_value.KPI, company(usage=late))["delay"]
    assert told.startswith("Rows of usage are recorded 2 days after their own day on average")
    undated = [{"account_id": "a", "at": datetime(2026, 1, 1), "event": "x"}]
    assert (
        "each counts as known on its own day"
        in (facts(time_to_value.KPI, company(usage=undated))["delay"])
    )


def test_what_stands_beside_the_rules_decides_nothing_and_is_on_the_card() -> None:
    verdict = concluded(signal_kpi(), {"fitting": fitting(signal_kpi(), WORLD, signal_params())} | {
        name: Finding(name, True, "Fine.", pd.DataFrame())
        for name in ("readable", "leading", "robust", "honest", "distinct")
    })  # fmt: skip
    assert verdict.suggestion == "adopt"
    block = verdict_card(verdict)
    for fact in verdict.findings["fitting"].numbers["beside"]:
        assert fact["sentence"] in block.text
        assert html.escape(fact["sentence"]) in block.html
