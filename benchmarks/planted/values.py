"""One candidate of a simulated company, reduced from arrays as an engine would reduce it from tables."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date

import numpy as np
import pandas as pd

from benchmarks.planted.cards import CARDS, SCRIPTED, PlantedParams
from benchmarks.planted.company import LAST_DAY, MONTH_ENDS, MONTHS, Company, Floats
from kpi_lib.measure import Measurement, measured_on, periods_of
from kpi_lib.schema import Tables
from kpi_lib.stats.engine_sums import PAIR_FIRST, PAIR_PRODUCTS

NO_TABLES = Tables({}, LAST_DAY, currency="EUR")
"""Only the day and the currency of it are read."""


@dataclass(frozen=True)
class Values:
    """One candidate of one company, as an engine would reduce it."""

    company: Company
    kind: str
    scripted: bool = False
    _levels: dict[tuple[int, int], Floats] = field(default_factory=dict, repr=False)

    def level(self, params: PlantedParams) -> Floats:
        """Uses a month at each month end, averaged over the window: NaN where it does not count."""
        key = (params.window_months, params.settled_months)
        if key not in self._levels:
            self._levels[key] = self._level(params)
        return self._levels[key]

    def _level(self, params: PlantedParams) -> Floats:
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
