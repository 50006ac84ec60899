"""A log whose every line carries the hash of the one before, so that no line changes unseen."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

START = "0" * 64
"""What the first line carries in place of the hash of a line before it."""


@dataclass(frozen=True)
class Head:
    """How far a log goes: the number of its lines and the hash of the last.

    `coming` is the hash of a line that was about to be written; empty when none was.
    """

    count: int = 0
    hash: str = START
    coming: str = ""


@dataclass(frozen=True)
class Fault:
    """The first line that is not as it was written, counted from 1 in the file, and what is wrong."""

    line: int
    what: str

    def __str__(self) -> str:
        """As one sentence."""
        return f"line {self.line}: {self.what}"


def canonical(entry: Mapping[str, Any]) -> str:
    """The one way in which an entry is written as JSON. Raises ValueError for what JSON lacks."""
    return json.dumps(
        entry, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
    )


def digest(entry: Mapping[str, Any]) -> str:
    """The sha256 of an entry without its own hash."""
    told = {name: value for name, value in entry.items() if name != "hash"}
    return hashlib.sha256(canonical(told).encode("utf-8")).hexdigest()


def linked(entry: Mapping[str, Any], head: Head) -> dict[str, Any]:
    """The entry as the next line after `head`: with its number, the hash before, and its own."""
    line = {**entry, "number": head.count + 1, "before": head.hash}
    return {**line, "hash": digest(line)}


def lines_of(text: str) -> list[str]:
    """The lines of a log. Only a line feed ends one; a last line without it counts as well."""
    lines = text.split("\n")
    return lines[:-1] if lines[-1] == "" else lines


def first_fault(text: str, head: Head | None, seen: Iterable[Head] = ()) -> Fault | None:
    """The first line that was altered, removed, moved or inserted; None for a whole log.

    `head` is what was noted when the last line was written (None: that note is gone), `seen` what
    others noted at some time.
    A log that was rewritten together with everything noted about it cannot be told from a whole one.
    """
    lines = lines_of(text)
    fault = _in_the_chain(lines)
    if fault is None and text and not text.endswith("\n"):
        fault = Fault(len(lines), "it does not end as a line does")
    if fault is None and head is None:
        fault = Fault(
            len(lines), "the note of where the log ends is gone, so later ones may be missing"
        )
    if fault or head is None:
        return fault
    hashes = [START, *(json.loads(line)["hash"] for line in lines)]
    return _at_the_end(hashes, head) or _as_seen(hashes, seen)


def _in_the_chain(lines: Sequence[str]) -> Fault | None:
    before = START
    for place, text in enumerate(lines, start=1):
        entry = _entry(text)
        if entry is None:
            return Fault(place, "it was altered: its content does not give its hash")
        if entry["number"] != place or entry["before"] != before:
            return Fault(place, _misplaced(entry["number"], place))
        before = entry["hash"]
    return None


def _entry(text: str) -> dict[str, Any] | None:
    """The entry of a line; None when the line is not exactly what was written."""
    try:
        entry = json.loads(text)
        whole = isinstance(entry, dict) and text == canonical(entry)
        return entry if whole and entry["hash"] == digest(entry) and _is_numbered(entry) else None
    except (ValueError, KeyError, RecursionError):
        return None


def _is_numbered(entry: Mapping[str, Any]) -> bool:
    return type(entry["number"]) is int and isinstance(entry["before"], str)


def _misplaced(number: int, place: int) -> str:
    if number > place:
        missing = f"{place}" if number == place + 1 else f"{place} to {number - 1}"
        return f"it is decision {number}; decision {missing} was removed or moved from here"
    if number < place:
        return f"it is decision {number}, which was moved or inserted here"
    return "it does not follow the line before it: one of the two was replaced"


def _at_the_end(hashes: Sequence[str], head: Head) -> Fault | None:
    count = len(hashes) - 1
    if count < head.count:
        return Fault(count + 1, f"{_many(head.count - count)} removed from the end")
    if hashes[head.count] != head.hash:
        return Fault(max(1, head.count), "it was replaced: another line was noted as the last")
    if count == head.count or (count == head.count + 1 and hashes[-1] == head.coming):
        return None
    return Fault(head.count + 1, f"{_many(count - head.count)} added by other means")


def _as_seen(hashes: Sequence[str], seen: Iterable[Head]) -> Fault | None:
    """What reviews noted about the log when they ran must still be true."""
    for head in sorted(seen, key=lambda one: one.count):
        if head.count >= len(hashes):
            gone = _many(head.count + 1 - len(hashes))
            return Fault(len(hashes), f"{gone} removed that a review has noted")
        if hashes[head.count] != head.hash:
            return Fault(max(1, head.count), "it was replaced: a review has noted another line")
    return None


def _many(count: int) -> str:
    return "1 line was" if count == 1 else f"{count} lines were"
