"""When channel cost is a poor KPI for a business, found from its data."""

from __future__ import annotations

from datetime import timedelta

from kpi_lib.customers.sales import lead_rules
from kpi_lib.customers.sales.channel_parts import per_lead
from kpi_lib.customers.sales.channels import Choice, acquiring
from kpi_lib.customers.sales.leads import WON, outcomes
from kpi_lib.engine import run
from kpi_lib.kpi import RuleOutcome
from kpi_lib.schema import Tables

_FEW = 50
_HALF = 0.5
_YEAR = timedelta(days=365)


def money_names_no_channel(tables: Tables, params: Choice) -> RuleOutcome | None:
    """Fires when most of a year's acquisition spend names no channel."""
    del params
    rows = acquiring(tables)
    rows = rows.filter(rows["month"] > tables.as_of - _YEAR)
    sums = run(
        rows.aggregate(
            whole=rows["amount"].sum(), named=rows["amount"].sum(where=rows["channel"].notnull())
        )
    )
    whole, named = (float(sums[name].fillna(0.0).iloc[0]) for name in ("whole", "named"))
    if not whole > 0:
        return None
    fires = named < _HALF * whole
    sentence = f"{named / whole:.0%} of the acquisition spend of the last year names a channel."
    return RuleOutcome(fires, sentence, "acquisition_cost" if fires else "")


def channels_too_small(tables: Tables, params: Choice) -> RuleOutcome | None:
    """Fires when channels have too few leads for a rank."""
    rows = run(per_lead("channel")(tables, params))
    if rows.empty:
        return None
    few = int((rows["leads"] < params.min_leads).sum())
    sentence = f"{few} of {len(rows)} channels brought fewer than {params.min_leads} leads."
    return RuleOutcome(few > 0, sentence, "channels of one kind taken together" if few else "")


def few_customers(tables: Tables, params: Choice) -> RuleOutcome | None:
    """Fires where money is divided by customers, and a year brings 50 of them or fewer to all channels."""
    rows = outcomes(tables)
    rows = rows.filter(rows["outcome"] == WON, rows["closed_on"] > tables.as_of - _YEAR)
    counted = run(rows.aggregate(won=rows.count(), channels=rows["source"].nunique()))
    won, channels = int(counted["won"].iloc[0]), int(counted["channels"].iloc[0])
    if not won:
        return None
    sentence = f"{won} customers were won within a year, by {channels} channels"
    if params.per != "customer" or won > _FEW:
        return RuleOutcome(False, f"{sentence}.")
    said = f"{sentence}: what one of them costs per channel is chance."
    return RuleOutcome(True, said, "acquisition_cost")


def one_channel(tables: Tables, params: Choice) -> RuleOutcome | None:
    """Fires when money is spent on one channel only: there is nothing to choose between."""
    rows = run(per_lead("channel")(tables, params))
    if rows.empty:
        return None
    paid = int((rows["spend"] > 0).sum())
    sentence = f"Money is spent on {paid} channel{'' if paid == 1 else 's'}."
    return RuleOutcome(paid == 1, sentence, "its campaigns" if paid == 1 else "")


horizon_too_short = lead_rules.horizon_too_short
