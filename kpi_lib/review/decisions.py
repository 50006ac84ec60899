"""What a team decides about a KPI, and the review that it decides on."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime
from enum import StrEnum
from pathlib import Path
from typing import Any

from kpi_lib import catalogue
from kpi_lib.review import journal
from kpi_lib.review.definition import OF_THE_RUN, hash_of
from kpi_lib.review.errors import InputError
from kpi_lib.review.report.records import RESULTS, NotebookRun, ResultRecord, Review, read_results


class Choice(StrEnum):
    """What a team can decide."""

    ADOPT = "adopt"
    KEEP_TESTING = "keep-testing"
    DROP = "drop"


@dataclass(frozen=True, kw_only=True)
class Decision:
    """What somebody asks to have written down. `early`: before the day that was registered."""

    kpi: str
    choice: Choice
    reason: str
    name: str
    early: bool = False


@dataclass(frozen=True)
class Reviewed:
    """The review of one KPI that is decided on, and the folder it was read from."""

    folder: Path
    review: Review
    run: NotebookRun
    record: ResultRecord


def decide(
    asked: Decision,
    folder: Path,
    review: Path | None = None,
    *,
    wait: bool = True,
    say: Callable[[str], None] = print,
) -> dict[str, Any]:
    """The line that was appended to the log in `folder`.

    Decided on `review`, or on the newest review below `folder` that holds the KPI. Raises InputError
    when there is none, it cannot be decided on, or its registered day has not come.
    """
    _refuse_empty(asked)
    reviewed = reviewed_in(review, asked.kpi) if review else newest(folder, asked.kpi)
    is_early = too_early(reviewed.record, reviewed.review.as_of)
    if is_early and not asked.early:
        raise InputError(f"{is_early}; --early decides all the same, and the log says so")
    return journal.append(folder, entry_of(asked, reviewed, bool(is_early)), wait=wait, say=say)


def _refuse_empty(asked: Decision) -> None:
    """Raises InputError for an unknown KPI, and for a decision without a reason or a name."""
    lines = []
    if asked.kpi not in catalogue.names():
        lines.append(f"{asked.kpi}: no such KPI; known are {', '.join(catalogue.names())}")
    lines += [f"--{what} is empty" for what in ("reason", "name") if not getattr(asked, what)]
    if lines:
        raise InputError(*lines)


def reviewed_in(folder: Path, kpi: str) -> Reviewed:
    """The result of a KPI in the review of a folder. Raises InputError when none can be decided on."""
    try:
        review = read_results(folder)
    except (FileNotFoundError, NotADirectoryError) as problem:
        raise InputError(f"{folder}: there is no review") from problem
    except (OSError, ValueError) as problem:
        raise InputError(f"{folder}: its review cannot be read: {problem}") from problem
    run = next((run for run in review.notebooks if run.name == kpi), None)
    if run is None:
        why = next((one.reason for one in review.not_run if one.name == kpi), "")
        raise InputError(f"{folder}: {kpi} was not in this review{f': {why}' if why else ''}")
    if run.status != "ok" or run.record is None:
        why = run.message or "it left no result"
        raise InputError(f"{folder}: the notebook of {kpi} ended as {run.status}: {why}")
    if run.record.verdict is None or not run.record.verdict.suggestion:
        raise InputError(f"{folder}: {kpi} was not judged in this review; run it with --evidence")
    if run.definition is None or not run.data:
        raise InputError(f"{folder}: this review is of an older version; run it again")
    return Reviewed(folder, review, run, run.record)


def newest(folder: Path, kpi: str) -> Reviewed:
    """The newest review below a folder of reviews that holds the KPI.

    Raises InputError when there is none, and when reviews of several data sets hold it.
    """
    found: list[tuple[date, str, Path]] = []
    for results in sorted(folder.glob(f"*/*/{RESULTS}")):
        for review, _ in _runs_in(results.parent, kpi):
            found.append((review.as_of, review.data_set, results.parent))
    if not found:
        raise InputError(f"{folder}: there is no review of {kpi}; run `kpi review` first")
    sets = sorted({data_set for _, data_set, _ in found})
    if len(sets) > 1:
        raise InputError(f"{kpi} was reviewed on {' and '.join(sets)}; say which with --review")
    return reviewed_in(max(found)[2], kpi)


def too_early(record: ResultRecord, as_of: date) -> str:
    """Why the day of the decision has not come for a review of `as_of`; empty when it has."""
    day = decide_on(record)
    if day is None or day <= as_of:
        return ""
    return f"{record.kpi} is to be decided on {day}, and this review knows the data until {as_of}"


def decide_on(record: ResultRecord) -> date | None:
    """The day that was registered for the decision, None where none was."""
    text = record.params.get("decide_on")
    return date.fromisoformat(text) if text else None


def entry_of(asked: Decision, reviewed: Reviewed, is_early: bool) -> dict[str, Any]:
    """What the log holds of a decision, before it is numbered and chained."""
    review, run, record = reviewed.review, reviewed.run, reviewed.record
    assert run.definition is not None
    assert record.verdict is not None
    day = decide_on(record)
    return {
        "time": datetime.now(UTC).isoformat(timespec="seconds"),
        "kpi": asked.kpi,
        "title": record.title,
        "data_set": review.data_set,
        "as_of": review.as_of.isoformat(),
        "definition": hash_of(run.definition, record.params),
        "formula": run.definition.formula,
        "source": run.definition.source,
        "params": record.params,
        "data": run.data,
        "version": review.version,
        "result": {
            name: getattr(record, name)
            for name in ("period", "value", "low", "high", "level", "n", "unit", "currency")
        },
        "findings": [
            {"test": one.test, "passed": one.passed, "headline": one.headline}
            for one in record.findings
        ],
        "suggested": record.verdict.suggestion,
        "because": record.verdict.because,
        "looks": looks_taken(reviewed),
        "drop_if": record.drop_if.model_dump() if record.drop_if else None,
        "decide_on": day.isoformat() if day else None,
        "early": is_early,
        "decision": asked.choice.value,
        "reason": asked.reason,
        "name": asked.name,
    }


def looks_taken(reviewed: Reviewed) -> dict[str, Any]:
    """The looks at this experiment so far: days planned, planned ones taken, and all others.

    Every review beside the one decided on is a look: of the same KPI, data and definition, up to its
    day. A planned look counts once, however often it was reviewed.
    """
    looks = reviewed.record.looks
    planned = [look.day.isoformat() for look in looks.looks] if looks else []
    own = _experiment(reviewed.run)
    taken: set[str] = set()
    others: set[str] = set()
    for results in sorted(reviewed.folder.resolve().parent.glob(f"*/{RESULTS}")):
        for review, run in _runs_in(results.parent, reviewed.run.name):
            if _experiment(run) == own and review.as_of <= reviewed.review.as_of:
                number = run.record.looks.number if run.record and run.record.looks else None
                (taken if number else others).add(
                    planned[number - 1] if number else str(review.as_of)
                )
    return {"planned": planned, "taken": sorted(taken), "unplanned": sorted(others)}


def _experiment(run: NotebookRun) -> str:
    """The definition of a run, empty where it left no result."""
    if run.definition is None or run.record is None:
        return ""
    return hash_of(run.definition, run.record.params)


def _runs_in(folder: Path, kpi: str) -> Iterator[tuple[Review, NotebookRun]]:
    """The run of a KPI in the review of a folder, where there is one that can be read."""
    with suppress(OSError, ValueError):
        review = read_results(folder)
        yield from ((review, run) for run in review.notebooks if run.name == kpi)


def experiments(entries: Sequence[dict[str, Any]]) -> list[int]:
    """For each decision the number of its experiment: per KPI and data set, counted from 1.

    A definition that was not decided on before opens a new one.
    """
    known: dict[tuple[str, str], list[str]] = {}
    numbers = []
    for entry in entries:
        definitions = known.setdefault((entry["kpi"], entry["data_set"]), [])
        if entry["definition"] not in definitions:
            definitions.append(entry["definition"])
        numbers.append(definitions.index(entry["definition"]) + 1)
    return numbers


def what_changed(entry: dict[str, Any], before: Sequence[dict[str, Any]]) -> str:
    """What in the definition differs from the decision before on the same KPI and data set."""
    same = [e for e in before if (e["kpi"], e["data_set"]) == (entry["kpi"], entry["data_set"])]
    if not same or same[-1]["definition"] == entry["definition"]:
        return ""
    last, missing = same[-1], "not there"
    names = sorted({*last["params"], *entry["params"]} - {*OF_THE_RUN})
    pairs = [(n, last["params"].get(n, missing), entry["params"].get(n, missing)) for n in names]
    told = [f"{name} {was} is now {now}" for name, was, now in pairs if was != now]
    told += ["the formula"] if last["formula"] != entry["formula"] else []
    told += ["the code that computes it"] if last["source"] != entry["source"] else []
    return "; ".join(told)
