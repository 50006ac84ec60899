"""What a score adds to tenure, contract size and the last known outcome, per lead."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from kpi_lib.evidence.finding import Settings
from kpi_lib.evidence.permutation import stratified_p_value
from kpi_lib.evidence.risk import BASELINE, RiskSets
from kpi_lib.stats.bootstrap import cluster_weights, simultaneous_bounds
from kpi_lib.stats.logistic import repeatedly_cross_fitted
from kpi_lib.stats.rank import auc, auc_draws, spearman_draws

if TYPE_CHECKING:
    import pandas as pd

Floats = npt.NDArray[np.float64]
FIFTHS = 5
REPEATS = 3
"""Foldings whose predictions are averaged, so that no single folding decides."""


@dataclass(frozen=True)
class Lead:
    """Discrimination at one lead: the estimates, and their bootstrap draws."""

    row: dict[str, Any]
    auc_draws: Floats
    skill_draws: Floats


def lead_table(sets: RiskSets, settings: Settings) -> pd.DataFrame:
    """One row per lead with limits that hold for all leads at once; see `leading`."""
    import pandas as pd

    scored = sets.by_notice.dropna(subset=["risk"]).reset_index(drop=True)
    names, codes = np.unique(scored["account_id"].to_numpy(dtype=str), return_inverse=True)
    drawn = cluster_weights(names, settings.draws, settings.seed)
    leads = [_lead(sets, scored, drawn, codes, lead, settings) for lead in settings.leads]
    table = pd.DataFrame([lead.row for lead in leads])
    for name in ("auc", "skill"):
        draws = np.column_stack([getattr(lead, f"{name}_draws") for lead in leads])
        table[f"{name}_low"], table[f"{name}_high"] = _limits(table[name], draws, settings)
    return table


def _limits(
    estimates: pd.Series[float], draws: Floats, settings: Settings
) -> tuple[Floats, Floats]:
    """Max-t limits over the leads that can be told, each side at half of alpha; null elsewhere."""
    low, high = (np.full(len(estimates), np.nan) for _ in range(2))
    told = estimates.notna().to_numpy()
    if told.any():
        bounds = simultaneous_bounds(
            estimates[told].to_numpy(), draws[:, told], 1 - settings.alpha / 2
        )
        low[told], high[told] = bounds["lower"].to_numpy(), bounds["upper"].to_numpy()
    return low, high


def calibration(by_notice: pd.DataFrame, settings: Settings) -> pd.DataFrame:
    """By fifths of the predicted risk at the response lead: fifth, n, predicted, lost (shares)."""
    import pandas as pd

    rows = by_notice[by_notice["lead_months"] == settings.response_months].dropna(subset=["risk"])
    if rows["is_lost"].nunique() < 2 or len(rows) < FIFTHS:
        return pd.DataFrame(columns=["fifth", "n", "predicted", "lost"])
    predicted = predicted_risk(rows, [*BASELINE, "rank"], settings)
    fifth = pd.Series(predicted).rank(method="first").sub(1).mul(FIFTHS).floordiv(len(rows)) + 1
    frame = pd.DataFrame(
        {"fifth": fifth.astype("int64"), "predicted": predicted, "lost": rows["is_lost"].to_numpy()}
    )
    grouped = frame.groupby("fifth", as_index=False)
    return grouped.agg(n=("lost", "size"), predicted=("predicted", "mean"), lost=("lost", "mean"))


def _lead(
    sets: RiskSets,
    scored: pd.DataFrame,
    drawn: Floats,
    codes: npt.NDArray[np.intp],
    lead: int,
    settings: Settings,
) -> Lead:
    """The row of one lead; `drawn` is how often each account counts per draw, `codes` whose row it is."""
    chosen = (scored["lead_months"] == lead).to_numpy()
    rows = scored[chosen].reset_index(drop=True)
    lost = rows["is_lost"].to_numpy(dtype=bool)
    row: dict[str, Any] = {"lead_months": lead, "n": len(rows), "losses": int(lost.sum())}
    row |= _other_views(sets, lead)
    own = drawn[:, codes[chosen]]
    row |= revenue_rank(rows, own, settings)
    if len(set(lost)) < 2:
        nothing = np.full(settings.draws, np.nan)
        return Lead(row | _unknown(), nothing, nothing)
    risk = rows["risk"].to_numpy(dtype=np.float64)
    baseline = predicted_risk(rows, BASELINE, settings)
    both = predicted_risk(rows, [*BASELINE, "rank"], settings)
    row |= {
        "auc": auc(risk, lost),
        "auc_baseline": auc(baseline, lost),
        "auc_both": auc(both, lost),
    }
    row["skill"] = row["auc_both"] - row["auc_baseline"]
    row["p_value"] = stratified_p_value(
        risk, lost, rows["stratum"], draws=settings.permutations, seed=settings.seed + lead
    )
    skill_draws = auc_draws(both, lost, own) - auc_draws(baseline, lost, own)
    return Lead(row, auc_draws(risk, lost, own), skill_draws)


def revenue_rank(rows: pd.DataFrame, weights: Floats, settings: Settings) -> dict[str, float]:
    """Rank correlation of a good score with the net change of revenue: revenue_rho, and its limits.

    Positive: who scores well grows, or shrinks less. Limits of this lead alone, from the draws.
    """
    known = rows["net_change"].notna().to_numpy()
    good = -rows["risk"].to_numpy(dtype=np.float64)[known]
    change = rows["net_change"].to_numpy(dtype=np.float64)[known]
    names = ("revenue_rho", "revenue_rho_low", "revenue_rho_high")
    once = np.ones((1, len(change)))
    estimate = spearman_draws(good, change, once)[0]
    if not np.isfinite(estimate):
        return dict.fromkeys(names, float("nan"))
    draws = spearman_draws(good, change, weights[:, known])
    low, high = np.nanquantile(draws, [settings.alpha / 2, 1 - settings.alpha / 2])
    return dict(zip(names, (float(estimate), float(low), float(high)), strict=True))


def _unknown() -> dict[str, float]:
    return dict.fromkeys(["auc", "auc_baseline", "auc_both", "skill", "p_value"], float("nan"))


def predicted_risk(rows: pd.DataFrame, columns: list[str], settings: Settings) -> Floats:
    """Cross-fitted chances of loss; the score enters by its rank, so that its scale is irrelevant."""
    ranked = rows.assign(rank=rows["risk"].rank() / len(rows))
    lost = rows["is_lost"].to_numpy(dtype=bool)
    accounts = rows["account_id"].to_numpy(dtype=str)
    features = ranked[columns].to_numpy(dtype=np.float64)
    seeds = range(settings.seed, settings.seed + REPEATS)
    return repeatedly_cross_fitted(features, lost, accounts, folds=settings.folds, seeds=seeds)


def _other_views(sets: RiskSets, lead: int) -> dict[str, Any]:
    """The same discrimination with accounts without a score ranked worst, and without the notice rule."""
    with_rule = sets.by_notice[sets.by_notice["lead_months"] == lead]
    without = sets.to_end[sets.to_end["lead_months"] == lead].dropna(subset=["risk"])
    missing = with_rule["risk"].isna()
    worst = with_rule["risk"].fillna(np.inf)
    return {
        "without_score": int(missing.sum()),
        "auc_missing_worst": _auc(worst, with_rule["is_lost"]),
        "auc_to_end": _auc(without["risk"], without["is_lost"]),
    }


def _auc(risk: pd.Series[float], lost: pd.Series[bool]) -> float:
    found = auc(risk.to_numpy(dtype=np.float64), lost.to_numpy(dtype=bool))
    return float("nan") if found is None else found
