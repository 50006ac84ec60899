"""Holds a running notebook to its limits: interrupt, then terminate, then kill."""

from __future__ import annotations

import asyncio
import signal
import time
from contextlib import suppress

from kpi_lib.review.client import Client
from kpi_lib.review.processes import memory_held
from kpi_lib.review.status import Limits, Outcome, Status

_EVERY_SECONDS = 0.1
_MEMORY_EVERY = 5  # looks, since it reads every process below the kernel


class Watch:
    """Looks at one running notebook; `verdict` says which limit was reached, if any."""

    def __init__(self, client: Client, limits: Limits, interrupted: asyncio.Event) -> None:
        self.client = client
        self.limits = limits
        self.interrupted = interrupted
        self.began = time.monotonic()
        self.verdict: Outcome | None = None
        self.peak_mb = 0

    async def run(self) -> None:
        """Look until a limit is reached, then end the kernel step by step. Cancelled when all is well."""
        looks = 0
        while self.verdict is None:
            await asyncio.sleep(_EVERY_SECONDS)
            looks += 1
            if looks % _MEMORY_EVERY == 0:
                self.peak_mb = max(self.peak_mb, memory_held(self.pid))
            self.verdict = self._over_limit()
        self.client.stop()
        await self._escalate()

    @property
    def pid(self) -> int:
        """The kernel's process, 0 when there is none."""
        return int(getattr(self.client.manager.provisioner, "pid", None) or 0)

    def _over_limit(self) -> Outcome | None:
        limits, now = self.limits, time.monotonic()
        if self.interrupted.is_set():
            return Outcome(Status.INTERRUPTED, "the review was interrupted")
        if limits.memory_mb and self.peak_mb > limits.memory_mb:
            return Outcome(Status.OUT_OF_MEMORY, f"more than {limits.memory_mb} MB")
        if limits.notebook_seconds and now - self.began > limits.notebook_seconds:
            return Outcome(Status.TIMEOUT, f"notebook over {limits.notebook_seconds:g} s")
        if limits.cell_seconds and now - self.client.cell_since > limits.cell_seconds:
            return Outcome(Status.TIMEOUT, f"cell over {limits.cell_seconds:g} s")
        return None

    async def _escalate(self) -> None:
        """Ask politely, then less so. The whole process group gets each signal."""
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGKILL):
            provisioner = self.client.manager.provisioner
            if provisioner is None:
                return
            with suppress(OSError):
                await provisioner.send_signal(number)
            await asyncio.sleep(self.limits.grace_seconds)
