"""What the warm process imports before it forks kernels."""

from __future__ import annotations

import importlib
import sys
import traceback
from pathlib import Path

import kpi_lib

LIBRARIES = (
    "IPython.core.completerlib",
    "IPython.core.debugger",
    "IPython.core.logger",
    "IPython.core.oinspect",
    "IPython.extensions.storemagic",
    "ipykernel.kernelapp",
    "ipykernel.ipkernel",
    "ipykernel.debugger",
    "pdb",
    "sqlite3",
    "tornado.platform.asyncio",
    "altair",
    "charset_normalizer",
    "duckdb",
    "ibis.backends.duckdb",
    "ibis.backends.duckdb.converter",
    "ibis.expr.types.groupby",
    "ipywidgets",
    "narwhals._interchange.dataframe",
    "pandas",
    "pyarrow.dataset",
    "pyarrow.pandas_compat",
    "pydantic",
    "scipy.optimize",
    "scipy.special",
)
FOR_EVIDENCE = ("scipy.stats",)
_NEVER = ("kpi_lib.review", "kpi_lib.cli")
"""Parts of the package that no notebook imports."""


def preload(evidence: bool = True) -> None:
    """Import what notebooks need; what only the evidence needs can be left out (2 s).

    What fails to import here (not installed, or being edited) is left to the notebook that needs
    it, which then shows the error.
    """
    # jsonschema builds 35 parsers of this optional library on import: 2 s that nothing here uses.
    sys.modules.setdefault("rfc3987_syntax", None)  # type: ignore[arg-type]  # None blocks the import
    # Containers often forbid bytecode, and then all of this package is compiled anew on every start.
    forbidden, sys.dont_write_bytecode = sys.dont_write_bytecode, False
    for name in (*LIBRARIES, *(FOR_EVIDENCE if evidence else ()), *_own_modules(evidence)):
        try:
            importlib.import_module(name)
        except Exception:  # anything can happen in a module that is being edited
            traceback.print_exc()
    sys.dont_write_bytecode = forbidden
    import pandas as pd

    pd.set_option("display.max_columns", 20)  # what pandas chooses inside a notebook


def _own_modules(evidence: bool) -> list[str]:
    """The modules of this package that notebooks may import."""
    left_out = _NEVER if evidence else (*_NEVER, "kpi_lib.evidence")
    found = []
    for folder in kpi_lib.__path__:
        for file in sorted(Path(folder).rglob("*.py")):
            parts = file.relative_to(folder).with_suffix("").parts
            name = ".".join(("kpi_lib", *parts)).removesuffix(".__init__")
            if not any(name == one or name.startswith(one + ".") for one in left_out):
                found.append(name)
    return found
