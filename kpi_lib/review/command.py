"""The review itself: plan, run what is missing or changed, write results and report."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

from rich.console import Console

from kpi_lib.catalogue import names, parts_of
from kpi_lib.data import handing_over
from kpi_lib.judged import keeping
from kpi_lib.overview import PARAMS as OVERVIEWS
from kpi_lib.review.ledger import write_results
from kpi_lib.review.locks import only_one, remove_leftovers
from kpi_lib.review.plan import Plan, Request, make_plan
from kpi_lib.review.progress import Watching
from kpi_lib.review.project import Project
from kpi_lib.review.runner import Job, Options, finished, run_all, stored
from kpi_lib.review.status import Limits, Outcome, Status, first_line
from kpi_lib.review.warm import kernel_name, warm_kernels

JUDGED = ".judged"
"""Folder beside the reviews for what was found about the KPIs."""


@dataclass(frozen=True)
class Manner:
    """How a review is carried out. `again` runs also what is done; `wait` queues behind another."""

    at_once: int = 2
    limits: Limits = field(default_factory=Limits)
    again: bool = False
    wait: bool = True
    report: bool = True


@dataclass(frozen=True)
class Reviewed:
    """What came of a review. `page` is None where no report was written."""

    plan: Plan
    outcomes: dict[str, Outcome]
    page: Path | None
    problems: tuple[str, ...] = ()

    @property
    def exit_code(self) -> int:
        """0 when all is well, 1 when a notebook failed or a file could not be written."""
        return int(bool(self.problems) or not all(o.is_ok for o in self.outcomes.values()))


def review(request: Request, manner: Manner, project: Project, console: Console) -> Reviewed:
    """Run a review and write its folder.

    What is finished and unchanged is not run again, so a review that was killed is resumed by
    asking for it again. Raises InputError before anything runs when the request is not sound.
    """
    # The imports of the warm process go on while the plan is made.
    with handing_over(), keeping(request.out / JUDGED), warm_kernels(request.evidence):
        plan = make_plan(request, project)
        with only_one(plan.folder, wait=manner.wait, say=console.print):
            remove_leftovers(plan.folder)
            outcomes = _run(plan, manner, console)
            problems = _attempt("results.json", lambda: write_results(plan, outcomes))
            problems += _attempt("rows left out", lambda: _save_left_out(plan))
            stopped = any(o.status is Status.INTERRUPTED for o in outcomes.values())
            if problems or stopped or not manner.report:
                return Reviewed(plan, outcomes, None, tuple(problems))
            problems = _attempt("report", lambda: _report(plan.folder))
            page = None if problems else plan.folder / "index.html"
            return Reviewed(plan, outcomes, page, tuple(problems))


def _run(plan: Plan, manner: Manner, console: Console) -> dict[str, Outcome]:
    done = {} if manner.again else {j.name: o for j in plan.jobs if (o := finished(j))}
    missing = _longest_first([job for job in plan.jobs if job.name not in done])
    options = Options(kernel_name(), manner.at_once, manner.limits)
    with Watching(len(plan.jobs), plan.folder / "review.log", console) as watching:
        watching.write(f"review of {plan.data.name} as of {plan.as_of}, pid {os.getpid()}")
        for name, outcome in done.items():
            watching.ended(name, outcome, "unchanged")
        return done | run_all(missing, options, watching.told)


def _longest_first(jobs: list[Job]) -> list[Job]:
    """The jobs so that two at once end together: what took longest before comes first.

    Where one has never run, the size of the notebooks stands for how long they take, once more for
    each KPI that a composite measures. Overviews come last, since they read what the notebooks of
    the KPIs have found.
    """
    kpis = [job for job in jobs if job.name not in OVERVIEWS]
    overviews = [job for name in OVERVIEWS for job in jobs if job.name == name]
    return _by_length(sorted(kpis, key=_guessed, reverse=True)) + _by_length(overviews)


def _by_length(jobs: list[Job]) -> list[Job]:
    """By the seconds of the last time, in the order given where one has never run."""
    seconds = {job.name: (stored(job.target) or {}).get("seconds") for job in jobs}
    if None in seconds.values():
        return jobs
    return sorted(jobs, key=lambda job: float(seconds[job.name] or 0), reverse=True)


def _guessed(job: Job) -> int:
    measured = 1 + (len(parts_of(job.name)) if job.name in names() else 0)
    return measured * job.notebook.stat().st_size


def _attempt(what: str, write: Callable[[], object]) -> list[str]:
    try:
        write()
    except (OSError, ValueError) as problem:
        return [f"{what} cannot be written: {first_line(str(problem))}"]
    return []


def _save_left_out(plan: Plan) -> None:
    """Write the rows that no figure uses beside the report, each file whole."""
    if not plan.data.left_out:
        return
    with TemporaryDirectory(dir=plan.folder, prefix=".left_out.") as place:
        for file in plan.data.save_left_out(place):
            file.replace(plan.folder / file.name)


def _report(folder: Path) -> Path:
    from kpi_lib.review.report import write_report

    return write_report(folder)


def run_one_notebook(job: Job, manner: Manner, console: Console) -> Outcome:
    """Run a single notebook; the executed one is written to the job's target."""
    with warm_kernels():
        options = Options(kernel_name(), 1, manner.limits)
        with Watching(1, Path(os.devnull), console) as watching:
            return run_all([job], options, watching.told)[job.name]


def summary(done: Reviewed) -> str:
    """The last line of a review: how many notebooks ended how, and where the report is."""
    counts = Counter(outcome.status.value for outcome in done.outcomes.values())
    told = (
        ", ".join(f"{counts[status]} {status}" for status in sorted(counts)) or "no notebook to run"
    )
    where = f"report: {done.page}" if done.page else f"folder: {done.plan.folder}"
    return f"{told}; {where}"
