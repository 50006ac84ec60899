"""An experiment with one KPI: what a KPI notebook holds in its hand.

Every result is computed when it is first asked for and kept, so that sections, record and controls
share one computation.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from kpi_lib import catalogue
from kpi_lib.data import Dataset, open_dataset
from kpi_lib.kpi import Kpi, KpiParams
from kpi_lib.measure import Measurement, by_segment, measure, part_of
from kpi_lib.measure import behind as rows_behind
from kpi_lib.measure import part as part_rows
from kpi_lib.registered import registered, with_parts
from kpi_lib.schema import Tables
from kpi_lib.sections import (
    about,
    behind,
    data_read,
    definitions,
    judged,
    made_of,
    number,
    objective,
    segments,
)
from kpi_lib.sweep import trends_of, variations
from kpi_lib.view import View

if TYPE_CHECKING:
    from kpi_lib.charts.shown import Prose
    from kpi_lib.evidence.dropping import Dropping
    from kpi_lib.evidence.looks import Standing
    from kpi_lib.evidence.progress import Progress
    from kpi_lib.evidence.replay import Replay
    from kpi_lib.evidence.verdict import Verdict

SWEPT_PERIODS = 8
"""Periods in the panels of other definitions; the newest are enough to see a difference."""


def start(name: str, namespace: Mapping[str, Any]) -> Experiment:
    """The experiment with the KPI `name`, its parameters taken from a notebook's `globals()`.

    Raises KeyError for an unknown KPI, pydantic's ValidationError for a parameter out of its
    bounds, DataError for a data set that cannot be used.
    """
    kpi = catalogue.get(name)
    chosen = {field: namespace[field] for field in kpi.Params.model_fields if field in namespace}
    params = kpi.Params.model_validate(chosen)
    data = open_dataset(params.dataset, as_of=params.as_of)
    return Experiment(kpi, with_parts(kpi, params, data), data)


@dataclass(frozen=True)
class Experiment:
    """A KPI, the parameters chosen, and an open data set."""

    kpi: Kpi
    params: KpiParams
    data: Dataset

    @cached_property
    def tables(self) -> Tables:
        """The tables as known on the day asked for (default: the last day in the data)."""
        return self.data.as_of(self.params.as_of)

    @property
    def currency(self) -> str:
        """Currency of all amounts."""
        return self.tables.currency

    @cached_property
    def measurement(self) -> Measurement:
        """The figure, its trend and its change, as frames and numbers."""
        return measure(self.kpi, self.tables, self.params)

    @cached_property
    def judgement(self) -> Verdict | None:
        """The findings and the verdict; None where `with_evidence` is False."""
        if not self.params.with_evidence:
            return None
        from kpi_lib.candidates import candidates
        from kpi_lib.evidence.kept import judge_once

        others = candidates(self.data, dataset=self.params.dataset, as_of=self.params.as_of)
        return judge_once(self.kpi, self.data, self.params, others=others)

    @cached_property
    def dropping(self) -> Dropping:
        """Whether what was registered for dropping the KPI has come true."""
        from kpi_lib.evidence.dropping import dropping

        found = self.judgement
        return dropping(self.measurement, found.findings if found else None)

    @property
    def registration(self) -> View:
        """What was registered before looking."""
        return about.registration(self.kpi, self.params, self.tables.as_of, self.currency)

    @property
    def card(self) -> View:
        """The card of the KPI."""
        return about.card(self.kpi)

    @property
    def formula(self) -> Prose:
        """The formula with each symbol and its unit."""
        return about.formula(self.kpi)

    @property
    def data_report(self) -> View:
        """What was read, what was wrong with it, what was left out."""
        return data_read.report(self.data, self.kpi)

    @property
    def number(self) -> View:
        """The headline in words."""
        return number.number(self.measurement)

    def figure_of(self, name: str) -> View:
        """The figure of another KPI on the same day, as it is registered, in words and as a trend."""
        kpi = catalogue.get(name)
        lacks = catalogue.ready(kpi, self.data.knowledge.present).lacks
        if lacks:
            return View(f"{kpi.title} cannot be told here: {'; '.join(lacks)}.")
        run = {"dataset": self.params.dataset, "as_of": self.params.as_of}
        return number.number(measure(kpi, self.tables, registered(kpi, self.data, **run)))

    @cached_property
    def trend(self) -> View:
        """The value over the periods."""
        return number.trend(self.measurement)

    def part(self, name: str, view: str = "") -> View:
        """One part of the figure by name; `view` draws it another way than the card says."""
        rows = self.part_rows(name)
        labels = self._labels
        one = part_of(self.kpi, name)
        focus = self.measurement.headline.label
        return made_of.part(
            one, rows, currency=self.currency, labels=labels, view=view, focus=focus
        )

    def part_rows(self, name: str) -> Any:
        """The rows of a part, computed once."""
        if name not in self._parts:
            self._parts[name] = part_rows(self.kpi, self.tables, self.params, name)
        return self._parts[name]

    @cached_property
    def _parts(self) -> dict[str, Any]:
        return {}

    @cached_property
    def _labels(self) -> dict[str, str]:
        from kpi_lib.charts.parts import period_labels

        return period_labels(self.measurement.trend)

    @cached_property
    def segments(self) -> View:
        """The figure by the segment chosen."""
        if not self.params.segment:
            return segments.segments(self.measurement, self.measurement.trend)
        frame = by_segment(self.kpi, self.tables, self.params)
        return segments.segments(self.measurement, frame, self.data.undated)

    @cached_property
    def behind(self) -> View:
        """Who is behind the number."""
        start = None if self.kpi.who else self.measurement.headline.start
        frame = rows_behind(self.kpi, self.tables, self.params, period=start)
        return behind.behind(self.measurement, frame)

    @cached_property
    def sweep(self) -> View:
        """The figure under other fair definitions, one parameter at a time."""
        few = self.params.model_copy(update={"periods": min(self.params.periods, SWEPT_PERIODS)})
        ours, *others = variations(few, combine=False)
        is_known = not ours.changed and few.periods == self.params.periods
        trends = {ours.number: self.measurement.trend} if is_known else {}
        trends |= trends_of(self.kpi, self.tables, others if is_known else [ours, *others])
        return definitions.sweep(self.measurement, [ours, *others], trends)

    @property
    def specification(self) -> View:
        """The last change under all fair definitions together."""
        return judged.specification(self.measurement, self.judgement)

    @property
    def verdict(self) -> View:
        """What the evidence suggests."""
        return judged.verdict(self.judgement, self.dropping, self.looks)

    @cached_property
    def standing(self) -> Standing:
        """Where the day stands in the planned looks."""
        from kpi_lib.evidence.looks import standing

        return standing(self.measurement)

    @property
    def looks(self) -> View:
        """The planned looks, what each asks for, and what the present one says."""
        from kpi_lib.sections.looks import looks

        return looks(self.measurement, self.standing)

    @cached_property
    def past_reviews(self) -> Replay:
        """What past reviews would have said, from what was known on their days."""
        from kpi_lib.evidence.replay import replay

        return replay(self.kpi, self.data, self.params)

    @property
    def replay(self) -> View:
        """The past reviews, whom they would have named, and how many of those left."""
        from kpi_lib.sections.replay import replayed

        if not self.params.with_evidence:
            return View(judged.SWITCHED_OFF)
        return replayed(self.past_reviews, self.currency)

    @property
    def leavers(self) -> View:
        """Those that left after a past review had named them."""
        from kpi_lib.sections.replay import leavers

        return (
            leavers(self.past_reviews) if self.params.with_evidence else View(judged.SWITCHED_OFF)
        )

    @property
    def lead(self) -> View:
        """How early the KPI warns."""
        return judged.lead(self.judgement)

    @cached_property
    def cautions(self) -> View:
        """When it misleads: what the card declares and the data show."""
        from kpi_lib.evidence.fitting import fitting

        if self.judgement is None:
            return about.cautions(self.kpi, fitting(self.kpi, self.data, self.params))
        found = self.judgement.findings
        return about.cautions(self.kpi, found["fitting"], found["honest"])

    @cached_property
    def okr(self) -> View:
        """The objective that the KPI suggests, how far it has come, and the chance of seeing its step."""
        return objective.objective(self._okr_measurement, self.progress)

    @cached_property
    def progress(self) -> Progress:
        """How far the objective has come since its baseline, and the odds of reaching it."""
        from kpi_lib.evidence.progress import progress

        return progress(self.data, self._okr_measurement)

    @cached_property
    def _okr_measurement(self) -> Measurement:
        """The figure that the objective is about."""
        judged_as = self.kpi.okr_measured
        if judged_as is None or judged_as(self.params) == self.params:
            return self.measurement
        return measure(self.kpi, self.tables, judged_as(self.params))

    @property
    def references(self) -> Prose:
        """Where definition and method come from."""
        return about.references(self.kpi)

    def explore(self) -> None:
        """Show controls around the trend, made from the parameters. Needs a running notebook."""
        from kpi_lib.explore import explore

        explore(self)
