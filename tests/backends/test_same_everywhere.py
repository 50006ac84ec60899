"""A data set says the same wherever its tables lie: rows, types, what was known when, problems."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

import ibis.expr.types as ir
import pytest

from kpi_lib.contract import CONTRACT
from kpi_lib.data import DataError, Dataset, open_dataset
from kpi_lib.engine import run
from tests.backends.stores import Kind, copy_to
from tests.data.companies import YAML, with_change, with_row, write_company

DAYS = [date(2024, 4, 30), date(2024, 6, 1), date(2024, 9, 30)]
FILES: list[Kind] = ["csv", "parquet", "duckdb"]


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    yaml = YAML.replace("UTC", "Europe/Paris")
    return open_dataset(write_company(tmp_path_factory.mktemp("company"), yaml))


def contents(tables: Mapping[str, ir.Table]) -> dict[str, list[tuple[str, ...]]]:
    """Every table as a sorted list of rows, so that two can be compared."""
    found = {}
    for name, table in tables.items():
        assert list(table.columns) == [column.name for column in CONTRACT[name].columns]
        frame = run(table).astype(object)
        filled = frame.where(frame.notna(), "").astype(str)
        found[name] = sorted(filled.itertuples(index=False, name=None))
    return found


def assert_same_everywhere(company: Dataset, kind: Kind, folder: Path, server: Any = None) -> None:
    """The copy has the same problems, spans and, on several days, rows."""
    copy = open_dataset(copy_to(company, kind, folder, server))
    assert [str(problem) for problem in copy.problems] == [
        str(problem) for problem in company.problems
    ]
    assert copy.describe().to_dict() == company.describe().to_dict()
    assert copy.undated == company.undated
    for day in DAYS:
        assert contents(copy.as_of(day)) == contents(company.as_of(day)), day
    assert copy.fingerprint() == open_dataset(folder).fingerprint()


@pytest.mark.parametrize("kind", FILES)
def test_files(kind: Kind, company: Dataset, tmp_path: Path) -> None:
    assert_same_everywhere(company, kind, tmp_path)


def test_postgres(company: Dataset, tmp_path: Path, postgres_url: str) -> None:
    assert_same_everywhere(company, "postgres", tmp_path, postgres_url)


@pytest.mark.slow
def test_spark(company: Dataset, tmp_path: Path, spark: Any) -> None:
    assert_same_everywhere(company, "spark", tmp_path, spark)


BROKEN = {
    "key twice": {"accounts": with_row("accounts", "a1,Again,2024-01-10,,small,3")},
    "negative": {"subscriptions": with_change("subscriptions", "150.5", "-150.5")},
    "overlap": {
        "subscriptions": with_change("subscriptions", "2024-02-01,2024-08-01,,", "2024-02-01,2024-08-15,,")
    },
    "unknown account": {"usage": with_row("usage", "a9,,2024-07-01 00:00:00,report_viewed,ui,1")},
    "before the account": {"usage": with_row("usage", "a2,,2024-01-15 00:00:00,x,ui,1")},
    "not allowed": {"spend": with_change("spend", "sales", "legal")},
    "empty": {"usage": with_change("usage", "a2,c2,2024-02-20 10:30:00", "a2,c2,")},
}  # fmt: skip


def told(path: Path) -> list[str]:
    """The lines with which a data set is refused."""
    with pytest.raises(DataError) as refused:
        open_dataset(path)
    return str(refused.value).splitlines()


@pytest.mark.parametrize("case", list(BROKEN))
def test_postgres_tells_the_same_problems(case: str, tmp_path: Path, postgres_url: str) -> None:
    folder = write_company(tmp_path / "files", **BROKEN[case])
    files = open_dataset(folder, require_clean=False)
    copy = copy_to(files, "postgres", tmp_path / "copy", postgres_url)
    assert told(copy) == told(folder)


def test_moments_of_a_database_become_utc(tmp_path: Path, postgres_url: str) -> None:
    import psycopg

    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute("create schema if not exists zones")
        connection.execute("drop table if exists zones.log")
        connection.execute("create table zones.log (who int, local timestamp, exact timestamptz)")
        connection.execute(
            "insert into zones.log values (7, '2024-07-01 12:00', '2024-07-01 12:00+00')"
        )
    (tmp_path / "dataset.yaml").write_text(
        YAML.replace("UTC", "Europe/Paris").replace("source: .", "source: ${KPI_POSTGRES_HERE}")
        + "tables:\n"
        "  usage: {sql: 'select who as account_id, local as \"at\", $$x$$ as event from zones.log'}\n"
        "  contacts: {sql: 'select who as contact_id, who as account_id, exact + interval $$11 hours$$"
        " as created_on from zones.log'}\n",
        encoding="utf-8",
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("KPI_POSTGRES_HERE", postgres_url)
        dataset = open_dataset(tmp_path)
    usage, contacts = run(dataset.tables["usage"]), run(dataset.tables["contacts"])
    assert str(usage["at"].iloc[0]) == "2024-07-01 10:00:00"
    assert str(contacts["created_on"].iloc[0].date()) == "2024-07-02"
    assert usage["account_id"].iloc[0] == "7"


def test_text_in_place_of_a_date_is_refused(tmp_path: Path) -> None:
    import duckdb

    with duckdb.connect(str(tmp_path / "crm.duckdb")) as connection:
        connection.execute(
            "create table accounts as select 1 as account_id, 'x' as name, '2024' as signed_on"
        )
    yaml = YAML.replace("source: .", "source: duckdb:///crm.duckdb")
    (tmp_path / "dataset.yaml").write_text(yaml, encoding="utf-8")
    (line,) = told(tmp_path)[:1]
    assert line.startswith("error: accounts.signed_on: must be date, is string")


@pytest.mark.parametrize("kind", ["duckdb", "postgres"])
@pytest.mark.parametrize("number", ["Infinity", "-Infinity", "NaN"])
def test_a_number_without_end_is_refused(
    number: str, kind: Kind, company: Dataset, tmp_path: Path, postgres_url: str
) -> None:
    path = copy_to(company, kind, tmp_path, postgres_url)
    query = rf"select account_id, \"at\", event, '{number}'::float8 as quantity from"
    lines = path.read_text(encoding="utf-8").splitlines()
    (usage,) = [line for line in lines if line.startswith("  usage:")]
    origin = usage.partition("from: ")[2].rstrip("}")
    changed = "\n".join(line for line in lines if line != usage)
    path.write_text(f'{changed}\n  usage: {{sql: "{query} {origin}"}}\n', encoding="utf-8")
    assert any(
        line.startswith("error: usage.quantity: is no finite number: 6") for line in told(path)
    )


def test_a_duckdb_file_is_opened_for_reading_only(company: Dataset, tmp_path: Path) -> None:
    copy_to(company, "duckdb", tmp_path)
    before = (tmp_path / "copy.duckdb").read_bytes()
    first, second = open_dataset(tmp_path), open_dataset(tmp_path)
    assert contents(first.as_of()) == contents(second.as_of())
    assert (tmp_path / "copy.duckdb").read_bytes() == before
    assert sorted(file.name for file in tmp_path.iterdir()) == ["copy.duckdb", "dataset.yaml"]
