"""The log of decisions is whole, or the first line that is not is named: every way to tamper, tried."""

from __future__ import annotations

import json
import multiprocessing
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kpi_lib.review import journal
from kpi_lib.review.chain import START, Head, canonical, digest, first_fault, lines_of, linked
from kpi_lib.review.errors import InputError
from kpi_lib.review.locks import only_one
from kpi_lib.review.report.records import LogRecord
from tests.review.decided import run, write_review

Lines = list[str]
COUNT = 5


def made(count: int = COUNT) -> tuple[Lines, Head]:
    """A log of `count` lines and its end."""
    head, lines = Head(), []
    for place in range(count):
        entry = linked({"kpi": "churn", "decision": "drop", "reason": f"no {place}, é"}, head)
        lines.append(canonical(entry))
        head = Head(head.count + 1, entry["hash"])
    return lines, head


LINES, END = made()


def text_of(lines: Lines) -> str:
    return "".join(f"{line}\n" for line in lines)


def fault_line(lines: Lines, head: Head = END) -> int | None:
    fault = first_fault(text_of(lines), head)
    return fault.line if fault else None


def rewritten(line: str, **changes: Any) -> str:
    """A line with other content and a hash that fits it."""
    entry = json.loads(line) | changes
    return canonical(entry | {"hash": digest(entry)})


def test_a_line_holds_the_hash_of_the_one_before() -> None:
    first, second = (json.loads(line) for line in LINES[:2])
    assert first["before"] == START
    assert second["before"] == first["hash"]
    assert [json.loads(line)["number"] for line in LINES] == [1, 2, 3, 4, 5]


def test_a_whole_log_has_no_fault() -> None:
    assert first_fault(text_of(LINES), END) is None
    assert first_fault("", Head()) is None
    noted = [Head(0, START), *(Head(n + 1, json.loads(LINES[n])["hash"]) for n in range(COUNT))]
    assert first_fault(text_of(LINES), END, noted) is None


TAMPERED: dict[str, tuple[Callable[[Lines], Lines], int, str]] = {
    "altered": (lambda a: [*a[:2], a[2].replace("drop", "adopt"), *a[3:]], 3, "was altered"),
    "altered, hash made to fit": (
        lambda a: [*a[:2], rewritten(a[2], decision="adopt"), *a[3:]],
        4,
        "does not follow",
    ),
    "last altered, hash made to fit": (
        lambda a: [*a[:4], rewritten(a[4], decision="adopt")],
        5,
        "was replaced",
    ),
    "a space added": (lambda a: [*a[:1], a[1] + " ", *a[2:]], 2, "was altered"),
    "an empty line": (lambda a: [*a[:1], "", *a[1:]], 2, "was altered"),
    "first removed": (lambda a: a[1:], 1, "decision 1 was removed"),
    "two removed": (lambda a: [*a[:1], *a[3:]], 2, "decision 2 to 3 was removed"),
    "last removed": (lambda a: a[:-1], 5, "1 line was removed from the end"),
    "last two removed": (lambda a: a[:-2], 4, "2 lines were removed from the end"),
    "all removed": (lambda a: [], 1, "5 lines were removed from the end"),
    "two swapped": (lambda a: [a[0], a[2], a[1], *a[3:]], 2, "removed or moved"),
    "repeated": (lambda a: [*a[:3], a[1], *a[3:]], 4, "decision 2, which was moved or inserted"),
    "inserted": (
        lambda a: [*a[:2], rewritten(a[2], reason="forged"), *a[2:]],
        4,
        "which was moved or inserted",
    ),
    "added": (
        lambda a: [*a, canonical(linked({"decision": "adopt"}, END))],
        6,
        "added by other means",
    ),
    "no JSON": (lambda a: [*a[:3], "{", *a[4:]], 4, "was altered"),
    "no entry": (lambda a: [*a[:3], "[]", *a[4:]], 4, "was altered"),
}  # fmt: skip


@pytest.mark.parametrize("kind", TAMPERED)
def test_each_kind_of_tampering_is_found(kind: str) -> None:
    tamper, line, what = TAMPERED[kind]
    fault = first_fault(text_of(tamper(LINES)), END)
    assert fault is not None
    assert fault.line == line
    assert what in fault.what


