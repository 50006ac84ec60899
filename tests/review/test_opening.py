"""The day reviewed is settled first: what is recorded after it neither stops a review nor shows in it."""

from __future__ import annotations

import io
import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from kpi_lib.review import opening, single
from kpi_lib.review.command import Manner, review
from kpi_lib.review.errors import InputError
from kpi_lib.review.plan import Request, make_plan
from kpi_lib.review.project import Project, find_project
from kpi_lib.review.report.files import write_whole
from tests.data.companies import FILES, YAML, with_row, write_company
from tests.data.corruption import spoiled
from tests.review.project import ROOT, make_project

DAY = date(2024, 6, 30)
NO_EVIDENCE: dict[str, Any] = {"evidence": False, "only": ("gross_revenue", "recurring_revenue")}
LATE_ERROR = {"accounts": with_row("accounts", "a4,Dogwood again,2024-08-01,,large,8")}
"""A key that stands twice, from the first of August on."""
EARLY_STRANGERS = "".join(
    f"a1,c1,2024-03-{i:02d} 09:00:00,report_viewed,ui,1\n" for i in range(1, 29)
)


@pytest.mark.parametrize("wish", [{"quarter": "2024Q2"}, {"as_of": DAY}])
def test_an_error_after_the_day_does_not_stop_a_review(
    wish: dict[str, Any], tmp_path: Path
) -> None:
    folder = str(write_company(tmp_path, **LATE_ERROR))
    made = make_plan(Request(dataset=folder, **wish, **NO_EVIDENCE), find_project())
    assert (made.as_of, made.data.last_day) == (DAY, DAY)
    assert {job.parameters["as_of"] for job in made.jobs} == {"2024-06-30"}
    assert not any("stands more than once" in str(problem) for problem in made.data.problems)
    job = single.one_job("gross_revenue", {}, find_project(), dataset=folder, **wish)
    assert job.parameters["as_of"] == "2024-06-30"
    with pytest.raises(InputError, match="stands more than once"):
        make_plan(Request(dataset=folder, quarter="2024Q3"), find_project())
    with pytest.raises(InputError, match="stands more than once"):
        single.one_job("gross_revenue", {}, find_project(), dataset=folder)


def test_quarters_are_those_of_the_data_set(tmp_path: Path) -> None:
    folder = str(write_company(tmp_path, YAML + "quarter_starts_in: 2\n"))
    made = make_plan(Request(dataset=folder, quarter="2024q2", **NO_EVIDENCE), find_project())
    assert (made.as_of, made.label) == (date(2024, 7, 31), "2024Q2")
    job = single.one_job("gross_revenue", {}, find_project(), dataset=folder, quarter="2024Q2")
    assert job.parameters["as_of"] == "2024-07-31"


def test_without_a_day_it_is_the_last_one_known(tmp_path: Path) -> None:
    made = make_plan(Request(dataset=str(write_company(tmp_path)), **NO_EVIDENCE), find_project())
    assert (made.as_of, made.label) == (date(2024, 9, 30), "2024-09-30")


def test_the_day_of_a_file_of_parameters_is_the_day_read(tmp_path: Path) -> None:
    folder = write_company(tmp_path, **LATE_ERROR)
    (folder / "params").mkdir()
    (folder / "params" / "gross_revenue.yaml").write_text("as_of: 2024-06-30\n")
    job = single.one_job("gross_revenue", {}, find_project(), dataset=str(folder))
    assert job.parameters["as_of"] == "2024-06-30"


def test_the_day_registered_for_one_data_set_is_not_taken_for_another(tmp_path: Path) -> None:
    job = single.one_job("gross_revenue", {}, find_project(), dataset=str(write_company(tmp_path)))
    assert "as_of" not in job.parameters
    usual = single.one_job("gross_revenue", {}, find_project())
    assert usual.parameters["as_of"] == "2026-06-30"


