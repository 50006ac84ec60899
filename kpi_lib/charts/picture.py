"""A finished picture: what a notebook shows, stores and compares."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from kpi_lib.charts.layers import alone
from kpi_lib.charts.theme import CONFIG, HEIGHT, WIDTH, alt
from kpi_lib.charts.values import Rows, checksum, digest, rounded

VEGA_LITE = "application/vnd.vegalite.v5+json"
"""The one type that JupyterLab, Voila and the report draw without a network."""

_SCHEMA = "https://vega.github.io/schema/vega-lite/v5.6.1.json"


@dataclass(frozen=True)
class Picture:
    """A chart that shows itself as Vega-Lite 5 and, where that fails, as one line of text.

    `setting` holds what stands around the chart: title, size, theme.
    """

    chart: Any
    setting: Mapping[str, Any] = field(default_factory=dict)

    @cached_property
    def spec(self) -> dict[str, Any]:
        """The Vega-Lite specification, its data inside, the same bytes on every run."""
        datasets: dict[str, list[dict[str, Any]]] = {}
        with alt.utils.schemapi.debug_mode(False):
            made = alone(self.chart).to_dict(validate=False)
        spec = _with_named_data(made, datasets)
        return {**spec, **self.setting, "$schema": _SCHEMA, "datasets": datasets}

    @property
    def digest(self) -> str:
        """`picture: 8 rows x 5 columns, checksum 1a2b3c4d`, over the data as drawn."""
        return digest(self.spec["datasets"])

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, Any]:
        return {VEGA_LITE: self.spec, "text/plain": self.digest}

    def __repr__(self) -> str:
        return self.digest


def finished(
    chart: Any, title: str, subtitle: str | list[str] = "", height: int | None = HEIGHT
) -> Picture:
    """`chart` with its title, the theme and a size; a `height` of None leaves sizes alone (facets).

    The width is that of a page in JupyterLab, where a width that follows the page never settles. The
    report's pages make charts that fit (autosize fit-x) as wide as they are.
    """
    lines = [subtitle] if isinstance(subtitle, str) else subtitle
    heading = {"text": title, "subtitle": lines} if any(lines) else {"text": title}
    setting: dict[str, Any] = {"title": heading, "config": CONFIG}
    if height is not None:
        fit = {"type": "fit-x", "contains": "padding"}
        setting |= {"width": WIDTH, "height": height, "autosize": fit}
    return Picture(chart, setting)


def _with_named_data(part: Any, datasets: dict[str, list[dict[str, Any]]]) -> Any:
    """`part` of a specification with each inline data set moved to `datasets`, equal ones once.

    What else is computed (the ends of a scale) is rounded as the data are.
    """
    if isinstance(part, list):
        return [_with_named_data(item, datasets) for item in part]
    if isinstance(part, float):
        return rounded(part)
    if not isinstance(part, dict):
        return part
    held = part.get("values")
    if isinstance(held, Rows):
        name = f"data_{checksum(held.values)}"
        datasets[name] = held.values
        return {"name": name}
    return {key: _with_named_data(value, datasets) for key, value in part.items()}
