"""How a notebook's end is told, whatever the notebook does."""

from __future__ import annotations

import asyncio
import re
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import nbformat
import psutil
import pytest

from kpi_lib.review.execute import Place, execute
from kpi_lib.review.status import Limits, Outcome, Status

ROOMY = Limits(memory_mb=500, output_mb=1, prints_mb=0.1, grace_seconds=0.4)
CELL = replace(ROOMY, cell_seconds=1.5)
NOTEBOOK = replace(ROOMY, cell_seconds=0, notebook_seconds=3)
IGNORES_INTERRUPTS = """
import time
while True:
    try:
        time.sleep(60)
    except KeyboardInterrupt:
        pass
"""
IGNORES_TERMINATION = (
    "import signal\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\n" + IGNORES_INTERRUPTS
)
HOLDS_MEMORY_IN_CHILD = """
import subprocess, sys
subprocess.run([sys.executable, "-c", "x = b'1' * 900_000_000; import time; time.sleep(30)"])
"""

BEHAVIOURS: dict[str, tuple[list[str], Status, str]] = {
    "all well": (["1 + 1", "print('fine')"], Status.OK, ""),
    "no cells": ([], Status.OK, ""),
    "raises": (["1", "raise ValueError('no such table')", "3"], Status.FAILED, "cell 2: ValueError: no such table"),
    "indentation": (["if True:\n1"], Status.FAILED, "cell 1: IndentationError: expected an indented block after 'if' statement on line 1"),
    "hangs": (["import time\ntime.sleep(60)", "2"], Status.TIMEOUT, "cell over 1.5 s"),
    "ignores interrupts": ([IGNORES_INTERRUPTS], Status.TIMEOUT, "cell over 1.5 s"),
    "ignores termination": ([IGNORES_TERMINATION], Status.TIMEOUT, "cell over 1.5 s"),
    "long call into C": (["import re\nre.match('(a+)+$', 'a' * 40 + 'b')"], Status.TIMEOUT, "cell over 1.5 s"),
    "many slow cells": (["import time"] + ["time.sleep(1.2)"] * 6, Status.TIMEOUT, "notebook over 3 s"),
    "leaves with 0": (["import sys\nsys.exit(0)", "2"], Status.FAILED, "cell 1: SystemExit: 0"),
    "leaves at once": (["import os\nos._exit(0)", "2"], Status.FAILED, "the kernel ended in cell 1 with exit code 0"),
    "killed": (
        ["1", "import os, signal\nos.kill(os.getpid(), signal.SIGKILL)", "3"],
        Status.KILLED,
        "the kernel ended in cell 2 by signal 9",
    ),
    "claims memory": (["x = bytearray(3 * 10**9)", "2"], Status.OUT_OF_MEMORY, "cell 1: MemoryError:"),
    "its child holds memory": ([HOLDS_MEMORY_IN_CHILD], Status.OUT_OF_MEMORY, "more than 500 MB"),
    "prints without end": (["for _ in range(20000): print('x' * 40)", "2"], Status.OK, ""),
    "shows too much": (["'x' * 3_000_000", "2"], Status.FAILED, "output over 1 MB"),
    "asks a question": (["input('name?')"], Status.FAILED, "cell 1: StdinNotImplementedError: raw_input was called, but this frontend does not support input requests."),
}  # fmt: skip


_FILE = re.compile(r" \(\d+\.py, line \d+\)$")  # where IPython says the cell is


def run(cells: list[str], kernel: str, folder: Path, limits: Limits = ROOMY) -> tuple[Any, Outcome]:
    made = [nbformat.v4.new_code_cell(source) for source in cells]  # type: ignore[no-untyped-call]
    for cell in made:
        cell.outputs = [nbformat.v4.new_output("stream", text="stored before")]  # type: ignore[no-untyped-call]
        cell.execution_count = 99
    notebook = nbformat.v4.new_notebook(cells=made)  # type: ignore[no-untyped-call]
    place = Place(kernel, folder, {})

    async def once() -> Outcome:
        return await execute(notebook, place, limits, asyncio.Event())

    return notebook, asyncio.run(once())


@pytest.mark.parametrize("behaviour", BEHAVIOURS)
def test_how_it_ended(behaviour: str, warm: str, tmp_path: Path) -> None:
    cells, status, message = BEHAVIOURS[behaviour]
    limits = {"cell": CELL, "notebook": NOTEBOOK}.get(message.partition(" over")[0], ROOMY)
    notebook, outcome = run(cells, warm, tmp_path, limits)
    assert outcome.status is status
    assert _FILE.sub("", outcome.message) == message
    assert "stored before" not in str(notebook)
    shown_error = any(o.output_type == "error" for cell in notebook.cells for o in cell.outputs)
    lost_output = "output over" in message
    assert shown_error == (not outcome.is_ok and not lost_output)


def test_plain_kernel_when_there_is_no_warm_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KPI_WARM_SOCKET", str(tmp_path / "nobody listens"))
    notebook, outcome = run(["import os\nos.getcwd()"], "python3", tmp_path)
    assert outcome.is_ok
    assert notebook.cells[0].outputs[0].data["text/plain"] == repr(str(tmp_path))


def test_prints_are_cut_with_a_note(warm: str, tmp_path: Path) -> None:
    notebook, _ = run(["for _ in range(20000): print('x' * 40)", "'kept'"], warm, tmp_path)
    text = "".join(output.text for output in notebook.cells[0].outputs)
    assert "[prints cut: more than 0.1 MB in this notebook]" in text
    assert len(text) < 2e5
    assert notebook.cells[1].outputs[0].data["text/plain"] == "'kept'"


def test_no_cell_runs_after_the_one_that_failed(warm: str, tmp_path: Path) -> None:
    notebook, _ = run(["1", "1 / 0", "3"], warm, tmp_path)
    assert [cell.execution_count for cell in notebook.cells] == [1, 2, None]


def test_nothing_a_notebook_started_is_left(warm: str, tmp_path: Path) -> None:
    cells = ["import subprocess\np = subprocess.Popen(['sleep', '4321'])\nprint(p.pid)"]
    notebook, outcome = run(cells, warm, tmp_path)
    assert outcome.is_ok
    pid = int(notebook.cells[0].outputs[0].text)
    deadline = time.monotonic() + 2
    while psutil.pid_exists(pid) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not psutil.pid_exists(pid)


def test_temporary_files_of_a_notebook_go_with_it(warm: str, tmp_path: Path) -> None:
    cells = ["import os, tempfile\nprint(tempfile.mkdtemp())", "os.kill(os.getpid(), 9)"]
    notebook, outcome = run(cells, warm, tmp_path)
    assert outcome.status is Status.KILLED
    assert not Path(notebook.cells[0].outputs[0].text.strip()).exists()
