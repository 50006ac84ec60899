"""How long judging takes, test by test: all candidates on the sample and on a larger company.

    python benchmarks/judging.py --scale 84

Scale 84 is a company of 20,000 accounts and 11 million events, made by data/sample/make.py; without
`--scale` only the sample is judged. As in a review, two KPIs are judged at a time, and what all of
them ask for (scores at month ends, who is at risk, how readable and how leading each other candidate
is) is found by whoever asks first and shared through a folder, here a fresh one that goes away. Two
processes judge one KPI after another, so that each opens the data once; a notebook opens them itself.

The figures to read: processor seconds per test, the seconds by the clock beside the goals (60 for the
sample, 600 for scale 84), and the largest memory of a process. Seconds by the clock mean something
only where nothing else runs.

The sample takes about 180 processor seconds. Of scale 84, making the company takes about 40 of them and
opening it about 40 in each process; how long the judging takes there is not known yet: begin with
`--only`.
"""

from __future__ import annotations

import argparse
import multiprocessing
import resource
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import ClassVar

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))  # the maker of the samples is no installed package

from data.sample.generator.saas import make_saas  # noqa: E402
from data.sample.generator.truth import TRUTH  # noqa: E402
from kpi_lib.candidates import candidates  # noqa: E402
from kpi_lib.data import Dataset, open_dataset  # noqa: E402
from kpi_lib.data.config import read_config  # noqa: E402
from kpi_lib.evidence.finding import DEFAULTS, settings_for  # noqa: E402
from kpi_lib.evidence.verdict import tests_with  # noqa: E402
from kpi_lib.judged import keeping  # noqa: E402
from kpi_lib.kpi import Kpi, KpiParams  # noqa: E402
from kpi_lib.periods import quarter_end  # noqa: E402

SAMPLE = ROOT / "data" / "sample" / "saas"
PARTS = ("opening", "readable", "leading", "robust", "honest", "distinct", "fitting")
PROCESSES = 2
KB_PER_GB = 1e6

Seconds = dict[str, float]


class Judge:
    """What a process keeps between KPIs: the open data and the candidates."""

    data: ClassVar[Dataset]
    all: ClassVar[Mapping[str, tuple[Kpi, KpiParams]]]
    opening: ClassVar[float] = 0.0


def begin(folder: Path, as_of: str) -> None:
    """Opens the data, once in each process."""
    used = time.process_time()
    Judge.data = open_dataset(folder, as_of=as_of)
    Judge.all = candidates(Judge.data)
    Judge.opening = time.process_time() - used


def judged(name: str) -> tuple[str, Seconds]:
    """The KPI, with processor seconds of each test; `peak`: gigabytes of this process at most so far.

    `opening`: processor seconds of opening the data, told with the first KPI of a process.
    """
    others = dict(Judge.all)
    kpi, params = others.pop(name)
    spent: Seconds = {"opening": Judge.opening}
    Judge.opening = 0.0
    settings = settings_for(params, DEFAULTS)
    for test, find in tests_with(others).items():
        used = time.process_time()
        find(kpi, Judge.data, params, settings)
        spent[test] = time.process_time() - used
    return name, spent | {"peak": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / KB_PER_GB}


def measured(folder: Path, as_of: str, names: Sequence[str]) -> Iterator[tuple[str, Seconds]]:
    """Two KPIs at a time, in the order given; see the top of this file."""
    context = multiprocessing.get_context("spawn")
    with (
        tempfile.TemporaryDirectory() as shelf,
        keeping(Path(shelf)),
        context.Pool(PROCESSES, begin, (folder, as_of)) as pool,
    ):
        yield from pool.imap(judged, names)


def show(title: str, rows: Iterable[tuple[str, Seconds]]) -> float:
    """Print a line per KPI as it comes and the sums; the processor seconds in all come back."""
    began = time.perf_counter()
    print(f"{title}\n{'processor seconds':26}" + "".join(f"{part:>10}" for part in PARTS))
    total: Counter[str] = Counter()
    peak = 0.0
    for name, spent in rows:
        peak = max(peak, spent.pop("peak"))
        total.update(spent)
        _line(name, spent)
    _line("all", total)
    clock = time.perf_counter() - began
    print(
        f"{sum(total.values()):.0f} processor seconds in all, {clock:.0f} by the clock, up to {peak:.1f} GB\n"
    )
    return sum(total.values())


def _line(name: str, spent: Mapping[str, float]) -> None:
    print(f"{name:26}" + "".join(f"{spent[part]:10.1f}" for part in PARTS), flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--scale", type=int, default=0, help="times larger than the sample")
    parser.add_argument("--quarter", default="2026Q2")
    parser.add_argument("--only", default="", help="names, separated by commas")
    chosen = parser.parse_args()
    as_of = quarter_end(chosen.quarter, read_config(SAMPLE).quarter_starts_in).isoformat()
    able = candidates(open_dataset(SAMPLE, as_of=as_of))
    names = [name for name in able if not chosen.only or name in chosen.only.split(",")]
    small = show("sample", measured(SAMPLE, as_of, names))
    if not chosen.scale:
        return
    with tempfile.TemporaryDirectory() as folder:
        make_saas(Path(folder), scale=chosen.scale, seed=TRUTH.seed, effect=1.0)
        large = show(f"{chosen.scale} times the sample", measured(Path(folder), as_of, names))
    print(f"{large / small:.1f} times the processor seconds for {chosen.scale} times the accounts")


if __name__ == "__main__":
    main()
