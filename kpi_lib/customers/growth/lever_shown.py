"""The parts of the levers as their card shows them, with their units and what they mean."""

from __future__ import annotations

from kpi_lib.customers.growth import lever_lists, lever_memory, lever_parts
from kpi_lib.kpi import Part, Unit
from kpi_lib.stats.paths import MODELS

_MONEY, _COUNT, _SHARE, _RATIO = Unit.MONEY, Unit.COUNT, Unit.SHARE, Unit.RATIO
_BACK = {"credited": _MONEY, "cost": _MONEY, "returned": _RATIO}
_EFFORT = _BACK | dict.fromkeys(("effort", "spending", "result"), _SHARE)
_EFFORT |= dict.fromkeys(("touches", "accounts", "contacts"), _COUNT)


def _both(unit: Unit) -> dict[str, Unit]:
    """The unit of both bounds."""
    return {"low": unit, "high": unit}


WHO = Part(
    name="accounts",
    title="Accounts, the most spent on first",
    meaning="Accounts whose journeys ended in the periods shown: what was spent on them and what came back.",
    compute=lever_lists.accounts,
    units=_BACK | dict.fromkeys(("touches", "people", "levers"), _COUNT),
)

PARTS = (
    Part(
        name="returns",
        title="What each lever is credited with",
        meaning="Over all journeys that have ended, by the chosen model. `returned` is money credited per money "
        "spent on touches whose cost is known. `unstable` says why a place is not to be built on.",
        compute=lever_lists.returns,
        view="bars",
        units=_BACK
        | _both(_MONEY)
        | {"returned_low": _RATIO, "returned_high": _RATIO, "reach": _SHARE}
        | dict.fromkeys(("touches", "accounts", "rank_by_volume", "rank_by_credit"), _COUNT),
    ),
    Part(
        name="models",
        title="The same outcomes, credited by seven models",
        meaning="Every model adds up to the same outcomes and splits them otherwise.",
        compute=lever_lists.models,
        view="lines",
        units={"credited": _MONEY, "low": _MONEY, "high": _MONEY, "share": _SHARE},
    ),
    Part(
        name="ranks",
        title="Rank by volume beside rank by outcome",
        meaning="1 is the first. A lever used most is not for that the one that brings most.",
        compute=lever_lists.ranks,
        units=dict.fromkeys(("by_volume", *MODELS, "markov"), _COUNT),
    ),
    Part(
        name="agreement",
        title="How far the models agree",
        meaning="Rank correlation of the levers between two models, the least alike first.",
        compute=lever_lists.agreements,
        view="bars",
        units={"rank_correlation": _RATIO},
    ),
    Part(
        name="memory",
        title="The Markov chain, told otherwise",
        meaning="Share of the outcomes: with one, two and three touches remembered; learnt from the journeys with an "
        "outcome alone; and by all sets of levers instead of one at a time (Shapley), with its standard error where "
        "there are more than 12 levers.",
        compute=lever_memory.memory,
        units=dict.fromkeys(lever_memory.FIGURES, _SHARE),
    ),
    Part(
        name="effectiveness",
        title="Touched against not yet touched",
        meaning="Odds of moving on to a later state: accounts touched by the landmark day of the state against "
        "accounts still there and not yet touched, that entered in the same month.",
        compute=lever_parts.effectiveness,
        view="bars",
        units=_both(_RATIO)
        | {"odds_ratio": _RATIO, "share_touched": _SHARE, "share_others": _SHARE}
        | {"landmark": Unit.DAYS, "touched": _COUNT, "others": _COUNT},
    ),
    Part(
        name="placebo",
        title="Before the touch: did those touched differ already?",
        meaning="Time spent in the state before, of those touched against the others. No touch can change what "
        "was before it, so a difference here says that the lever was sent to others than it passed by.",
        compute=lever_parts.placebo,
        view="bars",
        units=_both(_SHARE) | {"longer": _SHARE, "known": _COUNT, "others_known": _COUNT},
    ),
    Part(
        name="elasticity",
        title="What one more touch goes with",
        meaning="Change of the log-odds of moving on per further touch; month, segment and fit held equal. 0.7 "
        "doubles the odds. `first`, `second`, `third`: what that touch adds where each adds less.",
        compute=lever_parts.elasticity,
        view="bars",
        units=_both(_RATIO)
        | dict.fromkeys(("per_touch", "first", "second", "third"), _RATIO)
        | {"units": _COUNT},
    ),
    Part(
        name="saturation",
        title="Share that moved on, by number of touches",
        meaning="Accounts still in the state on the landmark day, by touches until then; groups of ten or more. "
        "The eight levers and states with the most numbers of touches.",
        compute=lever_parts.saturation,
        view="lines",
        units={"share": _SHARE, "n": _COUNT},
    ),
    Part(
        name="by_track",
        title="By conversation track",
        meaning="Effort is the share of touches, spending of cost, result of the money credited.",
        compute=lever_lists.by_track,
        view="bars",
        units=_EFFORT,
    ),
    Part(
        name="by_ideal",
        title="By fit with the ideal customer",
        meaning="Effort and result through the ideal-customer lens.",
        compute=lever_lists.by_ideal,
        view="bars",
        units=_EFFORT,
    ),
    Part(
        name="by_role",
        title="By the role of the person touched",
        meaning="Whether effort goes to whoever is available, and what comes of it.",
        compute=lever_lists.by_role,
        view="bars",
        units=_EFFORT,
    ),
    Part(
        name="books",
        title="How the books are kept",
        meaning="`free_share`: touches by people that were entered at a cost of 0. `lost_share`: journeys that ended "
        "without an outcome. Neither moves by itself; a jump says that something is no longer written down.",
        compute=lever_lists.books,
        units=dict.fromkeys(("touches_by_people", "ended"), _COUNT)
        | dict.fromkeys(("free_share", "lost_share"), _SHARE),
    ),
    Part(
        name="people",
        title="The same touches by person",
        meaning="The contact view of the accounts below: touches, cost and credit add up to the same.",
        compute=lever_lists.people,
        units=_BACK | {"touches": _COUNT},
    ),
)
