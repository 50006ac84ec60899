"""What a page on demo conversion shows: its parts, and the demos behind it."""

from __future__ import annotations

from kpi_lib.customers.sales import demo_parts, demo_said
from kpi_lib.kpi import Part, Unit

COUNTS = dict.fromkeys(("demos", "bought", "lost"), Unit.COUNT)
SHARES = dict.fromkeys(("conversion", "low", "high"), Unit.SHARE)
DAYS = dict.fromkeys(("mean_days", "median_days", "shortest_days", "longest_days"), Unit.DAYS)

WHO = Part(
    name="demos",
    title="The demos of the periods shown",
    meaning="Those still open first, the longest wait first; then the bought, then the lost. Reasons "
    "and comments never stand beside a name.",
    compute=demo_parts.listed,
    units={"days": Unit.DAYS},
)


def split_part(name: str, title: str, meaning: str = "") -> Part:
    """Conversion by one column of the demos, over all periods shown."""
    return Part(
        name=f"by_{name}",
        title=title,
        meaning=meaning
        or "All periods shown together, the largest group first; young demos are censored.",
        compute=demo_parts.split(name),
        view="bars",
        units=COUNTS | SHARES,
    )


PARTS = (
    Part(
        name="both",
        title="The two denominators",
        meaning="`of_started` follows the demos started in a period until their horizon. `of_ended` "
        "takes the demos that ended in it, whenever they started: bought, lost, or past the horizon.",
        compute=demo_parts.both,
        view="lines",
        units=dict.fromkeys(("started", "ended"), Unit.COUNT)
        | dict.fromkeys(("of_started", "low", "high", "of_ended"), Unit.SHARE),
    ),
    Part(
        name="left_out",
        title="What is counted and what is left out",
        meaning="A lead without a demo is not in this figure, nor is a demo seen after the deal was "
        "closed.",
        compute=demo_parts.left_out,
        units=dict.fromkeys(("leads", "without_demo", "closed_before", "demos"), Unit.COUNT),
    ),
    split_part("page", "By industry page"),
    split_part(
        "plan",
        "By the plan that is tried",
        "The plan of the demo or trial, known before anybody buys. What was bought stands apart: it "
        "is known of buyers only, so a share of it would always be 100 %.",
    ),
    split_part("source", "By source"),
    split_part("segment", "By segment"),
    Part(
        name="plans_bought",
        title="What the buyers took",
        meaning="The first paid contract of those who bought.",
        compute=demo_parts.plans_bought,
        view="bars",
        units={
            "share": Unit.SHARE,
            "buyers": Unit.COUNT,
            "monthly_amount": Unit.MONEY_PER_MONTH,
        },
    ),
    Part(
        name="contracts",
        title="Whether those who bought pay",
        meaning="By the period of the demo: the share of buyers with a contract that is paid, and "
        "what they pay at first.",
        compute=demo_parts.contracts,
        units={
            "buyers": Unit.COUNT,
            "with_contract": Unit.SHARE,
            "monthly_amount": Unit.MONEY_PER_MONTH,
        },
    ),
    Part(
        name="curves",
        title="From demo to paid",
        meaning="By days since the demo, being lost counted as a competing event (Aalen-Johansen). "
        "The newest 12 cohorts, each as far as its demos could be watched on average.",
        compute=demo_parts.curves,
        view="curve",
        units={"day": Unit.DAYS, "at_risk": Unit.COUNT}
        | dict.fromkeys(("won_share", "lost_share", "open_share"), Unit.SHARE),
    ),
    Part(
        name="durations",
        title="How long it takes after the demo",
        meaning="Days from the demo to paid or lost, and so far for those open. Of those closed only, "
        "so slow ones are missing from it.",
        compute=demo_parts.durations,
        units={"demos": Unit.COUNT} | DAYS,
    ),
    Part(
        name="feedback",
        title="How many told us why",
        meaning="Of the demos that were lost: with a reason on record, with words of their own.",
        compute=demo_said.feedback,
        units=dict.fromkeys(("not_bought", "with_reason", "with_comment"), Unit.COUNT)
        | dict.fromkeys(("reason_share", "comment_share"), Unit.SHARE),
    ),
    Part(
        name="reasons",
        title="Why demos were not bought",
        meaning="The reason on record. Reasons of fewer than `min_group` demos are shown together.",
        compute=demo_said.reasons,
        view="bars",
        units={"share": Unit.SHARE, "demos": Unit.COUNT, "mean_days": Unit.DAYS},
    ),
    Part(
        name="quotes",
        title="What they wrote",
        meaning="In their words, without name, date or page, and only from reasons for which at least "
        "`min_group` people wrote something.",
        compute=demo_said.quotes,
        units={"said_by": Unit.COUNT, "mean_score": Unit.POINTS},
    ),
)
