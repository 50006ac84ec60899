"""Typed tables handed from one process of a run to the next."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pandas as pd
import pytest

from kpi_lib.data import Dataset, handed, handing_over, open_dataset
from kpi_lib.engine import run

SAMPLE = Path(__file__).parents[2] / "data" / "sample" / "saas"


@pytest.fixture
def company(tmp_path: Path) -> Path:
    return Path(shutil.copytree(SAMPLE, tmp_path / "company"))


def rows(data: Dataset) -> dict[str, pd.DataFrame]:
    """All rows of all tables, whatever their order."""
    return {name: run(table.order_by(list(table.columns))) for name, table in data.tables.items()}


def forbid_reading(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise AssertionError("the files were read again")

    monkeypatch.setattr("kpi_lib.data.folder.load_table", refuse)


def test_the_second_opening_reads_no_file_and_finds_the_same(
    company: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = open_dataset(company)
    with handing_over():
        open_dataset(company)
        forbid_reading(monkeypatch)
        second = open_dataset(company)
        for name, expected in rows(plain).items():
            pd.testing.assert_frame_equal(rows(second)[name], expected)
        told = [(d.problems, d.guesses, d.left_out, d.spans, d.unused) for d in (plain, second)]
        assert told[0] == told[1]
        assert second.fingerprint() == plain.fingerprint()


def test_values_that_cannot_be_read_are_told_the_second_time_too(company: Path) -> None:
    file = company / "accounts.csv"
    lines = file.read_text(encoding="utf-8").splitlines()
    place = lines[0].split(",").index("signed_on")
    fields = lines[1].split(",")
    lines[1] = ",".join([*fields[:place], "soon", *fields[place + 1 :]])
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    with handing_over():
        first, second = (open_dataset(company, require_clean=False) for _ in range(2))
    assert [str(problem) for problem in second.problems if problem.column == "signed_on"]
    assert first.problems == second.problems


def test_a_file_that_changed_is_read_again(company: Path) -> None:
    with handing_over():
        before = open_dataset(company)
        count = len(run(before.tables["subscriptions"]))
        file = company / "subscriptions.csv"
        lines = file.read_text(encoding="utf-8").splitlines()
        file.write_text("\n".join(lines[:-1]) + "\n", encoding="utf-8")
        after = open_dataset(company)
        assert len(run(after.tables["subscriptions"])) == count - 1


def test_what_the_checks_found_is_handed_over_for_the_same_day_only(
    company: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("the data were checked again")

    with handing_over():
        first = open_dataset(company)
        monkeypatch.setattr("kpi_lib.data.opening.check", refuse)
        second = open_dataset(company)
        assert (second.problems, second.spans) == (first.problems, first.spans)
        with pytest.raises(AssertionError):
            open_dataset(company, as_of="2025-12-31")
        with (company / "accounts.csv").open("a", encoding="utf-8") as file:
            file.write("\n")
        with pytest.raises(AssertionError):
            open_dataset(company)


def test_nothing_is_left_behind_and_nothing_handed_over_outside_a_run(company: Path) -> None:
    with handing_over():
        folder = Path(os.environ[handed.FOLDER])
        open_dataset(company)
        left = [".duckdb", ".found", ".found", ".pickle"]
        assert sorted(file.suffix for file in folder.iterdir()) == left
    assert not folder.exists()
    assert handed.FOLDER not in os.environ
    open_dataset(company)
    assert not folder.exists()


def test_a_folder_that_cannot_be_written_is_no_obstacle(
    company: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(handed.FOLDER, os.fspath(company / "not there"))
    assert open_dataset(company).problems == open_dataset(company).problems
