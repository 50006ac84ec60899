"""What a composite shows of the figures beside its parts: gaps, pairs, and all that was left out."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

import ibis
import ibis.expr.types as ir
import numpy as np

from kpi_lib.composite.beside_told import draws, ends, told, with_interval
from kpi_lib.composite.card import Beside
from kpi_lib.composite.computed import VALUE, Member
from kpi_lib.composite.rows import PART, own_frame
from kpi_lib.composite.shown import typed
from kpi_lib.engine import run
from kpi_lib.kpi import Kpi, KpiParams, Part, Unit
from kpi_lib.measure import (
    headline_position,
    periods_of,
    placed,
    reduce_by,
    reduced_by_period,
    with_dates,
)
from kpi_lib.periods import Period
from kpi_lib.schema import Tables
from kpi_lib.stats.resamples import SEED
from kpi_lib.stats.stated import Stated

if TYPE_CHECKING:
    import pandas as pd

BESIDE = "their_"
COUNTED = "figures"

_GAP = {"gap": "float64", "low": "float64", "high": "float64"}
_LINE = ("kpi", "of", "in_period", "ours", "theirs", *_GAP, "told")
_PAIRS = {
    **dict.fromkeys(("kpi", "of", "told"), "string"),
    **_GAP,
    **dict.fromkeys(("ours", "theirs", "in_period"), "string"),
}
_OVER_TIME = {"period": "date", "kpi": "string", "gap": "float64"}
_COVERAGE = {"period": "date", "kpis": "int64", COUNTED: "int64"}
_LEFT_OUT = {
    **dict.fromkeys(("kpi", "of"), "string"),
    **{"period": "date", "reason": "string", "value": "float64"},
    **dict.fromkeys(("source", "definition"), "string"),
}
_OTHER_PERIOD = "no whole period shown on this page begins on that day"


@dataclass(frozen=True)
class Shown:
    """The lists of one such composite."""

    kpi: Kpi
    beside: Beside
    parts: Mapping[str, Kpi]
    given: Callable[[Kpi, Any], KpiParams]

    @property
    def lists(self) -> tuple[Part, ...]:
        """Gap by figure, by KPI over time, how much is compared, and the figures that are left out."""
        unit, whose = self.kpi.unit, self.beside.whose
        return (
            Part(
                name="gaps",
                title=f"How far we lie behind, by KPI and {whose}",
                meaning="Above 0 we are behind, below 0 ahead. The line is the interval: what our own "
                "customers and what the source of the figure leave open, together. Where it crosses 0 "
                "it cannot be told who is ahead.",
                compute=self._gaps,
                view="bars",
                units=dict.fromkeys(_GAP, unit),
            ),
            Part(
                name="over_time",
                title="The gap of each KPI over time",
                meaning="Each KPI against the mean of the figures that can be set beside it, and "
                "what comes of all, period by period.",
                compute=self._over_time,
                view="lines",
                units={"gap": unit},
            ),
            Part(
                name="coverage",
                title="How much can be compared",
                meaning=f"In each period: the KPIs that stand beside a {whose}, and the figures that they "
                "stand beside.",
                compute=self._coverage,
                units=dict.fromkeys(("kpis", COUNTED), Unit.COUNT),
            ),
            Part(
                name="left_out",
                title="Figures that are not compared, and why",
                meaning=f"Every figure of a {whose} that stands in the data and is not compared, newest "
                "first.",
                compute=self._left_out,
            ),
        )

    @property
    def who(self) -> Part:
        """Both sides of every comparison in the period of the headline."""
        return Part(
            name="pairs",
            title="Both sides of every comparison",
            meaning="Every figure that is compared in the period of the headline: ours with its interval, theirs "
            "with the range that its source is trusted to, the gap, and what can be told.",
            compute=lambda tables, params: self._named(self._pairs(tables, params)),
            units=dict.fromkeys(_GAP, self.kpi.unit),
        )

    def _gaps(self, tables: Tables, params: Any) -> ir.Table:
        listed = self._pairs(tables, params)
        figure = listed["kpi"] + ibis.literal(", ") + listed["of"]
        return listed.select(figure=figure, **{name: listed[name] for name in _GAP})

    def _over_time(self, tables: Tables, params: Any) -> ir.Table:
        import pandas as pd

        lines = [
            (day, title, gap)
            for day, gaps, whole, _ in self._periods(tables, params)
            if gaps
            for title, gap in (
                *((self.parts[name].title, one) for name, one in gaps.items()),
                (self.kpi.title, whole),
            )
        ]
        return typed(pd.DataFrame(lines, columns=list(_OVER_TIME)), _OVER_TIME)

    def _coverage(self, tables: Tables, params: Any) -> ir.Table:
        import pandas as pd

        lines = [
            (day, len(gaps), sum(_number(rows, name) for name in gaps))
            for day, gaps, _, rows in self._periods(tables, params)
        ]
        return typed(pd.DataFrame(lines, columns=list(_COVERAGE)), _COVERAGE)

    def _periods(
        self, tables: Tables, params: Any
    ) -> Iterator[tuple[date, dict[str, float], float, pd.DataFrame]]:
        """Each period that was observed: the gaps that it has, what comes of them, its reduced rows."""
        reduced = reduced_by_period(self.kpi, tables, params)
        keys, _, _, points = self._pointed(tables, params)
        for place, day in enumerate(keys["period"]):
            found = {name: float(points[f"gap_{name}"][place]) for name in self.parts}
            gaps = {name: gap for name, gap in found.items() if np.isfinite(gap)}
            yield day, gaps, float(points[VALUE][place]), reduced[reduced["period"] == day]

    def _pointed(self, tables: Tables, params: Any) -> Any:
        """What `Combined.pointed` says of the periods."""
        method: Any = self.kpi.estimator(params)
        reduced = reduced_by_period(self.kpi, tables, params)
        key = (self.kpi.observe, "pointed", params)
        return tables.once(key, lambda: method.pointed(reduced, ["period"]))

    def _headline(self, tables: Tables, params: Any) -> Period:
        """The period of the headline, as the page tells it."""
        method: Any = self.kpi.estimator(params)
        reduced = reduced_by_period(self.kpi, tables, params)
        periods = periods_of(tables, params)
        trend = placed(with_dates(method.points(reduced, ["period"])), periods)
        return periods[headline_position(trend, self.kpi.paired)]

    def _left_out(self, tables: Tables, params: Any) -> ir.Table:
        import pandas as pd

        ours = {name: (part, self.given(part, params)) for name, part in self.parts.items()}
        refused = self.beside.left_out(tables, ours, params)
        alone = pd.DataFrame(list(self._alone(tables, params)), columns=list(_LEFT_OUT))
        listed = pd.concat([one for one in (refused, alone) if len(one)] or [alone])
        titles = {name: part.title for name, part in self.parts.items()}
        listed = listed.assign(kpi=[titles.get(name, name) for name in listed["kpi"]])
        listed = listed.sort_values(["kpi", "of", "source"]).sort_values(
            "period", ascending=False, kind="stable"
        )
        return self._named(typed(listed, _LEFT_OUT))

    def _named(self, listed: ir.Table) -> ir.Table:
        """The list with `of` as the reader calls it."""
        return listed.rename({self.beside.whose: "of"})

    def _alone(self, tables: Tables, params: Any) -> Iterator[tuple[Any, ...]]:
        """Figures of our definition in periods that are not shown, or for which we have none."""
        keys, _, estimated, _ = self._pointed(tables, params)
        places = {day: place for place, day in enumerate(with_dates(keys)["period"])}
        shown = {period.start for period in periods_of(tables, params)}
        for name, part in self.parts.items():
            rows = self.beside.figures(tables, part, self.given(part, params), params)
            for figure in with_dates(run(rows)).to_dict("records"):
                day, own = figure["period"], estimated[part.title]
                ours = own.iloc[places[day]] if day in places else None
                reason = _OTHER_PERIOD
                if day in shown:
                    known = ours is not None and np.isfinite(ours["value"])
                    reason = "" if known else f"ours cannot be told: {_why(ours)}"
                if reason:
                    yield (name, figure["of"], day, reason, figure["value"], None, None)

    def _pairs(self, tables: Tables, params: Any) -> ir.Table:
        key = (self.kpi.observe, "pairs", params)
        return tables.once(key, lambda: typed(self._listed(tables, params), _PAIRS))

    def _listed(self, tables: Tables, params: Any) -> pd.DataFrame:
        import pandas as pd

        method: Any = self.kpi.estimator(params)
        rows = self.kpi.observed(tables, params)
        period = self._headline(tables, params)
        rows = rows.filter(rows["period"] == ibis.literal(period.start))
        ours = reduce_by(method, rows, [])
        theirs = run(rows.filter(rows[PART].startswith(BESIDE)))
        members = {member.name: member for member in method.members}
        lines = [
            (line[0], line[1], period.label, *line[2:])
            for name, part in self.parts.items()
            for line in self._lines(
                part,
                members[name],
                own_frame(ours, name),
                own_frame(theirs, BESIDE + name),
                (tables.currency, params.level),
            )
        ]
        return pd.DataFrame(lines, columns=list(_LINE))

    def _lines(
        self,
        part: Kpi,
        member: Member,
        ours: pd.DataFrame,
        theirs: pd.DataFrame,
        told_in: tuple[str, float],
    ) -> Iterator[tuple[Any, ...]]:
        """One line per owner of a figure beside the part."""
        currency, level = told_in
        if ours.empty or theirs.empty:
            return
        cell = member.estimator.estimate(ours, [], level).iloc[0]
        if not np.isfinite(cell["value"]):
            return
        drawn = draws(member, ours, level)
        theirs = theirs.assign(n=1, total=theirs["value"], variance=theirs["error"] ** 2)
        for place, (of, figures) in enumerate(theirs.groupby("of", sort=True)):
            figure = Stated().estimate(figures, [], level).iloc[0]
            noise = np.random.default_rng([SEED, place]).standard_normal(len(drawn))
            other = figure["value"] + figure["standard_error"] * noise
            value = np.array([float(cell["value"])]), np.array([float(figure["value"])])
            low, high = ends(self.beside.gap(part, drawn, other), level)
            sides = [with_interval(one, part.unit, currency) for one in (cell, figure)]
            gap = float(self.beside.gap(part, *value)[0])
            said = told(low, high)
            limits = (one if np.isfinite(one) else np.nan for one in (low, high))
            yield (part.title, of, *sides, gap, *limits, said)


def _number(reduced: pd.DataFrame, part: str) -> int:
    """How many figures stand beside a part."""
    rows = own_frame(reduced, BESIDE + part)
    return int(rows["n"].sum())


def _why(ours: Any) -> str:
    return str(ours["reason"]) if ours is not None and ours["reason"] else "nothing was observed"
