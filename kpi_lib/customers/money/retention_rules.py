"""When revenue retention says little about a business, found from its data."""

from __future__ import annotations

from kpi_lib.customers.money.retention import Rule, moved
from kpi_lib.engine import run
from kpi_lib.kpi import RuleOutcome
from kpi_lib.periods import complete_periods
from kpi_lib.schema import Tables

_MOST = 0.25


def one_account(tables: Tables, rule: Rule) -> RuleOutcome | None:
    """Fires when one account made more than a quarter of what was paid before the last window."""
    last = complete_periods(tables.as_of, rule.period, 1, tables.quarter_starts_in)
    rows = moved(tables, last, rule)
    found = run(rows.aggregate(largest=rows["opening"].max(), paid=rows["opening"].sum()))
    paid = float(found["paid"].fillna(0.0).iloc[0])
    if not paid:
        return None
    share = float(found["largest"].iloc[0]) / paid
    sentence = f"The largest account made {100 * share:.0f} % of what was paid {rule.window_months} months ago."
    return RuleOutcome(share > _MOST, sentence, "customer_churn" if share > _MOST else "")
