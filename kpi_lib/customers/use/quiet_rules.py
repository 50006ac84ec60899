"""When inactivity is a poor KPI for a business, found from its data."""

from __future__ import annotations

import math

import ibis
import ibis.expr.types as ir

from kpi_lib.customers.money.terms import renewed_accounts
from kpi_lib.customers.subscribed import only
from kpi_lib.customers.use.quiet import Rule, days_of_use, states
from kpi_lib.engine import run
from kpi_lib.kpi import RuleOutcome
from kpi_lib.schema import Tables

_MOST = 0.5
_COVER = 0.9
_FEWEST_ACCOUNTS = 5
_QUARTER = 91


def pulled_by_machine(tables: Tables, rule: Rule) -> RuleOutcome | None:
    """Fires when more than half of the paying accounts are served by machine."""
    rows = states(tables, only(tables.as_of), rule)
    counted = run(rows.aggregate(paying=rows.count(), api=rows.count(where=rows["is_api"])))
    paying, api = int(counted["paying"].iloc[0]), int(counted["api"].iloc[0])
    if not paying:
        return None
    sentence = (
        f"In {api} of {paying} paying accounts at least 80 % of the events are API calls: "
        "the system pulls, and whether anybody looks cannot be seen."
    )
    return RuleOutcome(api > _MOST * paying, sentence, "continuity of call volume per account")


def healthy_gaps(tables: Tables, rule: Rule) -> ir.Table:
    """Gaps between active days of accounts that renewed: account_id, median_days, long_days.

    `long_days` covers 90 % of the account's gaps.
    """
    days = days_of_use(tables, rule)
    renewed = renewed_accounts(tables)["account_id"]
    used = days.filter(days["acts"] > 0, days["account_id"].isin(renewed))
    order = ibis.window(group_by="account_id", order_by="day")
    gaps = used.mutate(before=used["day"].lag().over(order))
    gaps = gaps.filter(gaps["before"].notnull())
    gaps = gaps.mutate(gap=gaps["day"].delta(gaps["before"], unit="day").cast("float64"))
    return gaps.group_by("account_id").aggregate(
        median_days=gaps["gap"].quantile(0.5), long_days=gaps["gap"].quantile(_COVER)
    )


def sporadic_use(tables: Tables, rule: Rule) -> RuleOutcome | None:
    """Fires when a typical account that renews is idle for longer than the window between uses.

    Each account counts once: the median over accounts of the median gap. The window proposed
    covers 90 % of the gaps of the typical account. None below five accounts that renewed.
    """
    gaps = run(healthy_gaps(tables, rule))
    if len(gaps) < _FEWEST_ACCOUNTS:
        return None
    typical, cover = gaps["median_days"].median(), math.ceil(gaps["long_days"].median())
    sentence = (
        f"In {len(gaps)} accounts that renewed, the usual gap between active days is "
        f"{typical:.0f} days, and a window of {cover} days covers 90 % of the gaps; "
        f"the window here is {rule.window_days} days."
    )
    fires = bool(typical > rule.window_days)
    return RuleOutcome(fires, sentence, f"window_days {cover}" if fires else "")


def driven_by_events(tables: Tables, rule: Rule) -> RuleOutcome | None:
    """Fires when accounts that renew stay idle for longer than a quarter: use follows events, not habit.

    The days that cover 90 % of the gaps of the typical account. No window of use is short enough to
    act in and long enough to mean something then (claims, alerts). None below five that renewed.
    """
    gaps = run(healthy_gaps(tables, rule))
    if len(gaps) < _FEWEST_ACCOUNTS:
        return None
    cover = math.ceil(gaps["long_days"].median())
    sentence = (
        f"In {len(gaps)} accounts that renewed, it takes {cover} days to cover 90 % of the gaps "
        "between active days"
    )
    if cover <= _QUARTER:
        return RuleOutcome(False, f"{sentence}.")
    return RuleOutcome(True, f"{sentence}: use follows events, not a habit.", "revenue_retention")
