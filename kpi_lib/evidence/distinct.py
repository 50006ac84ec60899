"""Test 5, distinct: does it tell something the others do not?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kpi_lib.evidence.finding import (
    DEFAULTS,
    NO_OTHERS,
    Finding,
    Others,
    Settings,
    cannot_tell,
    settings_for,
    tables_of,
)
from kpi_lib.evidence.leading import leading, past_on
from kpi_lib.evidence.likeness import Added, Likeness, added, goodness, likeness
from kpi_lib.evidence.once import remembered, shelved
from kpi_lib.evidence.readable import readable
from kpi_lib.kpi import Kpi, KpiParams, Role, Source
from kpi_lib.wording import format_gain

if TYPE_CHECKING:
    import pandas as pd

    from kpi_lib.schema import Tables

TEST = "distinct"
ROUNDING = 1e-9
"""Engines add up in any order: two figures so close are the same."""


def distinct(
    kpi: Kpi,
    source: Source,
    params: KpiParams,
    settings: Settings = DEFAULTS,
    others: Others = NO_OTHERS,
) -> Finding:
    """Whether no other candidate orders the accounts alike and is as leading and as readable.

    Alike: a rank correlation of at least `twin_correlation`, either way. The control is no
    candidate, and neither is a KPI that says nothing about accounts. Table, one row per other
    candidate, the most alike first: kpi, title, n (accounts with both), rho, low, high, is_twin,
    is_better (a twin at least as leading and as readable; null for others). `numbers["added"]`: what
    the KPI adds to the most alike one in telling losses `response_months` ahead.
    """
    tables = tables_of(source, params)
    rivals = {name: pair for name, pair in others.items() if name != kpi.name and _rivals(pair[0])}
    if not kpi.has_account_level:
        return cannot_tell(TEST, "the KPI says nothing about single accounts")
    if not rivals:
        return cannot_tell(TEST, "there is no other candidate that says something about accounts")
    table = _table(kpi, source, params, rivals, settings)
    if table["rho"].isna().all():
        reason = "no other candidate scores enough of the same accounts"
        return cannot_tell(TEST, reason, table)
    own = (kpi, params)
    twins = [rivals[name] for name in table.loc[table["is_twin"], "kpi"]]
    better = {twin[0].name: _is_as_good(twin, own, source, settings) for twin in twins}
    table["is_better"] = table["kpi"].map(better).astype("object")
    nearest = rivals[table["kpi"].iloc[0]]
    gain = _added(own, nearest, source, tables, settings)
    return _judged(kpi, table, gain, settings)


def _rivals(kpi: Kpi) -> bool:
    return kpi.has_account_level and kpi.role is not Role.CONTROL


def _table(
    kpi: Kpi, source: Source, params: KpiParams, rivals: Others, settings: Settings
) -> pd.DataFrame:
    import pandas as pd

    tables = tables_of(source, params)
    rows = []
    for name, (other, its) in rivals.items():
        found = _likeness((kpi, params), (other, its), source, tables, settings)
        twin = found.rho is not None and abs(found.rho) >= settings.twin_correlation
        rows.append(
            {
                "kpi": name, "title": other.title, "n": found.n, "rho": found.rho,
                "low": found.low, "high": found.high, "is_twin": twin,
            }
        )  # fmt: skip
    frame = pd.DataFrame(rows).astype({"rho": "float64", "low": "float64", "high": "float64"})
    order = frame["rho"].abs().fillna(-1.0).sort_values(ascending=False, kind="stable").index
    return frame.loc[order].reset_index(drop=True)


def _likeness(
    one: tuple[Kpi, KpiParams],
    two: tuple[Kpi, KpiParams],
    source: Source,
    tables: Tables,
    settings: Settings,
) -> Likeness:
    """How alike two KPIs are: the same either way round, and found once for the pair."""
    pair = frozenset((id(kpi), params) for kpi, params in (one, two))
    asked = (settings.draws, settings.seed, settings.alpha, settings.least_accounts_in_order)

    def find() -> tuple[Likeness, tuple[Kpi, Kpi]]:
        orders = [_goodness(kpi, source, tables, params) for kpi, params in (one, two)]
        return likeness(orders[0], orders[1], settings), (one[0], two[0])  # cards stay alive

    return remembered(source, None, ("likeness", pair, tables.as_of, asked), find)[0]


def _goodness(kpi: Kpi, source: Source, tables: Tables, params: KpiParams) -> pd.Series[float]:
    """As `goodness`, found once for all that compare with the KPI."""
    key = ("goodness", tables.as_of)
    return shelved(source, kpi, params, key, lambda: goodness(kpi, tables, params))


def _is_as_good(
    twin: tuple[Kpi, KpiParams], own: tuple[Kpi, KpiParams], source: Source, settings: Settings
) -> bool:
    """Whether the twin leads at least as long, and sees at least as small a part of what matters."""
    merits = [_merits(kpi, params, source, settings) for kpi, params in (twin, own)]
    return all(its >= mine * (1 - ROUNDING) for its, mine in zip(*merits, strict=True))


def _merits(kpi: Kpi, params: KpiParams, source: Source, settings: Settings) -> tuple[float, float]:
    """Lead time in months, and the interesting change over the smallest visible one; 0 if unknown."""
    chosen = settings_for(params, settings)
    lead = leading(kpi, source, params, chosen).numbers.get("lead_months")
    read = readable(kpi, source, params, chosen).numbers
    visible = read.get("smallest_visible")
    return float(lead or 0), (params.interesting_change / visible if visible else 0.0)


def _added(
    own: tuple[Kpi, KpiParams],
    nearest: tuple[Kpi, KpiParams],
    source: Source,
    tables: Tables,
    settings: Settings,
) -> Added | None:
    if not {"subscriptions", "orders"} & set(tables):
        return None
    past = past_on(source, tables, settings)
    if past.losses < settings.least_losses:
        return None
    return added(own, nearest, source, past, settings)


def _judged(kpi: Kpi, table: pd.DataFrame, gain: Added | None, settings: Settings) -> Finding:
    twins = table[table["is_twin"]]
    better = twins[twins["is_better"].eq(True)]
    nearest = table.iloc[0]
    numbers: dict[str, Any] = {
        "nearest": nearest["kpi"],
        "rho": float(nearest["rho"]),
        "rho_low": float(nearest["low"]),
        "rho_high": float(nearest["high"]),
        "twins": list(twins["kpi"]),
        "better_twins": list(better["kpi"]),
        "added": None if gain is None else gain.gain,
        "beside": [{"sentence": _adds(kpi, str(nearest["title"]), gain, settings)}],
    }
    said = (
        f"Of {len(table)} other candidates {nearest['title']} orders the accounts most alike: rank "
        f"correlation {format_gain(nearest['rho'])} ({format_gain(nearest['low'])} to {format_gain(nearest['high'])}) over "
        f"{nearest['n']:,} accounts"
    )
    if better.empty:
        also = " and ".join(twins["title"])
        said += f"; {also} is its twin, and not better." if also else "; none is its twin."
        return Finding(TEST, True, said, table, "", numbers)
    names = " and ".join(better["title"])
    reason = f"{names} says the same, and is at least as leading and as readable"
    return Finding(TEST, False, f"{said}. {reason}.", table, reason, numbers)


def _adds(kpi: Kpi, nearest: str, gain: Added | None, settings: Settings) -> str:
    """What it adds to the nearest other in telling losses."""
    months = settings.response_months
    if gain is None:
        return f"What it adds to {nearest} in telling losses cannot be told: too few were lost."
    limits = f"{format_gain(gain.low)} to {format_gain(gain.high)}"
    return (
        f"To {nearest} it adds {format_gain(gain.gain)} of AUC ({limits}) in telling losses {months} months "
        f"ahead, over {gain.n:,} decisions with {gain.losses:,} lost."
    )
