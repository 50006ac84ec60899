"""The card of a figure made of several KPIs, and the parameters that all such figures have."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from kpi_lib.kpi import Better, Cadence, Family, KpiParams, Role, Unit, parameter
from kpi_lib.stats.distributions import Floats

Figures = Mapping[str, Floats]
"""Numbers by name, each an array: one place for the point, or one for each draw."""

Combine = Callable[[Figures], "Floats | Figures"]

Settings = Callable[[Any], Mapping[str, Mapping[str, Any]]]


class CompositeParams(KpiParams):
    """Parameters every composite has besides those of every KPI. Subclasses add its own."""

    window_periods: int = parameter(
        1,
        ge=1,
        le=24,
        unit="periods",
        meaning="how many periods of a part that counts cases are taken together; stocks are as "
        "they stand",
    )
    threshold: float | None = parameter(
        None, meaning="value whose chance of being passed is told, or empty"
    )
    part_values: tuple[str, ...] = parameter(
        (),
        meaning="parameters of the parts other than registered, as acquisition_cost.sales_months: 9",
    )


def _as_registered(params: Any) -> Mapping[str, Mapping[str, Any]]:
    """No parameter of a part follows from those of the composite."""
    del params
    return {}


@dataclass(frozen=True, kw_only=True)
class Composite:
    """The card of a figure made of several KPIs. The catalogue makes a `Kpi` of it.

    `combine(values)` gets one array per part and gives the figure, or several by name, the headline
    first. It is pure arithmetic, place by place, so that it holds for the point as for each draw.
    """

    name: str
    title: str
    question: str
    unit: Unit
    better: Better
    cadence: Cadence
    owner: str
    family: Family
    source: str
    formula: str
    """Markdown: the formula, then each symbol with its unit."""
    Params: type[CompositeParams]
    parts: tuple[str, ...]
    """Names of KPIs, or of other composites."""
    combine: Combine
    settings: Settings = _as_registered
    """Fields of the parts' parameters that follow from its own: part -> field -> value."""
    also: Mapping[str, Unit] = field(default_factory=dict)
    """Further figures that `combine` gives besides the headline, with their units."""
    role: Role = Role.OUTCOME
    noun: str = ""
    """What is counted, in the part with the fewest; default: case."""
    cheap_moves: Mapping[str, str] = field(default_factory=dict)
    """Cheap moves of the parts that move this figure too, and what gives each away here."""
    cautions: tuple[str, ...] = ()
    okr: str = ""
    okr_target: Callable[[Any, float], float] | None = None
    references: tuple[str, ...] = ()
