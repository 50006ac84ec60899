"""When time to value is a poor KPI for a business, found from its data."""

from __future__ import annotations

from kpi_lib.customers.use.waits import REACHED, Rule, waits
from kpi_lib.engine import run
from kpi_lib.kpi import RuleOutcome
from kpi_lib.schema import Tables

_MOST = 0.5
_NAMED = 5


def no_value_event(tables: Tables, rule: Rule) -> RuleOutcome | None:
    """Fires when neither value event is in the usage; names the commonest events instead."""
    usage = tables["usage"]
    found = run(usage.group_by("event").aggregate(times=usage.count()))
    if found.empty:
        return None
    wanted = [rule.value_event, *([rule.api_value_event] if rule.api_value_event else [])]
    times = int(found.loc[found["event"].isin(wanted), "times"].sum())
    if times:
        return RuleOutcome(False, f"{' or '.join(wanted)} occurs {times} times.")
    common = found.sort_values(["times", "event"], ascending=[False, True])["event"].head(_NAMED)
    sentence = f"No event is called {' or '.join(wanted)}; the commonest are {', '.join(common)}."
    return RuleOutcome(True, sentence, "name the event that stands for value in `value_event`")


def value_at_once(tables: Tables, rule: Rule) -> RuleOutcome | None:
    """Fires when more than half of those who reached value did so within a day of the start."""
    rows = waits(tables, rule)
    rows = rows.filter(rows["outcome"] == REACHED)
    counted = run(rows.aggregate(reached=rows.count(), soon=rows.count(where=rows["days"] <= 1)))
    reached, soon = int(counted["reached"].iloc[0]), int(counted["soon"].iloc[0])
    if not reached:
        return None
    sentence = f"{soon} of {reached} accounts reached the value event within a day of their start."
    fires = soon > _MOST * reached
    return RuleOutcome(fires, sentence, "inactive_customers" if fires else "")
