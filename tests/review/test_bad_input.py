"""Every kind of bad input, given to the command: exit code 2, one line each, and nothing is run."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from kpi_lib.cli import app
from tests.data.companies import YAML, with_change, write_company
from tests.data.test_bad_rows import ERRORS
from tests.data.test_config import BAD
from tests.review.project import ROOT, make_project, runs

ROWS: dict[str, tuple[Mapping[str, str], str]] = {
    **ERRORS,
    "required column missing": (
        {"accounts": "account_id,title\na1,X\n"},
        "accounts.name: required column is missing in accounts.csv",
    ),
    "file without a header": ({"usage": "\n"}, "usage.csv: the first line must name the columns"),
    "column twice": (
        {"spend": "month,amount,amount,department\n2024-05-01,1,1,sales\n"},
        "spend.csv: column 'amount' stands twice in the first line",
    ),
}
SETTINGS = dict(BAD) | {
    "literal password": (
        YAML.replace("source: .", "source: postgres://reader:hunter2@host/db"),
        "holds a literal password; write it as ${NAME}",
    ),
    "literal token": (
        YAML.replace("source: .", "source: snowflake://reader@host/db?token=hunter2"),
        "holds a literal token; write it as ${NAME}",
    ),
    "bad day as text": (YAML + "as_of: soon\n", "as_of: 'soon' is not a day"),
    "day after the data": (YAML + "as_of: 2999-01-01\n", "the last day the data know"),
    "timezone that is no text": (
        YAML.replace("UTC", "[UTC]") + "\n",
        "timezone ['UTC'] is unknown",
    ),
    "other bad dates": (YAML + "csv: {dates: year first}\n", "csv.dates must be `day first`"),
    "other decimal": (YAML + "csv: {decimal: ';'}\n", "csv.decimal must be `,` or `.`"),
}
REVIEW, RUN = ("review", "data/firm"), ("run", "gross_revenue", "--dataset", "data/firm")
DAY = "2024-09-30"
WISHES: dict[str, tuple[tuple[str, ...], str]] = {
    "no such data set": (("review", "nowhere"), "nowhere: no such data set"),
    "no quarter": ((*REVIEW, "--quarter", "Q4"), "--quarter: 'Q4' is not a quarter"),
    "quarter out of range": ((*REVIEW, "--quarter", "9999Q4"), "--quarter: year 10000"),
    "quarter before the data": ((*REVIEW, "--quarter", "1990Q1"), "before the first row"),
    "quarter after the data": ((*REVIEW, "--quarter", "2030Q1"), "the last day the data know"),
    "day before the data": ((*REVIEW, "--as-of", "1990-01-01"), "before the first row"),
    "day after the data": ((*REVIEW, "--as-of", "2030-01-01"), "the last day the data know"),
    "two days": ((*REVIEW, "--quarter", "2024Q2", "--as-of", DAY), "not both"),
    "cadence": ((*REVIEW, "--cadence", "hourly"), "--cadence hourly: write one of"),
    "no such notebook": ((*REVIEW, "--only", "gamma"), "--only gamma: no such notebook"),
    "no value": ((*REVIEW, "-p", "periods"), "-p periods: write it as name=value"),
    "password": ((*REVIEW, "-p", "x=postgres://me:hunter2@h/d"), "-p x: holds a password"),
    "unknown parameter": ((*REVIEW, "-p", "window=2"), "-p window: no notebook of this review"),
    "ill-typed": ((*REVIEW, "-p", "periods=many"), "periods: input should be a valid integer"),
    "out of range": ((*REVIEW, "-p", "periods=1"), "periods: input should be greater than"),
    "day of its own": ((*REVIEW, "-p", f"as_of={DAY}"), "-p as_of: a review is of one day"),
    "data of its own": ((*REVIEW, "-p", "dataset=x"), "-p dataset: a review is of one data set"),
    "no such column": ((*REVIEW, "-p", "segment=planet"), "-p segment=planet: no column of"),
    "column not in the data": ((*REVIEW, "-p", "segment=country"), "-p segment=country: no column"),
    "no such currency": ((*REVIEW, "-p", "currency=XXX"), "-p currency=XXX: no amount known on"),
    "no such result": (
        (*REVIEW, "-p", "drop_if=leed < 3"),
        "gross_revenue: drop_if 'leed < 3': leed is no result; known are value, low, high",
    ),
    "no condition": ((*REVIEW, "-p", "drop_if=it does not lead"), "not a condition; write it as"),
    "condition on a number": ((*REVIEW, "-p", "drop_if=n"), "n is a number; compare it, as n < 3"),
    "condition in another unit": (
        (*REVIEW, "-p", "drop_if=n > 1 and days > 20"),
        "-p drop_if=n > 1 and days > 20: days: gross_revenue is measured in money; write value",
    ),
    "run: no such result": ((*RUN, "-p", "drop_if=leed < 3"), "leed is no result; known are value"),
    "run: condition in another unit": ((*RUN, "-p", "drop_if=days > 2"), "is measured in money"),
    "place of reviews": ((*REVIEW, "--out", "data/firm/usage.csv"), "cannot be written"),
    "run: no such notebook": (("run", "gamma"), "gamma: no such notebook"),
    "run: no such data set": (("run", "gross_revenue", "--dataset", "x"), "x: no such data set"),
    "run: unknown parameter": ((*RUN, "-p", "window=2"), "-p window: gross_revenue has no such"),
    "run: out of range": ((*RUN, "-p", "periods=1"), "periods: input should be greater than"),
    "run: ill-typed day": ((*RUN, "-p", "as_of=soon"), "as_of: input should be a valid date"),
    "run: day before the data": ((*RUN, "-p", "as_of=1990-01-01"), "before the first row"),
    "run: day after the data": ((*RUN, "--as-of", "2030-01-01"), "the last day the data know"),
    "run: quarter after the data": ((*RUN, "--quarter", "2030Q1"), "the last day the data know"),
    "run: no quarter": ((*RUN, "--quarter", "Q4"), "--quarter: 'Q4' is not a quarter"),
    "run: two days": ((*RUN, "--quarter", "2024Q2", "--as-of", DAY), "not both"),
    "run: a day twice": ((*RUN, "--as-of", DAY, "-p", f"as_of={DAY}"), "not both"),
    "run: data twice": ((*RUN, "-p", "dataset=data/firm"), "give --dataset or -p dataset, not both"),
    "run: no such column": ((*RUN, "-p", "segment=planet"), "-p segment=planet: no column of"),
    "run: no such currency": ((*RUN, "-p", "currency=XXX"), "-p currency=XXX: no amount known"),
    "run: no such place": ((*RUN, "-o", "nowhere/made.ipynb"), "cannot be written: No such file"),
    "run: a folder is there": ((*RUN, "-o", "data"), "data: cannot be written: Is a directory"),
    "run: a file in the way": (
        (*RUN, "-o", "data/firm/usage.csv/made.ipynb"),
        "cannot be written: Not a directory",
    ),
    "ready: no such data set": (("ready", "nowhere"), "nowhere: no such data set"),
}  # fmt: skip


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The root of a project with one notebook and its card, in which the command is given."""
    root = make_project(tmp_path, {})
    for name in ("notebooks/gross_revenue.ipynb", "params/gross_revenue.yaml"):
        (root / name).parent.mkdir(exist_ok=True)
        shutil.copy(ROOT / name, root / name)
    monkeypatch.chdir(root)
    monkeypatch.setenv("KPI_WARM", "0")  # nothing is to be run, so no kernel need be kept warm
    return root


