"""A workbook that puts candidate KPIs on trial: the face that a notebook sees."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from kpi_lib.data import open_dataset as open_dataset
    from kpi_lib.experiment import start as start
    from kpi_lib.overview import begin as begin
    from kpi_lib.results import record as record
    from kpi_lib.verbs import draw as draw
    from kpi_lib.verbs import say as say
    from kpi_lib.verbs import show as show

_FACE = {
    "begin": "kpi_lib.overview",
    "draw": "kpi_lib.verbs",
    "open_dataset": "kpi_lib.data",
    "record": "kpi_lib.results",
    "say": "kpi_lib.verbs",
    "show": "kpi_lib.verbs",
    "start": "kpi_lib.experiment",
}


def __getattr__(name: str) -> Any:
    """The named part of the face, imported when it is first asked for."""
    if name not in _FACE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_FACE[name]), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *_FACE])
