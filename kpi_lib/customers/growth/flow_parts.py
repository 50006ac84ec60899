"""Flow through the states: Little's law, sales velocity, occupancy."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

import ibis
import ibis.expr.types as ir
import numpy as np

from kpi_lib.customers.frames import table_of
from kpi_lib.customers.growth.conversion import all_passages, shown_periods
from kpi_lib.customers.growth.states import IN_IT, MOVED_ON, entries
from kpi_lib.customers.growth.velocity_parts import Choice
from kpi_lib.customers.subscribed import dates
from kpi_lib.engine import run
from kpi_lib.schema import Tables
from kpi_lib.stats.distributions import Floats
from kpi_lib.stats.flow import audit

if TYPE_CHECKING:
    import pandas as pd


def numbers(days: pd.Series) -> Floats:
    """Days as numbers on one scale, infinite where there is none."""
    known = days.notna().to_numpy()
    found = days.to_numpy().astype("datetime64[D]").astype(np.float64)
    return np.where(known, found, np.inf)


def number(day: date) -> float:
    """One day on the same scale."""
    return float(np.datetime64(day, "D").astype(np.int64))


def _ways(tables: Tables, params: Choice) -> pd.DataFrame:
    """Journeys as known: started_on, ended_on (null while on the way), outcome, amount."""
    rows = all_passages(tables, params)
    ended = ibis.ifelse(rows["outcome"] == IN_IT, ibis.null("date"), rows["ended_on"])
    rows = rows.select("journey_id", "started_on", "outcome", "amount", ended_on=ended)
    return run(rows.order_by("journey_id"))


LITTLE_KINDS = {"period": "date", "in_progress": "float64", "left_a_day": "float64"}
LITTLE_KINDS |= dict.fromkeys(("cycle_days", "expected", "gap", "still_in", "before"), "float64")
LITTLE_KINDS |= {"reading": "string"}


def little(tables: Tables, params: Choice) -> ir.Table:
    """Little's law between `from_state` and `to_state`, one row per period.

    Columns: period, in_progress (mean number of journeys on the way), left_a_day (passed or gone),
    cycle_days (their mean days), expected (left_a_day x cycle_days), gap (in_progress - expected) =
    still_in (journey days in the period of who did not leave in it) - before (days that who left
    had spent before it), both per day; reading.
    """
    frame = _ways(tables, params)
    started, ended = numbers(frame["started_on"]), numbers(frame["ended_on"])
    rows = []
    for period in shown_periods(tables, params):
        found = audit(started, ended, number(period.start), number(period.end) + 1)
        rows.append(
            {
                "period": period.start,
                "in_progress": found.progress,
                "left_a_day": found.leaving,
                "cycle_days": found.cycle,
                "expected": found.explained,
                "gap": found.gap,
                "still_in": found.still_in,
                "before": found.before,
                "reading": _reading(found.gap, found.progress),
            }
        )
    return _rows(rows if len(frame) else [], LITTLE_KINDS)


_CLOSE = 0.1


def _reading(gap: float, progress: float) -> str:
    if not progress:
        return "nothing in progress"
    if abs(gap) <= _CLOSE * progress:
        return "in balance"
    return "more is begun than finished" if gap > 0 else "old work is finished"


VELOCITY_KINDS = {"period": "date", "velocity_per_day": "float64", "won_per_day": "float64"}
VELOCITY_KINDS |= dict.fromkeys(("in_progress", "win_rate", "mean_amount", "cycle_days"), "float64")
VELOCITY_KINDS |= {"passed": "int64", "reason": "string"}


def sales_velocity(tables: Tables, params: Choice) -> ir.Table:
    """Sales velocity per period beside what was won, both in money per day.

    velocity_per_day = in_progress x win_rate x mean_amount / cycle_days; in_progress is the mean number
    of journeys on the way, win_rate passed over passed and gone in the period, mean_amount that of
    who passed (where stated), cycle_days the mean of passed and gone. won_per_day is the amount passed over the days of
    the period; both agree where Little's law has no gap.
    """
    frame = _ways(tables, params)
    started, ended = numbers(frame["started_on"]), numbers(frame["ended_on"])
    won = (frame["outcome"] == MOVED_ON).to_numpy()
    amounts = frame["amount"].to_numpy(dtype=np.float64)
    rows = []
    for period in shown_periods(tables, params):
        since, until = number(period.start), number(period.end) + 1
        found = audit(started, ended, since, until)
        closed = (ended >= since) & (ended < until)
        priced = amounts[closed & won]
        priced = priced[~np.isnan(priced)]
        passed, leavers = int((closed & won).sum()), int(closed.sum())
        rate = passed / leavers if leavers else np.nan
        mean = float(priced.mean()) if priced.size else np.nan
        rows.append(
            {
                "period": period.start,
                "velocity_per_day": found.progress * rate * mean / (found.cycle or np.nan),
                "won_per_day": passed * mean / period.days if passed else 0.0,
                "in_progress": found.progress,
                "win_rate": rate,
                "mean_amount": mean,
                "cycle_days": found.cycle,
                "passed": passed,
                "reason": _why(leavers, passed, priced.size),
            }
        )
    return _rows(rows if len(frame) else [], VELOCITY_KINDS)


def _why(leavers: int, passed: int, priced: int) -> str:
    if not leavers:
        return "none left in the period"
    if not passed:
        return "none passed in the period"
    return "" if priced else "no amounts"


def _rows(rows: list[dict[str, object]], kinds: dict[str, str]) -> ir.Table:
    import pandas as pd

    return table_of(pd.DataFrame(rows), kinds)


def occupancy(tables: Tables, params: Choice) -> ir.Table:
    """How many journeys are in each state before `to_state` on the last day of each period.

    Columns: period, state, journeys.
    """
    rows = entries(tables, params.states, params.journeys_of)
    rows = rows.filter(rows["position"] <= params.states.index(params.to_state))
    moved = rows["outcome"] == MOVED_ON
    end = ibis.ifelse(moved, rows["next_on"], rows["left_on"])
    end = ibis.ifelse(rows["outcome"] == IN_IT, ibis.literal(date(2999, 12, 31)), end)
    rows = rows.mutate(end_on=end)
    periods = shown_periods(tables, params)
    days = dates({"period": [p.start for p in periods], "on_day": [p.end for p in periods]})
    there = [rows["entered_on"] <= days["on_day"], rows["end_on"] > days["on_day"]]
    joined = days.join(rows, there)
    counts = joined.group_by("period", "position", "state").aggregate(journeys=joined.count())
    return counts.order_by("period", "position").select("period", "state", "journeys")
