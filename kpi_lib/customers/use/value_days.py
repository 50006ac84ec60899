"""Whether the recorded start and the recorded moment of value hold."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from kpi_lib.customers.subscribed import ratio
from kpi_lib.customers.use.waits import REACHED, Rule
from kpi_lib.schema import Tables

AGAIN_DAYS = 30


def confirmed(tables: Tables, waits: ir.Table, rule: Rule) -> ir.Table:
    """One row per period: period, accounts, again_share, early_share.

    `waits` as `waits.waits` gives them, with their period. `again_share`: of the accounts that
    reached value at least 30 days before `as_of`, the share with a value event on a later day of
    those 30. `early_share`: the share with any usage before the recorded start.
    """
    rows = _with_marks(tables, waits, rule)
    followed = ibis.literal(tables.as_of).delta(rows["until_on"], unit="day") >= AGAIN_DAYS
    asked = (rows["outcome"] == REACHED) & followed
    sums = rows.group_by("period").aggregate(
        accounts=rows.count(),
        asked=_times(asked),
        again=_times(asked & rows["is_again"]),
        early=_times(rows["is_early"]),
    )
    return sums.select(
        "period",
        "accounts",
        again_share=ratio(sums["again"], sums["asked"]),
        early_share=ratio(sums["early"], sums["accounts"]),
    ).order_by("period")


def _with_marks(tables: Tables, waits: ir.Table, rule: Rule) -> ir.Table:
    """The waits with is_again and is_early."""
    usage = tables["usage"]
    used = usage.select(of=usage["account_id"], on=usage["at"].date(), event=usage["event"])
    joined = waits.join(used, waits["account_id"] == used["of"])
    wanted = [rule.value_event, *([rule.api_value_event] if rule.api_value_event else [])]
    later = joined["event"].isin(wanted) & (joined["on"] > joined["until_on"])
    soon = joined["on"].delta(joined["until_on"], unit="day") <= AGAIN_DAYS
    marks = joined.group_by(who=joined["account_id"]).aggregate(
        again=_times(later & soon), early=_times(joined["on"] < joined["start_on"])
    )
    rows = waits.left_join(marks, waits["account_id"] == marks["who"])
    again, early = (rows[name].fill_null(0) > 0 for name in ("again", "early"))
    return rows.mutate(is_again=again, is_early=early)


def _times(condition: ir.BooleanValue) -> ir.IntegerScalar:
    return ibis.ifelse(condition, 1, 0).sum()
