"""The share of a cohort that reaches an event within a horizon, leaving being a competing event."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import ibis
import ibis.expr.types as ir

from kpi_lib.kpi import Difference
from kpi_lib.stats.cells import difference
from kpi_lib.stats.exact import fisher
from kpi_lib.stats.incidence_cell import COMPETING, EVENT, Share, share_within, watched_of
from kpi_lib.stats.independent import IndependentPeriods
from kpi_lib.stats.intervals import newcombe, wilson
from kpi_lib.stats.power import smallest_visible_proportion, units_for_proportion
from kpi_lib.stats.proportion import NO_UNITS

if TYPE_CHECKING:
    import pandas as pd

COLUMNS = (
    "value",
    "low",
    "high",
    "standard_error",
    "n",
    "resolved",
    "events",
    "left",
    "effective",
    "as_if_nobody_left",
    "reason",
)
_METHOD = "Newcombe interval, Fisher exact test, on effective numbers of units"


@dataclass(frozen=True)
class Incidence(IndependentPeriods):
    """Share of units that reach the event within `horizon_days`, by Aalen and Johansen (1978).

    `value` is days until the event, until leaving, or until the last day known; `outcome` says which
    (1 event, 2 left, 0 still waiting); `exposed` is how many days the unit could have been watched.
    Who still waits is censored, never counted as lost; what happens after the horizon does not
    count. Units of one account are clusters. Days below 0 count as 0.
    """

    horizon_days: int

    @property
    def columns(self) -> tuple[str, ...]:
        """`outcome` and `exposed`."""
        return ("outcome", "exposed")

    def counted(self, observations: ir.Table) -> ir.Table:
        """All rows with a value."""
        return observations.filter(observations["value"].notnull())

    def reduce(self, observations: ir.Table, by: Sequence[str]) -> ir.Table:
        """Units, and those exposed for the horizon, per cell of `by`, duration, outcome, cluster.

        `cluster` is the account where several units share one, else empty, so that lone units are
        counted together.
        """
        rows = self.counted(observations)
        linked = rows.filter(rows["account_id"].notnull())
        shared = linked.group_by(of=linked["account_id"]).aggregate(members=linked.count())
        shared = shared.filter(shared["members"] > 1).drop("members")
        rows = rows.left_join(shared, rows["account_id"] == shared["of"])
        horizon = ibis.literal(self.horizon_days).cast("float64")
        days, nothing = rows["value"].cast("float64"), ibis.literal(0).cast("float64")
        rows = rows.mutate(
            duration=ibis.greatest(ibis.least(days, horizon), nothing),
            outcome=ibis.ifelse(days > horizon, 0, rows["outcome"].cast("int64").fill_null(0)),
            cluster=rows["of"].fill_null(""),
            followed=ibis.ifelse(rows["exposed"].cast("float64") >= horizon, 1, 0),
        )
        keys = [*by, "duration", "outcome", "cluster"]
        return rows.aggregate(
            by=keys, units=rows.count(), followed=rows["followed"].sum().cast("int64")
        )

    def estimate(self, reduced: pd.DataFrame, by: Sequence[str], level: float) -> pd.DataFrame:
        """*by, value, low, high, standard_error, n, resolved and more per cell, then `reason`.

        Limits are Wilson's for the effective number of units, so that they are his own without
        censoring. `resolved` is the share of units whose horizon has passed, 0 while the curve does
        not get there. More: events and left within the horizon, `effective`, `as_if_nobody_left`.
        """
        import pandas as pd

        if not by:
            return pd.DataFrame([self._describe(reduced, level)])
        groups = reduced.groupby(list(by), dropna=False, sort=True)
        cells = [
            dict(zip(by, key, strict=True)) | self._describe(rows, level) for key, rows in groups
        ]
        return pd.DataFrame(cells, columns=[*by, *COLUMNS])

    def _describe(self, reduced: pd.DataFrame, level: float) -> dict[str, object]:
        units = watched_of(reduced)
        share = share_within(units, self.horizon_days)
        told = math.isfinite(share.value)
        low, high = math.nan, math.nan
        if told and share.effective > 0:
            low, high = wilson(share.value * share.effective, share.effective, level)
        return {
            "value": share.value,
            "low": low,
            "high": high,
            "standard_error": share.standard_error,
            "n": round(units.units),
            "resolved": units.followed / units.units if told else 0.0,
            "events": round(units.having(EVENT)),
            "left": round(units.having(COMPETING)),
            "effective": share.effective,
            "as_if_nobody_left": share.as_if_nobody_left,
            "reason": self._reason(share, units.units),
        }

    def _reason(self, share: Share, units: float) -> str:
        if not units:
            return NO_UNITS
        if math.isfinite(share.value):
            return ""
        return f"followed for {share.until:.0f} of {self.horizon_days} days only"

    def difference(
        self, earlier: pd.DataFrame, later: pd.DataFrame, *, level: float, power: float
    ) -> Difference:
        """Later minus earlier share of two independent cohorts.

        Each share is taken as one of its effective number of units: Newcombe's interval, and Fisher's
        test and the smallest visible change on the numbers rounded down.
        """
        first, second = (
            share_within(watched_of(rows), self.horizon_days) for rows in (earlier, later)
        )
        if not (math.isfinite(first.value) and math.isfinite(second.value)):
            return difference(_METHOD, "one of the cohorts was not followed to the horizon")
        value = second.value - first.value
        pairs = [(share.value * share.effective, share.effective) for share in (first, second)]
        whole = [_whole(share) for share in (first, second)]
        if not (whole[0][1] and whole[1][1]):
            return difference(_METHOD, "one of the cohorts has no units", value=value)
        low, high = newcombe(pairs[0], pairs[1], level)
        visible = smallest_visible_proportion(
            first.value, (whole[0][1], whole[1][1]), level=level, power=power
        )
        return difference(
            _METHOD,
            "" if visible is not None else "too few units to see any change",
            value=value,
            low=low,
            high=high,
            p_value=fisher(whole[0], whole[1]),
            smallest_visible=visible,
        )

    def units_needed(
        self, reduced: pd.DataFrame, change: float, *, level: float, power: float
    ) -> int | None:
        """Units in each of two cohorts that make `change` visible, at the present effectiveness."""
        units = watched_of(reduced)
        share = share_within(units, self.horizon_days)
        if not math.isfinite(share.value) or not share.effective > 0:
            return None
        needed = units_for_proportion(share.value, change, level=level, power=power)
        return None if needed is None else math.ceil(needed * units.units / share.effective)


def _whole(share: Share) -> tuple[int, int]:
    """The effective numbers as whole ones (a share that is exact stays so)."""
    trials = math.floor(share.effective + _SLACK)
    return min(round(share.value * trials), trials), trials


_SLACK = 1e-6
