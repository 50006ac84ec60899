"""Runs one notebook in a kernel of its own and says how it ended."""

from __future__ import annotations

import asyncio
import os
import re
import sys
import time
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from jupyter_client.manager import AsyncKernelManager
from nbclient.exceptions import CellExecutionError, DeadKernelError
from nbformat import NotebookNode

from kpi_lib.review.client import Client, KernelStartError, StoppedError
from kpi_lib.review.notebook_file import clear, new_output
from kpi_lib.review.processes import die_with_parent
from kpi_lib.review.provisioner import MEMORY
from kpi_lib.review.status import Limits, Outcome, Status, first_line
from kpi_lib.review.warm import SOCKET
from kpi_lib.review.watch import Watch

_ATTEMPTS = 3
_MEMORY_ERRORS = {"MemoryError", "ArrowMemoryError", "OutOfMemoryException", "_ArrayMemoryError"}
_COLOURS = re.compile(r"\x1b\[[0-9;]*m")


@dataclass(frozen=True)
class Place:
    """Where a kernel runs: which kernel, in which folder, with what added to its environment."""

    kernel: str
    folder: Path
    environment: dict[str, str]


async def execute(
    notebook: NotebookNode,
    place: Place,
    limits: Limits,
    interrupted: asyncio.Event,
    ran: asyncio.Event | None = None,
) -> Outcome:
    """How the run ended; the outputs are put into `notebook`. Never raises for what a notebook does.

    The kernel and everything in its process group have ended when this returns, and its temporary
    files are gone. `ran` is set before that, as soon as the kernel has nothing more to do.
    """
    address = os.environ.get(SOCKET)  # the warm process removes its folder even if we are killed
    folder = Path(address).parent if address and Path(address).exists() else None
    with TemporaryDirectory(prefix="kpi-run-", dir=folder) as scratch:
        place = replace(place, environment={"TMPDIR": scratch, **place.environment})
        return await _execute(notebook, place, limits, interrupted, ran or asyncio.Event())


async def _execute(
    notebook: NotebookNode,
    place: Place,
    limits: Limits,
    interrupted: asyncio.Event,
    ran: asyncio.Event,
) -> Outcome:
    began = time.monotonic()
    clear(notebook)
    for _ in range(_ATTEMPTS):
        client = Client(notebook, AsyncKernelManager(kernel_name=place.kernel), limits)
        try:
            await _start(client, _launch_options(place, limits), interrupted)
            outcome = await _run(client, limits, interrupted)
            ran.set()
            break
        except KernelStartError as problem:
            outcome = Outcome(Status.FAILED, f"no kernel: {first_line(str(problem))}")
        except StoppedError:
            outcome = Outcome(Status.INTERRUPTED, "the review was interrupted")
            break
        finally:
            await client.close()
    _mark(notebook, client.cell_index, outcome)
    return replace(outcome, seconds=round(time.monotonic() - began, 2))


async def _start(client: Client, options: dict[str, Any], interrupted: asyncio.Event) -> None:
    """Start the kernel, unless the review is interrupted meanwhile (StoppedError)."""
    starting = asyncio.create_task(client.start(**options))
    stopping = asyncio.create_task(interrupted.wait())
    try:
        await asyncio.wait({starting, stopping}, return_when=asyncio.FIRST_COMPLETED)
        if not starting.done():
            raise StoppedError
        await starting
    finally:
        for task in (starting, stopping):
            task.cancel()
        await asyncio.gather(starting, stopping, return_exceptions=True)


def _launch_options(place: Place, limits: Limits) -> dict[str, Any]:
    environment = {**os.environ, **place.environment, MEMORY: str(limits.memory_mb)}
    options: dict[str, Any] = {"cwd": str(place.folder), "env": environment}
    if sys.platform == "linux":  # for a kernel that is not forked; a forked one sees to it itself
        options["preexec_fn"] = partial(die_with_parent, os.getpid())
    return options


async def _run(client: Client, limits: Limits, interrupted: asyncio.Event) -> Outcome:
    watch = Watch(client, limits, interrupted)
    watching = asyncio.create_task(watch.run())
    try:
        await client.run_cells()
        outcome = _all_ran(client)
    except CellExecutionError as error:
        outcome = _cell_failed(client, error)
    except (DeadKernelError, StoppedError):
        outcome = _kernel_ended(client, watch)
    finally:
        watching.cancel()
        with suppress(asyncio.CancelledError):
            await watching
    return watch.verdict or outcome


def _all_ran(client: Client) -> Outcome:
    """Ok only if the kernel has confirmed every cell and nothing of value was cut."""
    cells = [c for c in client.nb.cells if c.cell_type == "code" and c.source.strip()]
    if any(cell.execution_count is None for cell in cells):
        return Outcome(Status.FAILED, "a cell was not run")
    if client.output_lost:
        return Outcome(Status.FAILED, f"output over {client.limits.output_mb:g} MB")
    return Outcome(Status.OK)


def _cell_failed(client: Client, error: CellExecutionError) -> Outcome:
    memory = error.ename in _MEMORY_ERRORS
    text = first_line(_COLOURS.sub("", f"{error.ename}: {error.evalue}"))
    where = f"cell {_cell_number(client)}: {text}"
    return Outcome(Status.OUT_OF_MEMORY if memory else Status.FAILED, where)


def _kernel_ended(client: Client, watch: Watch) -> Outcome:
    """The kernel ended by itself or by another's hand."""
    where = f"the kernel ended in cell {_cell_number(client)}"
    code = getattr(getattr(client.km, "provisioner", None), "process", None)
    returned = getattr(code, "returncode", None)
    if watch.limits.memory_mb and watch.peak_mb > 0.8 * watch.limits.memory_mb:
        return Outcome(Status.OUT_OF_MEMORY, f"{where}, holding {watch.peak_mb} MB")
    if returned is not None and returned >= 0:
        return Outcome(Status.FAILED, f"{where} with exit code {returned}")
    why = f" by signal {-returned}" if returned else ""
    return Outcome(Status.KILLED, where + why)


def _cell_number(client: Client) -> int:
    """Which code cell was running, counted from 1 in the notebook as it was before the run."""
    before = client.nb.cells[: (client.cell_index or 0) + 1]
    code = [cell for cell in before if cell.cell_type == "code"]
    return sum("injected-parameters" not in cell.metadata.get("tags", []) for cell in code)


def _mark(notebook: NotebookNode, index: int | None, outcome: Outcome) -> None:
    """Write into the cell where a run stopped what stopped it, unless its own error stands there."""
    if outcome.is_ok or index is None:
        return
    cell = notebook.cells[index]
    if cell.cell_type != "code":
        return
    if not any(output.output_type == "error" for output in cell.outputs):
        text = f"{outcome.status}: {outcome.message}"
        error = new_output(
            "error", ename=outcome.status.value, evalue=outcome.message, traceback=[text]
        )
        cell.outputs.append(error)
