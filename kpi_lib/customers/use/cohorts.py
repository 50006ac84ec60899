"""Cohorts of waits: curves, what most companies report beside what is true, where the days went."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

import ibis
import ibis.expr.types as ir

from kpi_lib.customers.subscribed import ratio, small, with_account
from kpi_lib.customers.use.stages import days_by_stage, timeline
from kpi_lib.customers.use.waits import REACHED, WAITING
from kpi_lib.engine import run
from kpi_lib.schema import Tables
from kpi_lib.stats.curves import aalen_johansen, kaplan_meier
from kpi_lib.stats.survival import Survival

if TYPE_CHECKING:
    import pandas as pd

_HALF = 0.5
_SHARES = (30, 60, 90, 180)


def headline_cohort(rows: ir.Table, horizon_days: int) -> ir.Table:
    """The waits of the newest period of which at least half is resolved.

    Resolved: reached, left, or waiting longer than the horizon.
    """
    known = (rows["outcome"] != WAITING) | (rows["days"] > horizon_days)
    shares = rows.group_by("period").aggregate(known=rows.count(where=known), all=rows.count())
    ready = shares.filter(ratio(shares["known"], shares["all"]) >= _HALF)
    newest = ready.aggregate(newest=ready["period"].max())
    return rows.filter(rows["period"].isin(newest["newest"]))


def mean_days(tables: Tables, rows: ir.Table, by: Sequence[str]) -> ir.Table:
    """Mean days of those who reached value, by stage or owner: *by, accounts, days.

    `rows` are waits; `accounts` had at least a day there; the days add up to the mean wait.
    """
    reached = rows.filter(rows["outcome"] == REACHED)
    whole = reached.aggregate(units=reached.count())
    spent = days_by_stage(tables, reached)
    sums = spent.group_by(list(by)).aggregate(
        accounts=spent["account_id"].nunique(), total=spent["days"].sum()
    )
    means = sums.cross_join(whole)
    return means.select(*by, "accounts", days=ratio(means["total"], means["units"]))


def waterfall(tables: Tables, rows: ir.Table) -> ir.Table:
    """`mean_days` by stage and owner with a label of both, the longest first."""
    means = mean_days(tables, rows, ["stage", "owner"])
    same = means["stage"] == means["owner"]
    label = ibis.ifelse(same, means["stage"], means["stage"] + " (" + means["owner"] + ")")
    means = means.mutate(step=label).order_by(ibis.desc("days"), "step")
    return means.select("step", "stage", "owner", "days", "accounts")


def gantt(tables: Tables, rows: ir.Table) -> ir.Table:
    """`timeline` of the waits with the name and owner of the account, the longest wait first."""
    found = with_account(tables, timeline(tables, rows))
    found = found.order_by(ibis.desc("waited"), "account_id", "from_day", "stage", "stage_owner")
    shown = ["account_id", "account", "stage", "stage_owner", "from_day", "to_day", "value_day"]
    return found.select(*shown)


def accounts(tables: Tables, rows: ir.Table) -> ir.Table:
    """The accounts behind the cohorts, those still waiting first and the longest wait first.

    Columns: account_id, account, owner, start_on, status (waiting, reached, left), days, and the
    stage in which most of them went by, with its owner and its days.
    """
    spent = days_by_stage(tables, rows)
    order = ibis.window(group_by="account_id", order_by=[ibis.desc("days"), "stage", "owner"])
    spent = spent.mutate(place=ibis.row_number().over(order))
    top = spent.filter(spent["place"] < 1)
    top = top.select(
        of=top["account_id"],
        longest_stage=top["stage"],
        stage_owner=top["owner"],
        stage_days=top["days"],
    )
    joined = rows.left_join(top, rows["account_id"] == top["of"]).drop("of")
    outcome = joined["outcome"]
    status = ibis.cases(
        (outcome == WAITING, "waiting"), (outcome == REACHED, "reached"), else_="left"
    )
    found = with_account(tables, joined.mutate(status=status))
    found = found.order_by("outcome", ibis.desc("days"), "account_id")
    shown = ["account_id", "account", "owner", "start_on", "status", "days", "longest_stage"]
    return found.select(*shown, "stage_owner", "stage_days")


_CURVE = {"period": "date", "day": "float64", "reached_share": "float64", "at_risk": "int64"}
_CURVE |= {"waiting_share": "float64", "left_share": "float64"}


def curves(rows: ir.Table) -> ir.Table:
    """Per cohort and day: period, day, reached_share, at_risk, waiting_share, left_share.

    Reached and left by Aalen-Johansen; waiting_share is Kaplan-Meier's curve "if nobody left".
    """
    counts = rows.group_by("period", "days", "outcome").aggregate(units=rows.count())
    found = [_cohort_curve(period, part) for period, part in run(counts).groupby("period")]
    return _small(found, _CURVE)


def _cohort_curve(period: Any, part: pd.DataFrame) -> pd.DataFrame:
    days, outcomes, units = (part[name].to_numpy() for name in ("days", "outcome", "units"))
    both = aalen_johansen(days, outcomes, units)
    waiting = kaplan_meier(days, outcomes == REACHED, units)
    start = both.iloc[:1].assign(time=0.0, at_risk=units.sum(), reached=0.0, left=0.0)
    frame = both.assign(waiting_share=waiting["survival"].to_numpy())
    frame = _joined([start.assign(waiting_share=1.0), frame])
    names = {"time": "day", "reached": "reached_share", "left": "left_share"}
    return frame.rename(columns=names).assign(period=period)


_TOLD = {"accounts": "n", "reached": "events", "left": "left", "still_waiting": "waiting"}
_TOLD |= {"median_days": "median", "median_low": "median_low", "median_high": "median_high"}
_TOLD |= {"lowest_median": "median_lowest", "highest_median": "median_highest"}
_TOLD |= {"restricted_mean_days": "restricted_mean", "naive_mean_days": "naive_mean"}


def told(observations: ir.Table, estimator: Survival, level: float) -> ir.Table:
    """What most companies report beside what is true, one row per period.

    Columns: period, accounts, reached, left, still_waiting, naive_mean_days (of those who reached),
    median_days with its limits and its bounds for leavers, restricted_mean_days, gap_days
    (restricted mean less naive mean).
    """
    frame = run(estimator.reduce(observations, ["period"]))
    cells = estimator.estimate(frame, ["period"], level)
    found = cells[["period"]].assign(**{name: cells[of] for name, of in _TOLD.items()})
    gap = found["restricted_mean_days"] - found["naive_mean_days"]
    found["gap_days"] = gap.round(9)
    kinds = {"period": "date"} | dict.fromkeys([*_TOLD, "gap_days"], "float64")
    kinds |= dict.fromkeys(["accounts", "reached", "left", "still_waiting"], "int64")
    return _small([found], kinds).order_by("period")


def reached_by(observations: ir.Table, estimator: Survival, level: float) -> ir.Table:
    """Share that reached value by 30, 60, 90 and 180 days: period, accounts, by_30 ... by_180."""
    frame = run(estimator.reduce(observations, ["period"]))
    cells = estimator.estimate(frame, ["period"], level)
    shares = {f"by_{days}_days": cells[f"reached_{days}"] for days in _SHARES}
    found = cells[["period"]].assign(accounts=cells["n"], **shares)
    kinds = {"period": "date", "accounts": "int64"} | dict.fromkeys(shares, "float64")
    return _small([found], kinds).order_by("period")


def _joined(frames: list[pd.DataFrame]) -> pd.DataFrame:
    import pandas as pd

    return pd.concat(frames, ignore_index=True)


def _small(frames: list[pd.DataFrame], kinds: dict[str, str]) -> ir.Table:
    """Frames as one typed table in the engine."""
    whole = _joined(frames) if frames else None
    if whole is None or whole.empty:
        return small({}, kinds)
    whole = whole[list(kinds)].assign(period=whole["period"].map(_day))
    plain = whole.astype(object).where(whole.notna(), None)
    return small({name: plain[name].tolist() for name in kinds}, kinds)


def _day(moment: Any) -> date:
    return moment.date() if isinstance(moment, datetime) else moment
