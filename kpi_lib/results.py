"""The result of a notebook as a record that travels inside it, for the review to collect."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from kpi_lib.charts.shown import Travelling
from kpi_lib.charts.table import column_title
from kpi_lib.charts.values import plain, rows
from kpi_lib.engine import run
from kpi_lib.kpi import Kpi, Part
from kpi_lib.sections.number import trend_rows
from kpi_lib.sentence import sentence

if TYPE_CHECKING:
    from kpi_lib.evidence.progress import Progress
    from kpi_lib.evidence.verdict import Verdict
    from kpi_lib.experiment import Experiment
    from kpi_lib.measure import Measurement

RESULT = "application/vnd.kpi.result+json"

DIGITS = 10
"""Of a figure that the report rounds once more, so that it says the same as the notebook's page."""


def record(experiment: Experiment) -> Travelling:
    """The record of an experiment, shown as one line of text."""
    value = result(experiment)
    return Travelling(RESULT, value, f"record: {value['kpi']}, {value['period']}")


def result(experiment: Experiment) -> dict[str, Any]:
    """Everything the review and its report need of a KPI notebook, as plain JSON."""
    kpi, measured = experiment.kpi, experiment.measurement
    card = {
        "kpi": kpi.name,
        "title": kpi.title,
        "unit": kpi.unit.value,
        "better": kpi.better.value,
        "role": kpi.role.value,
        "owner": kpi.owner,
        "cadence": kpi.cadence.value,
    }
    data = {
        "dataset": experiment.data.name,
        "currency": experiment.currency,
        "as_of": measured.as_of.isoformat(),
        "problems": [str(problem) for problem in experiment.data.problems],
        "notes": list(experiment.data.notes),
        "left_out": dict(experiment.data.left_out),
    }
    rest = {
        "okr": experiment.okr.said,
        "progress": progress_of(experiment.progress),
        "drop_if": asdict(experiment.dropping),
        "looks": plain_tree({**asdict(experiment.standing), "said": experiment.looks.said}),
        "list": meeting_list(experiment),
        "params": plain_tree(experiment.params.model_dump(mode="json")),
    }
    return {
        "schema": 1,
        **card,
        **data,
        **figures(measured),
        **judged(experiment.judgement),
        **rest,
    }


def figures(measured: Measurement) -> dict[str, Any]:
    """The headline, the change, the trend and the sentence that says them."""
    cell, change = measured.headline, measured.change
    return {
        "period": cell.label,
        "value": plain(cell.value, DIGITS),
        "low": plain(cell.low, DIGITS),
        "high": plain(cell.high, DIGITS),
        "level": measured.params.level,
        "n": cell.n,
        "previous_value": plain(measured.previous.value, DIGITS) if measured.previous else None,
        "change": {
            "value": plain(change.value, DIGITS),
            "low": plain(change.low, DIGITS),
            "high": plain(change.high, DIGITS),
            "method": change.method,
            "reason": change.reason,
        },
        "sentence": sentence(measured),
        "trend": trend_rows(measured.trend),
    }


def judged(found: Verdict | None) -> dict[str, Any]:
    """The verdict and the findings; without judging, None and an empty list."""
    if found is None:
        return {"verdict": None, "findings": []}
    findings = [
        {
            "test": one.test,
            "passed": one.passed,
            "headline": one.headline,
            "reason": one.reason,
            "numbers": plain_tree(one.numbers),
        }
        for one in found.findings.values()
    ]
    return {
        "verdict": {"suggestion": found.suggestion, "because": found.because},
        "findings": findings,
    }


def progress_of(found: Progress) -> dict[str, Any]:
    """The objective as numbers: baseline, goal, day, share of the step, and the odds."""
    baseline, change = found.baseline, found.change
    numbers = {
        "begun_on": found.begun_on,
        "due_on": found.due_on,
        "baseline": baseline.value if baseline else None,
        "baseline_period": baseline.label if baseline else None,
        "goal": found.goal,
        "share": found.share,
        "change": asdict(change) if change else None,
        "odds": found.odds,
        "expected": found.expected,
    }
    told: dict[str, Any] = plain_tree(numbers)
    return told


def meeting_list(experiment: Experiment) -> dict[str, Any] | None:
    """The list that the card marks for a meeting, None where there is none."""
    part = meeting_part(experiment.kpi)
    if part is None:
        return None
    if part is experiment.kpi.who:
        frame = experiment.behind.frame
    else:
        frame = run(part.compute(experiment.tables, experiment.params))
    assert frame is not None
    columns = [
        {"name": str(name), "title": column_title(str(name)), "unit": str(part.units.get(name, ""))}
        for name in frame.columns
    ]
    return {"title": part.title, "meaning": part.meaning, "columns": columns, "rows": rows(frame)}


def meeting_part(kpi: Kpi) -> Part | None:
    """The part or list of the card that is marked for a meeting."""
    marked = [part for part in (kpi.who, *kpi.parts) if part is not None and part.for_meeting]
    return marked[0] if marked else None


def plain_tree(value: Any) -> Any:
    """Nested values as JSON can hold them."""
    if isinstance(value, dict):
        return {str(name): plain_tree(one) for name, one in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        items = sorted(value) if isinstance(value, set | frozenset) else value
        return [plain_tree(one) for one in items]
    return plain(value)
