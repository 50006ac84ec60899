"""Which share of the journeys that enter a state gets on: one pair of states, and every step."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Literal, Protocol

import ibis
import ibis.expr.types as ir

from kpi_lib.customers.frames import table_of
from kpi_lib.customers.growth.lenses import with_ideal, with_track
from kpi_lib.customers.growth.states import GONE, MOVED_ON, Level, entries, passages
from kpi_lib.customers.subscribed import with_segment
from kpi_lib.engine import run
from kpi_lib.periods import Period, PeriodName, complete_periods, period_of
from kpi_lib.schema import Tables, named
from kpi_lib.stats.incidence import Incidence

if TYPE_CHECKING:
    import pandas as pd

OWN_SEGMENTS = ("is_ideal", "track")
"""Columns by which journeys can be split besides those of accounts."""


class Path(Protocol):
    """The parameters that say which journeys and which pair of states."""

    @property
    def period(self) -> PeriodName:
        """Length of a cohort's period."""
        ...

    @property
    def periods(self) -> int:
        """How many cohorts are shown."""
        ...

    @property
    def level(self) -> float:
        """Confidence level."""
        ...

    @property
    def segment(self) -> str:
        """Column to split by."""
        ...

    @property
    def states(self) -> tuple[str, ...]:
        """The states in their order."""
        ...

    @property
    def from_state(self) -> str:
        """Where the pair begins."""
        ...

    @property
    def to_state(self) -> str:
        """Where it ends."""
        ...

    @property
    def journeys_of(self) -> Level:
        """Whose journeys: account, contact."""
        ...

    @property
    def horizon_days(self) -> int:
        """How long a passage may take."""
        ...


class Choice(Path, Protocol):
    """The parameters of stage conversion."""

    @property
    def skipped(self) -> Literal["passes", "leaves"]:
        """What going past a state without entering it counts as."""
        ...


def shown_periods(tables: Tables, params: Path) -> list[Period]:
    """The periods of the trend, oldest first."""
    return complete_periods(tables.as_of, params.period, params.periods, tables.quarter_starts_in)


def beyond(params: Path) -> bool:
    """Whether a state later than the goal counts as having reached it."""
    return getattr(params, "skipped", "passes") == "passes"


@named
def all_passages(tables: Tables, params: Path) -> ir.Table:
    """Every journey from `from_state` to `to_state`, with is_ideal and track on entering."""
    pair = (params.states, params.from_state, params.to_state)
    rows = passages(tables, *pair, params.journeys_of, beyond(params))
    return with_track(tables, with_ideal(tables, rows), "started_on")


@named
def shown_passages(tables: Tables, params: Path) -> ir.Table:
    """Those that entered `from_state` in a period of the trend, with `period`."""
    return within(all_passages(tables, params), "started_on", shown_periods(tables, params))


def within(rows: ir.Table, day: str, periods: Sequence[Period]) -> ir.Table:
    """The rows of which the date column `day` lies in one of the periods, with `period`."""
    rows = rows.mutate(period=period_of(rows[day], list(periods)))
    return rows.filter(rows["period"].notnull())


def split_by(tables: Tables, rows: ir.Table, segment: str) -> ir.Table:
    """The journeys with `segment`: is_ideal, track, or a column of their account.

    A company that is no customer yet has no account: "not stated". Raises ValueError for others.
    """
    if segment in OWN_SEGMENTS:
        return rows.mutate(segment=rows[segment])
    if segment and ("accounts" not in tables or segment not in tables["accounts"].columns):
        own = ", ".join(OWN_SEGMENTS)
        raise ValueError(f"segment {segment!r} is not a column of accounts, nor one of {own}")
    return with_segment(tables, rows, segment)


def observed(tables: Tables, params: Path) -> ir.Table:
    """Journeys as observations: unit_id, account_id, period, value (days), outcome, exposed, segment."""
    rows = split_by(tables, shown_passages(tables, params), params.segment)
    return rows.select(
        *("account_id", "period", "outcome", "exposed", "segment"),
        unit_id=rows["journey_id"],
        value=rows["days"],
    )


def estimator(params: Path) -> Incidence:
    """Aalen-Johansen's share within the horizon."""
    return Incidence(params.horizon_days)


def step_names(states: Sequence[str]) -> list[str]:
    """The steps between successive states, as "engaged to qualified"."""
    return [f"{one} to {following}" for one, following in pairwise(states)]


@named
def steps_taken(tables: Tables, params: Choice) -> ir.Table:
    """One row per state entered in the periods shown, the last state left out.

    As `states.entries`, with period, value (days), is_skipped (went past the next state), step, is_ideal.
    With `skipped` "leaves", going past the next state is an exit (outcome 2).
    """
    names = step_names(params.states)
    rows = entries(tables, params.states, params.journeys_of)
    rows = within(rows, "entered_on", shown_periods(tables, params))
    rows = with_ideal(tables, rows.filter(rows["position"] <= len(names)))
    places = list(enumerate(params.states[1:], 1))
    following = ibis.cases(*[(rows["position"] == n, name) for n, name in places], else_="")
    step = ibis.cases(*[(rows["position"] == n, name) for n, name in enumerate(names, 1)], else_="")
    skipped = (rows["outcome"] == MOVED_ON) & (rows["next_state"] != following)
    outcome = rows["outcome"]
    if not beyond(params):
        outcome = ibis.ifelse(skipped, GONE, outcome)
    return rows.mutate(step=step, is_skipped=skipped, outcome=outcome, value=rows["days"])


_RENAMED = {"conversion": "value", "low": "low", "high": "high", "reason": "reason"}
_RENAMED |= {"entered": "n", "passed": "events", "gone": "left"}
KINDS = dict.fromkeys(("entered", "passed", "gone"), "int64") | {"reason": "string"}


def cells(rows: ir.Table, params: Path, by: Sequence[str]) -> pd.DataFrame:
    """*by, conversion, low, high, reason, entered, passed, gone (within the horizon) per cell.

    `rows` have days, outcome, exposed, account_id.
    """
    method = estimator(params)
    reduced = run(method.reduce(rows.mutate(value=rows["days"]), by))
    frame = method.estimate(reduced, by, params.level)
    return frame[list(by)].assign(**{name: frame[of] for name, of in _RENAMED.items()})


def cell_table(found: pd.DataFrame, **kinds: str) -> ir.Table:
    """Such cells as a small table in the engine; other columns are shares or as `kinds` says."""
    known = {"period": "date", "step": "string", "is_ideal": "string", "track": "string"}
    known |= KINDS | kinds
    return table_of(found, {name: known.get(name, "float64") for name in map(str, found.columns)})
