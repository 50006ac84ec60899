"""The head of the report in words: what was judged, how it came out, what needs attention."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from kpi_lib.review.report.changes import KpiChange, records_of
from kpi_lib.review.report.records import ResultRecord, Review
from kpi_lib.review.report.scorecard import judge_change, verdict_of
from kpi_lib.review.report.words import VERDICTS, counted, day_text, listing, signed
from kpi_lib.wording import format_value


def problems_of(review: Review) -> list[str]:
    """Every problem in the data, once, in the order first met."""
    found = [*review.problems, *(p for r in records_of(review) for p in r.problems)]
    return list(dict.fromkeys(found))


def notes_of(review: Review) -> list[str]:
    """Every note on the data, once, in the order first met."""
    found = [*review.notes, *(n for r in records_of(review) for n in r.notes)]
    return list(dict.fromkeys(found))


def _by_verdict(records: Sequence[ResultRecord]) -> Iterator[str]:
    for verdict in VERDICTS:
        titles = [record.title for record in records if verdict_of(record) == verdict]
        if titles and verdict != "control":
            yield f"{verdict.capitalize()}: {listing(titles)}."


def summary(review: Review) -> str:
    """One paragraph, computed: how many KPIs were judged, and how each came out."""
    records = records_of(review)
    candidates = [record for record in records if record.role != "control"]
    if not records:
        return f"No KPI could be judged on what was known by {day_text(review.as_of)}."
    controls = [record.title for record in records if record.role == "control"]
    sentences = [
        f"{counted(len(candidates), 'candidate KPI')} {'is' if len(candidates) == 1 else 'are'} "
        f"on trial, judged on what was known by {day_text(review.as_of)}."
    ]
    sentences += _by_verdict(records)
    if unfit := sum(one.verdict is not None for one in review.not_run):
        sentences.append(f"{_others(unfit)} fit this business; below stands what to use instead.")
    if controls:
        sentences.append(f"{listing(controls)} is the control: shown for comparison.")
    return " ".join(sentences)


def _others(count: int) -> str:
    return f"{count} others do not" if count > 1 else "1 other does not"


def _moved(record: ResultRecord) -> str:
    change = signed(record.change.value, record.unit, record.currency)
    value = format_value(record.value, record.unit, record.currency)
    return f"{record.title} got worse: {value}, {change} on the period before, more than chance."


def _lists(review: Review, new: dict[str, set[str]]) -> Iterator[str]:
    for record in records_of(review):
        if record.meeting_list is not None and record.meeting_list.rows:
            rows = len(record.meeting_list.rows)
            fresh = len(new.get(record.kpi, ()))
            tail = f", {fresh} of them new since the last review" if fresh else ""
            yield f"{record.meeting_list.title}: {rows:,} on the list{tail}."


def attention(review: Review, changed: Sequence[KpiChange], new: dict[str, set[str]]) -> list[str]:
    """What a reader should look at first, one sentence each; empty when nothing stands out."""
    failed = [run for run in review.notebooks if run.status != "ok"]
    items = [f"{run.title} did not finish: {run.message or run.status}." for run in failed]
    items += [_moved(r) for r in records_of(review) if judge_change(r).kind == "worse"]
    items += [
        f"{c.now.title}: the verdict went from {c.then_verdict} to {verdict_of(c.now)}."
        for c in changed
        if c.verdict_changed
    ]
    items += _lists(review, new)
    problems = len(problems_of(review))
    if problems:
        items.append(f"{counted(problems, 'problem')} found in the data, listed below.")
    return [item.replace("..", ".") for item in items]
