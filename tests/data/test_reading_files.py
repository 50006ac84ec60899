"""CSV files as people really write them: what is read, what is guessed, what is refused."""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path

import pandas as pd
import pytest

from kpi_lib.data import DataError, Dataset, open_dataset
from kpi_lib.engine import run
from tests.data.companies import YAML

HEADER = ("account_id", "name", "signed_on", "seats")


def one_table(
    folder: Path, content: str | bytes, *, table: str = "accounts", yaml: str = YAML
) -> Dataset:
    """A data set of one file."""
    (folder / "dataset.yaml").write_text(yaml, encoding="utf-8")
    raw = content.encode() if isinstance(content, str) else content
    (folder / f"{table}.csv").write_bytes(raw)
    return open_dataset(folder)


def rows(dataset: Dataset, table: str = "accounts") -> pd.DataFrame:
    """All rows of a table, in the order of their first column."""
    expression = dataset.tables[table]
    return run(expression.order_by(expression.columns[0]))


def guess(dataset: Dataset, what: str, column: str = "") -> tuple[str, bool]:
    """What was guessed, and whether that is certain."""
    (found,) = [g for g in dataset.guesses if g.what.startswith(what) and g.column == column]
    return found.value, found.sure


TEXT = "account_id;name;signed_on;seats\n1;Müller & Söhne;2024-01-31;7\n2;Café €;2024-02-29;\n"


@pytest.mark.parametrize(
    ("encoding", "named", "sure"),
    [
        ("utf-8", "utf-8", True),
        ("utf-8-sig", "utf-8-sig", True),
        ("utf-16", "utf-16", True),
        ("utf-16-le", "utf-16-le", False),
        ("cp1252", "cp1252", False),
    ],
)
def test_encodings(encoding: str, named: str, sure: bool, tmp_path: Path) -> None:
    dataset = one_table(tmp_path, TEXT.encode(encoding))
    assert list(rows(dataset)["name"]) == ["Müller & Söhne", "Café €"]
    assert guess(dataset, "encoding") == (named, sure)


def test_an_encoding_can_be_named(tmp_path: Path) -> None:
    yaml = YAML + "csv: {encoding: cp1250}\n"
    dataset = one_table(tmp_path, TEXT.replace("Café", "Łódź").encode("cp1250"), yaml=yaml)
    assert rows(dataset)["name"].iloc[1] == "Łódź €"


def test_an_encoding_that_does_not_fit_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"accounts.csv: cannot be read as ascii"):
        one_table(tmp_path, TEXT, yaml=YAML + "csv: {encoding: ascii}\n")


@pytest.mark.parametrize(
    ("separator", "named"), [(",", "comma"), (";", "semicolon"), ("\t", "tab"), ("|", "bar")]
)
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_separators_and_line_ends(separator: str, named: str, end: str, tmp_path: Path) -> None:
    lines = [separator.join(HEADER), separator.join(("1", '"a,b;c|d"', "2024-01-31", "3"))]
    dataset = one_table(tmp_path, end.join(lines) + end)
    assert rows(dataset)["name"].iloc[0] == "a,b;c|d"
    assert guess(dataset, "separator") == (named, True)


def test_quoted_line_breaks_and_quotes(tmp_path: Path) -> None:
    dataset = one_table(
        tmp_path, 'account_id,name,signed_on\n1,"first\nsecond ""x""",2024-01-01\n2,b,2024-01-02\n'
    )
    assert list(rows(dataset)["name"]) == ['first\nsecond "x"', "b"]


def test_ids_keep_their_zeros_and_spaces(tmp_path: Path) -> None:
    dataset = one_table(
        tmp_path, "account_id,name,signed_on\n007,null,2024-01-01\n 8,n/a,2024-01-02\n"
    )
    assert list(rows(dataset)["account_id"]) == [" 8", "007"]
    assert set(rows(dataset)["name"]) == {"null", "n/a"}