def test_a_log_rewritten_to_its_end_shows_in_what_a_review_noted() -> None:
    """All hashes fit and the note of the end too: only an earlier review knows better."""
    head, forged = Head(), []
    for line in LINES:
        own = {n: v for n, v in json.loads(line).items() if n not in ("number", "before", "hash")}
        entry = linked(own | {"decision": "adopt"}, head)
        forged.append(canonical(entry))
        head = Head(entry["number"], entry["hash"])
    assert first_fault(text_of(forged), head) is None
    seen = Head(3, json.loads(LINES[2])["hash"])
    fault = first_fault(text_of(forged), head, [seen])
    assert fault is not None
    assert fault.line == 3


def test_a_log_shortened_with_its_note_shows_in_what_a_review_noted() -> None:
    short = Head(2, json.loads(LINES[1])["hash"])
    fault = first_fault(text_of(LINES[:2]), short, [END])
    assert fault is not None
    assert fault.line == 3
    assert "3 lines were removed" in fault.what


@given(st.data())
def test_any_other_text_has_a_fault(data: st.DataObject) -> None:
    """A piece of the text anywhere is replaced by another."""
    whole = text_of(LINES)
    start = data.draw(st.integers(0, len(whole)))
    stop = data.draw(st.integers(start, min(len(whole), start + 40)))
    put = data.draw(st.text(max_size=20) | st.sampled_from(["\n", "\r\n", *LINES]))
    edited = whole[:start] + put + whole[stop:]
    fault = first_fault(edited, END)
    assert (fault is None) == (edited == whole)
    if fault is not None:
        same = next((n for n, pair in enumerate(zip(edited, whole, strict=False)) if len(set(pair)) > 1), min(len(edited), len(whole)))  # fmt: skip
        assert fault.line >= edited[:same].count("\n")


@given(st.lists(st.integers(0, COUNT - 1), max_size=8))
def test_any_other_order_or_number_of_lines_has_a_fault(places: list[int]) -> None:
    """Lines removed, repeated, moved: the first that stands wrong is named."""
    found = fault_line([LINES[place] for place in places])
    right = next((n for n, place in enumerate(places) if place != n), len(places))
    assert found == (None if places == list(range(COUNT)) else right + 1)


@given(st.integers(0, COUNT - 1), st.text(), st.sampled_from(["reason", "kpi", "new"]))
def test_any_other_content_with_a_fitting_hash_has_a_fault(
    place: int, value: str, name: str
) -> None:
    lines = [*LINES]
    lines[place] = rewritten(lines[place], **{name: value})
    assert fault_line(lines) == (None if lines == LINES else min(place + 2, COUNT))


def quiet(_: str) -> None:
    pass


def append(folder: Path, reason: str = "x") -> dict[str, Any]:
    return journal.append(folder, {"kpi": "churn", "reason": reason}, wait=True, say=quiet)


class Killed(BaseException):
    """What a kill looks like from within: nothing after it runs."""


