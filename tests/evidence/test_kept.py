"""Findings kept on disk are served for just the same data, parameters, day, settings and code."""

from __future__ import annotations

import os
import shutil
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from kpi_lib import catalogue, judged
from kpi_lib.data import Dataset, open_dataset
from kpi_lib.evidence import kept, shelf
from kpi_lib.evidence.finding import TESTS, Finding, Settings
from kpi_lib.evidence.kept import judge_once
from kpi_lib.evidence.once import shelved
from kpi_lib.evidence.verdict import concluded, judge
from kpi_lib.kpi import Kpi, KpiParams

SAMPLE = Path(__file__).parents[2] / "data" / "sample" / "saas"
KPI = catalogue.get("gross_revenue")
PARAMS = KPI.Params(as_of=date(2026, 6, 30))


class Judging:
    """Stands in for the tests, and counts how often they are asked."""

    def __init__(self) -> None:
        self.times = 0

    def __call__(self, *_: object) -> dict[str, Finding]:
        self.times += 1
        table = pd.DataFrame({"run": [self.times]})
        return {name: Finding(name, None, "Cannot be told.", table, "thin") for name in TESTS}


@pytest.fixture
def judging(monkeypatch: pytest.MonkeyPatch) -> Judging:
    """Cheap tests, and code that was left alone long before it was imported."""
    found = Judging()
    monkeypatch.setattr(kept, "findings_of", found)
    monkeypatch.setattr(shelf, "_BEGAN", time.time() + 3600)
    monkeypatch.setattr(shelf, "_IMPORTED", shelf._code())
    return found


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    with judged.keeping(tmp_path / "judged"):
        yield tmp_path / "judged"


@pytest.fixture
def company(tmp_path: Path) -> Path:
    return Path(shutil.copytree(SAMPLE, tmp_path / "company"))


@pytest.fixture(scope="module")
def data() -> Dataset:
    return open_dataset(SAMPLE)


def test_the_second_time_nothing_is_judged_and_the_answer_is_the_same(
    data: Dataset, folder: Path, judging: Judging
) -> None:
    first, second = (judge_once(KPI, data, PARAMS) for _ in range(2))
    assert judging.times == 1
    assert (second.suggestion, second.because) == (first.suggestion, first.because)
    assert second.kpi is KPI
    pd.testing.assert_frame_equal(second.findings["robust"].table, first.findings["robust"].table)
    assert [file.suffix for file in folder.rglob("*.*") if file.is_file()] == [".pickle"]


def test_another_opening_of_the_same_files_is_served_wherever_they_lie(
    company: Path, folder: Path, judging: Judging
) -> None:
    for place in (SAMPLE, company):
        judge_once(KPI, open_dataset(place), PARAMS.model_copy(update={"dataset": str(place)}))
    assert judging.times == 1


@pytest.mark.parametrize(
    "other",
    [
        {"as_of": date(2026, 3, 31)},
        {"interesting_change": 12345.0},
        {"level": 0.95},
        {"segment": "segment"},
        {"response_months": 4},
    ],
)
def test_other_parameters_are_judged_anew(
    data: Dataset, folder: Path, judging: Judging, other: dict[str, Any]
) -> None:
    judge_once(KPI, data, PARAMS)
    judge_once(KPI, data, PARAMS.model_copy(update=other))
    assert judging.times == 2


def test_other_settings_and_another_kpi_are_judged_anew(
    data: Dataset, folder: Path, judging: Judging
) -> None:
    judge_once(KPI, data, PARAMS)
    judge_once(KPI, data, PARAMS, Settings(draws=99))
    other = catalogue.get("recurring_revenue")
    judge_once(other, data, other.Params(as_of=PARAMS.as_of))
    assert judging.times == 3


