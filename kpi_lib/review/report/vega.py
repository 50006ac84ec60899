"""The drawing library of the notebook pages: Vega as one local script, made once and kept."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

from kpi_lib.review.report.files import write_whole

VEGA_LITE = "6.4"
"""The version that fits the Vega of the same script; it draws our Vega-Lite 5 charts the same."""

_SNIPPET = "window.vegaEmbed = vegaEmbed;"


def cache_path() -> Path:
    """Where the script is kept: in the user's cache, named by the version that made it."""
    home = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    made_by = version("vl-convert-python")
    return home / "kpi-workbook" / f"vega-lite-{VEGA_LITE}-by-{made_by}.js"


def bundle() -> str:
    """The script that defines `vegaEmbed`: .9 MB. Making it takes some 3 s, reading it 2 ms."""
    path = cache_path()
    try:
        return path.read_text(encoding="utf-8")
    except OSError:
        return _make(path)


def _make(path: Path) -> str:
    import vl_convert  # late: only the first report on a machine needs it

    script = str(vl_convert.javascript_bundle(_SNIPPET, vl_version=VEGA_LITE))
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, script)
    except OSError as error:
        print(f"kpi: the chart library could not be kept in {path}: {error}", file=sys.stderr)
    return script


def prepare() -> subprocess.Popen[bytes] | None:
    """A process that makes the script while other work goes on, or None when it is there.

    A process and not a thread: making the script holds the interpreter for seconds.
    """
    if cache_path().exists():
        return None
    return subprocess.Popen([sys.executable, "-m", "kpi_lib.review.report.vega"])


if __name__ == "__main__":
    bundle()
