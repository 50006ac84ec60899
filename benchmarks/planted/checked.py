"""Whether the quick way to a verdict finds what the whole machinery finds on the same company."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks.planted.cards import CARDS, PlantedParams, others_of
from benchmarks.planted.company import KINDS, Plan, simulate
from benchmarks.planted.judged import judges
from benchmarks.planted.written import write
from kpi_lib.data import open_dataset
from kpi_lib.evidence.finding import DEFAULTS, Finding
from kpi_lib.evidence.verdict import judge

QUICK = replace(DEFAULTS, draws=200, permutations=19, also_shown=())
TOLERANCE = 1e-9


def differences(plan: Plan, folder: Path, kinds: Sequence[str] = KINDS) -> list[str]:
    """What differs, one clause each; empty where every finding and verdict is the same.

    Compared are conclusion, sentence, reason and table of the five tests a verdict requires, and the
    suggestion, also of the way that leaves tests out. A figure may differ by 1e-9 of itself.
    """
    company = simulate(plan)
    write(company, folder)
    source = open_dataset(folder)
    (whole,) = judges([company], QUICK, whole=True)
    (lean,) = judges([company], QUICK)
    found = []
    for kind in kinds:
        slow = judge(CARDS[kind], source, PlantedParams(), QUICK, others_of(kind))
        for test, finding in whole.findings(kind).items():
            found += [f"{kind}, {test}: {what}" for what in _unlike(finding, slow.findings[test])]
        if lean.verdict(kind).suggestion != slow.suggestion:
            found.append(f"{kind}: {lean.verdict(kind).suggestion}, not {slow.suggestion}")
    return found


def _unlike(quick: Finding, slow: Finding) -> list[str]:
    said = [
        f"{name} {getattr(quick, name)!r}, not {getattr(slow, name)!r}"
        for name in ("passed", "headline", "reason")
        if getattr(quick, name) != getattr(slow, name)
    ]
    if list(quick.table.columns) != list(slow.table.columns) or len(quick.table) != len(slow.table):
        return [*said, f"another table: {list(quick.table)}, not {list(slow.table)}"]
    unlike = [name for name in quick.table if not _same(quick.table[name], slow.table[name])]
    return said + [f"column {name}" for name in unlike]


def _same(quick: pd.Series, slow: pd.Series) -> bool:
    if pd.api.types.is_float_dtype(quick) and pd.api.types.is_float_dtype(slow):
        sides = (side.to_numpy(dtype=np.float64) for side in (quick, slow))
        return bool(np.allclose(*sides, rtol=TOLERANCE, atol=TOLERANCE, equal_nan=True))
    return all(
        one == two
        or (pd.isna(one) and pd.isna(two))
        or (isinstance(one, float) and abs(one - two) < TOLERANCE)
        for one, two in zip(quick, slow, strict=True)
    )