DATES = {
    "iso": (["2024-01-31", "2023-12-01"], "2024-01-31"),
    "iso with time": (["2024-01-31 23:59:59", "2023-12-01 00:00:00"], "2024-01-31"),
    "day first with slashes": (["31/01/2024", "1/12/2023"], "2024-01-31"),
    "month first with slashes": (["01/31/2024", "12/1/2023"], "2024-01-31"),
    "two-digit years": (["1/31/24", "12/1/23"], "2024-01-31"),
    "dots": (["31.01.2024", "01.12.2023"], "2024-01-31"),
    "compact": (["20240131", "20231201"], "2024-01-31"),
    "year first with slashes": (["2024/01/31", "2023/12/01"], "2024-01-31"),
    "named months": (["31 Jan 2024", "1 Dec 2023"], "2024-01-31"),
    "named months with dashes": (["31-Jan-24", "01-Dec-23"], "2024-01-31"),
    "named month first": (["Jan 31, 2024", "December 1, 2023"], "2024-01-31"),
    "with a half day": (["1/31/2024 11:59 PM", "12/1/2023 1:00 AM"], "2024-01-31"),
    "mixed forms": (["2024-01-31", "01/12/2023", "13/12/2023"], "2024-01-31"),
}


@pytest.mark.parametrize("case", list(DATES), ids=list(DATES))
def test_date_formats(case: str, tmp_path: Path) -> None:
    texts, first = DATES[case]
    lines = [f'{i},n,"{text}"' for i, text in enumerate(texts)]
    dataset = one_table(tmp_path, "account_id,name,signed_on\n" + "\n".join(lines) + "\n")
    read = rows(dataset)["signed_on"]
    assert read.iloc[0] == pd.Timestamp(first)
    assert read.iloc[1] == pd.Timestamp(2023, 12, 1)
    assert dataset.problems == ()


def test_day_and_month_that_cannot_be_told_apart_are_a_guess(tmp_path: Path) -> None:
    content = "account_id,name,signed_on\n1,n,03/04/2024\n"
    dataset = one_table(tmp_path, content)
    assert rows(dataset)["signed_on"].iloc[0] == pd.Timestamp(2024, 4, 3)
    assert guess(dataset, "dates", "signed_on") == ("%d/%m/%Y", False)
    assert "cannot be told apart" in str(dataset.problems[0])


@pytest.mark.parametrize(("option", "month"), [("day first", 4), ("month first", 3)])
def test_the_order_can_be_named(option: str, month: int, tmp_path: Path) -> None:
    content = "account_id,name,signed_on\n1,n,03/04/2024\n"
    dataset = one_table(tmp_path, content, yaml=YAML + f"csv: {{dates: {option}}}\n")
    assert rows(dataset)["signed_on"].iloc[0].month == month
    assert dataset.problems == ()


def test_another_column_of_the_file_tells_the_order(tmp_path: Path) -> None:
    content = "account_id,name,signed_on,kickoff_on\n1,n,03/04/2024,03/25/2024\n"
    dataset = one_table(tmp_path, content)
    assert rows(dataset)["signed_on"].iloc[0] == pd.Timestamp(2024, 3, 4)


def test_dates_that_contradict_each_other_are_refused(tmp_path: Path) -> None:
    content = "account_id,name,signed_on\n1,n,31/01/2024\n2,n,01/31/2024\n"
    with pytest.raises(DataError, match="some dates fit only day first, others only month first"):
        one_table(tmp_path, content)


NUMBERS = {
    "point": (["1234.5", "-0.25", "7"], [1234.5, -0.25, 7.0]),
    "comma": (["1234,5", "-0,25", "7"], [1234.5, -0.25, 7.0]),
    "english thousands": (["1,234.5", "12", "1,234,567"], [1234.5, 12.0, 1234567.0]),
    "german thousands": (["1.234,5", "12", "1.234.567"], [1234.5, 12.0, 1234567.0]),
    "spaces": (["1 234,5", "12", "1\u00a0234\u202f567"], [1234.5, 12.0, 1234567.0]),
    "apostrophes": (["1'234.5", "12", "1’234’567"], [1234.5, 12.0, 1234567.0]),
    "exponents": (["1e3", "2.5E-1", "0"], [1000.0, 0.25, 0.0]),
}


