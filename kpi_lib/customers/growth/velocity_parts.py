"""What stage velocity is made of: time in and between states, the organic floor, work and waiting."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING, Literal, Protocol

import ibis
import ibis.expr.types as ir

from kpi_lib.customers.frames import stacked
from kpi_lib.customers.growth.conversion import (
    Path,
    all_passages,
    shown_passages,
    shown_periods,
    split_by,
    step_names,
    within,
)
from kpi_lib.customers.growth.states import GONE, IN_IT, MOVED_ON, entries
from kpi_lib.customers.use import cohorts
from kpi_lib.engine import run
from kpi_lib.periods import add_months, period_start
from kpi_lib.schema import Tables, named
from kpi_lib.stats.curves import kaplan_meier
from kpi_lib.stats.flow import wait_quantile
from kpi_lib.stats.risk import risk_table
from kpi_lib.stats.survival import Survival

if TYPE_CHECKING:
    import pandas as pd

_LATE = 0.9


class Choice(Path, Protocol):
    """The parameters of stage velocity."""

    @property
    def statistic(self) -> Literal["median", "mean"]:
        """What stands for a cohort."""
        ...

    @property
    def target_days(self) -> int:
        """The goal."""
        ...

    @property
    def holidays(self) -> tuple[date, ...]:
        """Days on which nobody works, besides weekends."""
        ...

    @property
    def touch_covers_days(self) -> int:
        """Business days for which a touch counts as work."""
        ...

    @property
    def floor_quantile(self) -> float:
        """The share of unforced cycles that is the organic floor."""
        ...

    @property
    def push_days(self) -> int:
        """How many last days of a quarter count as forced."""
        ...


def observed(tables: Tables, params: Choice) -> ir.Table:
    """Journeys as observations: unit_id, account_id, period, value (days), entered, outcome, segment."""
    rows = split_by(tables, shown_passages(tables, params), params.segment)
    return rows.select(
        *("account_id", "period", "outcome", "segment"),
        unit_id=rows["journey_id"],
        value=rows["days"],
        entered=ibis.literal(0).cast("float64"),
    )


def estimator(params: Choice) -> Survival:
    """Kaplan-Meier median, or restricted mean."""
    return Survival(params.horizon_days, params.statistic, params.target_days)


@named
def shown_entries(tables: Tables, params: Choice) -> ir.Table:
    """The states entered in the periods shown, the last state left out, with `step` and `between`.

    `between` is days from leaving a state to entering the next one (float64, null where none was).
    """
    names = step_names(params.states)
    rows = entries(tables, params.states, params.journeys_of)
    rows = within(rows, "entered_on", shown_periods(tables, params))
    rows = rows.filter(rows["position"] <= len(names))
    step = ibis.cases(*[(rows["position"] == n, name) for n, name in enumerate(names, 1)], else_="")
    between = rows["next_on"].delta(rows["left_on"], unit="day").cast("float64")
    return rows.mutate(step=step, between=between, value=rows["days"])


def _counts(tables: Tables, params: Choice) -> pd.DataFrame:
    """Units by position, step, day (not below 0) and outcome."""
    rows = shown_entries(tables, params)
    rows = rows.mutate(day=ibis.ifelse(rows["value"] < 0, 0, rows["value"]).cast("float64"))
    keys = ["position", "step", "day", "outcome"]
    return run(rows.group_by(keys).aggregate(units=rows.count(), between=rows["between"].sum()))


STEP_KINDS = {"step": "string"} | dict.fromkeys(
    ("median_days", "low", "high", "p90_days", "mean_of_passed", "days_between"), "float64"
)
STEP_KINDS |= dict.fromkeys(("entered", "passed", "gone", "in_it"), "int64") | {"reason": "string"}


def steps(tables: Tables, params: Choice) -> ir.Table:
    """Days each step takes, in order, of who entered in the periods shown.

    Columns: step, median_days (Kaplan-Meier, if nobody left) with low and high, p90_days,
    mean_of_passed (leaves out who is still there), days_between (mean, from leaving the state to
    entering the next), entered, passed, gone, in_it, reason.
    """
    frame = _counts(tables, params)
    groups = frame.groupby(["position", "step"])
    found = [_step(str(key[1]), part, params.level) for key, part in groups]
    return stacked(found, STEP_KINDS)


def _step(step: str, part: pd.DataFrame, level: float) -> pd.DataFrame:
    import pandas as pd

    units = {
        name: part.loc[part["outcome"] == outcome, "units"].sum()
        for name, outcome in (("passed", MOVED_ON), ("gone", GONE), ("in_it", IN_IT))
    }
    risk = risk_table(*(part[name].to_numpy() for name in ("day", "outcome", "units")))
    median, late = wait_quantile(risk, 0.5, level), wait_quantile(risk, _LATE, level)
    passed = part[part["outcome"] == MOVED_ON]
    many = units["passed"] or float("nan")
    row = {
        "step": step,
        "median_days": median.value,
        "low": median.low,
        "high": median.high,
        "p90_days": late.value,
        "mean_of_passed": (passed["day"] * passed["units"]).sum() / many,
        "days_between": passed["between"].sum() / many,
        "entered": part["units"].sum(),
        "reason": "" if median.value is not None else "median not reached yet",
    }
    return pd.DataFrame([row | units])


def curves(tables: Tables, params: Choice) -> ir.Table:
    """Per step and day: step, day, waiting_share (Kaplan-Meier, if nobody left), low, high, at_risk.

    The step that begins with `from_state` comes last.
    """
    frame = _counts(tables, params)
    found = []
    start = list(params.states).index(params.from_state) + 1
    groups = sorted(frame.groupby(["position", "step"]), key=lambda one: one[0][0] == start)
    for key, part in groups:
        days, seen = part["day"].to_numpy(), (part["outcome"] == MOVED_ON).to_numpy()
        curve = kaplan_meier(days, seen, part["units"].to_numpy(), level=params.level)
        names = {"time": "day", "survival": "waiting_share"}
        curve = curve[curve["time"] <= params.horizon_days].rename(columns=names)
        found.append(curve.assign(step=str(key[1])))
    kinds = {"step": "string", "day": "float64", "waiting_share": "float64"}
    return stacked(found, kinds | {"low": "float64", "high": "float64", "at_risk": "int64"})


def told(tables: Tables, params: Choice) -> ir.Table:
    """The naive mean beside the median and the restricted mean, per cohort."""
    rows = cohorts.told(observed(tables, params), estimator(params), params.level)
    return rows.rename(journeys="accounts", passed="reached", gone="left")


FLOOR_KINDS = {"is_ideal": "string"} | dict.fromkeys(
    ("floor_days", "low", "high", "median_days", "target_days"), "float64"
)
FLOOR_KINDS |= dict.fromkeys(("passed", "forced"), "int64") | {"reading": "string"}
EVERYONE = "all journeys"


def floor(tables: Tables, params: Choice) -> ir.Table:
    """The organic floor of the passage: days below which this kind of customer does not go.

    One row for all journeys and per fit with the ideal customer, whenever they began: is_ideal, floor_days
    (the quantile of the unforced cycle) with low and high, median_days, target_days, passed, forced,
    reading. Forced: passed in the last `push_days` days of a quarter; such a cycle is censored on
    that day, since unforced it would have taken longer.
    """
    rows = all_passages(tables, params)
    ended = rows["ended_on"]
    last = forced_days(tables, params)
    forced = (rows["outcome"] == MOVED_ON) & ended.isin(last) if last else ibis.literal(False)
    day = ibis.ifelse(rows["days"] < 0, 0, rows["days"]).cast("float64")
    rows = rows.mutate(forced=ibis.ifelse(forced, 1, 0), day=day)
    keys = ["is_ideal", "day", "outcome", "forced"]
    frame = run(rows.group_by(keys).aggregate(units=rows.count()))
    groups = [(EVERYONE, frame), *frame.groupby("is_ideal")] if len(frame) else []
    return stacked([_floor(str(name), part, params) for name, part in groups], FLOOR_KINDS)


def forced_days(tables: Tables, params: Choice) -> list[date]:
    """The last `push_days` days of each of the quarters of the last ten years."""
    first = period_start(tables.as_of, "quarter", tables.quarter_starts_in)
    ends = [add_months(first, -3 * back) for back in range(-1, 40)]
    return [end - timedelta(days=day) for end in ends for day in range(1, params.push_days + 1)]


def _floor(name: str, part: pd.DataFrame, params: Choice) -> pd.DataFrame:
    import pandas as pd

    outcome = part["outcome"].mask(part["forced"] == 1, IN_IT)
    risk = risk_table(part["day"].to_numpy(), outcome.to_numpy(), part["units"].to_numpy())
    found = wait_quantile(risk, params.floor_quantile, params.level)
    passed = part["outcome"] == MOVED_ON
    below = found.value is not None and params.target_days < found.value
    row = {
        "is_ideal": name,
        "floor_days": found.value,
        "low": found.low,
        "high": found.high,
        "median_days": wait_quantile(risk, 0.5, params.level).value,
        "target_days": float(params.target_days),
        "passed": part.loc[passed, "units"].sum(),
        "forced": part.loc[passed & (part["forced"] == 1), "units"].sum(),
        "reading": "the target lies below the floor" if below else "the target can be reached",
    }
    return pd.DataFrame([row | ({} if found.value is not None else {"reading": "no floor yet"})])
