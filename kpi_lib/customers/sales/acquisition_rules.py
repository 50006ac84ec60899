"""When acquisition cost is a poor KPI for a business, found from its data."""

from __future__ import annotations

from kpi_lib.customers.sales.acquisition import Choice, last_year, new_customers
from kpi_lib.customers.sales.acquisition_parts import by_channel
from kpi_lib.customers.sales.leads import WON, outcomes
from kpi_lib.engine import run
from kpi_lib.kpi import RuleOutcome
from kpi_lib.schema import Tables
from kpi_lib.stats.intervals import poisson_limits

_FEW = 50
_HALF_A_YEAR = 180


def few_customers(tables: Tables, params: Choice) -> RuleOutcome | None:
    """Fires at 50 new customers a year or fewer, and says how wide a quarter is then."""
    rows = new_customers(tables, last_year(tables, params))
    count = int(run(rows.aggregate(new=rows.count()))["new"].iloc[0])
    if not count:
        return None
    said = f"{count} customers came in the last twelve months"
    if count > _FEW:
        return RuleOutcome(False, f"{said}.")
    few, many = (float(limit) for limit in poisson_limits(count / 4, params.level))
    wide = f"the interval of an average quarter ends at {many / few:.1f} times its lower end"
    return RuleOutcome(True, f"{said}: {wide}.", "a year at a time")


def channels_too_small(tables: Tables, params: Choice) -> RuleOutcome | None:
    """Fires when a channel has too few customers for a figure of its own."""
    rows = run(by_channel(tables, params))
    if rows.empty:
        return None
    refused = int(rows["cac"].isna().sum())
    least = f"{params.min_customers} customers a year"
    sentence = f"{refused} of {len(rows)} channels brought fewer than {least}."
    return RuleOutcome(refused > 0, sentence, "lead_conversion by source" if refused else "")


def cycle_longer_than_a_period(tables: Tables, params: Choice) -> RuleOutcome | None:
    """Fires when half of the leads won took more than half a year and the spend is not spread."""
    if "leads" not in tables:
        return None
    rows = outcomes(tables)
    rows = rows.filter(rows["outcome"] == WON)
    long = rows["days"] > _HALF_A_YEAR
    counted = run(rows.aggregate(won=rows.count(), slow=rows.count(where=long)))
    won, slow = int(counted["won"].iloc[0]), int(counted["slow"].iloc[0])
    if not won:
        return None
    sentence = f"{slow} of {won} leads won took longer than {_HALF_A_YEAR} days, so customers were paid for long before."
    fires = 2 * slow > won and params.variant != "lagged"
    return RuleOutcome(fires, sentence, "the variant lagged" if fires else "")
