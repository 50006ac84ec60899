"""The verdict on a simulated company, with the tables replaced by arrays.

What an engine would fetch is made here from arrays; everything that decides is the workbook's own:
`history_of`, `ask`, `measured_on`, `readings_of`, `play_of`, the five `found_in` and `concluded`.
`distinct` is left out, since it decides nothing about a single KPI.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import cast

import numpy as np
import pandas as pd

from benchmarks.planted.cards import CARDS, FIGURE, SCRIPTED, PlantedParams
from benchmarks.planted.company import LAST_DAY, MONTH_ENDS, MONTHS, Company, Floats
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
from kpi_lib.measure import Measurement, measured_on, periods_of
from kpi_lib.schema import OPEN_END, Tables
from kpi_lib.stats.engine_sums import PAIR_FIRST, PAIR_PRODUCTS
from kpi_lib.sweep import variations

NO_TABLES = Tables({}, LAST_DAY, currency="EUR")
"""Only the day and the currency of it are read."""
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
        values = Values(self.company, kind)
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
        scripted = replace(values, scripted=True)

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


@dataclass(frozen=True)
class Values:
    """One candidate of one company, as an engine would reduce it."""

    company: Company
    kind: str
    scripted: bool = False

    def level(self, params: PlantedParams) -> Floats:
        """Uses a month at each month end, averaged over the window: NaN where it does not count."""
        uses, paying = self.company.uses[self.kind].astype(np.float64), self.company.paying
        if self.scripted:
            uses[paying[:, -1], -1] += SCRIPTED
        lived = np.arange(MONTHS) - self.company.started[:, None] + 1
        if params.window_months > 1:
            total = np.cumsum(uses, axis=1)
            total[:, params.window_months :] -= np.cumsum(uses, axis=1)[:, : -params.window_months]
            uses = total / np.clip(lived, 1, params.window_months)
        return np.where(paying & (lived >= params.settled_months), uses, np.nan)

    @property
    def main_user_share(self) -> float:
        """Share of the uses of the last month by the main user of an account."""
        uses = self.company.uses[self.kind][:, -1]
        added = SCRIPTED * int(self.company.paying[:, -1].sum()) if self.scripted else 0
        return float((np.sum((uses + 1) // 2) + added) / (uses.sum() + added))

    def measured(self, params: PlantedParams) -> Measurement:
        """The KPI measured on the last day."""
        level = self.level(params)
        periods = periods_of(NO_TABLES, params)
        at = {period.start: _column(period.end) for period in periods}
        rows = [{"period": day} | _sums(level[:, month]) for day, month in at.items()]
        reduced = pd.DataFrame([row for row in rows if row["units"]])
        return measured_on(
            CARDS[self.kind], NO_TABLES, params, reduced,
            lambda earlier, later: _pairs(level[:, at[earlier]], level[:, at[later]]),
        )  # fmt: skip

    def by_segment(self, params: PlantedParams) -> pd.DataFrame:
        """Reduced by segment and period."""
        level, rows = self.level(params), []
        for period in periods_of(NO_TABLES, params):
            for number, name in enumerate(("north", "south")):
                own = level[self.company.segment == number, _column(period.end)]
                rows.append({"segment": name, "period": period.start} | _sums(own))
        return pd.DataFrame([row for row in rows if row["units"]])

    def last_pairs(self, params: PlantedParams) -> pd.DataFrame:
        """The same accounts in the last two periods."""
        level = self.level(params)
        first, second = (_column(period.end) for period in periods_of(NO_TABLES, params)[-2:])
        return _pairs(level[:, first], level[:, second])

    def order(self, params: PlantedParams) -> pd.Series[float]:
        """The level of each account in the last period."""
        last = self.level(params)[:, -1]
        known = ~np.isnan(last)
        return pd.Series(last[known], index=np.array(self.company.names)[known])


def _column(day: date) -> int:
    return int(np.searchsorted(MONTH_ENDS, day.toordinal()))


def _sums(level: Floats) -> dict[str, float]:
    known = level[~np.isnan(level)]
    count, total = float(known.size), float(known.sum())
    return {
        "units": count, "n": count, "clusters": count, "value_sum": total, "weight_sum": count,
        "value_squares": float(known @ known), "weight_squares": count, "products": total,
    }  # fmt: skip


def _pairs(earlier: Floats, later: Floats) -> pd.DataFrame:
    has = [~np.isnan(side) for side in (earlier, later)]
    seen = has[0] | has[1]
    columns = dict(
        zip(
            PAIR_FIRST,
            (np.nan_to_num(earlier), has[0] * 1.0, np.nan_to_num(later), has[1] * 1.0),
            strict=True,
        )
    )
    columns = {name: column[seen] for name, column in columns.items()}
    sums: dict[str, float] = {
        "clusters": float(seen.sum()),
        "in_both": float((has[0] & has[1]).sum()),
        "n_earlier": float(has[0].sum()),
        "n_later": float(has[1].sum()),
    }
    sums |= {name: float(column.sum()) for name, column in columns.items()}
    for product in PAIR_PRODUCTS:
        first, second = product.split("__")
        sums[product] = float(columns[first] @ columns[second])
    return pd.DataFrame([sums])
