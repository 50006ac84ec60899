"""What a score adds to tenure, contract size and the last known outcome, per lead."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from kpi_lib.evidence.finding import Settings
from kpi_lib.evidence.permutation import stratified_p_value
from kpi_lib.evidence.risk import BASELINE, RiskSets
from kpi_lib.stats.bootstrap import cluster_weights, simultaneous_bounds
from kpi_lib.stats.logistic import repeatedly_cross_fitted
from kpi_lib.stats.rank import auc, auc_draws, average_ranks, spearman_draws

if TYPE_CHECKING:
    import pandas as pd

Floats = npt.NDArray[np.float64]
Rows = dict[str, npt.NDArray[Any]]
"""Columns by name, of one length."""
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

    by_notice, to_end = (_columns(part) for part in (sets.by_notice, sets.to_end))
    scored = _where(by_notice, ~np.isnan(by_notice["risk"]))
    names, scored["account_id"] = np.unique(scored["account_id"], return_inverse=True)
    drawn = np.ascontiguousarray(cluster_weights(names, settings.draws, settings.seed).T)
    leads = []
    for lead in settings.leads:
        rows, with_rule, without_rule = (
            _where(part, part["lead_months"] == lead) for part in (scored, by_notice, to_end)
        )
        leads.append(_lead(rows, with_rule, without_rule, drawn, lead, settings))
    table = pd.DataFrame([lead.row for lead in leads])
    for name in ("auc", "skill"):
        draws = np.column_stack([getattr(lead, f"{name}_draws") for lead in leads])
        table[f"{name}_low"], table[f"{name}_high"] = _limits(table[name], draws, settings)
    return table


def _columns(frame: pd.DataFrame) -> Rows:
    """The columns of a risk set as arrays: slices of them are much quicker than those of a frame."""
    numbers = [name for name in frame.columns if name != "account_id"]
    return {name: frame[name].to_numpy() for name in numbers} | {
        "account_id": frame["account_id"].to_numpy(dtype=str)
    }


def _where(rows: Rows, chosen: npt.NDArray[np.bool_]) -> Rows:
    return {name: column[chosen] for name, column in rows.items()}


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
    rows: Rows, with_rule: Rows, without_rule: Rows, drawn: Floats, lead: int, settings: Settings
) -> Lead:
    """The row of one lead; `drawn` (accounts, draws) is how often each account counts per draw."""
    lost = rows["is_lost"].astype(bool)
    row: dict[str, Any] = {"lead_months": lead, "n": len(lost), "losses": int(lost.sum())}
    row |= _other_views(with_rule, without_rule)
    own = drawn[rows["account_id"]].T
    row |= revenue_rank(rows, own, settings)
    if len(set(lost)) < 2:
        nothing = np.full(settings.draws, np.nan)
        return Lead(row | _unknown(), nothing, nothing)
    risk = rows["risk"]
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


def revenue_rank(rows: Rows, weights: Floats, settings: Settings) -> dict[str, float]:
    """Rank correlation of a good score with the net change of revenue: revenue_rho, and its limits.

    Positive: who scores well grows, or shrinks less. Limits of this lead alone, from the draws.
    """
    known = ~np.isnan(rows["net_change"])
    good, change = -rows["risk"][known], rows["net_change"][known]
    names = ("revenue_rho", "revenue_rho_low", "revenue_rho_high")
    if not known.any():
        return dict.fromkeys(names, float("nan"))
    once = np.ones((1, len(change)))
    estimate = spearman_draws(good, change, once)[0]
    if not np.isfinite(estimate):
        return dict.fromkeys(names, float("nan"))
    draws = spearman_draws(good, change, weights.T[known].T)
    low, high = np.nanquantile(draws, [settings.alpha / 2, 1 - settings.alpha / 2])
    return dict(zip(names, (float(estimate), float(low), float(high)), strict=True))


def _unknown() -> dict[str, float]:
    return dict.fromkeys(["auc", "auc_baseline", "auc_both", "skill", "p_value"], float("nan"))


def predicted_risk(
    rows: Mapping[str, Any] | pd.DataFrame, columns: list[str], settings: Settings
) -> Floats:
    """Cross-fitted chances of loss; the score enters by its rank, so that its scale is irrelevant.

    `rows` is a frame, or its columns by name.
    """
    lost, accounts = np.asarray(rows["is_lost"], dtype=bool), np.asarray(rows["account_id"])
    rank = average_ranks(rows["risk"]) / len(lost)
    parts = [rank if name == "rank" else rows[name] for name in columns]
    features = np.column_stack(parts).astype(np.float64)
    _, codes = np.unique(accounts, return_inverse=True)
    told = (features.tobytes(), lost.tobytes(), codes.tobytes())
    return _fitted(*told, len(columns), settings.folds, settings.seed)


@lru_cache(maxsize=32)
def _fitted(
    features: bytes, lost: bytes, codes: bytes, width: int, folds: int, seed: int
) -> Floats:
    """Kept for the next KPI, whose baseline is the same where the same accounts have a score."""
    found = repeatedly_cross_fitted(
        np.frombuffer(features).reshape(-1, width),
        np.frombuffer(lost, dtype=bool),
        np.frombuffer(codes, dtype=np.intp),
        folds=folds,
        seeds=range(seed, seed + REPEATS),
    )
    found.setflags(write=False)
    return found


def _other_views(with_rule: Rows, without_rule: Rows) -> dict[str, Any]:
    """The same discrimination with accounts without a score ranked worst, and without the notice rule."""
    missing = np.isnan(with_rule["risk"])
    scored = _where(without_rule, ~np.isnan(without_rule["risk"]))
    return {
        "without_score": int(missing.sum()),
        "auc_missing_worst": _auc(np.where(missing, np.inf, with_rule["risk"]), with_rule),
        "auc_to_end": _auc(scored["risk"], scored),
    }


def _auc(risk: Floats, rows: Rows) -> float:
    found = auc(risk, rows["is_lost"])
    return float("nan") if found is None else found
