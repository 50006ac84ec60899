"""Test 2, leading: does it move early enough to act on?"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from kpi_lib.evidence.finding import DEFAULTS, Finding, Settings, cannot_tell, tables_of
from kpi_lib.evidence.once import once, remembered
from kpi_lib.evidence.outcomes import History, history
from kpi_lib.evidence.reorders import reorder_history
from kpi_lib.evidence.risk import RiskSets, risk_sets
from kpi_lib.evidence.skill import calibration, lead_table
from kpi_lib.evidence.waiting import enough_on, losses_needed, rate_of, too_few, when
from kpi_lib.kpi import Kpi, KpiParams, Source
from kpi_lib.schema import Tables
from kpi_lib.wording import format_count, format_gain, format_p_value, is_known, plural

if TYPE_CHECKING:
    import pandas as pd

TEST = "leading"


@once
def leading(kpi: Kpi, source: Source, params: KpiParams, settings: Settings = DEFAULTS) -> Finding:
    """Whether the score of an account tells its loss at least `response_months` ahead.

    Outcome: the renewal decision at each term end, or leaving in between; where there are orders and
    no subscriptions, whether the account orders again within its own rhythm. Table, one row per lead:
    lead_months, n, losses, auc, auc_low, auc_high, auc_baseline, auc_both, skill, skill_low,
    skill_high, p_value, without_score, auc_missing_worst, auc_to_end, revenue_rho with its low and
    high. The limits hold for all leads at once. `auc_to_end` is without the rule that a known
    cancellation ends the risk, and `auc_missing_worst` ranks accounts without a score as the worst.
    `revenue_rho` is the rank correlation of a good score with the net change of revenue: a second
    outcome, which decides nothing; its limits are those of one lead.
    """
    tables = tables_of(source, params)
    reason = _lacking(kpi, tables)
    if reason:
        return cannot_tell(TEST, reason)
    past = past_on(source, tables, settings)
    return found_on(past, lambda: risk_sets(kpi, source, params, past, settings), settings)


def past_of(tables: Tables, settings: Settings = DEFAULTS) -> History:
    """What became of the accounts: their renewals, or their reorders where nothing is subscribed.

    Raises KeyError where there are neither subscriptions nor orders.
    """
    known = history if "subscriptions" in tables else reorder_history
    return known(tables, settings)


def past_on(source: Source, tables: Tables, settings: Settings = DEFAULTS) -> History:
    """As `past_of`, made once for all KPIs; `tables` are those of the source on their day."""
    key = ("past", tables.as_of, settings)
    return remembered(source, None, key, lambda: past_of(tables, settings))


def found_on(past: History, sets: Callable[[], RiskSets], settings: Settings = DEFAULTS) -> Finding:
    """The finding on a history; the risk sets are asked for where there are losses enough."""
    return with_losses(past, lambda: found_in(past, sets(), settings), settings)


def with_losses(past: History, found: Callable[[], Finding], settings: Settings) -> Finding:
    """What is found where there are losses enough to look, else that there are too few."""
    if past.losses < settings.least_losses:
        return _not_enough(past.losses, past, settings, numbers={"losses": past.losses})
    return found()


def found_in(past: History, sets: RiskSets, settings: Settings = DEFAULTS) -> Finding:
    """The finding on risk sets that have their scores."""
    fifths = calibration(sets.by_notice, settings)
    return found_at(lead_table(sets, settings), past, fifths, settings)


def found_at(
    table: pd.DataFrame, past: History, fifths: pd.DataFrame, settings: Settings
) -> Finding:
    """The finding on the table of leads; `fifths` is the calibration shown beside it."""
    return _judged(table, past, _numbers(table, past, fifths, settings), settings)


def lead_time(table: pd.DataFrame, settings: Settings) -> tuple[int, int]:
    """Lead times in months, as (told, not excluded); 0 when not even the shortest lead is.

    Told: the longest lead such that at it and every shorter one the lower limits of AUC and of skill
    are above 0.5 and 0. Not excluded: the same with the upper limits.
    """
    told = (table["auc_low"] > 0.5) & (table["skill_low"] > 0)
    possible = ~((table["auc_high"] <= 0.5) | (table["skill_high"] <= 0))
    possible &= table["auc"].notna()
    return _unbroken(table, told), _unbroken(table, possible)


def _unbroken(table: pd.DataFrame, holds: pd.Series[bool]) -> int:
    leads = table["lead_months"].to_numpy()
    order = np.argsort(leads, kind="stable")
    kept = np.minimum.accumulate(holds.to_numpy(dtype=bool)[order])
    return int(leads[order][kept].max(initial=0))


def _lacking(kpi: Kpi, tables: Tables) -> str:
    if not kpi.has_account_level:
        return "the KPI says nothing about single accounts"
    if not {"subscriptions", "orders"} & set(tables):
        return "there are neither subscriptions nor orders, so that nothing says who stayed"
    return ""


def _numbers(
    table: pd.DataFrame, past: History, fifths: pd.DataFrame, settings: Settings
) -> dict[str, Any]:
    told, possible = lead_time(table, settings)
    deciding = table[table["lead_months"] <= settings.response_months]
    return {
        "lead_months": told,
        "lead_low": told,
        "lead_high": possible,
        "response_months": settings.response_months,
        "losses": past.losses,
        "decisions": len(past.decisions),
        "notice_days": past.notice_days,
        "p_value": _largest(deciding["p_value"]),
        "auc": _by_lead(table, "auc"),
        "skill": _by_lead(table, "skill"),
        "revenue_rho": _by_lead(table, "revenue_rho"),
        "calibration": fifths.to_dict("records"),
    }


def _by_lead(table: pd.DataFrame, name: str) -> dict[str, float | None]:
    leads, values = table["lead_months"].tolist(), table[name].to_numpy(dtype=np.float64).tolist()
    return {
        str(lead): None if math.isnan(value) else value
        for lead, value in zip(leads, values, strict=True)
    }


def _largest(values: pd.Series[float]) -> float | None:
    """All the leads must hold, so the weakest one speaks; None when one of them cannot be told."""
    return None if values.empty or values.isna().any() else float(values.max())


def _judged(
    table: pd.DataFrame, past: History, numbers: dict[str, Any], settings: Settings
) -> Finding:
    at, words = table[table["lead_months"] == settings.response_months], past.words
    if at.empty or at["losses"].iloc[0] < settings.least_losses:
        losses = 0 if at.empty else int(at["losses"].iloc[0])
        ahead = f" with a score {settings.response_months} months ahead"
        return _not_enough(losses, past, settings, ahead, table=table, numbers=numbers)
    row = at.iloc[0]
    if row["losses"] == row["n"]:
        all_of = f"all {format_count(row['n'], words.decision)} are {plural(words.loss, 2)}"
        return cannot_tell(TEST, f"{all_of}; no {words.kept} to compare with", table, numbers)
    if not row["auc_high"] > row["auc_low"]:
        return cannot_tell(TEST, "the score is the same for all accounts", table, numbers)
    said, lost = f"{_said(row, past, numbers)}.{_revenue(row)}", plural(words.loss, 2)
    ahead = f"{settings.response_months} months ahead"
    if numbers["lead_months"] >= settings.response_months:
        headline = f"It tells {lost} {numbers['lead_months']} months ahead: {said}"
        return Finding(TEST, True, headline, table, "", numbers)
    if row["skill_high"] < settings.smallest_useful_skill:
        reason = f"at {settings.response_months} months it adds less than {settings.smallest_useful_skill:g}"
        headline = f"It does not tell {lost} {ahead}: {said}"
        return Finding(TEST, False, headline, table, reason, numbers)
    reason, numbers = _still_open(row, past, numbers, settings)
    headline = f"Whether it tells {lost} {ahead} cannot be told: {said}"
    return Finding(TEST, None, headline, table, reason, numbers)


def _not_enough(
    losses: int, past: History, settings: Settings, which: str = "", **shown: Any
) -> Finding:
    day = enough_on(past.as_of, settings.least_losses - losses, rate_of(losses, past))
    shown["numbers"] = {**shown["numbers"], "enough_on": day}
    return cannot_tell(TEST, too_few(losses, past, settings, which), **shown)


def _still_open(
    row: pd.Series[Any], past: History, numbers: dict[str, Any], settings: Settings
) -> tuple[str, dict[str, Any]]:
    """Why it is neither shown to lead nor shown not to, and how many losses would show it by when."""
    losses, needed = int(row["losses"]), losses_needed(row, settings)
    reason = f"{format_count(losses, past.words.loss)} are too few to say whether it leads"
    if needed is None or needed <= losses:
        return reason, numbers | {"losses_needed": None, "enough_on": None}
    missing, rate = needed - losses, rate_of(losses, past)
    day = enough_on(past.as_of, missing, rate)
    reason = f"{reason}; if the estimates stay, about {needed:,} would say"
    said = f"{reason} {when(past.as_of, missing, rate)}".strip()
    return said, numbers | {"losses_needed": needed, "enough_on": day}


def _said(row: pd.Series[Any], past: History, numbers: dict[str, Any]) -> str:
    words = past.words
    ahead = f"{numbers['response_months']} months before"
    auc = f"AUC {row['auc']:.2f} ({row['auc_low']:.2f} to {row['auc_high']:.2f})"
    skill = f"{format_gain(row['skill'])} ({format_gain(row['skill_low'])} to {format_gain(row['skill_high'])})"
    adds = f"which adds {skill} to tenure, {words.size} and the last outcome"
    lost = format_count(row["losses"], words.loss)
    return (
        f"{ahead}, {auc}, {adds}; {lost} among {format_count(row['n'], words.decision)}, "
        f"permutation p {format_p_value(row['p_value'])}"
    )


def _revenue(row: pd.Series[Any]) -> str:
    """The second outcome in a sentence, "" where it is none."""
    if not is_known(row["revenue_rho"]):
        return ""
    limits = f"{format_gain(row['revenue_rho_low'])} to {format_gain(row['revenue_rho_high'])}"
    correlation = f"rank correlation {format_gain(row['revenue_rho'])} ({limits})"
    return f" With the net change of revenue a good score goes along at {correlation}, which decides nothing."
