"""How notebooks follow each other."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from kpi_lib.review import runner
from kpi_lib.review.runner import Job, Options, run_all
from kpi_lib.review.status import Outcome, Status


def test_the_next_kernel_starts_while_the_last_notebook_is_written(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    begun: dict[str, asyncio.Event] = {}

    async def run_one(
        job: Job, options: Options, interrupted: asyncio.Event, ran: asyncio.Event
    ) -> Outcome:
        begun.setdefault(job.name, asyncio.Event()).set()
        if job.name == "first":
            ran.set()
            await asyncio.wait_for(begun.setdefault("second", asyncio.Event()).wait(), 60)
        if job.name == "second":
            raise RuntimeError("before its kernel ran")
        return Outcome(Status.OK)

    monkeypatch.setattr(runner, "run_one", run_one)
    names = ("first", "second", "third")
    jobs = [Job(name, Path(f"{name}.ipynb"), {}, Path(f"{name}.out")) for name in names]
    ended: list[str] = []

    def told(job: Job, outcome: Outcome | None) -> None:
        if outcome is not None:
            ended.append(job.name)

    outcomes = run_all(jobs, Options(at_once=1), told)
    assert [outcomes[name].status for name in names] == [Status.OK, Status.FAILED, Status.OK]
    assert sorted(ended) == sorted(names)


def test_an_error_in_telling_ends_the_run_with_that_error(monkeypatch: pytest.MonkeyPatch) -> None:
    async def run_one(*_: object) -> Outcome:
        return Outcome(Status.OK)

    monkeypatch.setattr(runner, "run_one", run_one)
    jobs = [Job(name, Path(f"{name}.ipynb"), {}, Path(f"{name}.out")) for name in ("one", "two")]

    def told(job: Job, outcome: Outcome | None) -> None:
        if job.name == "two":
            raise OSError("no room for the log")

    with pytest.raises(OSError, match="no room for the log"):
        run_all(jobs, Options(at_once=1), told)