def test_the_data_are_opened_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[object] = []
    whole = opening.open_data

    def counted(config: Any, day: Any) -> Any:
        opened.append(day)
        return whole(config, day)

    monkeypatch.setattr("kpi_lib.review.plan.open_data", counted)
    make_plan(
        Request(dataset=str(write_company(tmp_path)), as_of=DAY, **NO_EVIDENCE), find_project()
    )
    assert opened == [DAY]


def reviewed(root: Path, **files: str) -> dict[str, str]:
    """The files of a review of the company as of the day, by name.

    Without how long it took, and without the fingerprint of the files, which says what was read.
    """
    make_project(root, {"alpha": ["print(as_of)"]})
    write_company(root / "data" / "firm", **files)
    request = Request(dataset="data/firm", as_of=DAY, evidence=False, out=root / "reviews")
    project = Project(root)
    done = review(request, Manner(), project, Console(file=io.StringIO()))
    assert done.exit_code == 0
    results = json.loads((done.plan.folder / "results.json").read_text())
    for run in results["notebooks"]:
        run["seconds"] = 1.0
        run["data"] = ""
    from kpi_lib.review.report import write_report

    write_whole(done.plan.folder / "results.json", json.dumps(results))
    write_report(done.plan.folder)
    kept = {"results.json", "index.html"}
    files_of_it = [f for f in done.plan.folder.iterdir() if f.name in kept or f.suffix == ".csv"]
    return {file.name: file.read_text(encoding="utf-8") for file in files_of_it}


@pytest.mark.usefixtures("warm")
def test_results_report_and_rows_left_out_do_not_look_ahead(tmp_path: Path) -> None:
    """Everything after the day is changed, deleted or invented, and errors are added to it."""
    strangers = "a9,,2024-06-01 09:00:00,report_viewed,ui,1\n"
    first = FILES["usage.csv"] + EARLY_STRANGERS + strangers
    before = reviewed(tmp_path / "before", usage=first)
    for seed in (1, 2):
        later = spoiled(DAY, seed)
        late = "".join(f"b{i},,2024-08-0{i} 09:00:00,report_viewed,ui,-1\n" for i in range(1, 9))
        later["usage"] += EARLY_STRANGERS + strangers + late
        later["accounts"] += "a1,Alder again,2024-08-01,,small,3\n"
        assert reviewed(tmp_path / str(seed), **later) == before
    assert set(before) == {"results.json", "index.html", "left_out_usage.csv"}
    assert "usage.account_id: is not in accounts: 1 row (a9)" in before["index.html"]


@pytest.mark.parametrize("sample", ["saas", "wholesale"])
def test_the_samples_are_no_bad_input(sample: str, tmp_path: Path) -> None:
    """What the project's own files of parameters ask for can be answered, whatever KPIs there are."""
    wish = Request(dataset=f"data/sample/{sample}", quarter="2026Q2", out=tmp_path)
    made = make_plan(wish, Project(ROOT))
    assert {job.name for job in made.jobs} >= {"start_here", "choose_kpis", "gross_revenue"}
    assert not {job.name for job in made.jobs} & {one.name for one in made.not_run}


@pytest.mark.parametrize(
    ("sample", "unfit", "only_missing"),
    [
        ("saas", {"basket": "recurring_revenue", "repeat_orders": "customer_churn"}, set[str]()),
        (
            "wholesale",
            {"recurring_revenue": "account_targets", "inactive_customers": "repeat_orders"},
            {"levers", "lift"},
        ),
    ],
)
def test_what_a_company_cannot_feed_does_not_fit_it_or_is_only_missing(
    sample: str, unfit: dict[str, str], only_missing: set[str], tmp_path: Path
) -> None:
    wish = Request(dataset=f"data/sample/{sample}", quarter="2026Q2", out=tmp_path)
    found = {one.name: one for one in make_plan(wish, Project(ROOT)).not_run}
    for name, substitute in unfit.items():
        one = found[name]
        assert one.verdict is not None
        assert one.verdict.suggestion == "drop"
        assert one.reason == one.verdict.because
        assert one.substitutes == [substitute]
    assert {name for name, one in found.items() if one.verdict is None} == only_missing
    assert all("is missing" in found[name].reason for name in only_missing)
