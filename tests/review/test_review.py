"""A review from the request to the folder: what is run, kept, refused, and told."""

from __future__ import annotations

import errno
import io
import json
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from kpi_lib.review import runner
from kpi_lib.review.command import Manner, Reviewed, review, summary
from kpi_lib.review.errors import InputError
from kpi_lib.review.plan import Request
from kpi_lib.review.project import Project
from kpi_lib.review.report import files
from kpi_lib.review.status import Limits
from tests.review.project import make_project, runs, statuses

pytestmark = pytest.mark.usefixtures("warm")
MANNER = Manner(limits=Limits(grace_seconds=0.3), report=False)


def ask(root: Path, manner: Manner = MANNER, **wishes: Any) -> tuple[Reviewed, str]:
    shown = io.StringIO()
    wishes = dict[str, Any]({"dataset": "data/shop", "as_of": date(2025, 12, 31)}) | wishes
    request = Request(out=root / "reviews", **wishes)
    console = Console(file=shown, width=200)
    return review(request, manner, Project(root), console), shown.getvalue()


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    return make_project(tmp_path, {"alpha": ["1 + 1"], "beta": ["print(periods, as_of, dataset)"]})


def test_one_that_fails_stops_no_other(tmp_path: Path) -> None:
    cells = {
        "ends": ["import os\nos._exit(3)"],
        "hangs": ["import time\ntime.sleep(60)"],
        "killed": ["import os\nos.kill(os.getpid(), 9)"],
        "raises": ["1 / 0"],
        "works": ["1"],
    }
    short = replace(MANNER, limits=Limits(cell_seconds=3, grace_seconds=0.3))
    done, shown = ask(make_project(tmp_path, cells), short)
    folder = tmp_path / "reviews" / "shop" / "2025-12-31"
    wanted = {"ends": "failed", "hangs": "timeout", "killed": "killed", "raises": "failed", "works": "ok"}  # fmt: skip
    assert statuses(folder) == wanted
    assert done.exit_code == 1
    assert summary(done).startswith("2 failed, 1 killed, 1 ok, 1 timeout; ")
    assert "cell 3: ZeroDivisionError: division by zero" in shown
    for name, status in wanted.items():
        executed = json.loads((folder / f"{name}.ipynb").read_text())
        assert executed["metadata"]["kpi"]["status"] == status
        assert f"{name}: {status}: " in (folder / "review.log").read_text()


def test_parameters_are_laid_over_each_other(shop: Path) -> None:
    (shop / "params" / "beta.yaml").write_text("periods: 5\n")
    done, _ = ask(shop)
    assert printed(done) == "5 2025-12-31 data/shop"
    (shop / "data" / "shop" / "params").mkdir()
    (shop / "data" / "shop" / "params" / "beta.yaml").write_text("periods: 6\n")
    assert printed(ask(shop)[0]) == "6 2025-12-31 data/shop"
    assert printed(ask(shop, values={"periods": 7})[0]) == "7 2025-12-31 data/shop"


def printed(done: Reviewed) -> str:
    cells = json.loads((done.plan.folder / "beta.ipynb").read_text())["cells"]
    return "".join(cells[-1]["outputs"][0]["text"]).strip()


def test_a_quarter_is_its_last_day_and_names_the_folder(shop: Path) -> None:
    done, _ = ask(shop, as_of=None, quarter="2025q3")
    assert (done.plan.as_of, done.plan.folder.name) == (date(2025, 9, 30), "2025Q3")


def test_only_what_is_missing_or_changed_is_run_again(shop: Path) -> None:
    folder = ask(shop)[0].plan.folder
    assert sorted(runs(shop)) == ["alpha", "beta"]
    written = {path: path.read_bytes() for path in folder.glob("*.ipynb")}
    _, shown = ask(shop)
    assert sorted(runs(shop)) == ["alpha", "beta"]
    assert shown.count("unchanged") == 2
    assert {path: path.read_bytes() for path in folder.glob("*.ipynb")} == written

    (folder / "alpha.ipynb").unlink()
    ask(shop)
    assert sorted(runs(shop)) == ["alpha", "alpha", "beta"]


@pytest.mark.parametrize(
    ("file", "text", "again"),
    [
        ("params/alpha.yaml", "periods: 4\n", ["alpha"]),
        ("data/shop/params/beta.yaml", "periods: 4\n", ["beta"]),
        ("data/shop/accounts.csv", "account_id,name,signed_on\na,Ann,2025-12-30\n", ["alpha", "beta"]),
        ("reviews/shop/2025-12-31/alpha.ipynb", "{ truncated", ["alpha"]),
    ],
)  # fmt: skip
def test_what_a_change_runs_again(file: str, text: str, again: list[str], shop: Path) -> None:
    ask(shop)
    (shop / "runs.txt").unlink()
    (shop / file).parent.mkdir(exist_ok=True)
    (shop / file).write_text(text)
    ask(shop)
    assert sorted(runs(shop)) == again


def test_a_failure_is_tried_again(tmp_path: Path) -> None:
    root = make_project(tmp_path, {"alpha": ["1 / 0"]})
    ask(root)
    ask(root)
    assert runs(root) == ["alpha", "alpha"]


def test_only_some_keeps_what_is_known_of_the_others(shop: Path) -> None:
    ask(shop)
    done, _ = ask(shop, MANNER, only=("beta",), values={"periods": 3})
    assert list(done.outcomes) == ["beta"]
    assert statuses(done.plan.folder) == {"alpha": "ok", "beta": "ok"}


