"""A notebook client that caps output, can be stopped, and knows which cell it is in."""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress
from queue import Empty
from typing import Any

import zmq
from jupyter_client.asynchronous.client import AsyncKernelClient
from jupyter_client.manager import AsyncKernelManager
from nbclient import NotebookClient
from nbformat import NotebookNode

from kpi_lib.review.notebook_file import new_output
from kpi_lib.review.status import Limits

_RETRY_MS = 10
"""Milliseconds until a channel looks again for a kernel that does not listen yet; usually 100."""


class StoppedError(Exception):
    """A limit was reached or the review was interrupted: no further cell is run."""


class KernelStartError(Exception):
    """No kernel answered in time."""


class Client(NotebookClient):
    """Runs the cells of one notebook. `cell_index` is the running cell, `cell_since` when it began."""

    def __init__(self, notebook: NotebookNode, manager: AsyncKernelManager, limits: Limits) -> None:
        super().__init__(notebook, km=manager, timeout=None, ipython_hist_file=":memory:")
        self.manager = manager
        self.channels: AsyncKernelClient | None = None
        self.limits = limits
        self.stopped = False
        self.output_lost = False
        self.cell_index: int | None = None
        self.cell_since = time.monotonic()
        self.results_left = limits.output_mb * 2**20
        self.prints_left = limits.prints_mb * 2**20

    async def start(self, **options: Any) -> None:
        """Start the kernel and wait until it answers. Raises KernelStartError."""
        deadline = time.monotonic() + self.limits.start_seconds
        try:
            await self.async_start_new_kernel(**options)
            self.kc = self.channels = self.manager.client()
            self.channels.context.setsockopt(zmq.RECONNECT_IVL, _RETRY_MS)
            self.channels.start_channels()
            await self._ready(self.channels, deadline)
        except (RuntimeError, OSError) as problem:
            raise KernelStartError(str(problem)) from problem
        self.channels.allow_stdin = False

    async def _ready(self, channels: AsyncKernelClient, deadline: float) -> None:
        """Return once both channels carry messages (Jupyter's own way sleeps 0.2 s longer)."""
        while time.monotonic() < deadline:
            channels.kernel_info()
            try:
                await channels.get_shell_msg(timeout=1)
                await channels.get_iopub_msg(timeout=0.2)
                return
            except Empty:
                if not await self.manager.is_alive():
                    raise RuntimeError("the kernel ended while starting") from None
        raise RuntimeError(f"no answer within {self.limits.start_seconds:g} s")

    async def run_cells(self) -> None:
        """Run all code cells in order.

        Raises CellExecutionError, DeadKernelError, or StoppedError after `stop`.
        """
        for index, cell in enumerate(self.nb.cells):
            if self.stopped:
                raise StoppedError
            self.cell_index, self.cell_since = index, time.monotonic()
            await self.async_execute_cell(cell, index, execution_count=self.code_cells_executed + 1)
        self.cell_index = None
        self.set_widgets_metadata()

    def stop(self) -> None:
        """Run no further cell."""
        self.stopped = True

    def output(self, outs: list[NotebookNode], msg: Any, display_id: Any, cell_index: int) -> Any:
        """Keep an output of the kernel, unless the notebook has had its share.

        Prints beyond the limit are dropped with a note. A table or picture beyond it makes the run
        a failure, since a page without it would mislead.
        """
        size = _size(msg["content"])
        if msg["msg_type"] == "stream":
            self.prints_left -= size
            if self.limits.prints_mb and self.prints_left < 0:
                return _note_cut(outs, self.limits.prints_mb)
        else:
            self.results_left -= size
            if self.limits.output_mb and self.results_left < 0:
                self.output_lost = True
                return None
        return super().output(outs, msg, display_id, cell_index)

    async def close(self) -> None:
        """Kill the kernel with all it started, if any is left, and close the channels."""
        provisioner = self.manager.provisioner
        if provisioner is not None and provisioner.has_process:
            with suppress(OSError):
                await provisioner.kill()
            with suppress(TimeoutError):
                await asyncio.wait_for(provisioner.wait(), timeout=5)
        if self.channels is not None:
            self.channels.stop_channels()
        await self.manager.cleanup_resources()


def _size(content: dict[str, Any]) -> int:
    texts = [content.get("text") or "", *content.get("data", {}).values()]
    return sum(len(text if isinstance(text, str) else str(text)) for text in texts)


def _note_cut(outs: list[NotebookNode], megabytes: float) -> None:
    note = f"[prints cut: more than {megabytes:g} MB in this notebook]\n"
    if not (outs and outs[-1].get("text") == note):
        outs.append(new_output("stream", name="stderr", text=note))
