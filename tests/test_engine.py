"""What a result claims of a notebook's memory."""

from __future__ import annotations

import sys

import ibis
import psutil
import pytest

from kpi_lib.engine import run

MEGABYTE = 2**20


def claimed() -> int:
    """Bytes of data that this process has claimed, touched or not: what a notebook's limit counts."""
    return int(psutil.Process().memory_info().data)


@pytest.mark.skipif(sys.platform != "linux", reason="the limit is there on Linux only")
def test_small_frames_that_are_kept_claim_little_memory() -> None:
    columns = {"name": [f"n{n}" for n in range(1_000)], "value": [float(n) for n in range(1_000)]}
    rows = ibis.duckdb.connect().create_table("rows", ibis.memtable(columns))
    run(rows)
    before = claimed()
    kept = [run(rows.filter(rows["value"] > limit)) for limit in range(20)]
    assert len(kept) == 20
    assert (claimed() - before) / 20 < 2 * MEGABYTE  # their own rows take 20 kB each
