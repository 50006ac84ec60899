"""The verdict on a simulated company, with the tables replaced by arrays.

What an engine would fetch is made here from arrays; everything that decides is the workbook's own:
`ends_of`, `history_from`, `ask`, `described`, `lead_table`, `measured_on`, `readings_of`, `play_of`, the
functions that find (`found_in`, `found_at`) and `concluded`.
`distinct` is left out, since it decides nothing about a single KPI.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import cast

import numpy as np
import pandas as pd

from benchmarks.planted.cards import CARDS, FIGURE, PlantedParams
from benchmarks.planted.company import LAST_DAY, MONTH_ENDS, Company
from benchmarks.planted.values import NO_TABLES, Values
from benchmarks.planted.written import subscriptions
from kpi_lib.evidence import fitting, honest, leading, readable, robust
from kpi_lib.evidence.definitions import Frames, readings_of
from kpi_lib.evidence.finding import DEFAULTS, TESTS, Finding, Settings, cannot_tell, settings_for
from kpi_lib.evidence.gaming import Counter, Play, candidate_counter, figure_counter, play_of
from kpi_lib.evidence.outcomes import History, ends_of, history_from
from kpi_lib.evidence.risk import RiskSets, ask, described
from kpi_lib.evidence.skill import lead_table
from kpi_lib.evidence.verdict import REQUIRED, Verdict, concluded
from kpi_lib.kpi import Better, KpiParams, Role
from kpi_lib.measure import Measurement
from kpi_lib.schema import OPEN_END
from kpi_lib.sweep import variations

EPOCH = date(1970, 1, 1).toordinal()


@dataclass(frozen=True)
class Judge:
    """One company before the judge.

    `known`: its risk sets without scores. `whole`: with what is shown beside and decides nothing.
    """

    company: Company
    past: History
    known: RiskSets
    settings: Settings = DEFAULTS
    whole: bool = False
    _values: dict[str, Values] = field(default_factory=dict)
    _measured: dict[tuple[str, PlantedParams], Measurement] = field(default_factory=dict)

    def verdict(self, kind: str) -> Verdict:
        """The verdict on one of its candidates."""
        return concluded(CARDS[kind], self.deciding(kind))

    def findings(self, kind: str) -> dict[str, Finding]:
        """What five of the six tests find, by name."""
        return {name: self.find(name, kind) for name in REQUIRED[Role.LEADING]}

    def deciding(self, kind: str) -> dict[str, Finding]:
        """The same, without the tests that can no longer change the verdict, which spares time.

        A KPI that is gamed or does not lead is dropped whatever else is found; only one that leads and
        is readable depends on whether it is robust.
        """
        found = {name: cannot_tell(name, "the verdict stands without it") for name in TESTS}
        first = ("honest", "leading") if kind == "gamed" else ("leading", "honest")
        for name in ("fitting", *first, "readable"):
            found[name] = self.find(name, kind)
            if name in first and found[name].passed is False:
                return found
        if found["leading"].passed and found["readable"].passed:
            found["robust"] = self.find("robust", kind)
        return found

    def find(self, test: str, kind: str) -> Finding:
        """What one test finds. Raises KeyError for the sixth, `distinct`."""
        params = PlantedParams()
        settings = settings_for(params, self.settings)
        values = self._values.setdefault(kind, Values(self.company, kind))
        tests: dict[str, Callable[[], Finding]] = {
            "readable": lambda: self._readable(values, params, settings),
            "leading": lambda: self._leading(values, settings),
            "robust": lambda: self._robust(values, params, settings),
            "honest": lambda: self._honest(values, params, settings),
            "fitting": lambda: fitting.found_in([], CARDS[kind], []),
        }
        return tests[test]()

    def _leading(self, values: Values, settings: Settings) -> Finding:
        if self.whole:
            return leading.found_on(self.past, lambda: self._scored(values), settings)
        nothing = pd.DataFrame(columns=["fifth", "n", "predicted", "lost"])

        def found() -> Finding:
            table = lead_table(self._scored(values), settings)
            return leading.found_at(table, self.past, nothing, settings)

        return leading.with_losses(self.past, found, settings)

    def _scored(self, values: Values) -> RiskSets:
        known = self.known
        return RiskSets(*(_with_risk(part, values) for part in (known.by_notice, known.to_end)))

    def _once(self, values: Values, params: KpiParams) -> Measurement:
        asked = cast("PlantedParams", params)
        key = (values.kind, asked)
        if key not in self._measured:
            self._measured[key] = values.measured(asked)
        return self._measured[key]

    def _readable(self, values: Values, params: PlantedParams, settings: Settings) -> Finding:
        measured = self._once(values, readable.asked_of(params, settings))
        counts = readable.poolings(settings)
        compared = [readable.compare(measured, NO_TABLES, count, settings) for count in counts]
        return readable.found_in(measured, compared, settings)

    def _robust(self, values: Values, params: PlantedParams, settings: Settings) -> Finding:
        kpi = CARDS[values.kind]
        by_segment = params.model_copy(update={"segment": "segment"})
        asked = robust.lean(kpi, by_segment, NO_TABLES, settings)
        chosen = variations(asked, most=settings.most_definitions, seed=settings.seed)
        several = [cast("PlantedParams", variation.params) for variation in chosen]
        frames = Frames(
            [values.by_segment(one) for one in several],
            [values.last_pairs(one) for one in several],
            [values.order(one) for one in several],
        )
        return robust.found_in(readings_of(kpi, NO_TABLES, chosen, frames, settings), settings)

    def _honest(self, values: Values, params: PlantedParams, settings: Settings) -> Finding:
        kpi = CARDS[values.kind]
        (move,) = kpi.cheap_moves
        honestly = self._once(values, params)
        scripted = Values(self.company, values.kind, scripted=True)

        def counter() -> Counter:
            if values.kind == "gamed":
                same = self._once(Values(self.company, "noise"), PlantedParams())
                return candidate_counter(same, same)
            shares = (values.main_user_share, scripted.main_user_share)
            return figure_counter(FIGURE, kpi.parts[0].units[FIGURE], *shares, settings)

        plays: list[Play] = [play_of(move, honestly, scripted.measured(params), 0.0, counter)]
        return honest.found_in(plays, None, kpi, params, NO_TABLES.currency)


def judges(companies: Sequence[Company], settings: Settings, *, whole: bool = False) -> list[Judge]:
    """The companies before the judge; their contracts are read together, which spares time."""
    settings = settings_for(PlantedParams(), settings)
    rows = pd.concat([price_periods(company) for company in companies])
    rows = rows.sort_values(["account_id", "started_on"], kind="stable", ignore_index=True)
    ends = ends_of(rows, LAST_DAY, settings)
    own = [_by_company(frame, companies) for frame in (rows, *ends)]
    pasts = [history_from(*parts, LAST_DAY, settings) for parts in zip(*own, strict=True)]
    if not whole:
        pasts = [replace(past, settle_days=None) for past in pasts]
    together = replace(pasts[0], rows=rows, decisions=pd.concat([past.decisions for past in pasts]))
    asked = ask(together, settings)
    if not whole:
        asked = replace(asked, to_end=asked.to_end.iloc[:0])
    known = described(asked, together)
    sets = [_by_company(frame, companies) for frame in (known.by_notice, known.to_end)]
    return [
        Judge(company, past, RiskSets(*parts), settings, whole)
        for company, past, parts in zip(companies, pasts, zip(*sets, strict=True), strict=True)
    ]


def _by_company(frame: pd.DataFrame, companies: Sequence[Company]) -> list[pd.DataFrame]:
    """The rows of each company, in their order, with the number of the account as `number`."""
    names = frame["account_id"].to_numpy(dtype="U12")
    letters = names.view("U1").reshape(len(names), 12)
    owner, number = (
        np.ascontiguousarray(letters[:, first : first + 5]).view("U5").ravel().astype(np.int64)
        for first in (1, 7)
    )
    numbered = frame.assign(number=number)
    return [
        numbered.iloc[np.flatnonzero(owner == company.plan.seed)].reset_index(drop=True)
        for company in companies
    ]


def price_periods(company: Company) -> pd.DataFrame:
    """The rows of a `History`, as they would be fetched."""
    columns = ["account_id", "started_on", "ended_on", "cancelled_on", "term_ends_on"]
    rows = subscriptions(company)[[*columns, "monthly_amount"]]
    rows["ended_on"] = rows["ended_on"].fillna(np.datetime64(OPEN_END, "s"))
    moments = {name: rows[name].to_numpy(dtype="datetime64[us]") for name in columns[1:]}
    return rows.assign(**moments)


def _with_risk(known: pd.DataFrame, values: Values) -> pd.DataFrame:
    day = known["on"].to_numpy(dtype="datetime64[D]").astype("int64") + EPOCH
    month = np.searchsorted(MONTH_ENDS, day)
    score = values.level(PlantedParams())[known["number"].to_numpy(), month]
    return known.assign(risk=score if CARDS[values.kind].better is Better.LOWER else -score)
