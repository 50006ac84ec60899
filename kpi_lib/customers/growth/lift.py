"""Money of accounts exposed to a lever beside that of comparable accounts: one row per lever and stay.

Compared are accounts still in a demand state on the landmark day of the lever (`lever_effects`), that
entered it in the same quarter, of the same segment and fit. The tenure band is the state itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import ibis
import ibis.expr.types as ir
import numpy as np

from kpi_lib.customers.growth import account_profit, lever_effects
from kpi_lib.customers.growth.lenses import with_ideal
from kpi_lib.customers.growth.lever_effects import landmarks, segments, stay_touches, stays
from kpi_lib.customers.growth.lever_paths import UNSTATED, LeverBy
from kpi_lib.customers.money.margin import gross_margin
from kpi_lib.customers.money.outlooks import base_of
from kpi_lib.customers.subscribed import dates, ratio, small
from kpi_lib.periods import Period
from kpi_lib.schema import Tables, kept
from kpi_lib.stats import lifetime
from kpi_lib.stats import shifted_beta_geometric as sbg

MOST_RENEWALS = 20
"""Renewals kept beyond this count as so many."""
OUTCOMES = ("observed", "projected", "whole", "money_before", "time_before")
"""What is compared: money seen, money expected, both; before the exposure, money and log-days."""
STRATUM = ("lever", "position", "quarter", "group", "ideal")


class Rule(lever_effects.Rule, Protocol):
    """The parameters that say how money is counted."""

    @property
    def adjust(self) -> str:
        """What is held equal within a stratum: money before, nothing."""
        ...

    @property
    def discount_rate(self) -> float:
        """Discount per year."""
        ...

    @property
    def margin_share(self) -> float:
        """Margin share where no costs are recorded."""
        ...


@dataclass(frozen=True)
class Projection:
    """How the retention model is fitted for the money still to come."""

    discount_rate: float
    margin_share: float
    family: str = "contract"
    renewal_months: int = 12
    churn_on: str = "end"
    amount: str = "average"
    margin_from: str = "share"
    currency: str = ""
    horizon_years: int = 0


@kept
def remaining(tables: Tables, discount_rate: float, margin_share: float) -> ir.Table:
    """kept (renewals), months: payments of a month still expected, discounted, times the margin share.

    Shifted-beta-geometric, all renewals known on the day together; without rows where it cannot be fitted.
    """
    kinds = {"kept": "int64", "months": "float64"}
    if "subscriptions" not in tables:
        return small({}, kinds)
    asked = Projection(discount_rate, margin_share)
    base = base_of(tables, asked)
    if base.valued.value is None:
        return small({}, kinds)
    fitted = sbg.fit(base.renewals)
    kept_now = np.arange(MOST_RENEWALS + 1)
    years = lifetime.residual_lifetime(
        fitted.mean_churn, fitted.spread, base.terms.per_renewal, kept_now, None
    )
    share = gross_margin(tables)
    share = margin_share if np.isnan(share) else share
    months = (np.asarray(years) * asked.renewal_months * share).tolist()
    return small({"kept": kept_now.tolist(), "months": months}, kinds)


def units(tables: Tables, rule: Rule) -> ir.Table:
    """One row per lever and stay that can be judged: who was exposed, and the money before and after.

    lever, state, position, quarter, group (segment), ideal, stay, account_id, entered_on, closes (days from
    entering to the end of the window), exposed (0, 1), touches, and `OUTCOMES`. Null where it cannot be told.
    """
    return _units(
        tables,
        *(rule.lever_by, rule.states, rule.landmark_share, rule.horizon_days),
        *(rule.discount_rate, rule.margin_share),
    )


@kept
def _units(
    tables: Tables,
    by: LeverBy,
    order: tuple[str, ...],
    share: float,
    horizon: int,
    discount: float,
    margin: float,
) -> ir.Table:
    rows = _here(tables, by, order, share, horizon)
    rows = account_profit.with_profit(tables, rows, ("stay", "opens"))
    rows = _with_projection(tables, rows, remaining(tables, discount, margin))
    rows, who = with_ideal(tables, rows), segments(tables)
    rows = rows.left_join(who, rows["account_id"] == who["of"])
    return rows.select(
        *("lever", "state", "position", "stay", "account_id", "entered_on", "closes", "touches"),
        exposed=ibis.ifelse(rows["touches"] > 0, 1, 0).cast("float64"),
        quarter=rows["entered_on"].truncate("quarter"),
        group=rows["segment"].fill_null(UNSTATED),
        ideal=rows["is_ideal"],
        observed=rows["after"],
        projected=rows["projected"],
        whole=rows["after"] + rows["projected"],
        money_before=rows["before"],
        time_before=(rows["before_days"] + 1).ln(),
    )


def _here(
    tables: Tables, by: LeverBy, order: tuple[str, ...], share: float, horizon: int
) -> ir.Table:
    """Stays of which the landmark and the whole window after it lie in the past."""
    # No threshold here: the same accounts twice must give the same lift. The parts refuse thin levers.
    marks, spans = landmarks(tables, by, order, share, 1), stays(tables, order)
    marks = marks.mutate(landmark=marks["landmark"].cast("int64"))
    here = marks.rename(at="position")
    rows = spans.join(here, spans["position"] == here["at"]).drop("at")
    closes = rows["landmark"] + horizon
    rows = rows.filter(rows["days"] >= rows["landmark"], rows["exposed"] >= closes)
    rows = rows.mutate(opens=rows["landmark"], closes=rows["landmark"] + horizon)
    hits = lever_effects.before_landmark(stay_touches(tables, by, order), marks)
    rows = rows.left_join(hits, [rows["stay"] == hits["of"], rows["lever"] == hits["what"]])
    number = rows["hits"].fill_null(0)
    most = lever_effects.MOST_TOUCHES
    return rows.mutate(touches=ibis.ifelse(number > most, most, number).cast("int64")).drop(
        "of", "what", "hits", "exposed"
    )


def _with_projection(tables: Tables, rows: ir.Table, worth: ir.Table) -> ir.Table:
    """The rows with `projected`: money per month paid at the end of the window times the months expected."""
    if "subscriptions" not in tables:
        return rows.mutate(projected=ibis.null("float64"))
    first = account_profit.first_paid(tables)
    rows = rows.left_join(first, rows["account_id"] == first["of"]).drop("of")
    since = rows["entered_on"].delta(rows["first_on"], unit="day") + rows["closes"]
    years = (since.cast("float64") / 365.25).floor().cast("int64")
    years = ibis.least(ibis.greatest(years.fill_null(0), 0), MOST_RENEWALS)
    rows = rows.mutate(years=years)
    rows = rows.left_join(worth, rows["years"] == worth["kept"])
    has_model = worth.aggregate(n=worth.count()).select(known=ibis._["n"] > 0)
    rows = rows.cross_join(has_model)
    told = ibis.ifelse(rows["known"], 0.0, ibis.null("float64"))
    projected = ibis.ifelse(rows["later"] > 0, rows["later"] * rows["months"], told)
    return rows.mutate(projected=projected).drop("first_on", "kept", "months", "known", "years")


def matched(rows: ir.Table, outcome: str, adjust: str = "nothing") -> ir.Table:
    """The rows that have comparable ones, with `value` and `weight`: their ratio of sums is the lift.

    An exposed account (weight 1) brings its outcome less the mean of the comparable accounts of its
    stratum; a comparable one (weight 0) brings its distance from that mean, times exposed over comparable,
    with the other sign. These add up to nothing and carry the uncertainty of the mean into the interval
    (the influence values of matching with exact strata). `adjust` = "money before": the distance in money
    before, times the slope within the strata of the comparable accounts of the lever and state, is taken off.
    """
    rows = rows.filter(rows[outcome].notnull()).mutate(y=rows[outcome])
    inside = ibis.window(group_by=list(STRATUM))
    bare = rows["exposed"] == 0
    rows = rows.mutate(
        touched=rows["exposed"].sum().over(inside),
        others=ibis.ifelse(bare, 1, 0).cast("float64").sum().over(inside),
        mean=ibis.ifelse(bare, rows["y"], ibis.null("float64")).mean().over(inside),
        past=ibis.ifelse(bare, rows["money_before"], ibis.null("float64")).mean().over(inside),
    )
    rows = rows.filter(rows["touched"] > 0, rows["others"] > 0)
    rows = rows.mutate(gap=rows["y"] - rows["mean"], lead=rows["money_before"] - rows["past"])
    if adjust == "money before":
        rows = _without_slope(rows)
    spread = ratio(-rows["gap"] * rows["touched"], rows["others"])
    return rows.mutate(
        value=ibis.ifelse(rows["exposed"] > 0, rows["gap"], spread), weight=rows["exposed"]
    )


def _without_slope(rows: ir.Table) -> ir.Table:
    whole = ibis.window(group_by=["lever", "position"])
    bare = ibis.ifelse(rows["exposed"] == 0, 1, 0).cast("float64")
    joint = (bare * rows["lead"] * rows["gap"]).sum().over(whole)
    square = (bare * rows["lead"] * rows["lead"]).sum().over(whole)
    rows = rows.mutate(slope=ratio(joint, square).fill_null(0.0))
    return rows.mutate(gap=rows["gap"] - rows["slope"] * rows["lead"])


def in_periods(rows: ir.Table, periods: Sequence[Period]) -> ir.Table:
    """The rows with `period`: the one in which the windows of a whole stratum had closed.

    A stratum stands in one period, so that its exposed and comparable accounts are never torn apart.
    """
    spans = dates({"period": [p.start for p in periods], "ends_on": [p.end for p in periods]})
    entered = (rows["quarter"] + ibis.interval(months=3)).cast("date")
    joined = rows.mutate(entered_by=entered).cross_join(spans)
    joined = joined.filter(
        joined["period"].delta(joined["entered_by"], unit="day") <= joined["closes"],
        joined["ends_on"].delta(joined["entered_by"], unit="day") >= joined["closes"],
    )
    return joined.drop("ends_on", "entered_by")
