"""Test 1, readable: could we see a change at our size?"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

import ibis

from kpi_lib.engine import run
from kpi_lib.evidence.finding import DEFAULTS, Finding, Settings, cannot_tell, tables_of
from kpi_lib.evidence.once import once
from kpi_lib.evidence.waiting import enough_on
from kpi_lib.kpi import Difference, Kpi, KpiParams, Source
from kpi_lib.measure import Cell, Measurement, measure, pool_value, pooled_positions, rows_of
from kpi_lib.periods import PeriodName
from kpi_lib.schema import Tables
from kpi_lib.sentence import is_distinguishable, noun_of
from kpi_lib.stats import Mean, Proportion
from kpi_lib.stats.noise import noise_share
from kpi_lib.wording import format_change, format_count

if TYPE_CHECKING:
    import pandas as pd

TEST = "readable"
PERIODS_A_YEAR: Mapping[PeriodName, float] = {"week": 365.25 / 7, "month": 12.0, "quarter": 4.0}


@dataclass(frozen=True)
class Comparison:
    """Two neighbouring stretches of `count` periods each, and the change between them.

    Stretches of several periods have a value, and no interval of their own.
    """

    count: int
    earlier: Cell
    later: Cell
    change: Difference


@once
def readable(kpi: Kpi, source: Source, params: KpiParams, settings: Settings = DEFAULTS) -> Finding:
    """Whether the interesting change is at least the smallest visible one at `compare_periods`.

    Smallest visible: the true change found with the settings' power at two-sided `alpha`. The
    table has one row per pooling: periods_pooled, earlier, later, n_earlier, n_later, change, low,
    high, smallest_visible, is_readable, method, reason. Cohorts are compared as independent
    samples, stocks as the same accounts seen twice.
    """
    tables = tables_of(source, params)
    measured = measure(kpi, tables, asked_of(params, settings))
    compared = [compare(measured, tables, count, settings) for count in poolings(settings)]
    return found_in(measured, compared, settings)


def asked_of(params: KpiParams, settings: Settings) -> KpiParams:
    """The parameters under which this test measures: enough periods for its longest comparison."""
    longest = 2 * max(poolings(settings))
    fixed = {"level": settings.level, "power": settings.power}
    return params.model_copy(update={"periods": max(params.periods, longest), **fixed})


def found_in(
    measured: Measurement, compared: Sequence[Comparison | None], settings: Settings = DEFAULTS
) -> Finding:
    """The finding on a measurement and its comparisons, one for each of `poolings`."""
    table = _table(measured, [row for row in compared if row is not None])
    numbers = _numbers(measured, compared[0], settings)
    return _judged(measured, table, numbers, compared[0], settings)


def poolings(settings: Settings) -> list[int]:
    """How many periods are pooled: the deciding number first, then those shown beside it."""
    return list(dict.fromkeys([settings.compare_periods, *settings.also_shown]))


def compare(
    measured: Measurement, tables: Tables, count: int, settings: Settings
) -> Comparison | None:
    """The last `count` periods against the `count` before them; None where the trend is too short."""
    if count == 1:
        last, before = measured.headline, measured.previous
        return None if before is None else Comparison(count, before, last, measured.change)
    later, earlier = (pool_value(measured, count, back) for back in (0, count))
    if later is None or earlier is None:
        return None
    if measured.kpi.paired:
        change = _paired_change(measured, tables, count, settings)
    else:
        rows = [_pool_rows(measured, count, back) for back in (count, 0)]
        change = measured.estimator.difference(
            rows[0], rows[1], level=settings.level, power=settings.power
        )
    return Comparison(count, earlier, later, change)


def _pool_rows(measured: Measurement, count: int, back: int) -> pd.DataFrame:
    positions = pooled_positions(measured, count, back) or []
    return rows_of(measured.reduced, list(measured.trend["period"].iloc[positions]))


def _paired_change(
    measured: Measurement, tables: Tables, count: int, settings: Settings
) -> Difference:
    """The same accounts in two pools: their periods are renamed to the first day of the pool.

    A share over several periods is the mean of its zeros and ones, with accounts as clusters.
    """
    observations = measured.kpi.observed(tables, measured.params)
    starts = measured.trend["period"]
    first, second = (pooled_positions(measured, count, back) or [] for back in (count, 0))
    pools = [(starts.iloc[position], starts.iloc[first[0]]) for position in first]
    pools += [(starts.iloc[position], starts.iloc[second[0]]) for position in second]
    branches = [(observations["period"] == day, ibis.literal(pool)) for day, pool in pools]
    renamed = observations.mutate(period=ibis.cases(*branches, else_=ibis.null("date")))
    estimator = Mean() if isinstance(measured.estimator, Proportion) else measured.estimator
    reduced = estimator.reduce_pairs(renamed, starts.iloc[first[0]], starts.iloc[second[0]])
    return estimator.paired_difference(run(reduced), level=settings.level, power=settings.power)


def _table(measured: Measurement, compared: list[Comparison]) -> pd.DataFrame:
    import pandas as pd

    interesting = measured.params.interesting_change
    return pd.DataFrame(
        [
            {
                "periods_pooled": row.count,
                "earlier": row.earlier.label,
                "later": row.later.label,
                "n_earlier": row.earlier.n,
                "n_later": row.later.n,
                "change": row.change.value,
                "low": row.change.low,
                "high": row.change.high,
                "smallest_visible": row.change.smallest_visible,
                "is_readable": _is_readable(row.change, interesting),
                "method": row.change.method,
                "reason": row.change.reason,
            }
            for row in compared
        ]
    )


def _is_readable(change: Difference, interesting: float) -> bool | None:
    if not interesting or change.smallest_visible is None:
        return None
    return interesting >= change.smallest_visible


def _numbers(
    measured: Measurement, decided: Comparison | None, settings: Settings
) -> dict[str, Any]:
    headline, interesting = measured.headline, measured.params.interesting_change
    needed = _units_needed(measured, settings)
    intake = float(measured.trend.loc[~measured.trend["is_open"], "n"].mean())
    signals = measured.trend.loc[measured.trend["is_signal"], "label"]
    change = decided.change if decided else None
    closed = measured.trend[~measured.trend["is_open"]]
    return {
        "value": headline.value,
        "low": headline.low,
        "high": headline.high,
        "standard_error": headline.standard_error,
        "n": headline.n,
        "interesting_change": interesting,
        "smallest_visible": change.smallest_visible if change else None,
        "change_is_distinguishable": is_distinguishable(change, settings.level) if change else None,
        "units_needed": needed,
        "units_per_period": intake if math.isfinite(intake) else 0.0,
        "periods_needed": _periods_needed(measured.kpi, needed, intake),
        "enough_on": _enough_on(measured, needed, intake),
        "noise_share": noise_share(closed["value"], closed["standard_error"]),
        "signals": list(signals),
    }


def _units_needed(measured: Measurement, settings: Settings) -> int | None:
    """Units in each of the two samples that make the interesting change visible."""
    interesting = measured.params.interesting_change
    rows = rows_of(measured.reduced, [measured.headline.start])
    if not interesting or rows.empty or measured.headline.n == 0:
        return None
    return measured.estimator.units_needed(
        rows, interesting, level=settings.level, power=settings.power
    )


def _periods_needed(kpi: Kpi, needed: int | None, intake: float) -> int | None:
    """Periods of the present intake that bring so many units; a stock does not fill up."""
    if kpi.paired or needed is None or not intake > 0:
        return None
    return math.ceil(needed / intake)


def _enough_on(measured: Measurement, needed: int | None, intake: float) -> date | None:
    """The day by which two samples of so many units are in, one of them after the last day known.

    Those of the periods shown count for the earlier sample. None for a stock, and without intake.
    """
    if measured.kpi.paired or needed is None:
        return None
    known = float(measured.trend.loc[~measured.trend["is_open"], "n"].sum())
    missing = needed + max(0.0, needed - known)
    per_year = intake * PERIODS_A_YEAR[measured.params.period]
    return enough_on(measured.as_of, missing, per_year)


def _judged(
    measured: Measurement,
    table: pd.DataFrame,
    numbers: dict[str, Any],
    decided: Comparison | None,
    settings: Settings,
) -> Finding:
    visible, interesting = numbers["smallest_visible"], measured.params.interesting_change
    if decided is None:
        return cannot_tell(TEST, "there are too few periods to compare", table, numbers)
    if visible is None:
        reason = decided.change.reason or "the change between the last two periods cannot be told"
        if decided.change.low is None:
            return cannot_tell(TEST, reason, table, numbers)
        headline = f"No change of any size could be seen: {reason}."
        said = f"{headline} {_what_would(measured, table, numbers)}".strip()
        return Finding(TEST, False, said, table, reason, numbers)
    size = format_change(visible, measured.kpi.unit, measured.currency)
    if not interesting:
        reason = f"no interesting_change is registered; the smallest visible change is {size}"
        return cannot_tell(TEST, reason, table, numbers)
    passed = interesting >= visible
    wanted = format_change(interesting, measured.kpi.unit, measured.currency)
    seen = f"{_stretch(measured, settings.compare_periods)} shows changes of {size} or more"
    headline = (
        f"{seen}; we look for {wanted}. {'' if passed else _what_would(measured, table, numbers)}"
    )
    reason = "" if passed else f"a change of {wanted} is smaller than the {size} that can be seen"
    return Finding(TEST, passed, headline.strip(), table, reason, numbers)


def _stretch(measured: Measurement, count: int) -> str:
    units = format_count(measured.headline.n, noun_of(measured.kpi))
    if count == 1:
        return f"One {measured.params.period} ({units})"
    return f"{count} {measured.params.period}s together ({units} in the last)"


def _what_would(measured: Measurement, table: pd.DataFrame, numbers: dict[str, Any]) -> str:
    """At which pooling the interesting change becomes visible, and how many units it needs."""
    period, noun = measured.params.period, noun_of(measured.kpi)
    if table.empty:
        return ""
    enough = table[table["is_readable"].eq(True)]
    if not enough.empty:
        return f"Pooled over {int(enough['periods_pooled'].iloc[0])} {period}s it can be seen."
    needed, periods = numbers["units_needed"], numbers["periods_needed"]
    if needed is None:
        return "No pooling shown here makes it visible."
    said = f"It takes {format_count(needed, noun)} in each of the two periods compared"
    if periods is None:
        return f"{said}; there are {numbers['n']:,}."
    intake = f"{said}, the intake of {format_count(periods, period)}"
    day = numbers["enough_on"]
    return (
        f"{intake}; both are there by {day:%Y-%m} at the present intake." if day else f"{intake}."
    )
