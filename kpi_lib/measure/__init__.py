"""The figure of any KPI: its trend, the newest complete period, the change, and who is behind it.

Everything here is a function of a card and of the tables as known on one day; none knows a
particular KPI. Observations stay in the engine, only counts and sums per period come back.
"""

from kpi_lib.measure.cells import (
    HALF,
    Cell,
    cell_of,
    estimates_of,
    headline_position,
    periods_of,
    placed,
    points_apart,
    reduce_by,
    reduced_by_period,
    rows_of,
    trend_of,
    with_dates,
)
from kpi_lib.measure.figure import (
    Measurement,
    Outline,
    Valued,
    cannot_tell,
    measure,
    measured_on,
    outline,
    pool_value,
    pooled,
    pooled_positions,
)
from kpi_lib.measure.lists import behind, by_segment, part, part_of

__all__ = [
    "HALF",
    "Cell",
    "Measurement",
    "Outline",
    "Valued",
    "behind",
    "by_segment",
    "cannot_tell",
    "cell_of",
    "estimates_of",
    "headline_position",
    "measure",
    "measured_on",
    "outline",
    "part",
    "part_of",
    "periods_of",
    "placed",
    "points_apart",
    "pool_value",
    "pooled",
    "pooled_positions",
    "reduce_by",
    "reduced_by_period",
    "rows_of",
    "trend_of",
    "with_dates",
]
