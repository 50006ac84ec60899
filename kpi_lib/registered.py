"""The registered parameters of a KPI: its file under `params`, and what a data set changes in it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kpi_lib import catalogue
from kpi_lib.composite import CompositeParams
from kpi_lib.kpi import Kpi, KpiParams

if TYPE_CHECKING:
    from kpi_lib.data import Dataset

PACKAGE = Path(__file__).resolve().parent


def registered(kpi: Kpi, data: Dataset, **run: Any) -> KpiParams:
    """The parameters of `kpi` on this data set, with the values of `run` on top.

    A data set may hold a file of its own, `params/<name>.yaml`, with the fields that differ. Raises
    pydantic's ValidationError for a value that `Params` refuses.
    """
    name = f"{kpi.name}.yaml"
    values = {**read(params_folder() / name), **read(data.folder / "params" / name), **run}
    return with_parts(kpi, kpi.Params.model_validate(values), data)


def with_parts(kpi: Kpi, params: KpiParams, data: Dataset) -> KpiParams:
    """The parameters of a composite with those registered for its parts laid under its own.

    They are written into `part_values`, so that a page and its record say what was used. The
    parameters of any other KPI come back as they are.
    """
    lines = [
        f"{name}.{field}: {json.dumps(value)}"
        for name in catalogue.parts_of(kpi.name)
        for field, value in _own(catalogue.get(name), data).items()
    ]
    if not isinstance(params, CompositeParams) or not lines:
        return params
    return params.model_copy(update={"part_values": (*lines, *params.part_values)})


def _own(part: Kpi, data: Dataset) -> dict[str, Any]:
    """What is registered for a part of its own parameters, where it is not the default."""
    values = registered(part, data).model_dump(mode="json")
    usual = part.Params().model_dump(mode="json")
    return {
        name: value
        for name, value in values.items()
        if name not in KpiParams.model_fields and value != usual[name]
    }


def params_folder(start: Path | None = None) -> Path:
    """The folder `params` of the project that holds `start` (the current folder), else the package's."""
    begin = (start or Path.cwd()).resolve()
    for folder in (begin, *begin.parents):
        if (folder / "notebooks").is_dir() and (folder / "params").is_dir():
            return folder / "params"
    return PACKAGE.parent / "params"


def read(path: Path) -> Mapping[str, Any]:
    """The values in a file of parameters; none where there is no file."""
    import yaml

    if not path.is_file():
        return {}
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # in C where there is one
    values = yaml.load(path.read_text(encoding="utf-8"), loader)
    return values if isinstance(values, dict) else {}
