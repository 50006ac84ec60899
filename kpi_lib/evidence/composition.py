"""What the last change is made of: another mix of segments, and accounts that left or came."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from kpi_lib.kpi import Kpi, KpiParams
from kpi_lib.measure import Cell, Outline, outline, reduce_by, reduced_by_period, rows_of
from kpi_lib.schema import Tables
from kpi_lib.stats import Mean, Proportion
from kpi_lib.stats.mix import mix_and_rate
from kpi_lib.stats.resamples import points_of
from kpi_lib.wording import format_signed, known

if TYPE_CHECKING:
    import pandas as pd

AVERAGES = (Mean, Proportion)
"""Estimators of which an account that leaves or comes moves the figure without any change in it."""

WEIGHTS = ("weight_sum", "n")
"""Columns of reduced rows that may weigh the segments: a ratio's denominator, else the units."""


@dataclass(frozen=True)
class Composition:
    """The change from the period before to the headline, taken apart, in the unit of the KPI.

    `from_mix` + `from_rate` = `change` (Kitagawa, over segments), None where the figure is no
    weighted mean of its segments, as a median is not. `from_left` + `from_stayed` + `from_joined` =
    `change`, by accounts, None where the figure is no average of accounts that are seen in both.
    """

    change: float
    segment: str = ""
    from_mix: float | None = None
    from_rate: float | None = None
    from_left: float | None = None
    from_stayed: float | None = None
    from_joined: float | None = None


def composition(kpi: Kpi, tables: Tables, params: KpiParams) -> Composition | None:
    """The last change taken apart; None where there is none to take apart."""
    segment = params.segment or _usual_segment(kpi, tables)
    asked = params.model_copy(update={"segment": segment})
    measured = outline(kpi, tables, asked)
    earlier, later = measured.previous, measured.headline
    if earlier is None or earlier.value is None or later.value is None:
        return None
    mix = _by_segment(measured, tables, earlier, later) if segment else {}
    is_average = kpi.paired and isinstance(measured.estimator, AVERAGES)
    moved = _by_account(measured, tables, earlier, later) if is_average else {}
    return Composition(later.value - earlier.value, segment, **mix, **moved)


def _usual_segment(kpi: Kpi, tables: Tables) -> str:
    if "accounts" in tables and "segment" in tables["accounts"].columns:
        return "segment"
    return kpi.segments[0] if kpi.segments else ""


def _by_segment(measured: Outline, tables: Tables, earlier: Cell, later: Cell) -> dict[str, float]:
    """Mix and rate, where weights are found under which the segments add up to the whole."""
    without = reduced_by_period(measured.kpi, tables, measured.params)
    if not set(WEIGHTS) & set(without.columns):
        return {}
    observations = measured.kpi.observed(tables, measured.params)
    by = ["segment", "period"]
    rows = rows_of(reduce_by(measured.estimator, observations, by), [earlier.start, later.start])
    cells = points_of(measured.estimator, rows, by, measured.params.level)
    for name in WEIGHTS:
        weighed = _weighed(cells, rows, by, name)
        if weighed is not None and _adds_up(weighed, (earlier, later)):
            sides = {earlier.start: "earlier", later.start: "later"}
            halves = weighed.assign(half=weighed["period"].map(sides))
            found = mix_and_rate(
                halves, "segment", "half", ("earlier", "later"), count="of", rate="value"
            )
            return {name: float(found[name].sum()) for name in ("from_mix", "from_rate")}
    return {}


def _weighed(
    cells: pd.DataFrame, rows: pd.DataFrame, by: list[str], name: str
) -> pd.DataFrame | None:
    """The cells with their weight `of`; None where there is no such column."""
    if name not in rows.columns:
        return None
    weights = rows.groupby(by)[name].sum().rename("of").reset_index()
    return cells[[*by, "value"]].merge(weights, on=by).query("of > 0")


def _adds_up(weighed: pd.DataFrame, wholes: tuple[Cell, Cell]) -> bool:
    for whole in wholes:
        rows = weighed[weighed["period"] == whole.start]
        if rows.empty or rows["value"].isna().any():
            return False
        mean = float(np.average(rows["value"].astype("float64"), weights=rows["of"]))
        if not np.isclose(mean, whole.value or 0.0, rtol=1e-9, atol=1e-12):
            return False
    return True


def _by_account(measured: Outline, tables: Tables, earlier: Cell, later: Cell) -> dict[str, float]:
    """The change among accounts seen in both periods, and what leaving and coming did to it."""
    observations = measured.kpi.observed(tables, measured.params)
    days = [earlier.start, later.start]
    rows = observations.filter(observations["period"].isin(days), observations["value"].notnull())
    seen = rows.group_by(of=rows["account_id"]).aggregate(times=rows["period"].nunique())
    stayed = seen.filter(seen["times"] == len(days))
    kept = rows.filter(rows["account_id"].isin(stayed["of"]))
    reduced = reduce_by(measured.estimator, kept, ["period"])
    cells = points_of(measured.estimator, reduced, ["period"], measured.params.level)
    values = {day: known(value) for day, value in zip(cells["period"], cells["value"], strict=True)}
    before, after = (values.get(day) for day in days)
    if before is None or after is None or earlier.value is None or later.value is None:
        return {}
    return {
        "from_left": before - earlier.value,
        "from_stayed": after - before,
        "from_joined": later.value - after,
    }


def sentences(found: Composition | None, kpi: Kpi, currency: str) -> list[str]:
    """What the change is made of, one plain sentence for each way to take it apart."""
    if found is None:
        return []

    def size(value: float | None) -> Any:
        return format_signed(value, kpi.unit, currency)

    said = []
    if found.from_mix is not None:
        said.append(
            f"Of the last change of {size(found.change)}, {size(found.from_mix)} comes from another "
            f"mix by {found.segment.replace('_', ' ')} and {size(found.from_rate)} from within."
        )
    if found.from_stayed is not None:
        said.append(
            f"Among the accounts seen in both periods the change is {size(found.from_stayed)}; "
            f"those who left account for {size(found.from_left)}, those who came for "
            f"{size(found.from_joined)}."
        )
    return said
