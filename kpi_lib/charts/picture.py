"""A finished picture: what a notebook shows, stores and compares."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

from kpi_lib.charts.values import checksum, digest

VEGA_LITE = "application/vnd.vegalite.v5+json"
"""The one type that JupyterLab, Voila and the report draw without a network."""

_SCHEMA = "https://vega.github.io/schema/vega-lite/v5.6.1.json"


@dataclass(frozen=True)
class Picture:
    """A chart that shows itself as Vega-Lite 5 and, where that fails, as one line of text."""

    chart: Any

    @cached_property
    def spec(self) -> dict[str, Any]:
        """The Vega-Lite specification, its data inside, the same bytes on every run."""
        datasets: dict[str, list[dict[str, Any]]] = {}
        spec = _with_named_data(self.chart.to_dict(), datasets)
        return {**spec, "$schema": _SCHEMA, "datasets": datasets}

    @property
    def digest(self) -> str:
        """`picture: 8 rows x 5 columns, checksum 1a2b3c4d`, over the data as drawn."""
        return digest(self.spec["datasets"])

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, Any]:
        return {VEGA_LITE: self.spec, "text/plain": self.digest}

    def __repr__(self) -> str:
        return self.digest


def _with_named_data(part: Any, datasets: dict[str, list[dict[str, Any]]]) -> Any:
    """`part` of a specification with each inline data set moved to `datasets`, equal ones once."""
    if isinstance(part, list):
        return [_with_named_data(item, datasets) for item in part]
    if not isinstance(part, dict):
        return part
    if "values" in part and isinstance(part["values"], list) and set(part) <= {"values", "name"}:
        name = f"data_{checksum(part['values'])}"
        datasets[name] = part["values"]
        return {"name": name}
    return {
        key: _with_named_data(value, datasets) for key, value in part.items() if key != "datasets"
    }
