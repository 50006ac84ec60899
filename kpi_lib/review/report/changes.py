"""What changed since the review before: values, verdicts, and who is new on the lists."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from kpi_lib.review.report.records import RESULTS, ResultRecord, Review, read_results


@dataclass(frozen=True)
class KpiChange:
    """One KPI then and now. `then_*` is empty where it was not known then.

    `reported` is True when "then" was read from an earlier review, False when it was computed
    today for the earlier period. `restated` is what today's data says of the period reported then,
    where that differs.
    """

    now: ResultRecord
    then_period: str
    then_value: float | None
    then_verdict: str
    reported: bool
    restated: float | None

    @property
    def value(self) -> float | None:
        """Now minus then, in the unit of the KPI."""
        if self.now.value is None or self.then_value is None:
            return None
        return self.now.value - self.then_value

    @property
    def verdict_changed(self) -> bool:
        """Whether both reviews judged the candidate, and differently."""
        if self.now.role == "control":
            return False
        judged = self.now.verdict.suggestion if self.now.verdict else ""
        return bool(judged and self.then_verdict and judged != self.then_verdict)


def records_of(review: Review) -> list[ResultRecord]:
    """The results of a review, in its order."""
    return [run.record for run in review.notebooks if run.record is not None]


def previous_review(folder: Path, review: Review) -> Review | None:
    """The newest earlier review of the same data set and kind beside `folder`, or None.

    A quarter is compared with quarters only; a review of any other day with whatever came before.
    An earlier folder that cannot be read is passed over: it must not stop today's report.
    """
    earlier = []
    for path in sorted(folder.resolve().parent.glob(f"*/{RESULTS}")):
        try:
            other = read_results(path.parent)
        except (OSError, ValueError):
            continue
        same = other.data_set == review.data_set and other.as_of < review.as_of
        if same and ("Q" in other.period or "Q" not in review.period):
            earlier.append(other)
    return max(earlier, key=lambda other: other.as_of, default=None)


def _trend_value(record: ResultRecord, period: str) -> float | None:
    return next((p.value for p in record.trend if p.label == period), None)


def _period_before(record: ResultRecord) -> str:
    labels = [point.label for point in record.trend]
    place = labels.index(record.period) if record.period in labels else 0
    return labels[place - 1] if place > 0 else ""


def _restated(now: ResultRecord, then: ResultRecord) -> float | None:
    """Today's value of the period reported then, where it moved by more than rounding."""
    today = _trend_value(now, then.period)
    if today is None or then.value is None:
        return None
    return today if abs(today - then.value) > 5e-4 * max(abs(then.value), 1e-9) else None


def _change(now: ResultRecord, then: ResultRecord | None) -> KpiChange:
    if then is None:
        return KpiChange(now, _period_before(now), now.previous_value, "", False, None)
    verdict = then.verdict.suggestion if then.verdict else ""
    return KpiChange(now, then.period, then.value, verdict, True, _restated(now, then))


def changes(review: Review, previous: Review | None) -> list[KpiChange]:
    """One change per KPI judged now, in the order of the review."""
    before = {record.kpi: record for record in records_of(previous)} if previous else {}
    return [_change(record, before.get(record.kpi)) for record in records_of(review)]


def newcomers(review: Review, previous: Review | None) -> dict[str, set[str]]:
    """Per KPI the keys (first column) that are on its list now and were not before.

    Empty for a KPI whose list is not in the earlier review, since then nothing can be said.
    """
    before = {r.kpi: r.meeting_list for r in records_of(previous)} if previous else {}
    found = {}
    for record in records_of(review):
        then = before.get(record.kpi)
        if record.meeting_list is None or then is None:
            continue
        name = record.meeting_list.columns[0].name
        known = {str(row.get(name)) for row in then.rows}
        found[record.kpi] = {str(row.get(name)) for row in record.meeting_list.rows} - known
    return found
