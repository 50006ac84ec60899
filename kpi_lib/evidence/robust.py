"""Test 3, robust: does the conclusion survive other fair definitions?"""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from kpi_lib.alike import run_each
from kpi_lib.evidence.finding import DEFAULTS, Finding, Settings, cannot_tell, tables_of
from kpi_lib.evidence.scores import scores_under
from kpi_lib.kpi import Difference, Estimator, Kpi, KpiParams, Source
from kpi_lib.measure import Cell, cell_of, headline_position, periods_of, rows_of, trend_of
from kpi_lib.measure import cannot_tell as no_change
from kpi_lib.schema import Tables
from kpi_lib.sentence import is_distinguishable
from kpi_lib.stats.rank import kendall_tau
from kpi_lib.sweep import Variation, reduced_each, variations

if TYPE_CHECKING:
    import pandas as pd

TEST = "robust"
FEW_PERIODS = {True: 2, False: 4}
"""Periods looked at: of a stock the headline and the one before it, of cohorts also open ones."""

Signs = Mapping[tuple[str, str], int]


def robust(kpi: Kpi, source: Source, params: KpiParams, settings: Settings = DEFAULTS) -> Finding:
    """Whether few fair definitions flip the conclusion and the accounts keep their order.

    A flip: the last change is distinguishable and opposite to the default's, or two segments that
    both definitions tell apart stand in opposite order. The order of the accounts is compared by
    Kendall's tau-b. Table, one row per definition (the specification curve): number, label,
    is_default, period, value, low, high, n, change, change_low, change_high, p_value, direction
    (-1, 0 noise, 1, null), tau, is_flip.
    """
    import pandas as pd

    tables = tables_of(source, params)
    asked = _lean(kpi, params, tables, settings)
    chosen = variations(asked, most=settings.most_definitions, seed=settings.seed)
    if len(chosen) < 2:
        return cannot_tell(TEST, "the card declares no other fair values")
    read = _read(kpi, tables, chosen, settings)
    table = pd.DataFrame([row for row, _ in read])
    table["tau"] = _taus(kpi, tables, chosen, settings)
    table["is_flip"] = _flips([row["direction"] for row, _ in read], [signs for _, signs in read])
    return _judged(table, settings)


def _lean(kpi: Kpi, params: KpiParams, tables: Tables, settings: Settings) -> KpiParams:
    """The parameters with only what this test looks at: few periods, and segments."""
    few = min(params.periods, FEW_PERIODS[kpi.paired])
    segment = params.segment or ("segment" if "accounts" in tables else "")
    return params.model_copy(update={"periods": few, "level": settings.level, "segment": segment})


def _read(
    kpi: Kpi, tables: Tables, chosen: Sequence[Variation], settings: Settings
) -> list[tuple[dict[str, Any], Signs]]:
    """Per definition its row of the table, and which segments its newest period tells apart."""
    reduced = reduced_each(kpi, tables, chosen, ["segment", "period"])
    pairs = _pairs(kpi, tables, chosen) if kpi.paired else [None] * len(chosen)
    read = []
    for variation, own, twice in zip(chosen, reduced, pairs, strict=True):
        estimator = kpi.estimator(variation.params)
        headline, previous = _last_two(kpi, tables, estimator, variation, own)
        change = _change(estimator, own, twice, previous, headline, settings)
        signs = _signs(estimator, rows_of(own, [headline.start]), settings)
        read.append((_row(variation, headline, change, settings), signs))
    return read


def _last_two(
    kpi: Kpi, tables: Tables, estimator: Estimator, variation: Variation, own: pd.DataFrame
) -> tuple[Cell, Cell | None]:
    trend = trend_of(estimator, own, periods_of(tables, variation.params), variation.params.level)
    position = headline_position(trend, kpi.paired)
    return cell_of(trend, position), cell_of(trend, position - 1) if position else None


def _pairs(kpi: Kpi, tables: Tables, chosen: Sequence[Variation]) -> list[pd.DataFrame | None]:
    """Sufficient statistics of the same accounts in the last two periods, by definition."""
    earlier, later = periods_of(tables, chosen[0].params)[-2:]
    expressions = (
        kpi.estimator(v.params).reduce_pairs(
            kpi.observe(tables, v.params), earlier.start, later.start
        )
        for v in chosen
    )
    return list(run_each(expressions))


def _change(
    estimator: Estimator,
    own: pd.DataFrame,
    pairs: pd.DataFrame | None,
    previous: Cell | None,
    headline: Cell,
    settings: Settings,
) -> Difference:
    if previous is None or previous.n == 0 or headline.n == 0:
        return no_change("one of the last two periods holds nothing")
    if pairs is not None:
        return estimator.paired_difference(pairs, level=settings.level, power=settings.power)
    earlier, later = (rows_of(own, [cell.start]) for cell in (previous, headline))
    return estimator.difference(earlier, later, level=settings.level, power=settings.power)


