"""How often the suggested verdict errs: simulated companies whose truth is planted.

    python -m benchmarks.verdicts --companies 1000 --out verdicts.csv
    python -m benchmarks.verdicts --table --out verdicts.csv

Each company has five candidates: one leads, four should not be adopted (see
`benchmarks/planted/company.py`). It wins 12, 48 or 200 customers in each of twelve quarters, and is
judged once, at their end. The rule is the workbook's own: the same history of outcomes, lead test,
readability, specification curve, cheap move and verdict; only what an engine would fetch from the
tables comes from arrays (`benchmarks/planted/judged.py`). `--check N` writes N companies out as
tables, has them judged through the whole machinery, and compares every finding.

What runs otherwise than in a review: 200 resamples instead of 1,000, which makes limits noisier; tests
that can no longer change a verdict are left out, and so is what is shown beside and decides nothing.

What it leaves out: one estimator (the mean over accounts that are seen in both quarters), one lead
rule (renewals of yearly terms, with notice), one script as the cheap move, no shares, cohorts,
survival or order data; no fit rule ever fires; nobody leaves within a term; scores are never missing
for a reason; `distinct`, and what a team does with several candidates at once, are not simulated.
Companies of one size differ by chance, in how many they lose, and in how deep the planted drop is.

A run that was ended goes on where it stood with the same command: what is done stands in the file.
"""

from __future__ import annotations

import argparse
import csv
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import replace
from pathlib import Path

for _threads in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS"):
    os.environ.setdefault(_threads, "1")

from benchmarks.planted.company import KINDS, Plan, simulate  # noqa: E402
from benchmarks.planted.judged import judges  # noqa: E402
from benchmarks.planted.rates import Said, by_kind, summary  # noqa: E402
from kpi_lib.evidence.finding import DEFAULTS  # noqa: E402

SIZES = (12, 48, 200)
QUICK = replace(DEFAULTS, draws=200, permutations=19, also_shown=())
TOGETHER = 10
"""Companies whose contracts are read in one go."""


def judged(size: int, seeds: list[int]) -> list[Said]:
    """What is suggested for the five candidates of these companies."""
    companies = [simulate(Plan(size, seed)) for seed in seeds]
    return [
        (size, judge.company.plan.seed, kind, judge.verdict(kind).suggestion)
        for judge in judges(companies, QUICK)
        for kind in KINDS
    ]


def done_in(path: Path) -> list[Said]:
    """What a file of results holds; companies that were cut off are left out."""
    if not path.exists():
        return []
    with path.open(encoding="utf-8", newline="") as file:
        rows = [(int(r[0]), int(r[1]), r[2], r[3]) for r in csv.reader(file) if len(r) == 4]
    whole = {(size, seed) for size, seed, kind, _ in rows if kind == KINDS[-1]}
    return list(dict.fromkeys(row for row in rows if row[:2] in whole))


def tasks(
    sizes: list[int], seeds: range, done: set[tuple[int, int]]
) -> Iterator[tuple[int, list[int]]]:
    """Bundles of companies yet to be judged, the sizes taking turns."""
    for first in range(seeds.start, seeds.stop, TOGETHER):
        for size in sizes:
            bundle = range(first, min(first + TOGETHER, seeds.stop))
            missing = [seed for seed in bundle if (size, seed) not in done]
            if missing:
                yield size, missing


def run(sizes: list[int], seeds: range, path: Path, processes: int) -> None:
    """Judge what is missing and append it to the file, bundle by bundle."""
    done = {(size, seed) for size, seed, _, _ in done_in(path)}
    started = time.monotonic()
    with (
        ProcessPoolExecutor(processes) as pool,
        path.open("a", encoding="utf-8", newline="") as file,
    ):
        waiting = [pool.submit(judged, *task) for task in tasks(sizes, seeds, done)]
        for number, ready in enumerate(as_completed(waiting), start=1):
            csv.writer(file).writerows(ready.result())
            file.flush()
            said = f"{number}/{len(waiting)} bundles, {time.monotonic() - started:.0f} s"
            print(said, file=sys.stderr, flush=True)


def check(companies: int, size: int) -> None:
    """Whether the whole machinery finds the same on companies written out as tables."""
    from benchmarks.planted.checked import differences

    for seed in range(companies):
        with tempfile.TemporaryDirectory() as folder:
            found = differences(Plan(size, seed), Path(folder))
        print(f"company {seed}: {'; '.join(found) or 'every finding is the same'}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--companies", type=int, default=1000, help="companies of each size")
    parser.add_argument("--sizes", type=int, nargs="+", default=list(SIZES))
    parser.add_argument("--seed", type=int, default=0, help="number of the first company")
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--out", type=Path, default=Path(tempfile.gettempdir()) / "verdicts.csv")
    parser.add_argument("--table", action="store_true", help="only print what the file holds")
    parser.add_argument("--check", type=int, default=0, help="compare companies with the machinery")
    asked = parser.parse_args()
    if asked.check:
        check(asked.check, min(asked.sizes))
        return
    if not asked.table:
        seeds = range(asked.seed, asked.seed + asked.companies)
        run(asked.sizes, seeds, asked.out, asked.processes)
    said = done_in(asked.out)
    print(f"{summary(said)}\n\n{by_kind(said)}")


if __name__ == "__main__":
    main()
