"""Who was at risk, and what was known of them, so many months before their decision."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

import numpy as np

from kpi_lib.evidence.finding import Settings
from kpi_lib.evidence.once import remembered
from kpi_lib.evidence.outcomes import History, amounts_on, last_outcome, net_change, notice_known
from kpi_lib.evidence.scores import scores_on
from kpi_lib.kpi import Better, Kpi, KpiParams, Source

if TYPE_CHECKING:
    import pandas as pd

BASELINE = ["tenure_months", "log_amount", "renewed_before", "lost_before"]
_BANDS = [-np.inf, 12.0, 24.0, np.inf]
_DAYS_PER_MONTH = 365.25 / 12


@dataclass(frozen=True)
class RiskSets:
    """Accounts on the month ends that lie the asked leads before their decisions.

    One row per decision and lead: account_id, lead_months, on, is_lost, risk (the score, turned so
    that more means worse; null without a score), net_change (of the amount, see
    `outcomes.net_change`), the columns of `BASELINE`, stratum (calendar month and tenure band). `by_notice`: the lead runs to the earlier of notice and end, and accounts
    whose cancellation was known on the scoring day are out. `to_end`: without that rule.
    """

    by_notice: pd.DataFrame
    to_end: pd.DataFrame


@dataclass(frozen=True)
class Asked:
    """Who is asked about, and on which days: account_id, decision, lead_months, on per row."""

    by_notice: pd.DataFrame
    to_end: pd.DataFrame
    days: list[date]


def risk_sets(
    kpi: Kpi, source: Source, params: KpiParams, past: History, settings: Settings
) -> RiskSets:
    """The risk sets of a KPI on a company's history; scores are fetched once for both.

    Whom they hold, and what was known besides the score, is found once for all KPIs.
    """
    key = ("at risk", id(past), settings)
    _, asked, known = remembered(source, None, key, lambda: _at_risk(past, settings))
    return scored(known, scores_on(kpi, source, params, asked.days), kpi.better)


def _at_risk(past: History, settings: Settings) -> tuple[History, Asked, RiskSets]:
    """The history, which stays alive with what is found about it, who is asked, what was known."""
    asked = ask(past, settings)
    return past, asked, described(asked, past)


def ask(past: History, settings: Settings) -> Asked:
    """The accounts at risk and their scoring days, before any score is known."""
    import pandas as pd

    with_rule = _asked(past, "acted_on", settings)
    without = _asked(past, "decision_on", settings)
    with_rule = with_rule[~notice_known(past.rows, with_rule)].reset_index(drop=True)
    days = _days(pd.concat([with_rule["on"], without["on"]]), settings.most_month_ends)
    return Asked(with_rule, without, days)


def answered(asked: Asked, scores: pd.DataFrame, past: History, better: Better) -> RiskSets:
    """The risk sets with the scores (account_id, on, score) and what else was known that day."""
    return scored(described(asked, past), scores, better)


def described(asked: Asked, past: History) -> RiskSets:
    """What was known on each scoring day besides the score, the same for every KPI: risk is null."""
    parts = (asked.by_notice, asked.to_end)
    return RiskSets(*(_described(part, asked.days, past) for part in parts))


def scored(sets: RiskSets, scores: pd.DataFrame, better: Better) -> RiskSets:
    """The risk sets with the scores of one KPI: account_id, on, score."""
    return RiskSets(*(_scored(part, scores, better) for part in (sets.by_notice, sets.to_end)))


def _asked(past: History, anchor: str, settings: Settings) -> pd.DataFrame:
    """Decisions times leads, with the scoring day: the last month end at least that long before."""
    import pandas as pd

    kept = past.decisions
    parts = []
    for lead in settings.leads:
        on = _month_end_before(kept[anchor], lead)
        parts.append(kept.assign(lead_months=lead, on=on))
    asked = pd.concat(parts, ignore_index=True)
    return asked[asked["on"] >= asked["spell_from"]].reset_index(drop=True)


def _month_end_before(moments: pd.Series[pd.Timestamp], months: int) -> pd.Series[pd.Timestamp]:
    """The last month end on or before the day that lies so many months earlier."""
    import pandas as pd

    earlier = moments - pd.DateOffset(months=months)
    next_day = earlier + pd.Timedelta(days=1)
    ends = next_day.dt.to_period("M").dt.start_time - pd.Timedelta(days=1)
    return ends.astype("datetime64[us]")


def _days(on: pd.Series[pd.Timestamp], most: int) -> list[date]:
    """The newest of the asked days, oldest first."""
    return [moment.date() for moment in sorted(on.dropna().unique())][-most:]


def _scored(known: pd.DataFrame, scores: pd.DataFrame, better: Better) -> pd.DataFrame:
    keys = ["account_id", "on"]
    score = known[keys].merge(scores, on=keys, how="left")["score"]
    return known.assign(risk=score if better is Better.LOWER else -score)


def _described(asked: pd.DataFrame, days: list[date], past: History) -> pd.DataFrame:
    import pandas as pd

    recent = asked[asked["on"].isin(pd.to_datetime(days))].reset_index(drop=True)
    tenure = (recent["on"] - recent["first_paid_on"]).dt.days / _DAYS_PER_MONTH
    amount = amounts_on(past.rows, recent)
    band = np.digitize(tenure, _BANDS[1:-1])
    outcomes = last_outcome(past.decisions, recent)
    made = recent[["account_id", "lead_months", "on", "is_lost"]].assign(
        risk=np.nan,
        net_change=net_change(past, recent).to_numpy(),
        tenure_months=tenure,
        log_amount=np.log1p(amount),
        stratum=recent["on"].astype("int64") * len(_BANDS) + band,
    )
    return pd.concat([made, outcomes], axis=1)
