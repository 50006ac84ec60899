"""Decisions: taken on a review, refused with a reason, listed, and the definition they stand on."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from kpi_lib import catalogue
from kpi_lib.cli import app
from kpi_lib.review import definition, journal
from kpi_lib.review.definition import definition_of, hash_of, source_of
from kpi_lib.review.project import PACKAGE
from kpi_lib.review.report.records import (
    DefinitionRecord,
    LooksRecord,
    NotRun,
    PlannedLook,
    VerdictRecord,
)
from tests.review.decided import KPI, PARAMS, record, run, write_review

DECIDED = ("--decision", "adopt", "--reason", "It leads.", "--name", "Ada")


def kpi(*arguments: str) -> Result:
    return CliRunner().invoke(app, list(arguments))


def decide(reviews: Path, *arguments: str, name: str = KPI) -> Result:
    return kpi("decide", name, *(arguments or DECIDED), "--out", str(reviews))


def log_of(reviews: Path) -> list[dict[str, Any]]:
    return journal.entries(reviews)


def test_a_decision_holds_what_it_was_taken_on(tmp_path: Path) -> None:
    write_review(tmp_path, run())
    result = decide(tmp_path)
    assert result.exit_code == 0, result.output
    (entry,) = log_of(tmp_path)
    assert (entry["kpi"], entry["decision"], entry["suggested"]) == (KPI, "adopt", "adopt")
    assert (entry["reason"], entry["name"]) == ("It leads.", "Ada")
    assert entry["result"]["value"] == 0.12
    assert (entry["result"]["low"], entry["result"]["high"]) == (0.05, 0.2)
    assert entry["params"] == PARAMS
    assert entry["data"] == "d" * 64
    assert entry["version"] == "0.1"
    assert entry["findings"][0]["test"] == "readable"
    assert (entry["decide_on"], entry["early"]) == ("2026-03-31", False)
    assert "12.0 % (90 % interval 5.0 to 20.0 %; n 40, 2026-03-31)" in result.output


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "no review": ({}, "there is no review of inactive_customers; run `kpi review` first"),
    "failed": (
        {"runs": [run(status="failed", record=None, message="cell 3: no")]},
        "the notebook of inactive_customers ended as failed: cell 3: no",
    ),
    "failed late": ({"runs": [run(status="timeout")]}, "ended as timeout"),
    "no result": ({"runs": [run(record=None)]}, "it left no result"),
    "not judged": ({"runs": [run(record=record(verdict=None))]}, "was not judged"),
    "no suggestion": (
        {"runs": [run(record=record(verdict=VerdictRecord()))]},
        "was not judged",
    ),
    "older version": ({"runs": [run(definition=None)]}, "of an older version; run it again"),
    "too early": (
        {"runs": [run(record=record(params=PARAMS | {"decide_on": "2026-04-01"}))]},
        "is to be decided on 2026-04-01, and this review knows the data until 2026-03-31",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_decided_on_is_refused_in_one_line(case: str, tmp_path: Path) -> None:
    wishes, expected = REFUSED[case]
    if runs := wishes.get("runs"):
        write_review(tmp_path, *runs)
    result = decide(tmp_path)
    assert result.exit_code == 2
    assert len(result.stderr.splitlines()) == 1
    assert result.stderr.startswith("kpi: ")
    assert expected in result.stderr
    assert not (tmp_path / journal.LOG).exists()


ILL_SAID = {
    "no such KPI": (("gamma", *DECIDED), "gamma: no such KPI; known are "),
    "no such decision": ((KPI, "--decision", "yes", *DECIDED[2:]), "write one of adopt, keep-"),
    "no reason": ((KPI, *DECIDED[:3], " ", *DECIDED[4:]), "--reason is empty"),
    "no name": ((KPI, *DECIDED[:5], ""), "--name is empty"),
    "no text": ((KPI, *DECIDED[:5], "A\udcff"), "holds what cannot be written"),
    "no such review": ((KPI, *DECIDED, "--review", "nowhere"), "nowhere: there is no review"),
}


@pytest.mark.parametrize("case", ILL_SAID)
def test_what_nobody_can_decide_is_refused_in_one_line(case: str, tmp_path: Path) -> None:
    write_review(tmp_path, run())
    arguments, expected = ILL_SAID[case]
    result = kpi("decide", *arguments, "--out", str(tmp_path))
    assert result.exit_code == 2, result.output
    assert expected in result.stderr
    assert not (tmp_path / journal.LOG).exists()


def test_a_kpi_that_was_not_run_says_why(tmp_path: Path) -> None:
    gap = NotRun(name=KPI, reason="table usage is missing")
    folder = write_review(tmp_path, not_run=[gap])
    result = decide(tmp_path, *DECIDED, "--review", str(folder))
    assert "was not in this review: table usage is missing" in result.stderr


def test_an_early_decision_is_recorded_as_such(tmp_path: Path) -> None:
    write_review(tmp_path, run(record=record(params=PARAMS | {"decide_on": "2026-12-31"})))
    result = decide(tmp_path, *DECIDED, "--early")
    assert "early: the registered day is 2026-12-31" in result.output
    assert log_of(tmp_path)[0]["early"] is True


def test_the_word_early_does_not_make_a_due_decision_early(tmp_path: Path) -> None:
    write_review(tmp_path, run())
    decide(tmp_path, *DECIDED, "--early")
    assert log_of(tmp_path)[0]["early"] is False


def test_a_day_never_registered_is_said(tmp_path: Path) -> None:
    write_review(tmp_path, run(record=record(params=PARAMS | {"decide_on": None})))
    assert "no day was registered" in decide(tmp_path).output
    assert log_of(tmp_path)[0]["decide_on"] is None


def test_the_newest_review_is_decided_on(tmp_path: Path) -> None:
    write_review(tmp_path, run(), period="2026Q1")
    write_review(tmp_path, run(), period="2026-05-31", as_of=date(2026, 5, 31))
    write_review(tmp_path, period="2026Q2", as_of=date(2026, 6, 30))  # without the KPI
    decide(tmp_path)
    assert log_of(tmp_path)[0]["as_of"] == "2026-05-31"


def test_two_data_sets_are_not_guessed_between(tmp_path: Path) -> None:
    write_review(tmp_path, run())
    other = write_review(tmp_path, run(), data_set="mill")
    assert "was reviewed on mill and shop; say which with --review" in decide(tmp_path).stderr
    decide(tmp_path, *DECIDED, "--review", str(other))
    assert log_of(tmp_path)[0]["data_set"] == "mill"


def test_a_changed_definition_opens_a_new_experiment(tmp_path: Path) -> None:
    for window in (14, 21, 14):
        write_review(tmp_path, run(record=record(params=PARAMS | {"window_days": window})))
        result = decide(tmp_path)
    assert "goes back to an earlier experiment (number 1 of" in result.output
    told = kpi("decisions", "--out", str(tmp_path)).output
    assert "experiment 2:" in told
    assert [e["definition"] for e in log_of(tmp_path)][0::2] == [log_of(tmp_path)[0]["definition"]] * 2  # fmt: skip


def test_what_changed_is_named(tmp_path: Path) -> None:
    write_review(tmp_path, run())
    decide(tmp_path)
    other = DefinitionRecord(formula="another", source="b" * 64)
    changed = record(params=PARAMS | {"window_days": 21})
    write_review(tmp_path, run(record=changed, definition=other))
    said = decide(tmp_path).output
    assert "opens a new experiment (number 2 of inactive_customers)" in said
    assert "window_days 14 is now 21; the formula; the code that computes it" in said


def test_another_day_and_length_of_the_same_data_are_the_same_experiment(tmp_path: Path) -> None:
    write_review(tmp_path, run())
    decide(tmp_path)
    later = record(params=PARAMS | {"as_of": "2026-06-30", "periods": 12})
    write_review(tmp_path, run(record=later), period="2026Q2", as_of=date(2026, 6, 30))
    assert "experiment" not in decide(tmp_path).output
    first, second = (entry["definition"] for entry in log_of(tmp_path))
    assert first == second


def looked(number: int | None) -> LooksRecord:
    days = [PlannedLook(day=date(2026, 3, 31)), PlannedLook(day=date(2026, 6, 30))]
    return LooksRecord(looks=days, number=number)


def test_looks_are_counted_planned_and_others(tmp_path: Path) -> None:
    """The same day twice is one look; another definition, and a later review, are none."""
    reviews = [("2026Q1", 1, date(2026, 3, 31)), ("2026-04-02", 1, date(2026, 4, 2)),
               ("2026-05-31", None, date(2026, 5, 31)), ("2026Q2", 2, date(2026, 6, 30)),
               ("2026Q3", None, date(2026, 9, 30))]  # fmt: skip
    for period, number, as_of in reviews:
        found = record(looks=looked(number))
        write_review(tmp_path, run(record=found), period=period, as_of=as_of)
    other = record(looks=looked(None), params=PARAMS | {"window_days": 99})
    write_review(tmp_path, run(record=other), period="2026-01-31", as_of=date(2026, 1, 31))
    result = decide(tmp_path, *DECIDED, "--review", str(tmp_path / "shop" / "2026Q2"))
    planned = ["2026-03-31", "2026-06-30"]
    told = {"planned": planned, "taken": planned, "unplanned": ["2026-05-31"]}
    assert log_of(tmp_path)[0]["looks"] == told
    assert "planned looks taken: 2 of 2 (2026-03-31, 2026-06-30)" in result.output
    assert "not planned, so descriptive: 2026-05-31" in result.output


def test_the_list_names_who_decided_what_and_why(tmp_path: Path) -> None:
    nothing = kpi("decisions", "--out", str(tmp_path)).output
    assert "no decision is logged yet" in " ".join(nothing.split())
    write_review(tmp_path, run())
    decide(tmp_path, *DECIDED[:3], "As [red] said", *DECIDED[4:])
    said = " ".join(kpi("decisions", "--out", str(tmp_path)).output.split())
    for part in ("Ada", "adopt", "As [red] said", "Inactive customers", "experiment 1", "shop"):
        assert part in said


def test_check_ends_with_0_1_or_2(tmp_path: Path) -> None:
    assert kpi("decisions", "check", "--out", str(tmp_path / "none")).exit_code == 2
    assert kpi("decisions", "check", "--out", str(tmp_path)).exit_code == 0
    write_review(tmp_path, run())
    decide(tmp_path)
    decide(tmp_path)
    whole = kpi("decisions", "check", "--out", str(tmp_path))
    assert whole.exit_code == 0
    assert "2 decisions, none altered or missing" in whole.output
    assert kpi("decisions", "--out", str(tmp_path), "check").output == whole.output
    log = tmp_path / journal.LOG
    log.write_text(log.read_text().replace("It leads.", "It led."))
    broken = kpi("decisions", "check", "--out", str(tmp_path))
    assert broken.exit_code == 1
    assert "line 1: it was altered" in broken.output
    assert kpi("decisions", "--out", str(tmp_path)).exit_code == 2


def test_a_hash_kept_elsewhere_finds_a_log_begun_anew(tmp_path: Path) -> None:
    write_review(tmp_path, run())
    decide(tmp_path)
    kept = log_of(tmp_path)[0]["hash"]
    decide(tmp_path)
    assert kpi("decisions", "check", "--out", str(tmp_path), "--head", kept).exit_code == 0
    for name in (journal.LOG, journal.HEAD):
        (tmp_path / name).unlink()
    decide(tmp_path, *DECIDED[:3], "Another reason.", *DECIDED[4:])
    found = kpi("decisions", "check", "--out", str(tmp_path), "--head", kept)
    assert found.exit_code == 1
    assert "no line has the hash" in found.output


def test_a_review_keeps_definition_and_data_of_each_kpi() -> None:
    known = definition_of(KPI)
    assert known.formula == catalogue.get(KPI).formula
    assert len(known.source) == 64
    assert hash_of(known, PARAMS) == hash_of(known, dict(reversed(PARAMS.items())))


@pytest.fixture
def package(tmp_path: Path) -> Path:
    """The rooms that define a KPI, as a copy to be changed."""
    for room in definition.ROOMS:
        for file in (PACKAGE / room).rglob("*.py"):
            copy = tmp_path / file.relative_to(PACKAGE)
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_text(file.read_text())
    return tmp_path


def forget() -> None:
    """What this process has read of the code."""
    for kept in (definition._read, definition._folder, source_of):
        kept.cache_clear()


def changed(package: Path, file: str, was: str, now: str) -> str:
    path = package / file
    text = path.read_text()
    assert was in text
    path.write_text(text.replace(was, now, 1))
    forget()
    return source_of(KPI, package)


def test_code_behind_the_number_is_part_of_its_definition(package: Path) -> None:
    before = source_of(KPI, package)
    assert before == source_of(KPI)
    assert changed(package, f"kpis/{KPI}.py", '"""', '"""Another word, and ') == before
    assert changed(package, "customers/use/quiet.py", "\nimport ", "\n# more\nimport ") == before
    assert changed(package, "kpis/gross_revenue.py", "return ", "return 1 or ") == before
    assert changed(package, "stats/intervals.py", "return ", "return 1 and ") != before


def test_code_kept_as_it_was_read_says_the_same_and_may_be_damaged_or_go(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    forget()
    module = tmp_path / "definition.py"
    module.write_bytes(Path(str(definition.__file__)).read_bytes())
    monkeypatch.setattr(definition, "__file__", str(module))
    first = source_of(KPI)
    kept = list((tmp_path / "__pycache__").glob("bare-*/*"))
    assert len(kept) > 20
    forget()
    assert source_of(KPI) == first
    for file in kept:
        file.write_bytes(b"not a pickle")
    forget()
    assert source_of(KPI) == first
    forget()


def test_the_log_is_json_lines_that_any_tool_reads(tmp_path: Path) -> None:
    write_review(tmp_path, run())
    decide(tmp_path)
    (line,) = (tmp_path / journal.LOG).read_text().splitlines()
    assert json.loads(line)["kpi"] == KPI
