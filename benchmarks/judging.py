"""How long judging takes, test by test: all candidates on the sample and on a larger company.

    python benchmarks/judging.py --scale 84

Scale 84 is a company of 20,000 accounts and 11 million events, made by data/sample/make.py. Every KPI
is judged in a process of its own, as in a review, one after another; nothing is kept on disk. The
figures to read: processor seconds per test, and how many times longer the larger company takes than
the sample, beside how many times larger it is.
"""

from __future__ import annotations

import argparse
import multiprocessing
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))  # the maker of the samples is no installed package

from data.sample.generator.saas import make_saas  # noqa: E402
from data.sample.generator.truth import TRUTH  # noqa: E402
from kpi_lib.candidates import candidates  # noqa: E402
from kpi_lib.data import open_dataset  # noqa: E402
from kpi_lib.data.config import read_config  # noqa: E402
from kpi_lib.evidence.finding import DEFAULTS, settings_for  # noqa: E402
from kpi_lib.evidence.verdict import tests_with  # noqa: E402
from kpi_lib.periods import quarter_end  # noqa: E402

SAMPLE = ROOT / "data" / "sample" / "saas"
PARTS = ("opening", "readable", "leading", "robust", "honest", "distinct", "fitting", "clock")

Seconds = dict[str, float]


def judged(folder: Path, as_of: str, name: str) -> Seconds:
    """Processor seconds of opening the data and of each test; `clock`: seconds by the clock."""
    began, used = time.perf_counter(), time.process_time()
    data = open_dataset(folder, as_of=as_of)
    others = candidates(data)
    kpi, params = others.pop(name)
    spent: Seconds = {"opening": time.process_time() - used}
    settings = settings_for(params, DEFAULTS)
    for test, find in tests_with(others).items():
        used = time.process_time()
        find(kpi, data, params, settings)
        spent[test] = time.process_time() - used
    return spent | {"clock": time.perf_counter() - began}


def measured(folder: Path, as_of: str, names: Iterable[str]) -> Iterator[tuple[str, Seconds]]:
    """One KPI after another, each in a fresh process."""
    for name in names:
        with multiprocessing.get_context("spawn").Pool(1) as pool:
            yield name, pool.apply(judged, (folder, as_of, name))


def show(title: str, rows: Iterable[tuple[str, Seconds]]) -> Seconds:
    """Print a line per KPI as it comes and the sums, which come back."""
    print(f"{title}\n{'processor seconds':24}" + "".join(f"{part:>10}" for part in PARTS))
    total: Counter[str] = Counter()
    for name, spent in rows:
        total.update(spent)
        _line(name, spent)
    _line("all", total)
    return dict(total)


def _line(name: str, spent: Seconds) -> None:
    print(f"{name:24}" + "".join(f"{spent[part]:10.1f}" for part in PARTS), flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--scale", type=int, default=84, help="times larger than the sample")
    parser.add_argument("--quarter", default="2026Q2")
    parser.add_argument("--only", default="", help="names, separated by commas")
    chosen = parser.parse_args()
    as_of = quarter_end(chosen.quarter, read_config(SAMPLE).quarter_starts_in).isoformat()
    able = candidates(open_dataset(SAMPLE, as_of=as_of))
    names = [name for name in able if not chosen.only or name in chosen.only.split(",")]
    small = show("sample", measured(SAMPLE, as_of, names))
    with tempfile.TemporaryDirectory() as folder:
        make_saas(Path(folder), scale=chosen.scale, seed=TRUTH.seed, effect=1.0)
        large = show(f"{chosen.scale} times the sample", measured(Path(folder), as_of, names))
    ratio = sum(large[p] for p in PARTS[:-1]) / sum(small[p] for p in PARTS[:-1])
    print(
        f"larger company / sample: {ratio:.1f} times the processor time, {chosen.scale} times the accounts"
    )


if __name__ == "__main__":
    main()
