"""The parts of lift as its card shows them, with their units and what they mean."""

from __future__ import annotations

from kpi_lib.customers.growth import lift_levels, lift_lists, lift_parts, lift_spread
from kpi_lib.kpi import Part, Unit

_PAIR = {"low": Unit.MONEY, "high": Unit.MONEY}
_N = {"exposed": Unit.COUNT, "comparable": Unit.COUNT}
_ALIKE = {"observed": Unit.MONEY} | _PAIR | _N
_MORE = dict.fromkeys(lift_levels.FIGURES, Unit.MONEY)
_ALIKE |= dict.fromkeys(("by_lift", "by_volume", "touches"), Unit.COUNT)

WHO = Part(
    name="accounts",
    title="Profit of each account in the last year, the least first",
    meaning="Revenue less goods, service and touches, accounts that paid in the last 365 days.",
    compute=lift_lists.accounts,
    units=dict.fromkeys(("profit", "revenue", "goods", "service", "touches"), Unit.MONEY),
)

PARTS = (
    Part(
        name="by_lever",
        title="Money that goes with a lever, per account exposed",
        meaning="Exposed by the landmark day of the state against comparable accounts. `whole` is money seen in "
        "the window (`observed`) and expected after it (`projected`).",
        compute=lift_parts.by_lever,
        view="bars",
        units=dict.fromkeys(lift_parts.BY_LEVER, Unit.MONEY) | _N,
    ),
    Part(
        name="placebo",
        title="Before the exposure: did those exposed differ already?",
        meaning="The same comparison in as many days before entering the state, and the time spent in the state "
        "before. No touch can change what was before it.",
        compute=lift_parts.placebo,
        view="bars",
        units={"money_before": Unit.MONEY, "slower": Unit.SHARE}
        | _PAIR
        | {"slower_low": Unit.SHARE, "slower_high": Unit.SHARE},
    ),
    Part(
        name="ranks",
        title="Rank by volume beside rank by outcome",
        meaning="Money seen, all states together; 1 is the first. A lever used most is not for that the one that "
        "brings most. `unstable` says which places the intervals leave open.",
        compute=lift_parts.ranks,
        units=_ALIKE,
    ),
    Part(
        name="by_track",
        title="By conversation track",
        meaning="Money seen, all states together, those exposed to the track against those not.",
        compute=lift_parts.by_track,
        view="bars",
        units=_ALIKE,
    ),
    Part(
        name="by_role",
        title="By the role of the person touched",
        meaning="Money seen, all states together, accounts where a person of the role was touched against others.",
        compute=lift_parts.by_role,
        view="bars",
        units=_ALIKE,
    ),
    Part(
        name="by_account",
        title="Whose money the lift is made of",
        meaning="Accounts exposed whose windows closed in the periods shown: money more than that of their comparable "
        "accounts. It adds up to the headline of these periods. One account alone shows chance as much as lift.",
        compute=lift_levels.by_account,
        units=_MORE | {"exposures": Unit.COUNT},
    ),
    Part(
        name="by_person",
        title="The same money by the person touched",
        meaning="The contact view of the accounts above: what an exposure is worth, shared equally among its touches.",
        compute=lift_levels.by_person,
        units=_MORE | {"touches": Unit.COUNT},
    ),
    Part(
        name="whale",
        title="Whale curve: profit of the last year, the most profitable accounts first",
        meaning="Where the line falls, accounts cost more than they pay. `losing` counts them.",
        compute=lift_lists.whale,
        view="lines",
        units={"cumulative": Unit.MONEY, "all_alike": Unit.MONEY, "losing": Unit.COUNT},
    ),
    Part(
        name="portfolio",
        title="The same spend, spread otherwise",
        meaning="Touches per account now and as the fitted saturation curves would have them, with the gain over "
        "all accounts. Empty with the reason where the data cannot tell.",
        compute=lift_spread.portfolio,
        units={"gain": Unit.MONEY, "spend": Unit.MONEY}
        | _PAIR
        | {"now": Unit.RATIO, "proposed": Unit.RATIO},
    ),
    Part(
        name="people",
        title="The touches of the last year by person",
        meaning="The contact view of the accounts below: the money of the touches adds up to the same. `profit` is "
        "that of the whole account.",
        compute=lift_lists.people,
        units={"touched": Unit.COUNT, "touches": Unit.MONEY, "profit": Unit.MONEY},
    ),
    Part(
        name="books",
        title="How the books are kept",
        meaning="`unpaid_share`: touches of the last year to accounts that have paid nothing so far. It does not "
        "move by itself; a jump says that touches that came to nothing are no longer written down.",
        compute=lift_lists.books,
        units={"touched": Unit.COUNT, "unpaid_share": Unit.SHARE},
    ),
)
