"""Runs many notebooks, two at a time, each in a kernel of its own; keeps what is done."""

from __future__ import annotations

import asyncio
import json
import signal
import traceback
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from nbformat import NotebookNode

from kpi_lib.review.execute import Place, execute
from kpi_lib.review.notebook_file import as_record, read_source, with_parameters
from kpi_lib.review.report.files import write_whole
from kpi_lib.review.secrets import hide, may_hold, values_to_hide
from kpi_lib.review.status import Limits, Outcome, Status, first_line


@dataclass(frozen=True)
class Job:
    """One notebook to run: where it is, its parameters, where the executed one goes.

    `variables` of the environment lead to the data; their values are hidden in all that is written.
    """

    name: str
    notebook: Path
    parameters: dict[str, Any]
    target: Path
    fingerprint: str = ""
    variables: tuple[str, ...] = ()


@dataclass(frozen=True)
class Options:
    """How to run: which kernel, how many at once, what each may use."""

    kernel: str = "python3"
    at_once: int = 2
    limits: Limits = field(default_factory=Limits)


Told = Callable[[Job, Outcome | None], None]
"""Called with None when a notebook starts, and with its outcome when it ends."""


def finished(job: Job) -> Outcome | None:
    """The outcome of an earlier run that would come out the same, or None."""
    known = stored(job.target)
    if known is None or known.get("fingerprint") != job.fingerprint or not job.fingerprint:
        return None
    outcome = Outcome(Status.OK, seconds=float(known.get("seconds", 0)))
    return outcome if known.get("status") == Status.OK else None


def stored(executed: Path) -> dict[str, Any] | None:
    """What an executed notebook says about its run; None when it is missing or not ours."""
    with suppress(OSError, ValueError):
        found = json.loads(executed.read_text(encoding="utf-8"))["metadata"].get("kpi")
        return found if isinstance(found, dict) else None
    return None


def run_all(jobs: Sequence[Job], options: Options, told: Told) -> dict[str, Outcome]:
    """How each notebook ended, by name.

    One that fails never stops the others. SIGINT and SIGTERM end all within five seconds; what had
    not run is "interrupted". Each executed notebook appears whole at its target.
    """
    return asyncio.run(_run_all(jobs, options, told))


async def _run_all(jobs: Sequence[Job], options: Options, told: Told) -> dict[str, Outcome]:
    interrupted = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        with suppress(NotImplementedError, RuntimeError):  # not on Windows, not in a thread
            loop.add_signal_handler(number, interrupted.set)
    outcomes: dict[str, Outcome] = {}
    waiting = list(reversed(jobs))

    async def one(job: Job, ran: asyncio.Event) -> None:
        try:
            told(job, None)
            outcomes[job.name] = await _isolated(job, options, interrupted, ran)
            told(job, outcomes[job.name])
        finally:
            ran.set()

    async def work() -> None:
        """While one kernel ends and its notebook is written, the next kernel starts."""
        begun = []
        while waiting:
            job, ran = waiting.pop(), asyncio.Event()
            if interrupted.is_set():
                outcomes[job.name] = Outcome(Status.INTERRUPTED, "not started")
                continue
            begun.append(asyncio.create_task(one(job, ran)))
            await ran.wait()
        await asyncio.gather(*begun)

    await asyncio.gather(*(work() for _ in range(max(1, options.at_once))))
    return outcomes


async def _isolated(
    job: Job, options: Options, interrupted: asyncio.Event, ran: asyncio.Event
) -> Outcome:
    """The outcome of one notebook; an error of ours is one too, since the others must go on."""
    try:
        return await run_one(job, options, interrupted, ran)
    except Exception as problem:  # the boundary between notebooks
        traceback.print_exc()
        return Outcome(Status.FAILED, f"could not be run: {first_line(repr(problem))}")


async def run_one(
    job: Job, options: Options, interrupted: asyncio.Event, ran: asyncio.Event
) -> Outcome:
    """How one notebook ended; the executed notebook is written to its target.

    `ran` is set as soon as its kernel has nothing more to do.
    """
    try:
        notebook = with_parameters(read_source(job.notebook), job.parameters)
    except (OSError, ValueError) as problem:
        return Outcome(Status.FAILED, f"cannot be read: {first_line(str(problem))}")
    place = Place(options.kernel, job.notebook.parent, {})
    outcome = await execute(notebook, place, options.limits, interrupted, ran)
    notebook.metadata["kpi"] = {"fingerprint": job.fingerprint, **asdict(outcome)}
    hidden = values_to_hide(named=job.variables)
    try:
        write_whole(job.target, _record(notebook, hidden))
    except OSError as problem:
        why = f"{job.target.name} cannot be written: {problem.strerror}"
        outcome = Outcome(Status.FAILED, why, outcome.seconds)
    return Outcome(outcome.status, hide(outcome.message, hidden), outcome.seconds)


def _record(notebook: NotebookNode, hidden: list[str]) -> str:
    """The executed notebook as the text of its file, without secrets."""
    text = as_record(notebook)
    return as_record(hide(notebook, hidden)) if may_hold(text, hidden) else text
