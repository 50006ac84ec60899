"""How alike two KPIs order the accounts, and what one adds to the other."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from kpi_lib.engine import run
from kpi_lib.evidence.finding import Settings
from kpi_lib.evidence.outcomes import History
from kpi_lib.evidence.risk import BASELINE, risk_sets
from kpi_lib.evidence.scores import score_of
from kpi_lib.evidence.skill import predicted_risk
from kpi_lib.kpi import Better, Kpi, KpiParams, Source
from kpi_lib.schema import Tables
from kpi_lib.stats.bootstrap import cluster_weights
from kpi_lib.stats.rank import auc, auc_draws, spearman_draws

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Likeness:
    """Spearman's rank correlation of two KPIs over the accounts that both score.

    Positive: who looks good in one looks good in the other. Limits at the settings' level, by
    bootstrap of accounts. Null where one of the two does not vary, or too few accounts have both.
    """

    n: int
    rho: float | None
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True)
class Added:
    """What a score adds to another in telling losses: the gain of AUC, with its limits."""

    n: int
    losses: int
    gain: float
    low: float
    high: float


def goodness(kpi: Kpi, tables: Tables, params: KpiParams) -> pd.Series[float]:
    """The score of each account today, turned so that more is better; index account_id."""
    frame = run(score_of(kpi, tables, params)).dropna()
    sign = 1.0 if kpi.better is Better.HIGHER else -1.0
    return frame.set_index("account_id")["score"].astype("float64") * sign


def likeness(one: pd.Series[float], two: pd.Series[float], settings: Settings) -> Likeness:
    """How alike two orders of accounts are."""
    both = one.to_frame("one").join(two.to_frame("two"), how="inner").sort_index()
    if len(both) < settings.least_accounts_in_order:
        return Likeness(len(both), None)
    weights = cluster_weights(both.index, settings.draws, settings.seed)
    first, second = both["one"].to_numpy(), both["two"].to_numpy()
    rho = float(spearman_draws(first, second, np.ones((1, len(both))))[0])
    if not np.isfinite(rho):
        return Likeness(len(both), None)
    draws = spearman_draws(first, second, weights)
    low, high = np.nanquantile(draws, [settings.alpha / 2, 1 - settings.alpha / 2])
    return Likeness(len(both), rho, float(low), float(high))


def added(
    own: tuple[Kpi, KpiParams],
    other: tuple[Kpi, KpiParams],
    source: Source,
    past: History,
    settings: Settings,
) -> Added | None:
    """What the own score adds to the other, and to the baseline, `response_months` ahead.

    Over the decisions for which both were known; cross-fitted by account, as in `leading`. None
    with fewer losses than the settings ask for, or where nobody stayed.
    """
    keys = ["account_id", "lead_months", "on"]
    sets = [
        risk_sets(kpi, source, params, past, settings).by_notice for kpi, params in (own, other)
    ]
    rows = sets[0].merge(sets[1][[*keys, "risk"]], on=keys, suffixes=("", "_other"))
    rows = rows[rows["lead_months"] == settings.response_months]
    rows = rows.dropna(subset=["risk", "risk_other"]).reset_index(drop=True)
    lost = rows["is_lost"].to_numpy(dtype=bool)
    if lost.sum() < settings.least_losses or lost.all():
        return None
    ranked = rows.assign(other=rows["risk_other"].rank() / len(rows))
    without = predicted_risk(ranked, [*BASELINE, "other"], settings)
    both = predicted_risk(ranked, [*BASELINE, "other", "rank"], settings)
    weights = cluster_weights(rows["account_id"].to_numpy(dtype=str), settings.draws, settings.seed)
    draws = auc_draws(both, lost, weights) - auc_draws(without, lost, weights)
    low, high = np.nanquantile(draws, [settings.alpha / 2, 1 - settings.alpha / 2])
    gain = (auc(both, lost) or 0.0) - (auc(without, lost) or 0.0)
    return Added(len(rows), int(lost.sum()), gain, float(low), float(high))
