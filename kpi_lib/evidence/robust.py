"""Test 3, robust: does the conclusion survive other fair definitions?"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from kpi_lib.evidence.definitions import Reading, direction, readings
from kpi_lib.evidence.finding import DEFAULTS, Finding, Settings, cannot_tell, tables_of
from kpi_lib.kpi import Kpi, KpiParams, Source
from kpi_lib.measure import outline
from kpi_lib.schema import Tables
from kpi_lib.stats.rank import kendall_tau
from kpi_lib.stats.spread import correlation_ratio
from kpi_lib.sweep import fair_values, settings_of, variations

if TYPE_CHECKING:
    import pandas as pd

TEST = "robust"
FEW_PERIODS = {True: 2, False: 4}
"""Periods looked at: of a stock the headline and the one before it, of cohorts also open ones.

Where more than two cohorts are open, as many as it takes to have the headline and the one before.
"""


def robust(kpi: Kpi, source: Source, params: KpiParams, settings: Settings = DEFAULTS) -> Finding:
    """Whether few fair definitions flip the conclusion and the accounts keep their order.

    A flip: the last change is distinguishable and opposite to the default's, or two segments that
    both definitions tell apart stand in opposite order. The order of the accounts is compared by
    Kendall's tau-b. Table, one row per definition (the specification curve): number, label,
    is_default, period, value, low, high, n, change, change_low, change_high, p_value, direction
    (-1, 0 noise, 1, null), tau, is_flip, and one column of text per parameter that has fair values.
    Numbers: among others `main_setting`, the parameter with the largest share of the figure's spread
    over all definitions, and `main_setting_share` (eta squared, 0 to 1); None where it is spread by none.
    Source of the curve: Simonsohn, Simmons and Nelson (2020, Nature Human Behaviour 4, 1208-1214).
    """
    tables = tables_of(source, params)
    asked = lean(kpi, params, tables, settings)
    chosen = variations(asked, most=settings.most_definitions, seed=settings.seed)
    if len(chosen) < 2:
        return cannot_tell(TEST, "the card declares no other fair values")
    return found_in(readings(kpi, tables, chosen, settings), settings)


def found_in(read: Sequence[Reading], settings: Settings = DEFAULTS) -> Finding:
    """The finding on what each fair definition says, the default first."""
    import pandas as pd

    names = list(fair_values(read[0].variation.params))
    table = pd.DataFrame([_row(one, settings) | settings_of(one.variation, names) for one in read])
    least = settings.least_accounts_in_order
    table["tau"] = [_tau(read[0].order, reading.order, least) for reading in read]
    table["is_flip"] = [_is_flip(read[0], reading, settings) for reading in read]
    return _judged(table, names, settings)


def lean(kpi: Kpi, params: KpiParams, tables: Tables, settings: Settings) -> KpiParams:
    """The parameters with only what this test looks at: few periods, and segments."""
    few = min(params.periods, max(FEW_PERIODS[kpi.paired], _back_to_headline(kpi, tables, params)))
    segment = params.segment or ("segment" if "accounts" in tables else "")
    return params.model_copy(update={"periods": few, "level": settings.level, "segment": segment})


def _back_to_headline(kpi: Kpi, tables: Tables, params: KpiParams) -> int:
    """Periods from the one before the headline up to the newest; a stock's headline is the newest."""
    if kpi.paired:
        return 0
    measured = outline(kpi, tables, params)
    return len(measured.trend) - list(measured.trend["label"]).index(measured.headline.label) + 1


def _row(reading: Reading, settings: Settings) -> dict[str, Any]:
    variation, headline, change = reading.variation, reading.headline, reading.change
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


def _tau(default: pd.Series[float], other: pd.Series[float], least: int) -> float | None:
    """None below `least` common accounts, and where one of the two does not vary."""
    both = default.to_frame("default").join(other.to_frame("other"), how="inner").dropna()
    return kendall_tau(both["default"], both["other"]) if len(both) >= least else None


def _is_flip(default: Reading, other: Reading, settings: Settings) -> bool:
    """Whether a definition contradicts the default, in its change or in its segments."""
    changes = (direction(reading.change, settings.level) for reading in (default, other))
    turned = (_opposite(sign, other.signs.get(pair)) for pair, sign in default.signs.items())
    return _opposite(*changes) or any(turned)


def _opposite(first: int | None, second: int | None) -> bool:
    return first is not None and second is not None and first * second < 0


def _judged(table: pd.DataFrame, names: Sequence[str], settings: Settings) -> Finding:
    numbers = _numbers(table) | _main_setting(table, names)
    tau, judged = numbers["median_tau"], numbers["direction_is_judged"]
    if not judged and tau is None:
        noise = "the last change cannot be told from noise"
        reason = f"{noise}, and there is no order of accounts to compare"
        return cannot_tell(TEST, reason, table, numbers)
    stable = numbers["flip_share"] <= settings.largest_flip_share
    ordered = tau is None or tau >= settings.least_tau
    reason = "" if stable and ordered else _why_not(stable, tau, settings)
    return Finding(TEST, stable and ordered, _said(numbers), table, reason, numbers)


def _numbers(table: pd.DataFrame) -> dict[str, Any]:
    others = table[~table["is_default"]]
    taus = others["tau"].dropna().astype("float64")
    values = others["value"].dropna().astype("float64")
    flips, count = int(others["is_flip"].sum()), len(others)
    return {
        "definitions": count,
        "flips": flips,
        "flip_share": flips / count,
        "median_tau": float(taus.median()) if len(taus) else None,
        "direction_is_judged": table["direction"].iloc[0] in (-1, 1),
        "least_value": float(values.min()) if len(values) else None,
        "largest_value": float(values.max()) if len(values) else None,
    }


def _main_setting(table: pd.DataFrame, names: Sequence[str]) -> dict[str, Any]:
    """The parameter whose values go with most of the figure's spread, and with how much of it."""
    known = table[table["value"].notna()]
    shares = {name: correlation_ratio(known["value"], list(known[name])) for name in names}
    told = {name: share for name, share in shares.items() if share is not None}
    main = max(told, key=lambda name: told[name], default=None)
    return {"main_setting": main, "main_setting_share": told[main] if main else None}


def _said(numbers: dict[str, Any]) -> str:
    flips, count, tau = numbers["flips"], numbers["definitions"], numbers["median_tau"]
    said = [f"{flips} of {count} other fair definitions contradict this one", _tau_clause(tau)]
    if not numbers["direction_is_judged"]:
        said.append("its last change cannot be told from noise, so that direction is not judged")
    return "; ".join(said) + "."


def _tau_clause(tau: float | None) -> str:
    if tau is None:
        return "the order of accounts cannot be compared"
    return f"the order of accounts agrees with a median tau of {tau:.2f}"


def _why_not(stable: bool, tau: float | None, settings: Settings) -> str:
    if not stable:
        return f"more than {settings.largest_flip_share:.0%} of the definitions contradict it"
    told = f"tau {tau:.2f}, {settings.least_tau} needed"
    return f"the order of accounts depends on the definition ({told})"
