"""When the days between states say more about the calendar of the seller than of the buyer."""

from __future__ import annotations

from kpi_lib.customers.growth.conversion import all_passages
from kpi_lib.customers.growth.states import MOVED_ON
from kpi_lib.customers.growth.velocity_parts import Choice, forced_days
from kpi_lib.engine import run
from kpi_lib.kpi import RuleOutcome
from kpi_lib.schema import Tables

_MOST = 0.25


def pushed_at_quarter_end(tables: Tables, params: Choice) -> RuleOutcome | None:
    """Fires when more than a quarter of the passages fall into the last days of a quarter."""
    rows = all_passages(tables, params)
    rows = rows.filter(rows["outcome"] == MOVED_ON)
    days = forced_days(tables, params)
    late = rows.count(where=rows["ended_on"].isin(days)) if days else rows.count() * 0
    counted = run(rows.aggregate(passed=rows.count(), late=late))
    passed, pushed = int(counted["passed"].iloc[0]), int(counted["late"].iloc[0])
    if not passed:
        return None
    sentence = (
        f"{pushed} of {passed} passages fall into the last {params.push_days} days of a quarter."
    )
    fires = pushed > _MOST * passed
    return RuleOutcome(fires, sentence, "the organic floor beside the median" if fires else "")