def given(*arguments: str) -> Result:
    return CliRunner().invoke(app, list(arguments))


def assert_refused(result: Result, expected: str, root: Path) -> None:
    """Exit code 2, each line one problem, the expected one among them, and nothing was run."""
    assert result.exit_code == 2, result.output
    assert result.stdout == ""
    lines = result.stderr.splitlines()
    assert all(line.startswith("kpi: ") for line in lines), lines
    assert any(expected in line for line in lines), lines
    assert "hunter2" not in result.output
    assert not list(root.rglob("*.html"))
    assert runs(root) == []


@pytest.mark.parametrize("case", ROWS)
def test_bad_rows(case: str, project: Path) -> None:
    changed, expected = ROWS[case]
    write_company(project / "data" / "firm", **changed)
    assert_refused(given(*REVIEW), expected, project)


@pytest.mark.parametrize("case", SETTINGS)
def test_a_bad_yaml(case: str, project: Path) -> None:
    yaml, expected = SETTINGS[case]
    write_company(project / "data" / "firm", yaml)
    result = given(*REVIEW)
    assert_refused(result, expected, project)
    assert len(result.stderr.splitlines()) == 1


@pytest.mark.parametrize("case", WISHES)
def test_a_bad_wish(case: str, project: Path) -> None:
    arguments, expected = WISHES[case]
    write_company(project / "data" / "firm")
    result = given(*arguments)
    assert_refused(result, expected, project)
    assert len(result.stderr.splitlines()) == 1


def test_a_bad_file_of_parameters(project: Path) -> None:
    write_company(project / "data" / "firm")
    own = project / "data" / "firm" / "params"
    own.mkdir()
    (own / "gross_revenue.yaml").write_text("segment: planet\n")
    assert_refused(given(*REVIEW), "gross_revenue: segment planet: no column of", project)
    (own / "gross_revenue.yaml").write_text("window: [\n")
    assert_refused(given(*REVIEW), "gross_revenue.yaml: not YAML", project)


def test_ready_says_all_and_ends_as_bad_input(project: Path) -> None:
    write_company(project / "data" / "firm", spend=with_change("spend", "sales", "legal"))
    result = given("ready", "data/firm")
    assert result.exit_code == 2
    assert "error: spend.department: is not one of" in result.stdout
    assert "yes  gross_revenue" in result.stdout
    write_company(project / "data" / "firm")
    assert given("ready", "data/firm").exit_code == 0


def test_a_column_that_only_the_projects_file_names_may_be_missing(project: Path) -> None:
    """The sample's notebooks split by segment; a company without segments can still be reviewed."""
    accounts = "account_id,name,signed_on\n" + "".join(
        f"a{i},Name,2024-01-0{i}\n" for i in range(1, 5)
    )
    write_company(project / "data" / "firm", accounts=accounts, account_history=None)
    result = given(*REVIEW, "-p", "periods=1")
    (line,) = result.stderr.splitlines()
    assert "periods" in line
