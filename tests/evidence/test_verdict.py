"""The rules of the verdict, one case a line; the first that matches wins."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd
import pytest

from kpi_lib.evidence.choosing import compared, holm
from kpi_lib.evidence.finding import DEFAULTS, TESTS, Finding, Settings, settings_for
from kpi_lib.evidence.readable import readable
from kpi_lib.evidence.verdict import REQUIRED, Verdict, concluded, judge
from kpi_lib.kpi import Kpi, KpiParams, Role
from tests.evidence.worlds import Plan, make_world, signal_kpi, signal_params

Y, N, U = True, False, None


def findings(*answers: bool | None, p_value: float = 0.01) -> dict[str, Finding]:
    made = {}
    for name, passed in zip(TESTS, answers, strict=True):
        numbers = {"p_value": p_value, "lead_months": 3} if name == "leading" else {}
        reason = "" if passed else f"reason of {name}"
        made[name] = Finding(name, passed, f"Sentence of {name}.", pd.DataFrame(), reason, numbers)
    return made


CASES = [
    # role, readable, leading, robust, honest, distinct, fitting -> suggestion, words of the reason
    (Role.LEADING, (N, N, N, N, N, N), "drop", "does not fit"),
    (Role.LEADING, (N, N, N, N, N, Y), "drop", "gamed"),
    (Role.LEADING, (N, N, N, Y, N, Y), "drop", "does not lead"),
    (Role.OUTCOME, (N, N, N, Y, N, Y), "not readable here", "Sentence of readable"),
    (Role.LEADING, (N, Y, N, Y, N, Y), "not readable here", "Sentence of readable"),
    (Role.LEADING, (N, U, U, U, U, U), "not readable here", "Sentence of readable"),
    (Role.LEADING, (Y, U, N, Y, Y, Y), "keep testing", "leading (reason of leading)"),
    (Role.LEADING, (Y, Y, Y, U, Y, Y), "keep testing", "honest (reason of honest)"),
    (Role.OUTCOME, (Y, U, Y, Y, U, Y), "adopt", "all 4 tests"),
    (Role.OUTCOME, (Y, N, Y, Y, U, Y), "adopt", "all 4 tests"),
    (Role.LEADING, (Y, Y, N, Y, Y, Y), "keep testing", "It is not robust (reason of robust)"),
    (Role.LEADING, (Y, Y, Y, Y, U, Y), "adopt", "all 5 tests"),
    (Role.LEADING, (Y, Y, Y, Y, N, Y), "adopt", "Sentence of leading"),
    (Role.LEADING, (U, U, U, U, U, U), "keep testing", "readable (reason of readable); leading"),
    (Role.CONTROL, (Y, Y, Y, Y, Y, Y), "keep testing", "never suggested"),
    (Role.CONTROL, (Y, N, Y, Y, Y, Y), "drop", "never suggested"),
]


@pytest.mark.parametrize(("role", "answers", "suggestion", "words"), CASES)
def test_the_first_rule_that_matches_wins(
    role: Role, answers: tuple[bool | None, ...], suggestion: str, words: str
) -> None:
    verdict = concluded(signal_kpi(role=role), findings(*answers))
    assert verdict.suggestion == suggestion
    assert words in verdict.because


def test_no_kpi_is_adopted_while_a_required_test_is_missing() -> None:
    for role in (Role.LEADING, Role.OUTCOME):
        for name in REQUIRED[role]:
            answers = [None if test == name else True for test in TESTS]
            assert concluded(signal_kpi(role=role), findings(*answers)).suggestion == "keep testing"


def test_judging_gives_all_six_findings_and_says_what_is_not_tested() -> None:
    params = signal_params(interesting_change=2.0)
    verdict = judge(signal_kpi(), make_world(Plan(accounts=20)), params, Settings(draws=100))
    assert tuple(verdict.findings) == TESTS
    assert verdict.suggestion == "keep testing"
    assert verdict.findings["distinct"].passed is None
    assert "honest (the card declares no cheap move)" in verdict.because
    assert all(finding.headline.endswith(".") for finding in verdict.findings.values())


def test_what_the_parameters_leave_alone_is_what_the_tests_use_anyway() -> None:
    assert settings_for(KpiParams()) == DEFAULTS


def test_level_power_and_periods_of_the_parameters_reach_the_decisions() -> None:
    world, quick = make_world(Plan(accounts=60)), Settings(draws=50, folds=3)

    def judged(**changes: Any) -> Mapping[str, Finding]:
        params = signal_params(interesting_change=0.6, **changes)
        return judge(signal_kpi(), world, params, quick).findings

    usual = judged()
    seen = usual["readable"].numbers["smallest_visible"]
    assert judged(level=0.99)["readable"].numbers["smallest_visible"] > seen
    assert judged(power=0.95)["readable"].numbers["smallest_visible"] > seen
    assert judged(compare_periods=2)["readable"].table["periods_pooled"].iloc[0] == 2
    later = judged(response_months=5)["leading"]
    assert later.numbers["response_months"] == 5
    assert later.table["lead_months"].tolist() == [1, 2, 3, 5, 6, 9]
    assert usual["leading"].table["lead_months"].tolist() == [1, 2, 3, 6, 9]


def test_a_stricter_level_can_turn_the_readable_decision() -> None:
    world, quick = make_world(Plan(accounts=60)), Settings(draws=50, folds=3)
    visible = readable(signal_kpi(), world, signal_params()).numbers["smallest_visible"]
    wanted = visible * 1.01
    answers = [
        judge(
            signal_kpi(), world, signal_params(interesting_change=wanted, level=level), quick
        ).findings["readable"].passed
        for level in (0.9, 0.99)
    ]  # fmt: skip
    assert answers == [True, False]


def test_holm_multiplies_by_the_number_still_in_and_never_falls() -> None:
    assert holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    assert holm([0.5, None, 0.9]) == [1.0, None, 1.0]
    assert holm([]) == []


def candidate(name: str, role: Role, owner: str, *answers: bool | None, p: float) -> Verdict:
    kpi: Kpi = signal_kpi(name=name, role=role, owner=owner)
    return concluded(kpi, findings(*answers, p_value=p))


def test_candidates_side_by_side_with_the_lead_adjusted_for_several_tries() -> None:
    strong = candidate("strong", Role.LEADING, "success", Y, Y, Y, Y, U, Y, p=0.001)
    lucky = candidate("lucky", Role.LEADING, "success", Y, Y, Y, Y, U, Y, p=0.03)
    control = candidate("control", Role.CONTROL, "finance", Y, N, Y, Y, U, Y, p=0.6)
    frame = compared([strong, lucky, control]).set_index("kpi")
    assert list(frame.index) == ["strong", "lucky", "control"]
    assert frame["p_adjusted"].tolist() == pytest.approx([0.003, 0.06, 0.6])
    assert frame["leading"].tolist() == [True, None, False]
    assert frame["suggestion"].tolist() == ["adopt", "keep testing", "drop"]
    assert frame["in_set"].tolist() == [True, True, False]


def test_the_suggested_set_is_small_and_reaches_beyond_one_department() -> None:
    many = [candidate(f"k{n}", Role.OUTCOME, "success", Y, U, Y, Y, U, Y, p=0.5) for n in range(6)]
    other = candidate("other", Role.OUTCOME, "finance", Y, U, U, Y, U, Y, p=0.5)
    dropped = candidate("dropped", Role.LEADING, "sales", Y, N, Y, Y, U, Y, p=0.5)
    frame = compared([*many, other, dropped])
    chosen = frame[frame["in_set"]]
    assert len(chosen) == 5
    assert "other" in set(chosen["kpi"])
    assert "dropped" not in set(chosen["kpi"])


def test_of_twins_the_set_holds_the_one_with_more_merit() -> None:
    """Two equal twins each name the other; the third only one that is dropped anyway."""

    def with_twins(name: str, *twins: str, lead: bool = Y) -> Verdict:
        made = candidate(name, Role.LEADING, "us", Y, lead, Y, Y, not twins, Y, p=0.001)
        same = Finding("distinct", not twins, "", pd.DataFrame(), "", {"better_twins": list(twins)})
        return concluded(made.kpi, {**made.findings, "distinct": same})

    dropped = with_twins("dropped", lead=N)
    frame = compared(
        [
            with_twins("one", "two"),
            with_twins("two", "one"),
            with_twins("three", "dropped"),
            dropped,
        ]
    ).set_index("kpi")
    assert frame["in_set"].to_dict() == {"one": True, "two": False, "three": True, "dropped": False}


def test_a_candidate_of_which_nothing_has_passed_is_not_promising() -> None:
    unknown = candidate("unknown", Role.OUTCOME, "people", U, U, U, U, U, U, p=0.5)
    begun = candidate("begun", Role.OUTCOME, "people", U, U, Y, U, U, U, p=0.5)
    assert compared([unknown, begun])["in_set"].tolist() == [False, True]


def test_no_candidates_give_an_empty_frame() -> None:
    assert compared([]).empty
