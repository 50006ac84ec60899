"""The parts of the engagement score as its card shows them, and the list of accounts behind it."""

from __future__ import annotations

from typing import Protocol

import ibis.expr.types as ir

from kpi_lib.customers.use import engagement, engagement_lists
from kpi_lib.customers.use.engagement_lists import lowest, parts_tested, weights_tested
from kpi_lib.kpi import Part, Unit
from kpi_lib.periods import Period, PeriodName, complete_periods
from kpi_lib.schema import Tables


class Rule(engagement_lists.Rule, Protocol):
    """What else the parts need: which periods are shown."""

    @property
    def period(self) -> PeriodName:
        """Length of one period."""
        ...

    @property
    def periods(self) -> int:
        """How many periods to show."""
        ...


def shown_periods(tables: Tables, rule: Rule) -> list[Period]:
    """The periods of the trend, oldest first."""
    start = tables.quarter_starts_in
    return complete_periods(tables.as_of, rule.period, rule.periods, start)


def by_part(tables: Tables, rule: Rule) -> ir.Table:
    """One row per period; see `engagement_lists.by_part`."""
    return engagement_lists.by_part(tables, shown_periods(tables, rule), rule)


_PARTS = dict.fromkeys(engagement.PARTS, Unit.POINTS)
_TEST = dict.fromkeys(("auc", "low", "high", "ahead", "ahead_low", "ahead_high"), Unit.RATIO)
_COUNTS = {"decisions": Unit.COUNT, "losses": Unit.COUNT}

LOWEST = Part(
    name="lowest",
    title="Accounts, the least engaged first",
    meaning="Every paying account with its score today, the points of each part, what it pays, and "
    "the months left to its renewal.",
    compute=lowest,
    units={"mrr": Unit.MONEY_PER_MONTH, "score": Unit.POINTS, **_PARTS},
)

PARTS = (
    Part(
        name="by_part",
        title="The six parts of the score",
        meaning="Mean points of each part over the accounts in which it is known, per period.",
        compute=by_part,
        view="lines",
        units=_PARTS,
    ),
    Part(
        name="by_band",
        title="Monthly revenue by engagement",
        meaning="Paying accounts by their score today, and what they pay together.",
        compute=engagement_lists.by_band,
        view="bars",
        units={"mrr": Unit.MONEY_PER_MONTH, "accounts": Unit.COUNT},
    ),
    Part(
        name="weights_tested",
        title="Do the weights earn their place?",
        meaning="How well the score, as it stood so many months before a renewal decision, told the "
        "accounts that left from those that stayed: with the weights chosen, with equal weights, and "
        "against tenure alone (longer customers stay). 0.5 is a coin.",
        compute=weights_tested,
        view="bars",
        units={**_TEST, **_COUNTS},
    ),
    Part(
        name="parts_tested",
        title="Each part alone",
        meaning="The same for every part without the others. A part at 0.5 adds noise to the score.",
        compute=parts_tested,
        view="bars",
        units={**_TEST, **_COUNTS},
    ),
)
