"""The command itself: exit codes, and what is left when it is interrupted or killed."""

from __future__ import annotations

import json
import random
import signal
import subprocess
import time
from pathlib import Path

import psutil
import pytest

from tests.review.project import finish, kpi, make_project, runs, statuses
from tests.review.test_warm import is_running

REVIEW = ("review", "data/shop", "--as-of", "2025-12-31")
FOLDER = Path("reviews/shop/2025-12-31")
SLOW = "import time\ntime.sleep(0.4)"


def wait_for(path: Path, seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not path.exists() and time.monotonic() < deadline:
        time.sleep(0.02)
    assert path.exists()


def gone_within(seconds: float, processes: list[psutil.Process]) -> list[psutil.Process]:
    """Those still running afterwards."""
    deadline = time.monotonic() + seconds
    left = processes
    while (left := [one for one in left if is_running(one.pid)]) and time.monotonic() < deadline:
        time.sleep(0.05)
    return left


def whole(folder: Path) -> bool:
    """Whether every file that is there can be read to its end."""
    for path in [*folder.glob("*.ipynb"), *folder.glob("results.json")]:
        json.loads(path.read_text())
    return all(page.read_text().rstrip().endswith("</html>") for page in folder.glob("*.html"))


@pytest.mark.slow
def test_bad_input_exits_2_with_one_line_each(tmp_path: Path) -> None:
    root = make_project(tmp_path, {"alpha": ["1"]})
    code, out, err = finish(kpi(root, *REVIEW, "-p", "periods=1", "-p", "window=2"))
    assert (code, out) == (2, "")
    assert err.splitlines() == [
        "kpi: alpha: periods: input should be greater than or equal to 2, not 1",
        "kpi: -p window: no notebook of this review has it",
    ]
    assert runs(root) == []


@pytest.mark.slow
def test_sigterm_ends_in_order_within_five_seconds(tmp_path: Path) -> None:
    stubborn = "import signal\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\nopen('here', 'w')\n"
    stubborn += (
        "while True:\n    try:\n        signal.pause()\n    except KeyboardInterrupt:\n        pass"
    )
    root = make_project(tmp_path, {"a_ok": ["1"], "b_hangs": [stubborn], "c_after": [SLOW] * 200})
    running = kpi(root, *REVIEW, "--jobs", "3")
    wait_for(root / "notebooks" / "here")
    wait_for(root / FOLDER / "a_ok.ipynb")
    everyone = psutil.Process(running.pid).children(recursive=True)
    running.send_signal(signal.SIGTERM)
    code, out, _ = finish(running, seconds=60)
    assert code == 1
    assert gone_within(30, everyone) == []
    wanted = {"a_ok": "ok", "b_hangs": "interrupted", "c_after": "interrupted"}
    assert statuses(root / FOLDER) == wanted
    assert "2 interrupted, 1 ok" in out
    stopped = json.loads((root / FOLDER / "b_hangs.ipynb").read_text())
    assert stopped["cells"][-1]["outputs"][-1]["ename"] == "interrupted"


@pytest.mark.slow
def test_killed_at_any_moment_the_next_run_finishes(tmp_path: Path) -> None:
    names = [f"n{number}" for number in range(5)]
    root = make_project(tmp_path, {name: [SLOW] for name in names})
    moments = random.Random(2)
    for _ in range(3):
        running = kpi(root, *REVIEW)
        wait_for(root / FOLDER / "review.log")
        time.sleep(moments.uniform(0.2, 3.0))
        everyone = psutil.Process(running.pid).children(recursive=True)
        running.kill()
        running.communicate()
        assert gone_within(30, everyone) == []
        assert whole(root / FOLDER)
    code, _, err = finish(kpi(root, *REVIEW))
    assert (code, err) == (0, "")
    assert statuses(root / FOLDER) == dict.fromkeys(names, "ok")
    assert whole(root / FOLDER)
    kept = {path.name for path in (root / FOLDER).iterdir() if path.name.startswith(".")}
    assert kept <= {".lock"}


@pytest.mark.slow
def test_two_at_once_run_each_notebook_once(tmp_path: Path) -> None:
    root = make_project(tmp_path, {name: [SLOW] for name in ("alpha", "beta")})
    both: list[subprocess.Popen[str]] = [kpi(root, *REVIEW), kpi(root, *REVIEW)]
    ends = [finish(one) for one in both]
    assert [code for code, _, _ in ends] == [0, 0]
    assert sorted(runs(root)) == ["alpha", "beta"]
    told = "".join(out for _, out, _ in ends)
    assert told.count("unchanged") == 2


@pytest.mark.slow
def test_a_second_review_may_refuse_to_wait(tmp_path: Path) -> None:
    root = make_project(tmp_path, {"alpha": ["open('here', 'w')\nimport time\ntime.sleep(600)"]})
    first = kpi(root, *REVIEW)
    wait_for(root / "notebooks" / "here")
    code, _, err = finish(kpi(root, *REVIEW, "--no-wait"))
    first.terminate()
    first.communicate(timeout=120)
    assert code == 2
    assert (
        err.strip() == f"kpi: {FOLDER}: another review is writing here; try again when it has ended"
    )


@pytest.mark.slow
def test_ordinary_kernels_do_the_same(tmp_path: Path) -> None:
    root = make_project(tmp_path, {"alpha": ["1"], "beta": ["1 / 0"]})
    code, out, _ = finish(kpi(root, *REVIEW, "--jobs", "1", KPI_WARM="0"))
    assert code == 1
    assert statuses(root / FOLDER) == {"alpha": "ok", "beta": "failed"}
    assert "1 failed, 1 ok; report: reviews/shop/2025-12-31/index.html" in out


@pytest.mark.slow
def test_run_one_notebook_with_other_parameters(tmp_path: Path) -> None:
    root = make_project(tmp_path, {"alpha": ["print(periods)"]})
    code, out, _ = finish(kpi(root, "run", "alpha", "-p", "periods=3", "-o", "made.ipynb"))
    assert code == 0
    assert "notebook: made.ipynb" in out
    executed = json.loads((root / "made.ipynb").read_text())
    assert executed["cells"][-1]["outputs"][0]["text"] == ["3\n"]
    code, _, err = finish(kpi(root, "run", "alpha", "-p", "window=3"))
    assert (code, err.strip()) == (2, "kpi: -p window: alpha has no such parameter")