def test_other_candidates_beside_it_are_judged_anew(
    data: Dataset, folder: Path, judging: Judging
) -> None:
    """What gives a cheap move away, and who is a twin, depends on the others and their parameters."""
    other = catalogue.get("recurring_revenue")
    judge_once(KPI, data, PARAMS)
    for change in (1.0, 2.0):
        params = other.Params(as_of=PARAMS.as_of, interesting_change=change)
        judge_once(KPI, data, PARAMS, others={other.name: (other, params)})
    assert judging.times == 3


def test_changed_files_are_judged_anew(company: Path, folder: Path, judging: Judging) -> None:
    opened = open_dataset(company)
    judge_once(KPI, opened, PARAMS)
    with (company / "accounts.csv").open("a", encoding="utf-8") as file:
        file.write("\n")
    judge_once(KPI, open_dataset(company), PARAMS)
    assert judging.times == 2
    judge_once(KPI, opened, PARAMS)  # opened before the change: nobody knows what it holds
    assert judging.times == 3


def test_what_changes_while_it_is_judged_is_not_kept(
    company: Path, folder: Path, judging: Judging, monkeypatch: pytest.MonkeyPatch
) -> None:
    def find(*_: object) -> dict[str, Finding]:
        (company / "accounts.csv").touch()
        return judging()

    monkeypatch.setattr(kept, "findings_of", find)
    judge_once(KPI, open_dataset(company), PARAMS)
    assert not list(folder.rglob("*.pickle"))


def test_changed_code_is_judged_anew(
    data: Dataset, folder: Path, judging: Judging, monkeypatch: pytest.MonkeyPatch
) -> None:
    judge_once(KPI, data, PARAMS)
    monkeypatch.setattr(shelf, "_IMPORTED", "what another version had")
    judge_once(KPI, data, PARAMS)
    assert judging.times == 2


