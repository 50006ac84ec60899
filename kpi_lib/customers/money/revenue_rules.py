"""When gross revenue says even less than usual, found from the data."""

from __future__ import annotations

from datetime import timedelta

from kpi_lib.customers.money.recognised import Rule, concentration
from kpi_lib.engine import run
from kpi_lib.kpi import RuleOutcome
from kpi_lib.periods import Period
from kpi_lib.schema import Tables

_QUARTER = timedelta(days=90)
_MOST = 0.5


def one_account(tables: Tables, rule: Rule) -> RuleOutcome | None:
    """Fires when one account makes more than half of the amount of the last 91 days."""
    period = Period(tables.as_of - _QUARTER, tables.as_of, "quarter")
    found = run(concentration(tables, [period], rule))
    if found.empty or found["largest_share"].isna().any():
        return None
    share = float(found["largest_share"].iloc[0])
    sentence = f"The largest account makes {share:.0%} of the amount of the last 91 days."
    return RuleOutcome(share > _MOST, sentence)
