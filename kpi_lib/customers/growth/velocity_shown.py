"""What a page on stage velocity shows: its parts, and the list of who is stuck."""

from __future__ import annotations

from kpi_lib.customers.growth import (
    conversion_lists,
    flow_parts,
    outlook_parts,
    velocity_parts,
    work_parts,
)
from kpi_lib.kpi import Part, Unit


def units(unit: Unit, *names: str) -> dict[str, Unit]:
    """Columns with the same unit."""
    return dict.fromkeys(names, unit)


DAYS, COUNT, MONEY, SHARE = Unit.DAYS, Unit.COUNT, Unit.MONEY, Unit.SHARE

WHO = Part(
    name="stuck",
    title="The journeys that are stuck longest",
    meaning="Every journey on the way now, whenever it began: longest in its state first.",
    compute=conversion_lists.stuck,
    units=units(DAYS, "days_in_state", "days") | {"amount": MONEY},
)

PARTS = (
    Part(
        name="steps",
        title="Median days of each step",
        meaning="Of who entered a state in the periods shown; who is still there is censored, and so is "
        "who left (`if nobody left`). `p90_days`: nine of ten got on by then. `mean_of_passed` leaves out who is still there. "
        "`days_between` lie between leaving a state and entering the next.",
        compute=velocity_parts.steps,
        view="bars",
        units=units(
            DAYS, "median_days", "low", "high", "p90_days", "mean_of_passed", "days_between"
        )
        | units(COUNT, "entered", "passed", "gone", "in_it"),
    ),
    Part(
        name="curves",
        title="Share still in a state",
        meaning="By days since entering it (Kaplan-Meier, who left counted as censored).",
        compute=velocity_parts.curves,
        view="curve",
        units={"day": DAYS, "at_risk": COUNT} | units(SHARE, "waiting_share", "low", "high"),
    ),
    Part(
        name="told",
        title="What most companies report, and what is true",
        meaning="The naive mean counts only those who got there. Bounds of the median: who left would "
        "have reached the next day (lowest), or never (highest).",
        compute=velocity_parts.told,
        units=units(COUNT, "journeys", "passed", "gone", "still_waiting")
        | units(DAYS, "naive_mean_days", "restricted_mean_days", "gap_days")
        | units(DAYS, "median_days", "median_low", "median_high")
        | units(DAYS, "lowest_median", "highest_median"),
    ),
    Part(
        name="work",
        title="Share of business days spent waiting",
        meaning="A business day in a state is a working one when the account was touched on it or "
        "within `touch_covers_days` business days before; all others are waiting.",
        compute=work_parts.work,
        view="bars",
        units={"waiting_share": SHARE}
        | units(DAYS, "business_days", "working_days", "waiting_days")
        | units(COUNT, "entered", "touches"),
    ),
    Part(
        name="floor",
        title="The organic floor",
        meaning="Days below which this kind of customer does not go: the quantile of the unforced "
        "cycle. Passages in the last days of a quarter are forced, and censored on their day.",
        compute=velocity_parts.floor,
        units=units(DAYS, "floor_days", "low", "high", "median_days", "target_days")
        | units(COUNT, "passed", "forced"),
    ),
    Part(
        name="little",
        title="Little's law: work in progress = throughput x cycle time",
        meaning="`gap` = `still_in` - `before`, both in journey days per day: days spent in the period by "
        "who did not leave in it, less days that who left had spent before it.",
        compute=flow_parts.little,
        units={"cycle_days": DAYS},
    ),
    Part(
        name="sales_velocity",
        title="Sales velocity beside what was won",
        meaning="Money per day: journeys in progress x win rate x mean amount / cycle days. It equals "
        "what was won a day where Little's law has no gap.",
        compute=flow_parts.sales_velocity,
        units=units(MONEY, "velocity_per_day", "won_per_day", "mean_amount")
        | {"in_progress": COUNT, "win_rate": SHARE, "cycle_days": DAYS, "passed": COUNT},
    ),
    Part(
        name="occupancy",
        title="How many journeys are in each state on the way",
        meaning="In the states before `to_state`, on the last day of each period.",
        compute=flow_parts.occupancy,
        view="bars",
        units={"journeys": COUNT},
    ),
    Part(
        name="forecast",
        title="Who will get there in the next four quarters",
        meaning="Expected arrivals in `to_state`: of the journeys in each state now, by the curves of "
        "the past, and of those still to come at the rate of the last year. It takes ten arrivals and a "
        "year of history.",
        compute=outlook_parts.forecast,
        view="bars",
        units=units(COUNT, "expected", "low", "high", "on_the_way", "still_to_come"),
    ),
    Part(
        name="back_test",
        title="The same forecast made in the past",
        meaning="On each of the last twelve quarter ends, from what was known then, beside what came.",
        compute=outlook_parts.back_test,
        units=units(COUNT, "expected", "low", "high", "actual"),
    ),
    Part(
        name="coverage",
        title="How often the intervals held what came",
        meaning="Should be near the level of the intervals. Up to four forecasts are judged by the same "
        "quarter, so the interval of the share counts quarters, not forecasts.",
        compute=outlook_parts.coverage,
        view="bars",
        units=units(SHARE, "covered", "low", "high")
        | units(COUNT, "forecasts", "inside", "quarters"),
    ),
)
