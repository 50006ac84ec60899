"""What was found about a KPI, kept on disk, so that a review judges each candidate once.

The notebook of a KPI and the comparison of all candidates ask for the same findings, which take
seconds of computing. While the environment variable `KPI_JUDGED` names a folder, whoever judges first
leaves the findings there. They stand under a hash of all that makes them: the files of the data set
as they were opened, the KPI's parameters and the day, those of the other candidates, the settings, this package's code, and the
libraries that compute. Without the variable, for databases (whose rows nobody can pin down), and
while code or files are being edited, everything is judged anew.
"""

from __future__ import annotations

import hashlib
import pickle
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from importlib.metadata import version
from pathlib import Path

from kpi_lib import judged
from kpi_lib.caching import keep, make_room
from kpi_lib.evidence.finding import (
    DEFAULTS,
    NO_OTHERS,
    Finding,
    Others,
    Settings,
    day_of,
    settings_for,
)
from kpi_lib.evidence.verdict import Verdict, concluded, findings_of
from kpi_lib.kpi import Kpi, KpiParams, Source

MOST = 500
"""Findings kept above which the oldest half goes."""

_PACKAGE = Path(__file__).resolve().parents[1]
_NOT_ASKED = ("review", "cli.py")
"""Parts of the package that run notebooks, and cannot change what is found."""
_LIBRARIES = ("duckdb", "ibis-framework", "numpy", "pandas", "pyarrow", "scipy")
_SETTLED = 60.0
"""Seconds that the code must have been left alone before it was imported: what was edited while
it was read may not be what the files say now."""

Findings = Mapping[str, Finding]


def judge_once(
    kpi: Kpi,
    source: Source,
    params: KpiParams,
    settings: Settings = DEFAULTS,
    others: Others = NO_OTHERS,
) -> Verdict:
    """As `verdict.judge` for a card of the catalogue, from findings kept earlier where there are any."""
    own = settings_for(params, settings)
    found = kept(
        lambda: _place(kpi, source, params, own, others),
        lambda: findings_of(kpi, source, params, own, others),
    )
    return concluded(kpi, found)


def kept(place: Callable[[], Path | None], find: Callable[[], Findings]) -> Findings:
    """What is kept at a place, else what `find` gives; kept only if the place is still the same then."""
    file = place()
    if file is None:
        return find()
    with suppress(Exception):  # missing or damaged, and then found anew
        findings: Findings = pickle.loads(file.read_bytes())
        return findings
    found = find()
    if place() == file:
        _keep(file, found)
    return found


def _place(
    kpi: Kpi, source: Source, params: KpiParams, settings: Settings, others: Others
) -> Path | None:
    """The file of just these findings; None where nothing can be kept."""
    folder = judged.folder()
    if folder is None:
        return None
    code, data = _code(), getattr(source, "files_fingerprint", str)()
    if not (data and code and code == _IMPORTED):
        return None
    values = [(name, _values(its)) for name, (_, its) in sorted(others.items())]
    asked = (kpi.name, _values(params), values, day_of(source, params), settings)
    mark = hashlib.sha256(repr((data, asked, sys.version, *_versions())).encode()).hexdigest()[:32]
    return folder / code[:16] / f"{kpi.name}-{mark}.pickle"


def _values(params: KpiParams) -> str:
    """The parameters in one text, wherever the data set lies."""
    return params.model_dump_json(exclude={"dataset"})


def _versions() -> Iterator[str]:
    return (version(name) for name in _LIBRARIES)


def _code() -> str:
    """A hash of the code that finds; "" where it changed shortly before this process read it."""
    digest = hashlib.sha256()
    for file in sorted(_PACKAGE.rglob("*.py")):
        name = file.relative_to(_PACKAGE)
        if name.parts[0] in _NOT_ASKED:
            continue
        if file.stat().st_mtime > _BEGAN - _SETTLED:
            return ""
        digest.update(f"{name} ".encode() + hashlib.sha256(file.read_bytes()).digest())
    return digest.hexdigest()


_BEGAN = time.time()
_IMPORTED = _code()
"""The code as this process has it."""


def _keep(file: Path, found: Findings) -> None:
    """Keep findings; where that is not allowed they are found anew."""
    folder = file.parent
    with suppress(OSError):
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        make_room(folder, folder.parent.iterdir(), MOST)
        keep(file, pickle.dumps(found))
