"""When conversion and velocity between states are poor KPIs for a business, found from its data."""

from __future__ import annotations

from typing import Any

from kpi_lib.customers.growth.conversion import Path, all_passages, shown_passages
from kpi_lib.customers.growth.states import GONE, MOVED_ON, entries
from kpi_lib.engine import run
from kpi_lib.kpi import RuleOutcome
from kpi_lib.schema import Tables

_FEWEST = 10
_MOST = 0.5


def _counted(tables: Tables, params: Path) -> Any:
    rows = all_passages(tables, params)
    passed = rows["outcome"] == MOVED_ON
    sums = rows.aggregate(
        entered=rows.count(),
        passed=rows.count(where=passed),
        gone=rows.count(where=rows["outcome"] == GONE),
        late=rows.count(where=passed & (rows["days"] > params.horizon_days)),
    )
    return run(sums).iloc[0]


def losses_not_recorded(tables: Tables, params: Path) -> RuleOutcome | None:
    """Fires when journeys pass but none was ever seen to leave."""
    counted = _counted(tables, params)
    passed, gone = int(counted["passed"]), int(counted["gone"])
    if not passed:
        return None
    if gone:
        return RuleOutcome(False, f"{passed} journeys passed and {gone} left on the way.")
    sentence = f"{passed} journeys passed and none left, so losses are not written down."
    return RuleOutcome(True, sentence, "`left_at` of a state, filled in when a deal is given up")


def horizon_too_short(tables: Tables, params: Path) -> RuleOutcome | None:
    """Fires when most journeys that passed took longer than the horizon."""
    counted = _counted(tables, params)
    passed, late = int(counted["passed"]), int(counted["late"])
    if not passed:
        return None
    sentence = f"{late} of {passed} passages took longer than {params.horizon_days} days."
    fires = late > _MOST * passed
    return RuleOutcome(fires, sentence, "a longer `horizon_days`" if fires else "")


def states_never_entered(tables: Tables, params: Path) -> RuleOutcome | None:
    """Fires when `from_state` or `to_state` does not occur in the data."""
    rows = entries(tables, params.states, params.journeys_of)
    seen = set(run(rows.select("state").distinct())["state"])
    if not seen:
        return None
    missing = [name for name in (params.from_state, params.to_state) if name not in seen]
    if not missing:
        return RuleOutcome(False, f"Both states occur, and {len(seen)} states in all.")
    sentence = f"Nobody ever entered the state {' or '.join(missing)}."
    return RuleOutcome(True, sentence, "the names of your own states in `states`")


def few_journeys(tables: Tables, params: Path) -> RuleOutcome | None:
    """Fires when fewer than 10 journeys begin in a period."""
    rows = shown_passages(tables, params)
    begun = int(run(rows.aggregate(begun=rows.count()))["begun"].iloc[0])
    if not begun:
        return None
    each = begun / params.periods
    sentence = f"{each:.1f} journeys begin in a {params.period}."
    fires = each < _FEWEST
    return RuleOutcome(fires, sentence, "longer periods, or an earlier state" if fires else "")