BAD: dict[str, tuple[dict[str, Any], list[str]]] = {
    "unknown parameter": ({"values": {"window": 3}}, ["-p window: no notebook of this review has it"]),
    "ill-typed": (
        {"values": {"periods": "many"}, "only": ("alpha",)},
        ["alpha: periods: input should be a valid integer, unable to parse string as an integer, not 'many'"],
    ),
    "out of range": (
        {"values": {"periods": 1}},
        [f"{n}: periods: input should be greater than or equal to 2, not 1" for n in ("alpha", "beta")],
    ),
    "no such notebook": ({"only": ("gamma",)}, ["--only gamma: no such notebook; there are alpha, beta"]),
    "quarter": ({"as_of": None, "quarter": "Q4"}, ["--quarter: 'Q4' is not a quarter; write it as 2025Q4"]),
    "quarter before the first row": (
        {"as_of": None, "quarter": "1990Q1"},
        ["Corner shop: as_of 1990-03-31 lies before the first row of every table; choose a later day"],
    ),
    "quarter after the last row": (
        {"as_of": None, "quarter": "2030Q1"},
        ["Corner shop: as_of 2030-03-31 lies 1551 days after 2025-12-31, the last day the data know;"
         " choose a day up to 2025-12-31, or add the rows that came since"],
    ),
    "day of its own": (
        {"values": {"as_of": "2025-06-30"}},
        ["-p as_of: a review is of one day; give it with --quarter or --as-of"],
    ),
    "data set of its own": (
        {"values": {"dataset": "data/shop"}},
        ["-p dataset: a review is of one data set; give it as the first argument"],
    ),
    "both days": ({"quarter": "2025Q4"}, ["give --quarter or --as-of, not both"]),
    "no such data": (
        {"dataset": "nowhere"},
        ["nowhere: no such data set; give a folder with a dataset.yaml, or that file"],
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_refused_before_anything_runs(case: str, shop: Path) -> None:
    wishes, lines = BAD[case]
    with pytest.raises(InputError) as refused:
        ask(shop, **wishes)
    assert list(refused.value.lines) == lines
    assert runs(shop) == []
    assert not (shop / "reviews").exists()


def test_a_parameter_file_with_an_unknown_name_is_refused(shop: Path) -> None:
    (shop / "params" / "alpha.yaml").write_text("window: 3\nperiods: [1]\n")
    with pytest.raises(InputError) as refused:
        ask(shop)
    assert refused.value.lines[0].startswith("alpha: periods: input should be a valid integer")
    assert refused.value.lines[1].startswith("alpha: unknown parameter window; known are ")
    assert runs(shop) == []


def test_a_folder_that_cannot_be_written_is_refused(shop: Path) -> None:
    (shop / "reviews").write_text("a file stands in the way")
    with pytest.raises(InputError, match="cannot be written"):
        ask(shop)
    assert runs(shop) == []


def test_a_full_disk_is_told_and_leaves_nothing_half_written(
    shop: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = files.write_whole

    def full(path: Path, text: str) -> Path:
        if path.name == "alpha.ipynb":
            raise OSError(errno.ENOSPC, "No space left on device")
        return whole(path, text)

    monkeypatch.setattr(runner, "write_whole", full)
    done, shown = ask(shop)
    assert statuses(done.plan.folder) == {"alpha": "failed", "beta": "ok"}
    assert "alpha.ipynb cannot be written: No space left on device" in shown
    assert done.exit_code == 1
    assert not (done.plan.folder / "alpha.ipynb").exists()
    monkeypatch.undo()
    assert ask(shop)[0].exit_code == 0


def test_leftovers_of_a_killed_run_are_removed(shop: Path) -> None:
    folder = ask(shop)[0].plan.folder
    (folder / ".alpha.ipynb.x8f2").write_text("half")
    ask(shop)
    assert list(folder.glob(".alpha*")) == []


def test_no_secret_of_the_environment_reaches_a_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    secret = 'hunter2-"quoted"'
    monkeypatch.setenv("WAREHOUSE_PASSWORD", secret)
    monkeypatch.setenv("WAREHOUSE_URL", "postgres://reader:open%2Fsesame@db/x")
    cells = {
        "prints": [
            "import os\nprint(os.environ['WAREHOUSE_PASSWORD'])\nos.environ['WAREHOUSE_URL']"
        ],
        "raises": ["import os\nraise ValueError(os.environ['WAREHOUSE_PASSWORD'])"],
    }
    done, shown = ask(make_project(tmp_path, cells))
    assert done.exit_code == 1
    written = [path.read_text() for path in done.plan.folder.iterdir() if path.is_file()]
    for text in (*written, shown):
        for hidden in (secret, json.dumps(secret)[1:-1], "hunter2", "open%2Fsesame"):
            assert hidden not in text
    assert any("***" in text for text in written)


def test_what_leads_to_the_data_reaches_no_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A planted value of five characters in a variable of a harmless name."""
    root = make_project(tmp_path, {"prints": ["import os\nprint('here: ' + os.environ['PORTAL'])"]})
    data = root / "data" / "shop"
    (data / "dataset.yaml").write_text("name: Corner shop\nsource: ${PORTAL}\ncurrency: EUR\n")
    (data / "zq7xk").mkdir()
    (data / "accounts.csv").rename(data / "zq7xk" / "accounts.csv")
    monkeypatch.setenv("PORTAL", "zq7xk")
    done, shown = ask(root)
    assert done.exit_code == 0
    written = [path.read_text() for path in done.plan.folder.iterdir() if path.is_file()]
    assert all("zq7xk" not in text for text in (*written, shown))
    assert any("here: ***" in text for text in written)
