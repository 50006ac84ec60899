"""`index.html`: the page for the board."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

from kpi_lib.review.report.changes import KpiChange, changes, newcomers, records_of
from kpi_lib.review.report.lists import ListView, list_view
from kpi_lib.review.report.records import NotebookRun, NotRun, Review
from kpi_lib.review.report.scorecard import ScoreRow, score_row, verdict_of
from kpi_lib.review.report.summary import attention, notes_of, problems_of, summary
from kpi_lib.review.report.templates import asset, render
from kpi_lib.review.report.words import VERDICTS, day_text, signed
from kpi_lib.wording import format_value

_NO_EVIDENCE = "The evidence was switched off for this run."
GROUP_FROM = 9
"""So many KPIs are grouped by owner; fewer are easier to read in one run."""


@dataclass(frozen=True)
class ChangeRow:
    """A line of the table of changes, as text."""

    name: str
    title: str
    then: str
    then_period: str
    now: str
    now_period: str
    difference: str
    restated: str
    verdict_then: str
    verdict: str


@dataclass(frozen=True)
class Item:
    """A notebook or KPI named with a reason or status; `href` is empty without a page."""

    name: str
    title: str
    status: str = ""
    reason: str = ""
    href: str = ""


def _groups(rows: Sequence[ScoreRow]) -> list[tuple[str, list[ScoreRow]]]:
    """The suggested first, the control last; under their owners once there are many."""
    order = list(VERDICTS)
    ordered = sorted(rows, key=lambda row: order.index(row.verdict) if row.verdict in order else 0)
    if len(ordered) < GROUP_FROM:
        return [("", ordered)] if ordered else []
    by_owner = sorted(ordered, key=lambda row: (row.is_control, row.owner))
    kinds = groupby(by_owner, key=lambda row: "Control" if row.is_control else row.owner)
    return [(owner.capitalize(), list(group)) for owner, group in kinds]


def _change_row(change: KpiChange, names: dict[str, str]) -> ChangeRow:
    now, unit, currency = change.now, change.now.unit, change.now.currency
    restated = ""
    if change.restated is not None:
        today = format_value(change.restated, unit, currency)
        restated = f"{change.then_period} reads {today} today"
    return ChangeRow(
        name=names[now.kpi],
        title=now.title,
        then=format_value(change.then_value, unit, currency),
        then_period=change.then_period,
        now=format_value(now.value, unit, currency),
        now_period=now.period,
        difference=signed(change.value, unit, currency),
        restated=restated,
        verdict_then=change.then_verdict if change.verdict_changed else "",
        verdict=verdict_of(now),
    )


def _changes_note(previous: Review | None) -> str:
    if previous is None:
        return (
            "There is no earlier review beside this one. “Then” is the period before, "
            "computed from what is known today."
        )
    return (
        f"“Then” is what the review of {previous.period} reported, "
        f"on what was known by {day_text(previous.as_of)}."
    )


def _not_judged(review: Review) -> list[Item]:
    records = records_of(review)
    if records and not any(record.verdict for record in records):
        items, without = [Item("", "All KPIs", "", _NO_EVIDENCE)], False
    else:
        items, without = [], True
    for run in review.notebooks:
        if run.status != "ok":
            reason = f"{run.status}: {run.message}" if run.message else run.status
            items.append(Item(run.name, run.title, run.status, reason, f"{run.name}.html"))
        elif without and run.record is not None and verdict_of(run.record) == "not judged":
            reason = run.record.verdict.because if run.record.verdict else ""
            reason = reason or _NO_EVIDENCE
            items.append(Item(run.name, run.title, "ok", reason, f"{run.name}.html"))
    return items + [_item(one) for one in review.not_run if one.verdict is None]


def _item(one: NotRun) -> Item:
    status = one.verdict.suggestion if one.verdict else ""
    return Item(one.name, one.title or one.name.replace("_", " "), status, one.reason)


def _contents(
    lists: Sequence[ListView], *, changed: bool, unfit: bool, not_judged: bool
) -> list[tuple[str, str]]:
    entries = [("scorecard", "Scorecard")]
    entries += [("changes", "Changes")] if changed else []
    entries += [(found.anchor, found.title) for found in lists]
    entries += [("not-fitting", "Does not fit")] if unfit else []
    entries += [("not-judged", "Not judged")] if not_judged else []
    entries += [("data", "The data"), ("how-to-read", "How to read this")]
    return [*entries, ("notebooks", "Notebooks")]


def _overviews_first(review: Review) -> list[NotebookRun]:
    return sorted(review.notebooks, key=lambda run: run.record is not None or run.status != "ok")


def index_page(review: Review, previous: Review | None) -> str:
    """The whole page as text; the same reviews give the same bytes."""
    rows = [score_row(run, run.record) for run in review.notebooks if run.record is not None]
    names = {run.record.kpi: run.name for run in review.notebooks if run.record is not None}
    changed, new = changes(review, previous), newcomers(review, previous)
    views = [list_view(record, new.get(record.kpi)) for record in records_of(review)]
    lists = [view for view in views if view is not None]
    not_judged = _not_judged(review)
    unfit = [_item(one) for one in review.not_run if one.verdict is not None]
    return render(
        "index.html.j2",
        css=asset("report.css"),
        js=asset("report.js"),
        review=review,
        as_of=day_text(review.as_of),
        summary=summary(review),
        attention=attention(review, changed, new),
        contents=_contents(
            lists, changed=bool(changed), unfit=bool(unfit), not_judged=bool(not_judged)
        ),
        groups=_groups(rows),
        changed=[_change_row(change, names) for change in changed],
        since=previous.period if previous else "the period before",
        changes_note=_changes_note(previous),
        lists=lists,
        unfit=unfit,
        not_judged=not_judged,
        problems=problems_of(review),
        notes=notes_of(review),
        verdicts=VERDICTS,
        notebooks=[Item(run.name, run.title, run.status) for run in _overviews_first(review)],
    )
