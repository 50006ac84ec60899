"""`kpi ready`: what can run, what the rest lacks, and whether errors in the data stand in the way."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from kpi_lib.review.errors import InputError
from kpi_lib.review.project import find_project
from kpi_lib.review.readiness import answer

SAMPLE = find_project().root / "data" / "sample"


def test_a_software_company_feeds_every_kpi_but_those_of_a_shop() -> None:
    found = answer(str(SAMPLE / "saas"), find_project())
    head, *answers = found.lines
    assert head.startswith("Harbour Analytics, known until 2026-06-30: can feed")
    assert answers
    assert not found.is_blocked
    lacking = [line for line in answers if not line.startswith("yes  ")]
    assert len(answers) - len(lacking) == int(head.split("can feed ")[1].split()[0])
    assert all("table orders is missing" in one or "table carts is" in one for one in lacking)


def test_what_is_missing_is_named() -> None:
    answers = answer(str(SAMPLE / "wholesale"), find_project()).lines
    assert "no   time_to_value: table usage is missing" in answers
    assert "yes  gross_revenue" in answers


def test_errors_are_said_before_anything_else(tmp_path: Path) -> None:
    shutil.copytree(SAMPLE / "wholesale", tmp_path / "broken")
    accounts = tmp_path / "broken" / "accounts.csv"
    rows = accounts.read_text(encoding="utf-8").splitlines()
    accounts.write_text("\n".join([*rows, rows[-1]]) + "\n", encoding="utf-8")
    found = answer(str(tmp_path / "broken"), find_project())
    head, *rest = found.lines
    assert found.is_blocked
    assert head.endswith("none runs until the error is mended")
    assert any(line.startswith("error: accounts.account_id: ") for line in rest)


def test_a_folder_that_is_no_data_set_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError):
        answer(str(tmp_path), find_project())
