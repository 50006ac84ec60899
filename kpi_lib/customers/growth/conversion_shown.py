"""What a page on stage conversion shows: its parts, and the journeys behind it."""

from __future__ import annotations

from kpi_lib.customers.growth import conversion_lists, conversion_parts
from kpi_lib.kpi import Part, Unit

SHARES = dict.fromkeys(("conversion", "low", "high"), Unit.SHARE)


def counts(*names: str) -> dict[str, Unit]:
    """Columns that are counted."""
    return dict.fromkeys(names, Unit.COUNT)


ENDS = counts("entered", "passed", "gone")

WHO = Part(
    name="journeys",
    title="The journeys of the cohorts shown",
    meaning="Those on the way first, the largest amount first; then those that passed, then those gone.",
    compute=conversion_lists.listed,
    units={"days": Unit.DAYS, "amount": Unit.MONEY},
)


def split_part(name: str, title: str, meaning: str) -> Part:
    """Conversion from `from_state` to `to_state` by one column, over all periods shown."""
    return Part(
        name=f"by_{name}",
        title=title,
        meaning=meaning,
        compute=conversion_parts.split(name),
        view="bars",
        units=ENDS | SHARES,
    )


PARTS = (
    Part(
        name="steps",
        title="Conversion of each step, before and after the sale",
        meaning="Of those who entered a state in the periods shown, the share that got on within the "
        "horizon; leaving competes, and who is still in the state is censored. `moved_on`, `skipped`, "
        "`gone` and `in_it` add up to `entered`, at any time.",
        compute=conversion_parts.steps,
        view="bars",
        units=SHARES | counts("entered", "moved_on", "skipped", "gone", "in_it"),
    ),
    Part(
        name="friction",
        title="What each step loses, in money per year",
        meaning="Journeys expected to leave, times their mean amount, times the chance that they would "
        "still have been won. The step with the largest share gone is often not the dearest one.",
        compute=conversion_parts.friction,
        view="bars",
        units=dict.fromkeys(("value_lost", "low", "high", "mean_amount"), Unit.MONEY)
        | dict.fromkeys(("share_gone", "chance_later"), Unit.SHARE)
        | {"journeys_gone": Unit.COUNT},
    ),
    Part(
        name="quality",
        title="Fit of those who pass, and of those who enter",
        meaning="`ideal_share` of the journeys that reached `to_state` in the period, of those whose fit "
        "is stated. More throughput of worse fit is no success.",
        compute=conversion_parts.quality,
        view="lines",
        units=dict.fromkeys(("ideal_share", "low", "high", "entered_ideal_share"), Unit.SHARE)
        | counts("passed", "entered"),
    ),
    Part(
        name="throughput",
        title="Throughput against quality",
        meaning="Each period against the one before: did more pass, and did they fit better or worse.",
        compute=conversion_parts.throughput,
        units=counts("passed", "ideal_passed") | {"ideal_share": Unit.SHARE},
    ),
    Part(
        name="beside",
        title="The cohort's share, and the snapshot ratio",
        meaning="`conversion` follows who entered in a period. `snapshot` divides those who passed in "
        "the period, who entered earlier, by those who entered in it.",
        compute=conversion_parts.beside,
        view="lines",
        units=counts("entered", "passed") | SHARES | {"snapshot": Unit.SHARE},
    ),
    Part(
        name="curves",
        title="Share of each step that has got on",
        meaning="By days since entering the state, leaving counted as a competing event "
        "(Aalen-Johansen); passed, gone and in it add up to 1.",
        compute=conversion_parts.curves,
        view="curve",
        units={"day": Unit.DAYS, "at_risk": Unit.COUNT}
        | dict.fromkeys(("passed_share", "gone_share", "in_it_share"), Unit.SHARE),
    ),
    Part(
        name="steps_by_fit",
        title="Each step by fit with the ideal customer",
        meaning="Where the ideal customer gets on and others do not, and where it makes no difference.",
        compute=conversion_parts.steps_by_fit,
        units=counts("entered") | SHARES,
    ),
    split_part(
        "is_ideal",
        "By fit with the ideal customer",
        "All periods shown together. A company is ideal when one of its leads is, else as its account "
        "says.",
    ),
    split_part(
        "track",
        "By conversation track",
        "All periods shown together. The track is that of the last touch on or before entering.",
    ),
)
