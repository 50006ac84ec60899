"""The share that reaches an event within a horizon while others leave first, with its noise."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from kpi_lib.stats.cells import added_up
from kpi_lib.stats.distributions import Floats
from kpi_lib.stats.risk import CENSORED, COMPETING, EVENT, Risk, incidence, risk_table, survival

if TYPE_CHECKING:
    import pandas as pd

_ALONE = ""


@dataclass(frozen=True)
class Watched:
    """Units by how long they were watched and what happened: one entry per distinct row.

    `clusters` is -1 for units that stand alone, else the number of the account they share.
    """

    durations: Floats
    outcomes: npt.NDArray[np.int64]
    clusters: npt.NDArray[np.int64]
    counts: Floats
    followed: float

    @property
    def units(self) -> float:
        """How many units."""
        return float(self.counts.sum())

    def having(self, outcome: int) -> float:
        """How many units have this outcome."""
        return float(self.counts[self.outcomes == outcome].sum())

    def risk(self) -> Risk:
        """The risk table of all units."""
        return risk_table(self.durations, self.outcomes, self.counts)


def watched_of(reduced: pd.DataFrame) -> Watched:
    """The rows of a reduced frame, added up over everything but duration, outcome and cluster.

    In arrays: a figure by segment and period asks this of hundreds of small frames.
    """
    import pandas as pd

    clusters, names = pd.factorize(reduced["cluster"], sort=True)  # -1 where there is none
    if len(names) and str(names[0]) == _ALONE:
        clusters = np.where(clusters == 0, -1, clusters)
    durations = reduced["duration"].to_numpy(dtype=np.float64)
    outcomes = reduced["outcome"].to_numpy(dtype=np.int64)
    counts = reduced["units"].to_numpy(dtype=np.float64)
    kept, (units,) = added_up((durations, outcomes, clusters), (counts,))
    return Watched(
        durations=durations[kept],
        outcomes=outcomes[kept],
        clusters=clusters[kept].astype(np.int64),
        counts=units,
        followed=float(reduced["followed"].to_numpy(dtype=np.float64).sum()),
    )


@dataclass(frozen=True)
class Share:
    """Aalen-Johansen's share at the horizon; NaN where no unit could be watched so long.

    `as_if_nobody_left` is 1 - Kaplan-Meier, which takes who left for still waiting. `effective` is
    the number of independent, fully followed units that would have the same standard error: Dorey
    and Korn (1987), Statistics in Medicine 6:679. `until` is the last day known.
    """

    value: float
    standard_error: float
    effective: float
    as_if_nobody_left: float
    until: float


def share_within(units: Watched, horizon: float) -> Share:
    """The share of units that reach the event within `horizon` days (durations end there)."""
    risk = units.risk()
    until = float(risk.time[-1]) if risk.time.size else 0.0
    if not risk.time.size:
        return Share(math.nan, math.nan, 0.0, math.nan, until)
    reached, _, waiting = (shares[0] for shares in incidence(risk))
    if not units.followed or (until < horizon and waiting[-1] > 0):
        return Share(math.nan, math.nan, 0.0, math.nan, until)
    value = float(min(reached[-1], 1.0))
    variance = clustered_variance(units, influence(units, risk))
    effective = _effective(units, value, variance, horizon)
    naive = 1 - float(survival(risk)[0, -1])
    return Share(value, math.sqrt(variance), effective, naive, until)


def influence(units: Watched, risk: Risk) -> Floats:
    """How much the share changes per further unit like each row (infinitesimal jackknife).

    The derivative of Aalen-Johansen's share in the weight of a unit: Efron (1982), The Jackknife,
    the Bootstrap and Other Resampling Plans, chapter 6. Without censoring it is (event - share) / n.
    """
    at_risk, exits = risk.at_risk[0], risk.events[0] + risk.competing[0]
    reached, _, waiting = (shares[0] for shares in incidence(risk))
    before = np.concatenate([[1.0], waiting[:-1]])
    left = np.maximum(at_risk - exits, 0.0)
    to_come = reached[-1] - reached
    loss = np.divide(to_come, left, out=np.zeros_like(left), where=left > 0)
    hazard = np.divide(exits, at_risk, out=np.zeros_like(left), where=at_risk > 0)
    pace = np.divide(before, at_risk, out=np.zeros_like(left), where=at_risk > 0)
    events = np.divide(risk.events[0], at_risk, out=np.zeros_like(left), where=at_risk > 0)
    stayed = np.cumsum(hazard * loss - pace * events)
    place = np.searchsorted(risk.time, units.durations)
    gone, won = units.outcomes != CENSORED, units.outcomes == EVENT
    return np.asarray(stayed[place] - gone * loss[place] + won * pace[place], dtype=np.float64)


def clustered_variance(units: Watched, influences: Floats) -> float:
    """Sum of squared influences, those of one account added up first."""
    alone = units.clusters < 0
    single = float((units.counts[alone] * influences[alone] ** 2).sum())
    shared = np.bincount(units.clusters[~alone], units.counts[~alone] * influences[~alone])
    return single + float((shared**2).sum())


def _effective(units: Watched, value: float, variance: float, horizon: float) -> float:
    """At shares of 0 and 1 there is no spread to compare with: who was followed to an end counts."""
    known = (units.outcomes != CENSORED) | (units.durations >= horizon)
    alone = units.clusters < 0
    most = float(units.counts[alone].sum()) + np.unique(units.clusters[~alone]).size
    if 0 < value < 1 and variance > 0:
        return float(min(value * (1 - value) / variance, units.units))
    single = float(units.counts[alone & known].sum())
    return min(single + np.unique(units.clusters[~alone & known]).size, most)


__all__ = ["COMPETING", "EVENT", "Share", "Watched", "share_within", "watched_of"]
