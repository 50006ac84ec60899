"""When account targets are a poor KPI for a business, found from its data."""

from __future__ import annotations

from datetime import date
from typing import Any

import numpy as np

from kpi_lib.customers.shop.plans import account_days, progress
from kpi_lib.customers.subscribed import only
from kpi_lib.engine import run
from kpi_lib.kpi import RuleOutcome
from kpi_lib.schema import Tables

_MOST = 0.5
_NEAR = 0.01


def few_targets(tables: Tables, rule: Any) -> RuleOutcome | None:
    """Fires when most of what was bought this year was bought by accounts without a target."""
    rows = account_days(tables, rule)
    since = date(tables.as_of.year, 1, 1)
    bought = rows.filter(rows["day"] >= since)
    whole = run(bought.aggregate(amount=bought["amount"].sum()))["amount"].astype(float).iloc[0]
    if not whole > 0:
        return None
    plans = run(progress(tables, only(tables.as_of), rule))
    share = float(plans["revenue"].sum()) / whole
    sentence = f"Accounts with a target made {share:.0%} of what was bought this year."
    fires = bool(share < _MOST)
    return RuleOutcome(fires, sentence, "basket" if fires else "")


def last_year_again(tables: Tables, rule: Any) -> RuleOutcome | None:
    """Fires when most targets are last year's sales times one number: nobody looked at the account."""
    plans = run(progress(tables, only(tables.as_of), rule).order_by("account_id"))
    rows = account_days(tables, rule.model_copy(update={"returns": "gross"}))
    year = tables.as_of.year - 1
    rows = rows.filter(rows["day"].year() == year)
    sums = run(rows.group_by("account_id").aggregate(before=rows["amount"].sum()))
    both = plans.merge(sums, on="account_id")
    both = both[both["before"] > 0]
    if both.empty:
        return None
    times = (both["target"] / both["before"]).to_numpy(dtype=float)
    middle = float(np.median(times))
    near = int((np.abs(times / middle - 1.0) < _NEAR).sum()) if middle > 0 else 0
    said = f"{near} of {len(both)} targets are last year's sales times {middle:.2f}, within 1 %."
    return RuleOutcome(near > _MOST * len(both), said)