def test_any_change_of_a_file_of_the_package_is_another_code(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = Path(shutil.copytree(shelf._PACKAGE, tmp_path / "kpi_lib"))
    monkeypatch.setattr(shelf, "_PACKAGE", package)
    monkeypatch.setattr(shelf, "_BEGAN", time.time() + 3600)
    before = shelf._code()
    file = package / "stats" / "rank.py"
    file.write_text(file.read_text(encoding="utf-8") + "\n", encoding="utf-8")
    assert shelf._code() not in (before, "")
    monkeypatch.setattr(shelf, "_BEGAN", time.time())
    assert shelf._code() == ""  # edited while it was read, for all one knows


def test_without_a_folder_and_for_other_sources_everything_is_judged(
    data: Dataset, judging: Judging, tmp_path: Path
) -> None:
    for _ in range(2):
        judge_once(KPI, data, PARAMS)
    assert judging.times == 2

    class Elsewhere:
        last_day = data.last_day
        as_of = data.as_of

    with judged.keeping(tmp_path):
        for _ in range(2):
            judge_once(KPI, Elsewhere(), PARAMS)
    assert judging.times == 4


def test_a_process_killed_while_writing_leaves_nothing_that_is_read(
    data: Dataset, folder: Path, judging: Judging, monkeypatch: pytest.MonkeyPatch
) -> None:
    def die(self: Path, target: Path) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", die)
        with pytest.raises(KeyboardInterrupt):
            judge_once(KPI, data, PARAMS)
    assert not list(folder.rglob("*.pickle"))
    judge_once(KPI, data, PARAMS)
    judge_once(KPI, data, PARAMS)
    assert judging.times == 2


def test_a_damaged_file_and_a_folder_that_cannot_be_written_are_no_obstacles(
    data: Dataset, folder: Path, judging: Judging, tmp_path: Path
) -> None:
    judge_once(KPI, data, PARAMS)
    file = next(folder.rglob("*.pickle"))
    file.write_bytes(file.read_bytes()[:-20])
    assert judge_once(KPI, data, PARAMS).suggestion == "keep testing"
    (tmp_path / "file").write_text("")
    with judged.keeping(tmp_path / "file"):
        assert judge_once(KPI, data, PARAMS).suggestion == "keep testing"


def test_what_other_code_found_goes_and_too_much_loses_its_older_half(
    data: Dataset, folder: Path, judging: Judging, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "other").mkdir(parents=True)
    for number in range(4):
        judge_once(KPI, data, PARAMS, Settings(draws=100 + number))
    assert [one.name for one in folder.iterdir()] == [shelf._IMPORTED[:16]]
    monkeypatch.setattr(shelf, "MOST", 3)
    judge_once(KPI, data, PARAMS, Settings(draws=1))
    assert len(list(folder.rglob("*.pickle"))) == 3


def test_kept_or_not_the_verdict_is_that_of_judging(
    data: Dataset, folder: Path, judging: Judging, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the real tests, for the cheapest candidate."""
    monkeypatch.undo()
    monkeypatch.setenv(judged.FOLDER, os.fspath(folder))
    monkeypatch.setattr(shelf, "_BEGAN", time.time() + 3600)
    monkeypatch.setattr(shelf, "_IMPORTED", shelf._code())
    quick = Settings(draws=50, most_definitions=3, most_month_ends=6)
    plain = judge(KPI, data, PARAMS, quick)
    for _ in range(2):
        found = judge_once(KPI, data, PARAMS, quick)
        assert found.because == concluded(KPI, plain.findings).because
        for name in TESTS:
            assert found.findings[name].numbers == plain.findings[name].numbers
            pd.testing.assert_frame_equal(found.findings[name].table, plain.findings[name].table)
    assert list(folder.rglob("*.pickle"))


def test_another_process_takes_what_all_candidates_ask_for_from_the_shelf(
    folder: Path, judging: Judging
) -> None:
    """Each opening stands for a process: scores, and how leading a KPI is, are found by the first."""
    made = []

    def find() -> pd.DataFrame:
        made.append(1)
        return pd.DataFrame({"run": made})

    def asked(kpi: Kpi, params: KpiParams, key: tuple[str, ...] = ("scores",)) -> list[int]:
        return list(shelved(open_dataset(SAMPLE), kpi, params, key, find)["run"])

    assert asked(KPI, PARAMS) == asked(KPI, PARAMS) == [1]
    assert len(asked(KPI, PARAMS, ("goodness",))) == 2
    assert len(asked(KPI, PARAMS.model_copy(update={"as_of": date(2026, 3, 31)}))) == 3
    own = replace(KPI, title="A card of somebody's own under the same name")
    assert len(asked(own, PARAMS)) == 4
    assert len(asked(own, PARAMS)) == 5
    assert asked(KPI, PARAMS) == [1]


def test_what_another_process_is_finding_is_waited_for(folder: Path, judging: Judging) -> None:
    """The other process is a thread here, in the midst of finding when the first one asks."""
    begun, go_on = threading.Event(), threading.Event()
    one, two = open_dataset(SAMPLE), open_dataset(SAMPLE)

    def slowly() -> str:
        begun.set()
        go_on.wait(timeout=60)
        return "found by the other"

    with ThreadPoolExecutor() as pool:
        other = pool.submit(shelved, one, KPI, PARAMS, ("scores",), slowly)
        begun.wait(timeout=60)
        mine = pool.submit(shelved, two, KPI, PARAMS, ("scores",), lambda: "found again")
        go_on.set()
        assert other.result() == mine.result() == "found by the other"
    assert not list(folder.rglob("*.lock"))


def test_who_waits_too_long_finds_it_itself(
    folder: Path, judging: Judging, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second one asks while the first is in the midst of it."""
    monkeypatch.setattr(shelf, "PATIENCE", 0.0)
    one, two = open_dataset(SAMPLE), open_dataset(SAMPLE)

    def asking() -> list[str]:
        return ["first", *shelved(two, KPI, PARAMS, ("scores",), lambda: ["second"])]

    assert shelved(one, KPI, PARAMS, ("scores",), asking) == ["first", "second"]
