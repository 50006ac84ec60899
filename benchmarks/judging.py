"""How long judging takes, test by test: all candidates on the sample and on a larger company.

    python benchmarks/judging.py --scale 84
    python benchmarks/judging.py --folder made/saas   # a company made before, without the sample

Scale 84 is a company of 20,000 accounts and 10 million events, made by data/sample/make.py; without
`--scale` only the sample is judged. As in a review, two KPIs are judged at a time, and what all of
them ask for (scores at month ends, who is at risk, how readable and how leading each other candidate
is) is found by whoever asks first and shared through a folder, here a fresh one that goes away. Two
processes judge one KPI after another, so that each opens the data once; a notebook opens them itself.

The figures to read: processor seconds per test (`engine`: how many of them went into queries), the
seconds by the clock beside the goals (60 for the sample, 600 for scale 84), the largest memory of a
process, and below the table where most of the time goes. Seconds by the clock mean something only
where nothing else runs.
"""

from __future__ import annotations

import argparse
import multiprocessing
import resource
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))  # the maker of the samples is no installed package

from data.sample.generator.saas import make_saas  # noqa: E402
from data.sample.generator.truth import TRUTH  # noqa: E402
from kpi_lib import engine  # noqa: E402
from kpi_lib.alike import texts  # noqa: E402
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
ENGINE = "engine"
LARGEST = 12
PROCESSES = 2
KB_PER_GB = 1e6

Seconds = dict[str, float]


class Judge:
    """What a process keeps between KPIs: the open data and the candidates."""

    data: ClassVar[Dataset]
    all: ClassVar[Mapping[str, tuple[Kpi, KpiParams]]]
    opening: ClassVar[float] = 0.0
    queries: ClassVar[float] = 0.0


def begin(folder: Path, as_of: str) -> None:
    """Opens the data, once in each process."""
    for module, name in ((engine, "_from_text"), (engine, "keep_text"), (texts, "keep_text")):
        setattr(module, name, _counted(getattr(module, name)))
    used = time.process_time()
    Judge.data = open_dataset(folder, as_of=as_of)
    Judge.all = candidates(Judge.data)
    Judge.opening = time.process_time() - used


def _counted(ask: Callable[..., Any]) -> Callable[..., Any]:
    """What asks the engine, with its processor seconds added up."""

    def asked(*given: Any) -> Any:
        used = time.process_time()
        try:
            return ask(*given)
        finally:
            Judge.queries += time.process_time() - used

    return asked


def judged(name: str) -> tuple[str, Seconds]:
    """The KPI, with processor seconds of each test; `peak`: gigabytes of this process at most so far.

    `opening`: processor seconds of opening the data, told with the first KPI of a process. `engine`:
    those of queries, which are in the tests' too.
    """
    others = dict(Judge.all)
    kpi, params = others.pop(name)
    spent: Seconds = {"opening": Judge.opening}
    Judge.opening = Judge.queries = 0.0
    settings = settings_for(params, DEFAULTS)
    for test, find in tests_with(others).items():
        used = time.process_time()
        find(kpi, Judge.data, params, settings)
        spent[test] = time.process_time() - used
    return name, spent | {ENGINE: Judge.queries, "peak": _peak()}


def _peak() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / KB_PER_GB


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
    """Print a line per KPI as it comes, the sums, and where most of the time goes.

    The processor seconds in all come back.
    """
    began = time.perf_counter()
    print(f"{title}\n{'processor seconds':26}" + "".join(f"{n:>10}" for n in (*PARTS, ENGINE)))
    total: Counter[str] = Counter()
    each: Counter[str] = Counter()
    peak = 0.0
    for name, spent in rows:
        peak = max(peak, spent.pop("peak"))
        total.update(spent)
        each.update({f"{name} {part}": spent[part] for part in PARTS})
        _line(name, spent)
    _line("all", total)
    whole, clock = sum(total[part] for part in PARTS), time.perf_counter() - began
    print(
        f"{whole:.0f} processor seconds in all, {total[ENGINE]:.0f} of them in queries, "
        f"{clock:.0f} by the clock, up to {peak:.1f} GB"
    )
    for name, seconds in each.most_common(LARGEST):
        print(f"  {name:36}{seconds:8.1f} {seconds / whole:6.1%}")
    print()
    return whole


def _line(name: str, spent: Mapping[str, float]) -> None:
    print(f"{name:26}" + "".join(f"{spent[n]:10.1f}" for n in (*PARTS, ENGINE)), flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--scale", type=int, default=0, help="times larger than the sample")
    parser.add_argument("--folder", type=Path, help="a company made before, judged alone")
    parser.add_argument("--quarter", default="2026Q2")
    parser.add_argument("--only", default="", help="names, separated by commas")
    chosen = parser.parse_args()
    as_of = quarter_end(chosen.quarter, read_config(SAMPLE).quarter_starts_in).isoformat()
    able = candidates(open_dataset(SAMPLE, as_of=as_of))
    names = [name for name in able if not chosen.only or name in chosen.only.split(",")]
    if chosen.folder:
        show(str(chosen.folder), measured(chosen.folder, as_of, names))
        return
    small = show("sample", measured(SAMPLE, as_of, names))
    if not chosen.scale:
        return
    with tempfile.TemporaryDirectory() as folder:
        make_saas(Path(folder), scale=chosen.scale, seed=TRUTH.seed, effect=1.0)
        large = show(f"{chosen.scale} times the sample", measured(Path(folder), as_of, names))
    print(f"{large / small:.1f} times the processor seconds for {chosen.scale} times the accounts")


if __name__ == "__main__":
    main()
