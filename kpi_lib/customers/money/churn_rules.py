"""When churn per period is a poor KPI for a business, and what its total hides."""

from __future__ import annotations

from typing import Any

import ibis

from kpi_lib.customers.money.churn import Rule
from kpi_lib.customers.money.churn_lists import APART, compared
from kpi_lib.customers.money.renewals import terms_ended
from kpi_lib.customers.subscribed import in_currency
from kpi_lib.engine import run
from kpi_lib.kpi import RuleOutcome
from kpi_lib.periods import complete_periods
from kpi_lib.schema import OPEN_END, Tables

_MOST = 0.5
_YEAR_DAYS = 360


def bound_by_terms(tables: Tables, rule: Rule) -> RuleOutcome | None:
    """Fires when most paying accounts are bound for a year, so that few can leave in a period."""
    rows = in_currency(tables, rule.currency)
    rows = rows.filter(rows["monthly_amount"] > 0, rows["ended_on"] > tables.as_of)
    rows = rows.filter(rows["started_on"] <= tables.as_of)
    known = rows["term_ends_on"].nullif(ibis.literal(OPEN_END))
    length = known.delta(rows["started_on"], unit="day").cast("float64")
    long = (length >= _YEAR_DAYS).fill_null(False)
    counted = run(
        rows.aggregate(
            paying=rows["account_id"].nunique(), bound=rows["account_id"].nunique(where=long)
        )
    )
    paying, bound = int(counted["paying"].iloc[0]), int(counted["bound"].iloc[0])
    if not paying:
        return None
    last = complete_periods(tables.as_of, rule.period, 1, tables.quarter_starts_in)
    free = len(run(terms_ended(tables, last, rule)))
    sentence = (
        f"{bound} of {paying} paying accounts are bound for a year or longer; in {last[0].label} "
        f"the term of {free} ended, and the others could not leave."
    )
    fires = bound > _MOST * paying
    return RuleOutcome(fires, sentence, "the renewal rate on this page" if fires else "")


def flat_total(tables: Tables, rule: Rule) -> RuleOutcome | None:
    """Fires when yearly retention of everybody stands still while older customers stay longer.

    See `churn_lists.compared`; None where it has nothing to compare.
    """
    last = complete_periods(tables.as_of, rule.period, 1, tables.quarter_starts_in)[0]
    found = run(compared(tables, last.end, rule))
    if found.empty or found["p_value"].isna().any():
        return None
    total, ages = found.iloc[0], found.iloc[1]
    rising = ages["apart"] == APART and ages["after"] > ages["before"]
    fires = total["apart"] != APART and bool(rising)
    sentence = (
        f"Yearly retention of {total['comparison']}: {_step(total)}; of {ages['comparison']}: "
        f"{_step(ages)}."
    )
    return RuleOutcome(fires, sentence, "survival by tenure" if fires else "")


def _step(row: Any) -> str:
    """Two shares, and whether they can be told apart."""
    return f"{100 * row['before']:.0f} % and {100 * row['after']:.0f} % ({row['apart']})"
