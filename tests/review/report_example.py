"""A small review written by hand: results.json and executed notebooks with real charts."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd

from kpi_lib.charts.picture import finished
from kpi_lib.charts.table import table
from kpi_lib.charts.theme import BLUE, alt
from kpi_lib.review.report.records import (
    RESULT_MIME,
    ChangeRecord,
    FindingRecord,
    ListColumn,
    MeetingList,
    NotebookRun,
    NotRun,
    ResultRecord,
    Review,
    TrendPoint,
    VerdictRecord,
    to_json,
)

LABELS = ["2024Q1", "2024Q2", "2024Q3", "2024Q4", "2025Q1", "2025Q2", "2025Q3", "2025Q4"]
Cell = dict[str, Any]


def trend(values: list[float | None], half: float, open_last: int = 0) -> list[TrendPoint]:
    points = []
    for place, (label, value) in enumerate(zip(LABELS, values, strict=True)):
        low = None if value is None else value - half
        high = None if value is None else value + half
        resolved = 0.3 if place >= len(LABELS) - open_last else 1.0
        points.append(
            TrendPoint(label=label, value=value, low=low, high=high, n=12, resolved=resolved)
        )
    return points


def findings(**passed: bool | None) -> list[FindingRecord]:
    said = {
        True: "A change of 5 days can be seen in one quarter.",
        False: "Upper bound of the skill is 0.02, below the smallest useful 0.05.",
        None: "7 lost accounts; this test needs 10.",
    }
    tested = [
        FindingRecord(test=test, passed=ok, headline=said[ok], reason="")
        for test, ok in passed.items()
    ]
    return [*tested, FindingRecord(test="honest", passed=None, reason="not tested")]


def time_to_value() -> ResultRecord:
    return ResultRecord(
        kpi="time_to_value",
        title="Time to value",
        unit="days",
        better="lower",
        role="leading",
        owner="customer success",
        period="2025Q3",
        value=65,
        low=51,
        high=79,
        n=12,
        previous_value=71,
        change=ChangeRecord(value=-6, low=-21, high=9, method="log-rank"),
        sentence="Time to value is 65 days (90 % interval 51 to 79; 12 customers, 2025Q3).",
        trend=trend([74, 70, None, 72, 69, 71, 65, 58], 14, open_last=1),
        verdict=VerdictRecord(
            suggestion="not readable here",
            because="With 12 customers a quarter a change of 10 days cannot be seen; 41 are needed.",
        ),
        findings=findings(readable=False, leading=True, robust=True, fitting=True),
        problems=["usage: at: before the account exists: 3 rows (a12, a31, a40): check the import"],
        notes=["Usage before 2023 was not kept."],
        okr="Reduce average time to value from 65 to 55 days by the end of 2026Q2",
    )


def inactive_customers(names: list[str], value: float = 0.122) -> ResultRecord:
    rows = [
        [name, f"owner {i}", 4200.0 - 310 * i, 15 + i, i % 12 + 1] for i, name in enumerate(names)
    ]
    columns = [
        ListColumn(name="account", title="Account"),
        ListColumn(name="owner", title="Owner"),
        ListColumn(name="mrr", title="MRR", unit="money per month"),
        ListColumn(name="idle_days", title="Idle", unit="days"),
        ListColumn(name="month", title="Month of the year"),
    ]
    return ResultRecord(
        kpi="inactive_customers",
        title="Inactive customers",
        unit="share",
        better="lower",
        role="leading",
        owner="customer success",
        currency="EUR",
        period="2025Q4",
        value=value,
        low=value - 0.04,
        high=value + 0.05,
        n=90,
        previous_value=0.081,
        change=ChangeRecord(value=value - 0.081, low=0.011, high=0.071, method="McNemar"),
        sentence="Inactive customers are 12.2 % (90 % interval 8.2 to 17.2 %; 90 customers).",
        trend=trend([0.07, 0.08, 0.075, 0.09, 0.085, 0.08, 0.081, value], 0.03),
        verdict=VerdictRecord(suggestion="adopt", because="Leads the loss by 4 months."),
        findings=findings(readable=True, leading=True, robust=True, fitting=True),
        meeting_list=MeetingList.model_validate(
            {"title": "Inactive customers", "columns": columns, "rows": rows}
        ),
        problems=["usage: at: before the account exists: 3 rows (a12, a31, a40): check the import"],
    )


def gross_revenue() -> ResultRecord:
    return ResultRecord(
        kpi="gross_revenue",
        title="Gross revenue",
        unit="money",
        role="control",
        owner="finance",
        currency="EUR",
        period="2025Q4",
        value=1_234_000,
        low=1_101_000,
        high=1_367_000,
        n=90,
        previous_value=1_190_000,
        change=ChangeRecord(value=44_000, low=12_000, high=76_000, method="paired bootstrap"),
        trend=trend([9e5, 9.6e5, 1.01e6, 1.05e6, 1.1e6, 1.15e6, 1.19e6, 1.234e6], 1.2e5),
        verdict=VerdictRecord(suggestion="drop", because="Shown not to lead."),
        findings=findings(readable=True, leading=False, robust=True, fitting=True),
    )


def markdown_cell(text: str, *tags: str) -> Cell:
    return {"cell_type": "markdown", "metadata": {"tags": list(tags)}, "source": text}


def code_cell(
    source: str, *outputs: Cell, count: int | None = 1, tags: tuple[str, ...] = ()
) -> Cell:
    return {
        "cell_type": "code",
        "metadata": {"tags": list(tags)},
        "source": source,
        "execution_count": count,
        "outputs": list(outputs),
    }


def shown(data: dict[str, Any]) -> Cell:
    return {"output_type": "display_data", "data": data, "metadata": {}}


def failed(name: str, value: str) -> Cell:
    line = f"\x1b[0;31m{name}\x1b[0m: {value}"
    return {"output_type": "error", "ename": name, "evalue": value, "traceback": [line]}


def chart(title: str = "Trend") -> dict[str, Any]:
    rows = [
        {"period": label, "value": 60 + i, "low": 50, "high": 75} for i, label in enumerate(LABELS)
    ]
    base = alt.Chart(alt.Data(values=rows)).encode(x=alt.X("period:O", title=None))
    band = base.mark_area(opacity=0.2).encode(y=alt.Y("low:Q", title="days"), y2="high:Q")
    line = base.mark_line(point=True, color=BLUE).encode(
        y="value:Q", tooltip=["period:O", "value:Q"]
    )
    picture = finished(band + line, title, "90 % interval")
    return {"application/vnd.vegalite.v5+json": picture.spec, "text/plain": picture.digest}


def table_html() -> str:
    frame = pd.DataFrame({"account": ["Zebra", "Aster & Co", "Birch"], "days": [9, 100, None]})
    return table(frame, units={"days": "days"}).html


def notebook(record: ResultRecord | None, title: str) -> list[Cell]:
    emitted = [shown({RESULT_MIME: {"kpi": "x"}, "text/plain": "record of x"})] if record else []
    return [
        markdown_cell(f"# {title}\n\nThe question this notebook asks."),
        markdown_cell("## Parameters"),
        code_cell(
            "dataset = 'data/sample/saas'  # the folder\nperiods = 8  # periods: how many to show",
            tags=("parameters",),
        ),
        code_cell("# Parameters\nperiods = 6\n", tags=("injected-parameters",)),
        markdown_cell("## Definition\n\n$$\\frac{a_1}{b}$$\n\n- $a_1$: days"),
        markdown_cell("## The number"),
        code_cell("show(chart)", shown(chart()), shown({"text/markdown": "It is **65 days**."})),
        code_cell("show(table)", shown({"text/html": table_html(), "text/plain": "table"})),
        code_cell("record()", *emitted),
        markdown_cell("## Explore\n\nMove the controls.", "interactive"),
        code_cell("explore()", tags=("interactive",)),
        markdown_cell("## References\n\n- a book"),
    ]


def broken_notebook() -> list[Cell]:
    return [
        *notebook(None, "Recurring revenue")[:7],
        markdown_cell("## What it is made of"),
        code_cell("part('movements')", failed("KeyError", "'monthly_amount'")),
        markdown_cell("## Who is behind it"),
        code_cell("behind()", count=None),
    ]


def write_notebook(path: Path, cells: list[Cell]) -> None:
    content = {"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}
    path.write_text(json.dumps(content), encoding="utf-8")


def example(period: str = "2025Q4", as_of: date = date(2025, 12, 31)) -> Review:
    records = [time_to_value(), inactive_customers(["Aster", "Birch & Sons", "<b>Cedar</b>"])]
    runs = [NotebookRun(name=r.kpi, status="ok", seconds=3.2, record=r) for r in records]
    broken = NotebookRun(
        name="recurring_revenue", status="failed", seconds=1.0, message="KeyError: 'monthly_amount'"
    )
    control = NotebookRun(name="gross_revenue", status="ok", seconds=2.0, record=gross_revenue())
    return Review(
        data_set="saas",
        name="Harbour Analytics",
        as_of=as_of,
        period=period,
        version="0.1.0",
        currency="EUR",
        notebooks=[
            NotebookRun(name="choose_kpis", status="ok", seconds=4.0),
            *runs,
            broken,
            control,
        ],
        not_run=[
            NotRun(name="basket", title="Basket", reason="orders: no such table"),
            NotRun(
                name="repeat_orders",
                title="Repeat orders",
                reason="It does not fit this business: it sells contracts.",
                verdict=VerdictRecord(
                    suggestion="drop", because="It does not fit this business: it sells contracts."
                ),
                substitutes=["customer_churn"],
            ),
        ],
        notes=["Amounts before 2024 are estimates."],
    )


def build(folder: Path, review: Review | None = None) -> Path:
    """The folder with a review and its executed notebooks, ready for the report."""
    review = review or example()
    folder.mkdir(parents=True, exist_ok=True)
    for run in review.notebooks:
        title = run.record.title if run.record else "Choose KPIs"
        cells = broken_notebook() if run.status == "failed" else notebook(run.record, title)
        write_notebook(folder / f"{run.name}.ipynb", cells)
    (folder / "results.json").write_text(to_json(review), encoding="utf-8")
    return folder
