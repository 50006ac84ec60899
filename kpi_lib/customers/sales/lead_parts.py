"""What lead conversion is made of: cohorts beside the snapshot, curves, splits."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

import ibis
import ibis.expr.types as ir

from kpi_lib.customers.frames import stacked, table_of
from kpi_lib.customers.sales.leads import closed_in, created_in, outcomes, split_by
from kpi_lib.customers.subscribed import ratio
from kpi_lib.engine import run
from kpi_lib.periods import Period, PeriodName, complete_periods
from kpi_lib.schema import Tables, named
from kpi_lib.stats.curves import aalen_johansen
from kpi_lib.stats.incidence import Incidence

if TYPE_CHECKING:
    import pandas as pd


class Choice(Protocol):
    """The parameters of lead conversion."""

    @property
    def period(self) -> PeriodName:
        """Length of a cohort's period."""
        ...

    @property
    def periods(self) -> int:
        """How many cohorts are shown."""
        ...

    @property
    def segment(self) -> str:
        """Column to split by."""
        ...

    @property
    def level(self) -> float:
        """Confidence level."""
        ...

    @property
    def horizon_days(self) -> int:
        """How long a lead may take."""
        ...


def shown_periods(tables: Tables, params: Choice) -> list[Period]:
    """The periods of the trend, oldest first."""
    return complete_periods(tables.as_of, params.period, params.periods, tables.quarter_starts_in)


@named
def shown_leads(tables: Tables, params: Choice) -> ir.Table:
    """The leads created in a period of the trend; see `leads.outcomes`."""
    return created_in(outcomes(tables), shown_periods(tables, params))


def observed(tables: Tables, params: Choice) -> ir.Table:
    """The same as observations: unit_id, account_id, period, value (days), outcome, exposed, segment."""
    rows = split_by(tables, shown_leads(tables, params), params.segment)
    return rows.select(
        "account_id",
        "period",
        "outcome",
        "exposed",
        "segment",
        unit_id=rows["lead_id"],
        value=rows["days"],
    )


def estimator(params: Choice) -> Incidence:
    """Aalen-Johansen's share within the horizon."""
    return Incidence(params.horizon_days)


def beside(tables: Tables, params: Choice) -> ir.Table:
    """The cohort's conversion beside the snapshot ratio, one row per period.

    Columns: period, conversion (of the leads created in it, within the horizon) with low and high,
    snapshot (closed_won / leads), leads (created in the period), closed_won (deals won in it, of
    leads of any age).
    """
    joined = _with_closed(tables, params)
    joined = joined.mutate(snapshot=ratio(joined["closed_won"], joined["leads"]))
    shown = ["period", "conversion", "low", "high", "snapshot", "leads", "closed_won"]
    return joined.order_by("period").select(*shown)


def misread(tables: Tables, params: Choice) -> ir.Table:
    """The conversion beside two shares that leave somebody out, one row per period.

    Columns: period, won and lost (within the horizon), conversion, as_if_nobody_left (1 -
    Kaplan-Meier, lost leads taken for open ones), closed (won or lost in the period, of leads of any
    age), won_of_closed.
    """
    joined = _with_closed(tables, params)
    closed = joined["closed_won"] + joined["closed_lost"]
    joined = joined.mutate(closed=closed, won_of_closed=ratio(joined["closed_won"], closed))
    shown = ["period", "won", "lost", "conversion", "as_if_nobody_left"]
    return joined.order_by("period").select(*shown, "closed", "won_of_closed")


def _with_closed(tables: Tables, params: Choice) -> ir.Table:
    """The cohorts' estimates, and how many leads were won and lost in each period."""
    rows = outcomes(tables)
    periods = shown_periods(tables, params)
    found, closed = cells(created_in(rows, periods), params, "period"), closed_in(rows, periods)
    closed = closed.select(
        of=closed["period"], closed_won=closed["won"], closed_lost=closed["lost"]
    )
    joined = found.left_join(closed, found["period"] == closed["of"]).drop("of")
    return joined.mutate(
        closed_won=joined["closed_won"].fill_null(0), closed_lost=joined["closed_lost"].fill_null(0)
    )


def split(name: str) -> Any:
    """The part that splits the leads of all periods shown by one of their own columns."""

    def compute(tables: Tables, params: Choice) -> ir.Table:
        """*name, leads, won, lost, conversion, low, high, reason; the largest group first."""
        found = cells(shown_leads(tables, params), params, name)
        found = found.drop("as_if_nobody_left")
        return found.order_by(ibis.desc("leads"), name)

    return compute


_CELLS = {"leads": "n", "won": "events", "lost": "left", "conversion": "value", "low": "low"}
_CELLS |= {"high": "high", "as_if_nobody_left": "as_if_nobody_left", "reason": "reason"}
_KINDS = dict.fromkeys(("leads", "won", "lost"), "int64") | {"reason": "string"}


def cells(rows: ir.Table, params: Choice, by: str) -> ir.Table:
    """Estimates per value of `by` as a small table in the engine.

    `rows` is what `leads.outcomes` gives, with the column `by`. Columns: *by, leads, won, lost,
    conversion, low, high, as_if_nobody_left, reason.
    """
    method = estimator(params)
    observations = rows.mutate(value=rows["days"])
    frame = method.estimate(run(method.reduce(observations, [by])), [by], params.level)
    found = frame[[by]].assign(**{name: frame[of] for name, of in _CELLS.items()})
    kinds = {by: "date" if by == "period" else "string"}
    kinds |= {name: _KINDS.get(name, "float64") for name in _CELLS}
    return table_of(found, kinds)


_CURVES = 12


def curves(tables: Tables, params: Choice) -> ir.Table:
    """Per cohort and day: period, day, won_share, lost_share, open_share (they add up to 1), at_risk.

    The newest 12 cohorts, more cannot be told apart in a picture; each as far as its leads could be
    watched on average, since beyond it a curve hangs on a few of them.
    """
    newest = shown_periods(tables, params)[-_CURVES:]
    rows = created_in(outcomes(tables), newest)
    rows = rows.mutate(day=ibis.ifelse(rows["days"] < 0, 0, rows["days"]).cast("float64"))
    reach = rows.group_by(of=rows["period"]).aggregate(reach=rows["exposed"].mean())
    counts = rows.group_by("period", "day", "outcome").aggregate(units=rows.count())
    counts = run(counts.join(reach, counts["period"] == reach["of"]).drop("of"))
    found = [_curve(period, part) for period, part in counts.groupby("period")]
    kinds = {"period": "date", "day": "float64", "won_share": "float64", "lost_share": "float64"}
    return stacked(found, kinds | {"open_share": "float64", "at_risk": "int64"})


def _curve(period: Any, part: pd.DataFrame) -> pd.DataFrame:
    import pandas as pd

    days, ends, units = (part[name].to_numpy() for name in ("day", "outcome", "units"))
    curve = aalen_johansen(days, ends, units)
    start = pd.DataFrame({"time": [0.0], "at_risk": [float(units.sum())], "reached": [0.0]})
    curve = curve[curve["time"] <= part["reach"].iloc[0]]
    curve = pd.concat([start.assign(left=0.0, waiting=1.0), curve], ignore_index=True)
    names = {"time": "day", "reached": "won_share", "left": "lost_share", "waiting": "open_share"}
    named: pd.DataFrame = curve.rename(columns=names).assign(period=period)
    return named
