"""A dataset.yaml that cannot be used is refused with one line that names what is wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from kpi_lib.data import DataError, open_dataset
from tests.data.companies import YAML, write_company

BAD = {
    "unknown key": (YAML + "colour: red\n", "dataset.yaml: unknown key `colour`"),
    "unknown table": (YAML + "tables: {customers: x.csv}\n", "unknown table `customers`"),
    "unknown column": (
        YAML + "tables: {accounts: {columns: {acount_id: id}}}\n",
        "tables.accounts: unknown column `acount_id`",
    ),
    "unknown key of a table": (
        YAML + "tables: {accounts: {file: x.csv}}\n",
        "tables.accounts: unknown key `file`",
    ),
    "unknown csv option": (YAML + "csv: {delimiter: x}\n", "unknown csv option `delimiter`"),
    "separator of several characters": (
        YAML + 'csv: {separator: "||||"}\n',
        "dataset.yaml: csv.separator must be one character such as `;`, or `tab`",
    ),
    "separator that values are made of": (
        YAML + "csv: {separator: a}\n",
        "csv.separator must be one character",
    ),
    "separator that is no text": (
        YAML + "csv: {separator: [;]}\n",
        "csv.separator must be one character",
    ),
    "separator of one table": (
        YAML + 'tables: {usage: {csv: {separator: ";;"}}}\n',
        "tables.usage: csv.separator must be one character",
    ),
    "unknown encoding": (
        YAML + "csv: {encoding: klingon}\n",
        "csv.encoding 'klingon' is unknown; write it as utf-8 or cp1252",
    ),
    "empty that is no list": (
        YAML + "csv: {empty: none}\n",
        "csv.empty must be a list of texts that mean no value",
    ),
    "bad yaml": ("name: [unclosed\n", "not valid YAML at line"),
    "no mapping": ("- a\n- b\n", "must hold keys such as name and source"),
    "no name": ("source: .\n", "`name` is missing"),
    "no source": ("name: X\n", "`source` is missing"),
    "bad timezone": (YAML.replace("UTC", "Mars/Base"), "timezone 'Mars/Base' is unknown"),
    "bad quarter": (YAML + "quarter_starts_in: 13\n", "quarter_starts_in must be a month number"),
    "bad day": (YAML + "as_of: 2024-02-30\n", "is not a day"),
    "bad notes": (YAML + "notes: {a: b}\n", "notes must be a list of sentences"),
    "bad leave_out": (
        YAML + "leave_out: [basket]\n",
        "leave_out must map a KPI name to the reason",
    ),
    "sql and from": (
        YAML + "tables: {usage: {sql: select 1, from: usage.csv}}\n",
        "give sql, or from and columns, not both",
    ),
    "missing file": (YAML + "tables: {usage: {from: log.csv}}\n", "usage: no file log.csv"),
    "missing column at the source": (
        YAML + "tables: {usage: {columns: {event: action}}}\n",
        "usage: usage.csv has no column 'action'",
    ),
    "missing folder": (YAML.replace("source: .", "source: nowhere"), "nowhere is not a folder"),
    "missing variable": (
        YAML.replace("source: .", "source: ${KPI_NO_SUCH_VARIABLE}/x"),
        "the environment has no variable KPI_NO_SUCH_VARIABLE",
    ),
    "unknown kind of source": (
        YAML.replace("source: .", "source: gopher://host/db"),
        "unknown kind gopher://",
    ),
    "missing duckdb file": (
        YAML.replace("source: .", "source: duckdb:///none.duckdb"),
        "duckdb:///none.duckdb does not exist",
    ),
    "query that fails": (
        YAML + "tables: {usage: {sql: select nothing from usage}}\n",
        "usage: Binder Error",
    ),
    "query with a strange column": (
        YAML + "tables: {usage: {sql: 'select *, 1 as colour from usage'}}\n",
        "usage.colour: the query gives a column that is not in the contract",
    ),
}


@pytest.mark.parametrize("case", list(BAD), ids=list(BAD))
def test_is_refused_in_one_line(case: str, tmp_path: Path) -> None:
    yaml, expected = BAD[case]
    with pytest.raises(DataError) as refused:
        open_dataset(write_company(tmp_path, yaml))
    (line,) = str(refused.value).splitlines()
    assert expected in line


def test_missing_required_columns_are_all_named(tmp_path: Path) -> None:
    with pytest.raises(DataError) as refused:
        open_dataset(write_company(tmp_path, accounts="account_id,title\na1,X\n"))
    lines = str(refused.value).splitlines()
    assert [line.split(":")[0] for line in lines] == ["accounts.name", "accounts.signed_on"]


def test_no_such_data_set(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no such data set"):
        open_dataset(tmp_path / "nothing")


def test_an_empty_folder(tmp_path: Path) -> None:
    (tmp_path / "dataset.yaml").write_text(YAML, encoding="utf-8")
    with pytest.raises(DataError, match="no table found"):
        open_dataset(tmp_path)


@pytest.mark.parametrize("day", ["someday", "2024-13-01", "2024-02-30"])
def test_as_of_must_be_a_day(day: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="is not a day; write it as 2026-06-30"):
        open_dataset(write_company(tmp_path), as_of=day)


def test_as_of_before_any_data(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="as_of 2001-01-01 lies before the first row"):
        open_dataset(write_company(tmp_path), as_of="2001-01-01")


def test_columns_are_renamed_and_unused_ones_named(tmp_path: Path) -> None:
    yaml = (
        YAML + "tables: {accounts: {from: crm.csv, columns: {account_id: id, signed_on: since}}}\n"
    )
    folder = write_company(tmp_path, yaml, accounts=None)
    (folder / "crm.csv").write_text(
        "id,name,since,mood\n" + "".join(f"a{i},Name {i},2024-01-0{i},good\n" for i in range(1, 5)),
        encoding="utf-8",
    )
    dataset = open_dataset(folder)
    assert dataset.unused == {"accounts": ("mood",)}
    assert dataset.describe().set_index("table").loc["accounts", "rows"] == 4


def test_a_table_can_be_left_out(tmp_path: Path) -> None:
    dataset = open_dataset(write_company(tmp_path, YAML + "tables: {spend: false}\n"))
    assert "spend" not in dataset.as_of()
    assert "usage" in dataset.as_of()


def test_several_files_make_one_table(tmp_path: Path) -> None:
    folder = write_company(tmp_path, YAML + "tables: {usage: {from: 'log_*.csv'}}\n", usage=None)
    for month in (3, 4):
        (folder / f"log_{month}.csv").write_text(
            f"account_id,at,event\na1,2024-0{month}-05 10:00:00,report_viewed\n", encoding="utf-8"
        )
    assert open_dataset(folder).describe().set_index("table").loc["usage", "rows"] == 2


def test_facts_of_the_yaml_reach_the_data_set(tmp_path: Path) -> None:
    yaml = YAML + "quarter_starts_in: 4\nnotes: [One bias.]\nleave_out: {basket: no prices}\n"
    dataset = open_dataset(write_company(tmp_path, yaml))
    assert (dataset.name, dataset.currency, dataset.timezone) == ("Little Company", "EUR", "UTC")
    assert dataset.notes == ("One bias.",)
    assert dataset.leave_out == {"basket": "no prices"}
    assert dataset.as_of().quarter_starts_in == 4
    assert dataset.as_of().currency == "EUR"