@pytest.mark.parametrize("case", list(NUMBERS), ids=list(NUMBERS))
def test_number_formats(case: str, tmp_path: Path) -> None:
    texts, values = NUMBERS[case]
    lines = [f'a{i};2024-01-01 10:00:00;e;"{text}"' for i, text in enumerate(texts)]
    content = "account_id;at;event;quantity\n" + "\n".join(lines) + "\n"
    (tmp_path / "dataset.yaml").write_text(YAML, encoding="utf-8")
    (tmp_path / "usage.csv").write_text(content, encoding="utf-8")
    dataset = open_dataset(tmp_path, require_clean=False)
    assert list(rows(dataset, "usage")["quantity"]) == values
    assert not [p for p in dataset.problems if "read" in p.rule]


def test_a_mark_that_may_mean_thousands_is_a_guess(tmp_path: Path) -> None:
    content = "account_id,at,event,quantity\na,2024-01-01 10:00:00,e,1.234\n"
    dataset = one_table(tmp_path, content, table="usage")
    assert rows(dataset, "usage")["quantity"].iloc[0] == 1.234
    assert guess(dataset, "numbers", "quantity") == ("decimal point", False)
    yaml = YAML + "csv: {decimal: ','}\n"
    told = one_table(tmp_path, content, table="usage", yaml=yaml)
    assert rows(told, "usage")["quantity"].iloc[0] == 1234.0


@pytest.mark.parametrize("text", ["1,2,3.4", "12.34.5", "nan", "inf", "1_000", "--1", "€5"])
def test_a_text_that_is_no_number_is_an_error(text: str, tmp_path: Path) -> None:
    content = f'account_id;at;event;quantity\na;2024-01-01 10:00:00;e;"{text}"\n'
    with pytest.raises(DataError, match=r"usage.quantity: cannot be read as number: 1 row"):
        one_table(tmp_path, content, table="usage")


def test_texts_that_mean_no_value_can_be_named(tmp_path: Path) -> None:
    content = "account_id,name,signed_on,seats\n1,n,2024-01-01,n/a\n2,-,2024-01-02,4\n"
    yaml = YAML + "csv: {empty: [n/a]}\n"
    dataset = one_table(tmp_path, content, yaml=yaml)
    assert pd.isna(rows(dataset)["seats"].iloc[0])
    assert rows(dataset)["seats"].iloc[1] == 4
    assert rows(dataset)["name"].iloc[1] == "-"


FLAGS = ["true", "T", "Yes", "y", "1", "false", "F", "No", "n", "0"]


def test_flags(tmp_path: Path) -> None:
    lines = [f"{i},a1,2024-01-01,{flag}" for i, flag in enumerate(FLAGS)]
    content = "contact_id,account_id,created_on,is_service\n" + "\n".join(lines) + "\n"
    dataset = one_table(tmp_path, content, table="contacts")
    assert list(rows(dataset, "contacts")["is_service"]) == [True] * 5 + [False] * 5


MOMENTS = {
    "2024-07-01 12:00:00": datetime(2024, 7, 1, 10),
    "2024-01-01T12:00:00": datetime(2024, 1, 1, 11),
    "2024-07-01 12:00:00Z": datetime(2024, 7, 1, 12),
    "2024-07-01T12:00:00+05:30": datetime(2024, 7, 1, 6, 30),
    "2024-07-01 12:00:00.250-03": datetime(2024, 7, 1, 15, 0, 0, 250000),
    "01.07.2024 12:00": datetime(2024, 7, 1, 10),
}


@pytest.mark.parametrize("text", list(MOMENTS))
def test_moments_are_utc_inside(text: str, tmp_path: Path) -> None:
    yaml = YAML.replace("UTC", "Europe/Paris")
    content = f"account_id,at,event\na,{text},e\n"
    dataset = one_table(tmp_path, content, table="usage", yaml=yaml)
    assert rows(dataset, "usage")["at"].iloc[0] == pd.Timestamp(MOMENTS[text])


