"""Whether what was registered for dropping a KPI has come true, on results as tests leave them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from functools import cache
from typing import Any

import pandas as pd
import pytest

from kpi_lib.condition.names import NAMES
from kpi_lib.evidence.dropping import Dropping, dropping
from kpi_lib.evidence.finding import Finding, Settings
from kpi_lib.evidence.verdict import judge
from kpi_lib.measure import Measurement, measure
from tests.evidence.worlds import LAST_DAY, Plan, make_world, signal_kpi, signal_params

QUICK = Settings(draws=50, folds=3)


@cache
def measured() -> Measurement:
    kpi, params = signal_kpi(), signal_params(interesting_change=0.6)
    return measure(kpi, make_world(Plan(accounts=60)).as_of(LAST_DAY), params)


@cache
def found() -> Mapping[str, Finding]:
    params = signal_params(interesting_change=0.6)
    return judge(signal_kpi(), make_world(Plan(accounts=60)), params, QUICK).findings


def told(rule: str, findings: Mapping[str, Finding] | None = None, **numbers: Any) -> Dropping:
    """The answer for a rule; `numbers` are those of the test leading."""
    known = measured()
    params = known.params.model_copy(update={"drop_if": rule})
    if numbers:
        findings = {"leading": leading(**numbers)}
    return dropping(replace(known, params=params), findings)


def leading(reason: str = "", **numbers: Any) -> Finding:
    passed = None if reason else True
    return Finding("leading", passed, "It leads.", pd.DataFrame(), reason, numbers)


def test_every_name_is_a_result_that_the_tests_leave() -> None:
    """A number is missing only where the test says so; a name of nothing would always be missing."""
    for name in NAMES:
        test, dot, key = name.partition(".")
        if dot and key != "passed":
            assert key in found()[test].numbers, name


LEAD = "leading.lead_months < 3"
RANGED: list[tuple[dict[str, Any], bool | None]] = [
    ({"lead_months": 6, "lead_low": 6, "lead_high": 9}, False),
    ({"lead_months": 2, "lead_low": 2, "lead_high": 2}, True),
    ({"lead_months": 0, "lead_low": 0, "lead_high": 0}, True),
    ({"lead_months": 0, "lead_low": 0, "lead_high": 6}, None),
    ({"losses": 4}, None),
]


@pytest.mark.parametrize(("numbers", "holds"), RANGED)
def test_a_lead_that_is_not_shown_and_not_excluded_drops_nothing(
    numbers: dict[str, Any], holds: bool | None
) -> None:
    """Absence of evidence is not evidence: only an upper limit below three months drops it."""
    answer = told(LEAD, **numbers, reason="4 losses; this test needs 10")
    assert answer.holds is holds
    if holds is None:
        assert answer.reason in {
            "the lead time lies between 0 and 6 months",
            "4 losses; this test needs 10",
        }


def test_the_sentence_holds_the_rule_the_answer_and_the_result() -> None:
    so = told(LEAD, lead_months=2, lead_low=2, lead_high=2)
    assert so.said == (
        "Registered: drop it if the lead time is below 3 months. That is so: what was registered "
        "says drop (the lead time is 2 months)."
    )
    assert told(LEAD, lead_months=1, lead_low=1, lead_high=9).said == (
        "Registered: drop it if the lead time is below 3 months. Whether that is so cannot be told: "
        "the lead time lies between 1 and 9 months."
    )


def test_nothing_registered_is_said() -> None:
    answer = told("")
    assert (answer.holds, answer.expression) == (None, "")
    assert answer.said == "Nothing is registered that would drop it."


def test_without_judging_the_figure_alone_can_decide() -> None:
    assert told(LEAD).reason == "judging is switched off"
    assert told(f"n < 0 and {LEAD}").holds is False


def test_the_figure_goes_by_its_own_unit_only() -> None:
    assert measured().kpi.unit == "points"
    value = measured().headline.value
    assert value is not None
    assert told(f"points > {value - 1}").holds is True
    assert told("days > 0").reason == "it is measured in points, not in days"


def test_answers_of_tests_can_be_asked() -> None:
    for name, finding in found().items():
        answer = told(f"{name}.passed", found())
        assert answer.holds is finding.passed
        assert bool(answer.reason) == (finding.passed is None)


def test_a_change_that_cannot_be_told_says_why() -> None:
    kpi, params = signal_kpi(), signal_params(drop_if="change < 0")
    early = make_world(Plan(accounts=60)).as_of(date(2021, 1, 15))
    answer = dropping(measure(kpi, early, params), None)
    assert answer.holds is None
    assert answer.reason == measure(kpi, early, params).change.reason != ""