def _row(
    variation: Variation, headline: Cell, change: Difference, settings: Settings
) -> dict[str, Any]:
    return {
        "number": variation.number,
        "label": variation.label,
        "is_default": not variation.changed,
        "period": headline.label,
        "value": headline.value,
        "low": headline.low,
        "high": headline.high,
        "n": headline.n,
        "change": change.value,
        "change_low": change.low,
        "change_high": change.high,
        "p_value": change.p_value,
        "direction": direction(change, settings.level),
    }


def direction(change: Difference, level: float) -> int | None:
    """1 for a rise, -1 for a fall, 0 for noise; None where it cannot be told."""
    distinct = is_distinguishable(change, level)
    if change.value is None or distinct is None:
        return None
    return int(math.copysign(1, change.value)) if distinct and change.value else 0


def _signs(estimator: Estimator, newest: pd.DataFrame, settings: Settings) -> Signs:
    parts = {str(name): rows for name, rows in newest.groupby("segment") if name}
    signs = {}
    for first, second in itertools.combinations(sorted(parts), 2):
        change = estimator.difference(
            parts[first], parts[second], level=settings.level, power=settings.power
        )
        sign = direction(change, settings.level)
        if sign:
            signs[first, second] = sign
    return signs


def _taus(
    kpi: Kpi, tables: Tables, chosen: Sequence[Variation], settings: Settings
) -> list[float | None]:
    """Kendall's tau-b of each definition's scores against the default's, over the same accounts."""
    if not kpi.has_account_level:
        return [None] * len(chosen)
    scores = scores_under(kpi, tables, chosen)
    return [_tau(scores[0], own, settings.least_accounts_in_order) for own in scores]


def _tau(default: pd.Series[float], other: pd.Series[float], least: int) -> float | None:
    """None below `least` common accounts, and where one of the two does not vary."""
    both = default.to_frame("default").join(other.to_frame("other"), how="inner").dropna()
    return kendall_tau(both["default"], both["other"]) if len(both) >= least else None


def _flips(directions: Sequence[float | None], signs: Sequence[Signs]) -> list[bool]:
    """Whether each definition contradicts the first one, in its change or in its segments."""
    default = directions[0]
    changed = [_opposite(default, own) for own in directions]
    segments = [
        any(_opposite(sign, own.get(pair)) for pair, sign in signs[0].items()) for own in signs
    ]
    return [first or second for first, second in zip(changed, segments, strict=True)]


def _opposite(first: float | None, second: float | None) -> bool:
    return first is not None and second is not None and first * second < 0


def _judged(table: pd.DataFrame, settings: Settings) -> Finding:
    others = table[~table["is_default"]]
    direction_of_default = table["direction"].iloc[0]
    judged = direction_of_default in (-1, 1)
    taus = others["tau"].dropna().astype("float64")
    flips, count = int(others["is_flip"].sum()), len(others)
    tau = float(taus.median()) if len(taus) else None
    numbers = {
        "definitions": count, "flips": flips, "flip_share": flips / count, "median_tau": tau,
        "direction_is_judged": judged, "least_value": _end(others, "min"),
        "largest_value": _end(others, "max"),
    }  # fmt: skip
    if not judged and tau is None:
        reason = "the last change is noise, and there is no order of accounts to compare"
        return cannot_tell(TEST, reason, table, numbers)
    stable = flips / count <= settings.largest_flip_share
    ordered = tau is None or tau >= settings.least_tau
    said = [f"{flips} of {count} other fair definitions contradict this one"]
    said.append(_tau_clause(tau))
    if not judged:
        said.append("its last change is noise, so that direction is not judged")
    reason = "" if stable and ordered else _why_not(stable, tau, settings)
    return Finding(TEST, stable and ordered, "; ".join(said) + ".", table, reason, numbers)


def _end(others: pd.DataFrame, which: str) -> float | None:
    values = others["value"].dropna().astype("float64")
    return float(values.agg(which)) if len(values) else None


def _tau_clause(tau: float | None) -> str:
    if tau is None:
        return "the order of accounts cannot be compared"
    return f"the order of accounts agrees with a median tau of {tau:.2f}"


def _why_not(stable: bool, tau: float | None, settings: Settings) -> str:
    if not stable:
        return f"more than {settings.largest_flip_share:.0%} of the definitions contradict it"
    return f"the order of accounts depends on the definition (tau {tau:.2f}, {settings.least_tau} needed)"
