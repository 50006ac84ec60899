"""The log of decisions as files: `decisions.jsonl`, and beside it what was noted of its end."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from kpi_lib.review.chain import Fault, Head, canonical, first_fault, lines_of, linked
from kpi_lib.review.errors import InputError
from kpi_lib.review.locks import only_one
from kpi_lib.review.report.files import write_whole
from kpi_lib.review.report.records import RESULTS, LogRecord, read_results

LOG, HEAD, LOCK = "decisions.jsonl", "decisions.head.json", ".decisions.lock"


def append(
    folder: Path, entry: Mapping[str, Any], *, wait: bool, say: Callable[[str], None]
) -> dict[str, Any]:
    """The line that was appended to the log in `folder`: the entry, numbered and chained.

    The log is there with the line or without it, whenever the process is killed. Raises InputError
    when the log is not whole, when somebody else is writing and `wait` is False, and for a text that
    cannot be written.
    """
    with only_one(folder, wait=wait, say=say, name=LOCK, what="decision"):
        for name in (LOG, HEAD):
            for leftover in folder.glob(f".{name}.*"):
                leftover.unlink(missing_ok=True)
        text, head = read(folder)
        if fault := first_fault(text, head):
            raise InputError(
                f"{folder / LOG}: {fault}; nothing is added to a log that is not whole"
            )
        try:
            line = linked(entry, _present(text, head))
            _write(folder, text + canonical(line) + "\n", line)
        except OSError as problem:
            raise InputError(f"{folder / LOG}: cannot be written: {problem.strerror}") from problem
        except ValueError as problem:
            raise InputError(f"the decision holds what cannot be written: {problem}") from problem
        return line


def _present(text: str, head: Head | None) -> Head:
    """The end of a whole log, also when its last writer was killed before noting it."""
    head = head or Head()
    is_noted = len(lines_of(text)) == head.count
    return replace(head, coming="") if is_noted else Head(head.count + 1, head.coming)


def _write(folder: Path, text: str, line: Mapping[str, Any]) -> None:
    """The line is announced, written, and noted, so that a kill between two of them is told apart
    from a line that somebody added or took away."""
    number, before, own = line["number"], line["before"], line["hash"]
    write_whole(folder / HEAD, _as_text(Head(number - 1, before, own)))
    write_whole(folder / LOG, text)
    write_whole(folder / HEAD, _as_text(Head(number, own)))


def _as_text(head: Head) -> str:
    return json.dumps(asdict(head)) + "\n"


def read(folder: Path) -> tuple[str, Head | None]:
    """The text of the log in a folder, and what was noted of its end; empty where there is no log.

    None in place of the head where the log is there and the note is missing or no longer one.
    Raises InputError when a file cannot be read.
    """
    try:
        text, note = _text(folder / LOG), _text(folder / HEAD)
    except OSError as problem:
        raise InputError(f"{problem.filename}: cannot be read: {problem.strerror}") from problem
    return text, (_head(note) if text or note else Head())


def _head(note: str) -> Head | None:
    try:
        found = Head(**json.loads(note))
    except (ValueError, TypeError):
        return None
    is_sound = type(found.count) is int and found.count >= 0
    return found if is_sound and isinstance(found.hash, str) else None


def _text(path: Path) -> str:
    """Bytes that are no text stay in it as such, and so break the hash of their line."""
    with suppress(FileNotFoundError):
        return path.read_bytes().decode("utf-8", "surrogateescape")
    return ""


def entries(folder: Path) -> list[dict[str, Any]]:
    """The decisions logged in a folder, oldest first. Raises InputError when the log is not whole."""
    text, head = read(folder)
    if fault := first_fault(text, head):
        raise InputError(f"{folder / LOG}: {fault}")
    return [json.loads(line) for line in lines_of(text)]


def examine(folder: Path) -> tuple[int, Head, Fault | None]:
    """How many lines the log has, where it ends, and its first fault, None when it is whole."""
    text, head = read(folder)
    fault = first_fault(text, head, seen_by_reviews(folder))
    return len(lines_of(text)), (head or Head()) if fault else _present(text, head), fault


def seen_by_reviews(folder: Path) -> Iterator[Head]:
    """What the reviews below a folder noted about the log when they were written."""
    for results in sorted(folder.glob(f"*/*/{RESULTS}")):
        with suppress(OSError, ValueError):
            if log := read_results(results.parent).decisions:
                yield Head(log.count, log.hash)


def noted(folder: Path) -> LogRecord | None:
    """Where the log in a folder ends, for a review to keep; None where there is no whole log."""
    with suppress(InputError):
        text, head = read(folder)
        if text and first_fault(text, head) is None:
            end = _present(text, head)
            return LogRecord(count=end.count, hash=end.hash)
    return None


def holds(folder: Path, hash_kept: str) -> bool:
    """Whether a line of a whole log has this hash."""
    return any(entry["hash"] == hash_kept for entry in entries(folder))
