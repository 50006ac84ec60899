"""What an open data set tells of itself, and that opening leaves no trace."""

from __future__ import annotations

from dataclasses import FrozenInstanceError, replace
from pathlib import Path
from typing import Any

import ibis
import pandas as pd
import pytest

from kpi_lib.contract import CONTRACT
from kpi_lib.data import Dataset, asking, open_dataset
from kpi_lib.engine import run
from tests.data.companies import FILES, YAML, with_change, write_company


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    return open_dataset(write_company(tmp_path_factory.mktemp("company")))


def test_describe_counts_what_is_known(company: Dataset) -> None:
    shown: Any = company.describe().set_index("table")
    assert shown.loc["accounts"].to_list() == [
        4,
        pd.Timestamp(2024, 1, 10),
        pd.Timestamp(2024, 5, 15),
    ]
    assert shown.loc["spend", "first_day"] == pd.Timestamp(2024, 5, 31)
    assert shown.loc["order_lines", "rows"] == 4
    assert pd.isna(shown.loc["order_lines", "last_day"])
    earlier = open_dataset(company.folder, as_of="2024-03-31").describe().set_index("table")
    assert earlier.loc["accounts", "rows"] == 3
    assert earlier.loc["order_lines", "rows"] == 2


def test_every_column_of_the_contract_is_there_with_its_type(company: Dataset) -> None:
    for name, table in company.as_of().items():
        expected = {column.name: column.engine_type for column in CONTRACT[name].columns}
        found = {column: str(kind) for column, kind in table.schema().items()}
        assert {c: k.removesuffix("(6)") for c, k in found.items()} == expected


def test_absent_tables_are_absent(company: Dataset) -> None:
    assert "answers" not in company.as_of()
    assert set(company.as_of()) == {file.removesuffix(".csv") for file in FILES}
    assert len(company.as_of()) == len(FILES)


def test_the_fingerprint_follows_the_contents(company: Dataset, tmp_path: Path) -> None:
    same = open_dataset(write_company(tmp_path / "a"))
    changed = with_change("accounts", "Birch", "Beech")
    other = open_dataset(write_company(tmp_path / "b", accounts=changed))
    renamed = open_dataset(write_company(tmp_path / "c", YAML.replace("EUR", "USD")))
    assert same.fingerprint() == company.fingerprint() == same.fingerprint()
    assert len({company.fingerprint(), other.fingerprint(), renamed.fingerprint()}) == 3
    assert len(company.fingerprint()) == 64


def test_nothing_is_written_into_the_folder(tmp_path: Path) -> None:
    folder = write_company(tmp_path / "company", usage=FILES["usage.csv"].encode("utf-16"))
    before = {file.name: file.stat().st_mtime_ns for file in folder.iterdir()}
    folder.chmod(0o555)
    try:
        dataset = open_dataset(folder)
        assert len(run(dataset.as_of()["usage"])) == 6
        dataset.fingerprint()
    finally:
        folder.chmod(0o755)
    assert {file.name: file.stat().st_mtime_ns for file in folder.iterdir()} == before


def test_a_data_set_is_frozen(company: Dataset) -> None:
    with pytest.raises(FrozenInstanceError):
        company.name = "other"  # type: ignore[misc]  # that is the test


def test_kept_texts_give_the_same_answers(
    company: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(asking, "TEXTS", asking.Texts(tmp_path / "texts.json"))
    monkeypatch.setattr("kpi_lib.data.opening.TEXTS", asking.TEXTS)
    for day in ("2024-02-28", "2024-06-30", None):
        first = open_dataset(company.folder, as_of=day)
        again = open_dataset(company.folder, as_of=day)
        assert first.describe().equals(again.describe())
        assert first.problems == again.problems
    assert (tmp_path / "texts.json").stat().st_size > 1000


def test_texts_that_cannot_be_kept_are_no_harm(
    company: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("not a folder", encoding="utf-8")
    (tmp_path / "broken.json").write_text("{", encoding="utf-8")
    for file in (tmp_path / "file" / "texts.json", tmp_path / "broken.json"):
        texts = asking.Texts(file)
        assert texts.get("key", lambda: "text") == "text"
        texts.save()
        assert texts.get("key", lambda: "other") == "text"


def test_what_builds_on_a_small_data_set_is_computed_once(tmp_path: Path) -> None:
    """A large one is only given views, and the rows are the same either way."""
    small = open_dataset(write_company(tmp_path / "small"))
    large = replace(open_dataset(small.folder), is_small=False)
    assert small.is_small
    found = []
    for opened, form in ((small, "LOCAL TEMPORARY"), (large, "VIEW")):
        tables = opened.as_of()
        named = tables.name(tables["accounts"].filter(lambda t: t["name"] != "Birch"))
        asked = "select table_type from information_schema.tables where table_name = "
        made = ibis.get_backend(named).con.execute(f"{asked}'{named.get_name()}'").fetchall()
        assert made == [(form,)]
        found.append(run(named.order_by("account_id")))
    pd.testing.assert_frame_equal(found[0], found[1])
