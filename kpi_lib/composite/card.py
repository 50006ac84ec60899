"""The card of a figure made of several KPIs, and the parameters that all such figures have."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import ibis.expr.types as ir

from kpi_lib.kpi import (
    Better,
    Cadence,
    CheapMove,
    Family,
    FitRule,
    Kpi,
    KpiParams,
    Role,
    Unit,
    parameter,
)
from kpi_lib.schema import Tables
from kpi_lib.stats.distributions import Floats

if TYPE_CHECKING:
    import pandas as pd

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
class Beside:
    """Figures of others that stand beside each part, from a table of their own.

    The composite then combines the gaps between each part and them. A part whose tables are not
    there, or beside which nothing stands in a period, is left out of that period.
    """

    needs: Mapping[str, tuple[str, ...]]
    figures: Callable[[Tables, Kpi, KpiParams, Any], ir.Table]
    """From a part, its parameters and the composite's: unit_id, of (whose), period, value, error; one
    row per `of` and period."""
    left_out: Callable[[Tables, Mapping[str, tuple[Kpi, KpiParams]], Any], pd.DataFrame]
    """The figures that may not stand beside any part: kpi, of, period, value, definition, source,
    reason."""
    gap: Callable[[Kpi, Floats, Floats], Floats]
    """How far ours lie behind theirs, place by place, in the unit of the composite."""
    whose: str
    """What a figure's owner is called: competitor."""
    cheap_moves: tuple[CheapMove, ...] = ()
    fit_rules: tuple[FitRule, ...] = ()


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
    beside: Beside | None = None
    """What each part is compared with; then `combine` gets the gaps, null where there is none."""
    role: Role = Role.OUTCOME
    noun: str = ""
    """What is counted, in the part with the fewest; default: case."""
    cheap_moves: Mapping[str, str] = field(default_factory=dict)
    """Cheap moves of the parts that move this figure too, and what gives each away here."""
    cautions: tuple[str, ...] = ()
    okr: str = ""
    okr_target: Callable[[Any, float], float] | None = None
    references: tuple[str, ...] = ()
