"""One row of the scorecard: a KPI's result in the words and marks of the page."""

from __future__ import annotations

from dataclasses import dataclass

from kpi_lib.review.report.records import FindingRecord, NotebookRun, ResultRecord
from kpi_lib.review.report.sparkline import sparkline
from kpi_lib.review.report.words import FINDINGS, VERDICTS, signed, signed_interval
from kpi_lib.wording import format_interval, format_value

PASSED = {True: ("✓", "passed", "yes"), False: ("✕", "failed", "no"), None: ("?", "open", "open")}


@dataclass(frozen=True)
class Judgement:
    """What a change means: a class for its colour, a mark, and the words that carry it."""

    kind: str
    mark: str
    words: str


@dataclass(frozen=True)
class Mark:
    """A finding: its test, mark, the word for it, the class for its colour, and its sentence."""

    test: str
    asks: str
    mark: str
    word: str
    kind: str
    sentence: str


@dataclass(frozen=True)
class ScoreRow:
    """Everything the page shows of one KPI, as text."""

    name: str
    title: str
    owner: str
    role: str
    period: str
    value: str
    per: str
    interval: str
    level: str
    n: str
    change: str
    change_interval: str
    judgement: Judgement
    sparkline: str
    first: str
    last: str
    verdict: str
    verdict_mark: str
    because: str
    findings: list[Mark]
    sentence: str
    okr: str

    @property
    def is_control(self) -> bool:
        """Whether the KPI is here for comparison only."""
        return self.role == "control"


def verdict_of(record: ResultRecord) -> str:
    """The suggestion as the report names it: a control is never suggested, whatever its tests say."""
    if record.role == "control":
        return "control"
    return (record.verdict.suggestion if record.verdict else "") or "not judged"


def judge_change(record: ResultRecord) -> Judgement:
    """Whether the last change is better, worse, or no more than chance would bring."""
    change = record.change
    if change.value is None:
        return Judgement("open", "", change.reason or "no earlier period to compare with")
    if change.low is None or change.high is None:
        return Judgement("open", "", change.reason or "no interval, so chance is not ruled out")
    if change.low <= 0 <= change.high:
        return Judgement("same", "≈", "could be chance")
    rose = change.value > 0
    better = rose == (record.better == "higher")
    return Judgement(
        "better" if better else "worse", "▲" if rose else "▼", "better" if better else "worse"
    )


def _because(record: ResultRecord) -> str:
    if record.verdict is None or not record.verdict.suggestion:
        return record.verdict.because if record.verdict else "The evidence was not computed."
    if record.role != "control":
        return record.verdict.because
    return f"Tested like the others it would read: {record.verdict.suggestion}. " + (
        record.verdict.because
    )


def _mark(finding: FindingRecord) -> Mark:
    mark, word, kind = PASSED[finding.passed]
    if finding.passed is None and "not tested" in f"{finding.reason} {finding.headline}".lower():
        mark, word, kind = "–", "not tested", "none"
    sentences = [finding.headline, "" if finding.reason in finding.headline else finding.reason]
    sentence = " ".join(s for s in sentences if s)
    return Mark(finding.test, FINDINGS.get(finding.test, ""), mark, word, kind, sentence)


def _spark(record: ResultRecord) -> str:
    known = [p for p in record.trend if p.value is not None]
    if len(known) < 2:
        return ""
    first, last = (
        format_value(p.value, record.unit, record.currency) for p in (known[0], known[-1])
    )
    label = (
        f"{record.title}, {len(record.trend)} periods: {first} in {known[0].label}, "
        f"{last} in {known[-1].label}"
    )
    return sparkline(record.trend, record.period, label)


def _figure_unit(record: ResultRecord) -> str:
    """The unit beside the figure: of money per month the money, as the rest stands below it."""
    return "money" if record.unit.startswith("money") else record.unit


def _interval(record: ResultRecord) -> str:
    if record.low is None and record.high is None:
        return ""
    return format_interval(record.low, record.high, _figure_unit(record), record.currency)


def score_row(run: NotebookRun, record: ResultRecord) -> ScoreRow:
    """The row of one KPI."""
    unit, currency, change = _figure_unit(record), record.currency, record.change
    verdict = verdict_of(record)
    return ScoreRow(
        name=run.name,
        title=record.title,
        owner=record.owner,
        role=record.role,
        period=record.period,
        value=format_value(record.value, unit, currency),
        per=record.unit.removeprefix(unit).strip(),
        interval=_interval(record),
        level=f"{100 * (record.level or 0):g} %",
        n="" if record.n is None else f"{record.n:,.0f}",
        change=signed(change.value, unit, currency),
        change_interval=signed_interval(change.low, change.high, unit),
        judgement=judge_change(record),
        sparkline=_spark(record),
        first=record.trend[0].label if record.trend else "",
        last=record.trend[-1].label if record.trend else "",
        verdict=verdict,
        verdict_mark=VERDICTS.get(verdict, ("",))[0],
        because=_because(record),
        findings=[_mark(finding) for finding in record.findings],
        sentence=record.sentence,
        okr=record.okr,
    )
