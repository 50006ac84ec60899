"""Reviews written by hand, for decisions to be taken on."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

from kpi_lib.review.report.records import (
    RESULTS,
    DefinitionRecord,
    FindingRecord,
    LogRecord,
    NotebookRun,
    NotRun,
    ResultRecord,
    Review,
    VerdictRecord,
    to_json,
)

KPI = "inactive_customers"
PARAMS: dict[str, Any] = {
    "dataset": "data/shop",
    "as_of": "2026-03-31",
    "periods": 8,
    "decide_on": "2026-03-31",
    "window_days": 14,
}


def record(**changes: Any) -> ResultRecord:
    """The result of inactive customers: 12 % of 40 accounts, to be adopted."""
    known: dict[str, Any] = {
        "kpi": KPI,
        "title": "Inactive customers",
        "unit": "share",
        "period": "2026-03-31",
        "value": 0.12,
        "low": 0.05,
        "high": 0.2,
        "n": 40,
        "verdict": VerdictRecord(suggestion="adopt", because="It passed all tests."),
        "findings": [FindingRecord(test="readable", passed=True, headline="It can be seen.")],
        "params": PARAMS,
    }
    return ResultRecord(**(known | changes))


def run(**changes: Any) -> NotebookRun:
    """How its notebook ended: well."""
    known: dict[str, Any] = {
        "name": KPI,
        "status": "ok",
        "record": record(),
        "definition": DefinitionRecord(formula="quiet accounts / accounts", source="a" * 64),
        "data": "d" * 64,
    }
    return NotebookRun(**(known | changes))


def write_review(
    reviews: Path,
    *runs: NotebookRun,
    period: str = "2026Q1",
    as_of: date = date(2026, 3, 31),
    data_set: str = "shop",
    not_run: list[NotRun] | None = None,
    log: LogRecord | None = None,
) -> Path:
    """The folder of a review that holds these runs."""
    folder = reviews / data_set / period
    folder.mkdir(parents=True, exist_ok=True)
    review = Review(
        data_set=data_set,
        name="Corner shop",
        as_of=as_of,
        period=period,
        version="0.1",
        notebooks=list(runs),
        not_run=not_run or [],
        decisions=log,
    )
    (folder / RESULTS).write_text(to_json(review), encoding="utf-8")
    return folder
