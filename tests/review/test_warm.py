"""Warm kernels are as separate from each other, and as like ordinary ones, as started processes."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from kpi_lib.review import warm as warm_module
from tests.review.test_execute import run


def last(cells: list[str], kernel: str, folder: Path) -> str:
    notebook, outcome = run(cells, kernel, folder)
    assert outcome.is_ok, outcome
    output = notebook.cells[-1].outputs[0]
    return str(output.get("text") or output.data["text/plain"])


def test_nothing_of_one_kernel_is_seen_in_the_next(warm: str, tmp_path: Path) -> None:
    changes = [
        "mine = 1\nimport pandas as pd, os, json",
        "pd.DataFrame.sum = lambda self: 'patched'\nos.environ['MINE'] = '1'\njson.mine = 1",
        "pd.set_option('display.max_rows', 3)\nos.chdir('/')",
    ]
    run(changes, warm, tmp_path)
    look = (
        "import pandas as pd, os, json\n"
        "print('mine' in globals(), pd.DataFrame({'a': [1, 2]}).sum()['a'], 'MINE' in os.environ,"
        " hasattr(json, 'mine'), pd.get_option('display.max_rows'), os.getcwd())"
    )
    assert last([look], warm, tmp_path).strip() == f"False 3 False False 60 {tmp_path}"


ALIKE = """
import gc, os, signal, sys, threading
import pandas as pd
print(pd.get_option('display.max_columns'))
print([os.path.basename(folder) for folder in sys.path])
print('JPY_PARENT_PID' in os.environ, os.getcwd(), os.path.basename(sys.argv[0]))
print(gc.isenabled())
print(__name__, threading.current_thread() is threading.main_thread())
print(signal.getsignal(signal.SIGTERM) == signal.SIG_DFL, signal.getsignal(signal.SIGINT))
print(os.getsid(0) == os.getpid(), sys.stdin.closed, sys.executable)
"""


def test_like_an_ordinary_kernel(
    warm: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    forked = last([ALIKE], warm, tmp_path)
    for name in ("JUPYTER_PATH", "KPI_WARM_SOCKET"):
        monkeypatch.delenv(name)
    ordinary = last([ALIKE], "python3", tmp_path)
    assert forked.replace("ipykernel_launcher.py", "ipykernel_launcher") == ordinary.replace(
        "ipykernel_launcher.py", "ipykernel_launcher"
    ).replace("True /", "False /")  # an ordinary one is told its parent's pid


def test_random_numbers_differ_between_kernels(warm: str, tmp_path: Path) -> None:
    cells = ["import random\nimport numpy as np\nprint(random.random(), np.random.rand())"]
    assert last(cells, warm, tmp_path) != last(cells, warm, tmp_path)


def test_controls_work_and_an_engine_opens(warm: str, tmp_path: Path) -> None:
    cells = [
        "import ipywidgets\nslider = ipywidgets.IntSlider(3)\nslider",
        "import ibis\nprint(ibis.duckdb.connect().sql('select 41 + slider as a').execute()['a'][0])"
        .replace("slider", str(1)),
    ]  # fmt: skip
    notebook, outcome = run(cells, warm, tmp_path)
    assert outcome.is_ok
    assert "application/vnd.jupyter.widget-view+json" in notebook.cells[0].outputs[0].data
    assert notebook.metadata.widgets
    assert notebook.cells[1].outputs[0].text.strip() == "42"


def test_switched_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KPI_WARM", "0")
    assert warm_module.unavailable() == "KPI_WARM=0"


def is_running(pid: int) -> bool:
    """Whether the process does anything still; one that waits to be collected does not."""
    try:
        return bool(psutil.Process(pid).status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


@pytest.mark.slow
def test_the_warm_process_ends_with_a_killed_driver(tmp_path: Path) -> None:
    """Also while a kernel is inside one long call, and with what its cells started."""
    script = tmp_path / "driver.py"
    script.write_text(
        "import sys\n"
        "from pathlib import Path\n"
        "from kpi_lib.review.warm import warm_kernels\n"
        "from tests.review.test_execute import run\n"
        "from kpi_lib.review.status import Limits\n"
        "cell = '''import os, re, subprocess\n"
        "children = [subprocess.Popen(['sleep', '4322']), subprocess.Popen(['setsid', 'sleep', '4323'])]\n"
        "open('pids', 'w').write(' '.join(map(str, [os.getpid(), *(c.pid for c in children)])))\n"
        "os.rename('pids', 'ready')\n"
        "re.match('(a+)+$', 'a' * 60 + 'b')'''\n"
        "with warm_kernels():\n"
        "    run([cell], 'kpi-warm', Path.cwd(), Limits())\n"
    )
    root = str(Path(__file__).parents[2])
    environment = {**os.environ, "PYTHONPATH": root, "TMPDIR": str(tmp_path)}
    environment.pop("KPI_WARM_SOCKET", None)
    driver = subprocess.Popen([sys.executable, script], cwd=tmp_path, env=environment)
    deadline = time.monotonic() + 60
    while not (tmp_path / "ready").exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    pids = [int(pid) for pid in (tmp_path / "ready").read_text().split()]
    everyone = pids + [p.pid for p in psutil.Process(driver.pid).children(recursive=True)]
    driver.kill()
    driver.wait()
    deadline = time.monotonic() + 2
    while time.monotonic() < deadline and any(map(is_running, everyone)):
        time.sleep(0.05)
    assert list(filter(is_running, everyone)) == []
    assert list(tmp_path.glob("kpi-warm-*")) == []
