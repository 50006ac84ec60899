"""What somebody who waits for a review sees, and the log that stays."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from kpi_lib.review.runner import Job
from kpi_lib.review.status import Outcome

_COLOURS = {"ok": "green"}


class Watching:
    """A progress bar on a terminal, a line per notebook anywhere, and `review.log`."""

    def __init__(self, total: int, log: Path, console: Console) -> None:
        self.console = console
        self.log = log
        self.running: list[str] = []
        columns = (
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
        )
        self.bar = Progress(
            *columns, console=console, transient=True, disable=not console.is_terminal
        )
        self.task = self.bar.add_task("starting", total=total)

    def __enter__(self) -> Watching:
        self.bar.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.bar.stop()

    def told(self, job: Job, outcome: Outcome | None) -> None:
        """A notebook has started (outcome None) or ended."""
        if outcome is None:
            self.running.append(job.name)
            self.write(f"{job.name}: started")
        else:
            self.running.remove(job.name)
            self.ended(job.name, outcome)
        self.bar.update(self.task, description=", ".join(self.running) or "finishing")

    def ended(self, name: str, outcome: Outcome, note: str = "") -> None:
        """Show and log how a notebook ended."""
        self.bar.advance(self.task)
        text = note or f"{outcome.seconds:.1f} s" + (
            f"  {outcome.message}" if outcome.message else ""
        )
        colour = _COLOURS.get(outcome.status.value, "red")
        self.console.print(
            f"[{colour}]{outcome.status.value:<8}[/] {escape(name)}  {escape(text)}",
            highlight=False,
        )
        self.write(f"{name}: {outcome.status.value}: {text}")

    def write(self, line: str) -> None:
        """Add a line to the log. A disk that is full must not end a review."""
        moment = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        with suppress(OSError), self.log.open("a", encoding="utf-8") as file:
            file.write(f"{moment} {line}\n")