def test_a_moment_written_as_a_day_keeps_its_day(tmp_path: Path) -> None:
    yaml = YAML.replace("UTC", "Europe/Paris")
    dataset = one_table(tmp_path, "account_id,at,event\na,2024-07-01,e\n", table="usage", yaml=yaml)
    assert rows(dataset, "usage")["at"].iloc[0] == pd.Timestamp(2024, 7, 1)


def test_a_day_written_with_a_zone_is_the_local_day(tmp_path: Path) -> None:
    yaml = YAML.replace("UTC", "Asia/Tokyo")
    content = "account_id,name,signed_on\n1,n,2024-07-01T20:00:00Z\n"
    dataset = one_table(tmp_path, content, yaml=yaml)
    assert rows(dataset)["signed_on"].iloc[0] == pd.Timestamp(2024, 7, 2)


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("account_id,name,signed_on\n1,n,2024-01-01\n2,n\n", "accounts.csv line 3"),
        ("account_id,name,signed_on\n1,n,2024-01-01,more\n", "accounts.csv line 2"),
        ('account_id,name,signed_on\n1,"n,2024-01-01\n', "accounts.csv line 2"),
        ("account_id,name,name\n1,n,2024-01-01\n", "column 'name' stands twice"),
        ("", "the first line must name the columns"),
    ],
    ids=["too few fields", "too many fields", "open quote", "column twice", "empty file"],
)
def test_a_broken_file_is_refused_in_one_line(content: str, expected: str, tmp_path: Path) -> None:
    with pytest.raises(DataError) as refused:
        one_table(tmp_path, content)
    (line,) = str(refused.value).splitlines()
    assert expected in line


def test_parquet_types(tmp_path: Path) -> None:
    (tmp_path / "dataset.yaml").write_text(YAML.replace("UTC", "Europe/Paris"), encoding="utf-8")
    frame = pd.DataFrame(
        {
            "account_id": [1, 2],
            "at": pd.to_datetime(["2024-07-01 12:00", "2024-01-01 12:00"]),
            "event": pd.Categorical(["a", "b"]),
            "quantity": [1.5, None],
        }
    )
    frame.to_parquet(tmp_path / "usage.parquet")
    usage = rows(open_dataset(tmp_path), "usage")
    assert list(usage["account_id"]) == ["1", "2"]
    assert list(usage["at"].dt.hour) == [10, 11]
    assert list(usage["event"]) == ["a", "b"]
    assert pd.isna(usage["quantity"].iloc[1])
    assert usage["contact_id"].isna().all()


def test_a_parquet_column_of_the_wrong_type_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "dataset.yaml").write_text(YAML, encoding="utf-8")
    frame = pd.DataFrame({"account_id": ["a"], "at": [3.5], "event": ["e"]})
    frame.to_parquet(tmp_path / "usage.parquet")
    with pytest.raises(DataError, match=r"usage.at: must be at, is double"):
        open_dataset(tmp_path, "2024-01-01")


def test_two_files_for_one_table_are_refused(tmp_path: Path) -> None:
    (tmp_path / "accounts.parquet").write_bytes(b"")
    with pytest.raises(DataError, match=r"accounts.csv and accounts.parquet both hold it"):
        one_table(tmp_path, "account_id,name,signed_on\n1,n,2024-01-01\n")


def test_sql_sees_files_by_their_stem(tmp_path: Path) -> None:
    yaml = YAML + (
        "tables:\n  accounts: {sql: \"select id as account_id, 'x' as name, min(day) as signed_on"
        ' from visits group by id"}\n'
    )
    (tmp_path / "visits.csv").write_text("id,day\n1,2024-02-01\n1,2024-01-01\n", encoding="utf-8")
    (tmp_path / "dataset.yaml").write_text(yaml, encoding="utf-8")
    accounts = rows(open_dataset(tmp_path))
    assert list(accounts["signed_on"].dt.date) == [date(2024, 1, 1)]
