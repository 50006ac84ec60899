"""How long a review takes against papermill and against plain Python, measured in one run.

    python benchmarks/review.py --repeat 3

Three ways to compute the same notebooks (all that the data set can feed), evidence off, one after
the other on the same machine: the `papermill` command on each; `kpi review`, report included; and
the code cells as plain Python in two processes, which is the limit. The figures to read are the
ratios. One run before the first is not measured: it leaves the bytecode and the texts of queries
that all three find on every later run.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from kpi_lib.review.plan import Request, make_plan
from kpi_lib.review.project import find_project

ROOT = Path(__file__).resolve().parents[1]
BIN = Path(sys.executable).parent
LIMIT_FACTOR, LIMIT_EXTRA, PAPERMILL_FACTOR = 1.5, 0.8, 8.0


@dataclass(frozen=True)
class Task:
    """The notebooks and what they are asked."""

    names: list[str]
    dataset: str
    quarter: str
    as_of: str

    @property
    def values(self) -> dict[str, object]:
        """The parameters all notebooks get."""
        return {"dataset": self.dataset, "as_of": self.as_of, "with_evidence": False}


def call(*command: str | Path) -> None:
    """Run a command in the project. Raises CalledProcessError with what it said."""
    environment = {name: text for name, text in os.environ.items() if not name.startswith("KPI_")}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"{' '.join(map(str, command))}\n{done.stdout}\n{done.stderr}")


def by_papermill(task: Task, folder: Path) -> None:
    """The papermill command on one notebook after the other."""
    for name in task.names:
        source = Path("notebooks") / f"{name}.ipynb"
        known = source.read_text(encoding="utf-8")
        chosen = {key: value for key, value in task.values.items() if f"{key} = " in known}
        options = [part for key, value in chosen.items() for part in ("-p", key, str(value))]
        quiet = ["--no-progress-bar", "--cwd", "notebooks"]
        call(BIN / "papermill", source, folder / f"{name}.ipynb", *quiet, *options)


def by_review(task: Task, folder: Path) -> None:
    """Our review, with its report."""
    only = ",".join(task.names)
    wishes = ["--quarter", task.quarter, "--no-evidence", "--only", only, "--out", str(folder)]
    call(BIN / "kpi", "review", task.dataset, *wishes)


def by_plain_python(task: Task, folder: Path) -> None:
    """The limit."""
    call(sys.executable, "benchmarks/plain.py", "notebooks", json.dumps(task.values), *task.names)


WAYS: dict[str, Callable[[Task, Path], None]] = {
    "papermill, one after another": by_papermill,
    "kpi review, with report": by_review,
    "plain Python, two processes": by_plain_python,
}


@dataclass(frozen=True)
class Taken:
    """Seconds by the clock, and seconds of processors, which say less of what else goes on."""

    wall: float
    processor: float


def measure(way: Callable[[Task, Path], None], task: Task) -> Taken:
    """How long one way takes, from nothing, in a folder of its own."""
    with tempfile.TemporaryDirectory() as folder:
        began, used = time.perf_counter(), _processor()
        way(task, Path(folder))
        return Taken(time.perf_counter() - began, _processor() - used)


def _processor() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def show(times: dict[str, list[Taken]], count: int) -> None:
    """Print all times, the medians, and the two ratios beside their targets."""
    papermill, review, limit = (median(one.wall for one in taken) for taken in times.values())
    for way, taken in times.items():
        wall, processor = median(t.wall for t in taken), median(t.processor for t in taken)
        runs = " ".join(f"{one.wall:.1f}" for one in taken)
        print(f"{way:30} median {wall:6.1f} s  processor {processor:6.1f} s  runs {runs}")
    allowed = LIMIT_FACTOR * limit + LIMIT_EXTRA * count
    print(f"notebooks: {count}")
    print(f"review / limit: {review / limit:.2f}")
    verdict = "reached" if review <= allowed else "missed"
    print(
        f"target: review <= {LIMIT_FACTOR} x limit + {LIMIT_EXTRA} s a notebook = {allowed:.1f} s: {verdict}"
    )
    factor = papermill / review
    verdict = "reached" if factor >= PAPERMILL_FACTOR else "missed"
    print(f"papermill / review: {factor:.1f}; target: at least {PAPERMILL_FACTOR:.0f}: {verdict}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--dataset", default="data/sample/saas")
    parser.add_argument("--quarter", default="2026Q2")
    parser.add_argument("--repeat", type=int, default=1)
    parser.add_argument("--only", default="", help="names, separated by commas")
    chosen = parser.parse_args()
    only = tuple(name for name in chosen.only.split(",") if name)
    asked = Request(dataset=chosen.dataset, quarter=chosen.quarter, only=only, evidence=False)
    plan = make_plan(asked, find_project(ROOT))
    names = sorted(job.name for job in plan.jobs)
    task = Task(names, chosen.dataset, chosen.quarter, plan.as_of.isoformat())
    times: dict[str, list[Taken]] = {way: [] for way in WAYS}
    measure(by_review, task)
    for _ in range(chosen.repeat):
        for name, way in WAYS.items():
            times[name].append(measure(way, task))
            print(f"  {name}: {times[name][-1].wall:.1f} s", file=sys.stderr)
    show(times, len(names))


if __name__ == "__main__":
    main()
