"""What is known of processes, also of those that end while they are looked at."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from kpi_lib.review.processes import memory_held

HOLDING = "data = bytearray(80 << 20); print('ready', flush=True); input()"
STARTING = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {HOLDING!r}])"


@pytest.mark.parametrize("program", [HOLDING, STARTING])
def test_memory_is_that_of_a_process_and_of_all_below_it(program: str) -> None:
    started = subprocess.Popen(
        [sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert started.stdin is not None
    assert started.stdout is not None
    started.stdout.readline()
    assert 80 <= memory_held(started.pid) < 200
    started.communicate(b"\n")
    assert memory_held(started.pid) == 0


@pytest.mark.skipif(sys.platform != "linux", reason="read from /proc")
def test_a_process_that_ends_meanwhile_holds_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    def gone(place: Path) -> list[str]:
        raise ProcessLookupError(3, "No such process", str(place))

    monkeypatch.setattr(os, "listdir", gone)
    assert memory_held(os.getpid()) > 0
