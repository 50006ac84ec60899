"""The score of each account on many past days, each from the data known on that day only."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import TYPE_CHECKING

import ibis.expr.types as ir

from kpi_lib.alike import run_each
from kpi_lib.evidence.once import shelved
from kpi_lib.kpi import Kpi, KpiParams, Source
from kpi_lib.periods import PeriodName, complete_periods
from kpi_lib.schema import Tables

if TYPE_CHECKING:
    import pandas as pd


def score_of(kpi: Kpi, tables: Tables, params: KpiParams) -> ir.Table:
    """account_id and score (float64) of each account known on the day of `tables`, one row each.

    The card's own score, else the account's mean value among the counted rows of the last complete
    month (week, for a KPI on weeks): the freshest look that the definition allows.
    """
    if kpi.score is not None:
        own = kpi.score(tables, params)
        return _typed(own, own["account_id"], own["score"])
    period: PeriodName = "week" if params.period == "week" else "month"
    fresh = params.model_copy(update={"period": period, "periods": 2, "segment": ""})
    last = complete_periods(tables.as_of, period, 1, tables.quarter_starts_in)[-1]
    rows = kpi.estimator(fresh).counted(kpi.observed(tables, fresh))
    rows = rows.filter((rows["period"] == last.start) & rows["account_id"].notnull())
    means = rows.group_by("account_id").aggregate(score=rows["value"].cast("float64").mean())
    return _typed(means, means["account_id"], means["score"])


def scores_on(kpi: Kpi, source: Source, params: KpiParams, days: Sequence[date]) -> pd.DataFrame:
    """Scores as known at the end of each day: account_id, on (a moment at midnight), score.

    Accounts without a score on a day have no row (or a null one).
    """
    key = ("scores", tuple(days))
    return shelved(source, kpi, params, key, lambda: _scores_on(kpi, source, params, days))


def _scores_on(kpi: Kpi, source: Source, params: KpiParams, days: Sequence[date]) -> pd.DataFrame:
    import pandas as pd

    expressions = (
        score_of(kpi, source.as_of(day), params.model_copy(update={"as_of": day})) for day in days
    )
    kinds = {"account_id": "object", "score": "float64", "on": "datetime64[us]"}
    nothing = pd.DataFrame({name: pd.Series(dtype=kind) for name, kind in kinds.items()})
    found = run_each(expressions)
    frames = [frame.assign(on=pd.Timestamp(day)) for day, frame in zip(days, found, strict=True)]
    return pd.concat([nothing, *frames], ignore_index=True).astype(kinds)


def _typed(table: ir.Table, account: ir.Value, score: ir.Value) -> ir.Table:
    return table.select(account_id=account.cast("string"), score=score.cast("float64"))
