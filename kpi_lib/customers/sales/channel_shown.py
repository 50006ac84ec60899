"""The parts of channel cost as its card shows them, and the customers behind them."""

from __future__ import annotations

from kpi_lib.customers.sales import channel_parts, channel_returns
from kpi_lib.kpi import Part, Unit

PER_LEAD = dict.fromkeys(("cost_per_lead", "low", "high", "spend"), Unit.MONEY)
PER_LEAD |= {"leads": Unit.COUNT, "rank": Unit.COUNT, "cheapest": Unit.SHARE}

RETURNS = dict.fromkeys(("cost_per_customer", "low", "high", "spend"), Unit.MONEY)
RETURNS |= dict.fromkeys(("roi", "roi_low", "roi_high"), Unit.SHARE) | {"customers": Unit.COUNT}

WHO = Part(
    name="customers",
    title="The customers that the money brought",
    meaning="Leads won within the horizon, the dearest first: the share of what its campaign cost in "
    "the period in which the lead came. Empty while that period is open.",
    compute=channel_parts.listed,
    units={"cost": Unit.MONEY, "days": Unit.DAYS},
)


def per_lead_part(by: str, title: str) -> Part:
    """Cost of a lead by channel or campaign."""
    return Part(
        name=f"by_{by}",
        title=title,
        meaning="All periods shown together, the most money first. Rank 1 is the cheapest; "
        "`cheapest` is the share of the resamples in which it is. Below `min_leads` there is no rank.",
        compute=channel_parts.per_lead(by),
        view="bars",
        units=PER_LEAD,
    )


def returns_part(by: str, title: str) -> Part:
    """Cost of a customer and return by channel or campaign."""
    return Part(
        name=f"returns_by_{by}",
        title=title,
        meaning="Only periods whose leads have all had their horizon: their money against the customers "
        "that their own leads became. `roi` is what those bring in `value_months` months after goods "
        "and service, less the money, over the money.",
        compute=channel_returns.returns(by),
        view="bars",
        units=RETURNS,
    )


PARTS = (
    Part(
        name="left_out",
        title="What is counted and what is left out",
        meaning="Money that names no channel belongs to none, and leads of a source on which nothing "
        "is ever spent cost nothing. Both are left out of the figure.",
        compute=channel_parts.left_out,
        units=dict.fromkeys(("with_channel", "without_channel"), Unit.MONEY)
        | {"named_share": Unit.SHARE}
        | dict.fromkeys(("paid_leads", "free_leads"), Unit.COUNT),
    ),
    per_lead_part("channel", "A lead, by channel"),
    per_lead_part("campaign", "A lead, by campaign"),
    returns_part("channel", "A customer and the return, by channel"),
    returns_part("campaign", "A customer and the return, by campaign"),
    Part(
        name="marginal",
        title="The next lead",
        meaning="`average`: money over leads. `marginal`: what a further lead costs, from the line of "
        "leads on money over the months. Null where months with more money brought no more leads.",
        compute=channel_parts.marginal,
        units=dict.fromkeys(("average", "marginal", "low", "high"), Unit.MONEY)
        | dict.fromkeys(("months", "leads"), Unit.COUNT),
    ),
    Part(
        name="matched",
        title="A customer, matched with the money and not",
        meaning="`matched`: the money of a period over the customers that its own leads became. "
        "`unmatched`: the same money over the deals won in that period, whose leads are older.",
        compute=channel_parts.matched,
        view="lines",
        units=dict.fromkeys(("matched", "unmatched"), Unit.MONEY)
        | dict.fromkeys(("leads", "customers"), Unit.COUNT)
        | dict.fromkeys(("won_share", "won_per_lead"), Unit.SHARE),
    ),
)
