"""The limit: the code cells of the notebooks as plain Python, in two processes, no notebook anywhere.

python benchmarks/plain.py notebooks '{"dataset": "data/sample/saas"}' start_here time_to_value ...
"""

from __future__ import annotations

import contextlib
import json
import multiprocessing
import os
import sys
from pathlib import Path
from typing import Any

AT_ONCE = 2


def run_cells(path: Path, values: dict[str, Any]) -> str:
    """The notebook's name, once its code cells have run in one namespace; `values` are set after
    its parameters cell."""
    namespace: dict[str, Any] = {"__name__": "__main__"}
    for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
        if cell["cell_type"] != "code":
            continue
        exec(compile("".join(cell["source"]), path.stem, "exec"), namespace)
        if "parameters" in cell["metadata"].get("tags", []):
            namespace |= {name: value for name, value in values.items() if name in namespace}
    return path.stem


def silent(path: Path, values: dict[str, Any]) -> str:
    """The same, with everything printed thrown away."""
    sys.modules.setdefault("rfc3987_syntax", None)  # type: ignore[arg-type]  # as in our own processes
    os.chdir(path.parent)
    with Path(os.devnull).open("w") as nowhere, contextlib.redirect_stdout(nowhere):
        return run_cells(path, values)


def main() -> None:
    folder, values, names = Path(sys.argv[1]).resolve(), json.loads(sys.argv[2]), sys.argv[3:]
    jobs = [(folder / f"{name}.ipynb", values) for name in names]
    with multiprocessing.get_context("spawn").Pool(AT_ONCE) as pool:
        pool.starmap(silent, jobs, chunksize=1)


if __name__ == "__main__":
    main()
