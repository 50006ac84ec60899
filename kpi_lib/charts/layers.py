"""What a finished picture holds: a chart's drawing, or several over one another.

These are the types of the Vega-Lite schema. A chart of altair's is easier to build, but it copies all
it holds whenever it is put somewhere, and looks into its data for types that are written out here.
"""

from __future__ import annotations

from typing import Any

from kpi_lib.charts.theme import alt


def alone(chart: Any) -> Any:
    """What a chart draws; layers and facets as they are."""
    return _unit(chart) if isinstance(chart, alt.Chart) else chart


def layered(*parts: Any, **size: Any) -> Any:
    """The parts (charts or layers) over one another, their data written once where all draw the same."""
    data = parts[0].data
    shared = data is not alt.Undefined and all(part.data is data for part in parts)
    above = {"data": data} if shared else {}
    layer = [_unit(one, *above) if isinstance(one, alt.Chart) else one for one in parts]
    return alt.LayerSpec(layer=layer, **above, **size)


def _unit(chart: Any, *without: str) -> Any:
    held = {name: chart[name] for name in ("data", "mark", "encoding", "transform")}
    return alt.UnitSpec(**{name: one for name, one in held.items() if name not in without})
