"""Verdicts of several companies side by side, from their reviews."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
from typer.testing import CliRunner

from kpi_lib.cli import app
from kpi_lib.review.errors import InputError
from kpi_lib.review.report.records import (
    FindingRecord,
    NotebookRun,
    NotRun,
    ResultRecord,
    Review,
    VerdictRecord,
    to_json,
)
from kpi_lib.review.verdicts import beside, newest_of_each


def judged(name: str, suggestion: str, *substitutes: str) -> NotebookRun:
    fitting = FindingRecord(
        test="fitting", passed=not substitutes, numbers={"substitutes": list(substitutes)}
    )
    record = ResultRecord(
        kpi=name,
        title=name,
        role="control" if name == "gross_revenue" else "outcome",
        verdict=VerdictRecord(suggestion=suggestion),
        findings=[fitting],
    )
    return NotebookRun(name=name, status="ok", record=record)


def unfit(name: str, substitute: str) -> NotRun:
    verdict = VerdictRecord(suggestion="drop", because="It does not fit this business.")
    return NotRun(name=name, verdict=verdict, substitutes=[substitute])


def write(
    folder: Path, data_set: str, notebooks: list[NotebookRun], not_run: list[NotRun],
    as_of: date = date(2026, 6, 30), period: str = "2026Q2",
) -> Path:  # fmt: skip
    review = Review(
        data_set=data_set,
        name=data_set.capitalize(),
        as_of=as_of,
        period=period,
        version="1",
        notebooks=notebooks,
        not_run=not_run,
    )
    place = folder / data_set / period
    place.mkdir(parents=True)
    (place / "results.json").write_text(to_json(review), encoding="utf-8")
    return place


@pytest.fixture
def two(tmp_path: Path) -> list[Path]:
    software = [
        NotebookRun(name="start_here", status="ok"),
        judged("customer_churn", "adopt"),
        judged("gross_revenue", "drop"),
        NotebookRun(name="lift", status="failed"),
    ]
    shop = [judged("repeat_orders", "keep testing"), judged("basket", "drop", "a longer window")]
    return [
        write(tmp_path, "software", software, [unfit("repeat_orders", "customer_churn")]),
        write(
            tmp_path, "shop", shop,
            [unfit("customer_churn", "repeat_orders"), NotRun(name="lift", reason="no states")],
        ),
    ]  # fmt: skip


def rows(lines: list[str]) -> dict[str, list[str]]:
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if "|" in line]
    return {row[0]: row[1:] for row in cells}


def test_one_row_per_candidate_and_one_column_per_company(two: list[Path]) -> None:
    lines = beside(two)
    found = rows(lines)
    assert found["KPI"] == ["Software, 2026Q2", "Shop, 2026Q2"]
    assert found["Customer churn"] == ["adopt", "drop: does not fit; use Repeat orders"]
    assert found["Repeat orders"] == ["drop: does not fit; use Customer churn", "keep testing"]
    assert found["Basket"] == ["–", "drop; use a longer window"]
    assert found["Gross revenue"] == ["control", "–"]
    assert found["Lift"] == ["failed", "not fed"]
    assert "Start here" not in found
    assert lines[-2:] == ["Software adopts: customer_churn.", "Shop adopts: none yet."]


def test_the_newest_review_of_each_data_set_is_taken(two: list[Path], tmp_path: Path) -> None:
    newer = write(tmp_path, "shop", [], [], date(2026, 9, 30), "2026Q3")
    write(tmp_path, "software", [], [], date(2026, 3, 31), "2026Q1")
    assert set(newest_of_each(tmp_path)) == {two[0], newer}
    told = CliRunner().invoke(app, ["verdicts", "--out", str(tmp_path)])
    assert told.exit_code == 0
    assert set(rows(told.stdout.splitlines())["KPI"]) == {"Software, 2026Q2", "Shop, 2026Q3"}


def test_what_is_no_review_is_bad_input(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="there is no review"):
        newest_of_each(tmp_path)
    with pytest.raises(InputError, match="there is no review"):
        beside([tmp_path])
    (tmp_path / "results.json").write_text("{", encoding="utf-8")
    with pytest.raises(InputError, match="cannot be read"):
        beside([tmp_path])
    assert CliRunner().invoke(app, ["verdicts", str(tmp_path)]).exit_code == 2