@pytest.mark.parametrize("at", [1, 2, 3])
def test_a_kill_leaves_no_half_line(
    at: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed before each of the three files is written: the log holds the line or does not."""
    append(tmp_path, "before")
    steps = iter(range(1, 4))

    def stops(path: Path, text: str) -> Path:
        if next(steps) == at:
            raise Killed
        path.write_text(text)
        return path

    with monkeypatch.context() as patched:
        patched.setattr(journal, "write_whole", stops)
        with pytest.raises(Killed):
            append(tmp_path, "killed")
    reasons = ["before", "killed"] if at == 3 else ["before"]
    assert [entry["reason"] for entry in journal.entries(tmp_path)] == reasons
    append(tmp_path, "after")
    count, _, fault = journal.examine(tmp_path)
    assert (count, fault) == (len(reasons) + 1, None)
    assert [entry["reason"] for entry in journal.entries(tmp_path)] == [*reasons, "after"]


def endless(folder: Path) -> None:
    while True:
        append(folder, "again")


def test_killed_at_any_moment_the_log_is_whole_and_goes_on(tmp_path: Path) -> None:
    """SIGKILL while lines are written without a pause; moments differ, none may leave half a line."""
    lines = 0
    for _ in range(2):
        writer = multiprocessing.get_context("spawn").Process(target=endless, args=(tmp_path,))
        writer.start()
        while len(lines_of(journal.read(tmp_path)[0])) < lines + 3:
            time.sleep(0.005)
        writer.kill()
        writer.join()
        append(tmp_path, "after")
        lines, _, fault = journal.examine(tmp_path)
        assert fault is None
    names = {path.name for path in tmp_path.iterdir()}
    assert names == {journal.LOG, journal.HEAD, journal.LOCK}


def test_a_line_added_after_a_kill_is_not_taken_for_the_one_announced(tmp_path: Path) -> None:
    line = append(tmp_path)
    head = Head(1, line["hash"], coming="c" * 64)
    (tmp_path / journal.HEAD).write_text(json.dumps(vars(head)))
    forged = canonical(linked({"reason": "forged"}, head))
    with (tmp_path / journal.LOG).open("a") as log:
        log.write(forged + "\n")
    _, _, fault = journal.examine(tmp_path)
    assert fault is not None
    assert fault.line == 2


def ten(folder: Path, who: str) -> None:
    for place in range(10):
        append(folder, f"{who}{place}")


def test_two_at_once_lose_no_line(tmp_path: Path) -> None:
    start = multiprocessing.get_context("spawn").Process
    running = [start(target=ten, args=(tmp_path, who)) for who in "ab"]
    for one in running:
        one.start()
    for one in running:
        one.join()
    reasons = [entry["reason"] for entry in journal.entries(tmp_path)]
    assert [reason for reason in reasons if reason[0] == "a"] == [f"a{n}" for n in range(10)]
    assert [reason for reason in reasons if reason[0] == "b"] == [f"b{n}" for n in range(10)]


def test_who_does_not_wait_is_refused(tmp_path: Path) -> None:
    append(tmp_path)
    with (
        only_one(tmp_path, wait=False, say=quiet, name=journal.LOCK),
        pytest.raises(InputError, match="another decision is writing here"),
    ):
        journal.append(tmp_path, {"reason": "x"}, wait=False, say=quiet)
    assert len(journal.entries(tmp_path)) == 1


def test_nothing_is_added_to_a_log_that_is_not_whole(tmp_path: Path) -> None:
    append(tmp_path)
    log = tmp_path / journal.LOG
    log.write_text(log.read_text().replace("churn", "other"))
    changed = log.read_bytes()
    with pytest.raises(InputError, match=r"line 1: it was altered.*nothing is added"):
        append(tmp_path)
    assert log.read_bytes() == changed


@pytest.mark.parametrize("note", [None, "", "{", '{"count": "one"}', '{"count": -1}'])
def test_without_the_note_of_its_end_a_log_is_not_whole(note: str | None, tmp_path: Path) -> None:
    append(tmp_path)
    head = tmp_path / journal.HEAD
    head.unlink() if note is None else head.write_text(note)
    _, _, fault = journal.examine(tmp_path)
    assert fault is not None
    assert "gone" in fault.what


def test_a_log_and_its_note_taken_away_show_in_the_reviews(tmp_path: Path) -> None:
    line = append(tmp_path)
    assert journal.noted(tmp_path) == LogRecord(count=1, hash=line["hash"])
    write_review(tmp_path, run(), log=journal.noted(tmp_path))
    assert journal.examine(tmp_path)[2] is None
    (tmp_path / journal.LOG).unlink()
    (tmp_path / journal.HEAD).unlink()
    _, _, fault = journal.examine(tmp_path)
    assert fault is not None
    assert fault.line == 1


def test_bytes_that_are_no_text_are_a_fault(tmp_path: Path) -> None:
    append(tmp_path)
    log = tmp_path / journal.LOG
    log.write_bytes(log.read_bytes().replace(b"churn", b"ch\xffrn"))
    assert str(journal.examine(tmp_path)[2]).startswith("line 1: it was altered")


def test_only_a_line_feed_ends_a_line() -> None:
    assert lines_of("a\u2028b\n") == ["a\u2028b"]
