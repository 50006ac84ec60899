"""The score of each account on many past days, each from the data known on that day only."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from itertools import islice
from typing import TYPE_CHECKING, TypeVar

import ibis
import ibis.expr.types as ir

from kpi_lib.engine import run
from kpi_lib.kpi import Kpi, KpiParams, Source
from kpi_lib.periods import PeriodName, complete_periods
from kpi_lib.schema import Tables
from kpi_lib.sweep import BATCH, Variation, numbered, stacked

if TYPE_CHECKING:
    import pandas as pd


Item = TypeVar("Item")


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
    rows = kpi.estimator(fresh).counted(kpi.observe(tables, fresh))
    rows = rows.filter((rows["period"] == last.start) & rows["account_id"].notnull())
    means = rows.group_by("account_id").aggregate(score=rows["value"].cast("float64").mean())
    return _typed(means, means["account_id"], means["score"])


def scores_on(kpi: Kpi, source: Source, params: KpiParams, days: Sequence[date]) -> pd.DataFrame:
    """Scores as known at the end of each day: account_id, on (a moment at midnight), score.

    A few queries for all days. Accounts without a score on a day have no row (or a null one).
    """
    import pandas as pd

    frames = [_fetched(kpi, source, params, part) for part in _parts(days, BATCH)]
    together = pd.concat([_nothing(), *frames], ignore_index=True) if frames else _nothing()
    on = pd.to_datetime(together["on"]).astype("datetime64[us]")
    return together.assign(on=on, score=together["score"].astype("float64"))


def scores_under(kpi: Kpi, tables: Tables, chosen: Sequence[Variation]) -> pd.DataFrame:
    """Scores on the day of `tables` under each definition: account_id, score, variation."""
    frames = [
        run(stacked([numbered(score_of(kpi, tables, v.params), v.number) for v in part]))
        for part in _parts(chosen, BATCH)
    ]
    import pandas as pd

    return pd.concat(frames, ignore_index=True)


def _fetched(kpi: Kpi, source: Source, params: KpiParams, days: Sequence[date]) -> pd.DataFrame:
    parts = [
        score_of(kpi, source.as_of(day), params.model_copy(update={"as_of": day})).mutate(
            on=ibis.literal(day)
        )
        for day in days
    ]
    return run(stacked(parts))


def _typed(table: ir.Table, account: ir.Value, score: ir.Value) -> ir.Table:
    return table.select(account_id=account.cast("string"), score=score.cast("float64"))


def _nothing() -> pd.DataFrame:
    import pandas as pd

    kinds = {"account_id": "object", "on": "datetime64[us]", "score": "float64"}
    return pd.DataFrame({name: pd.Series(dtype=kind) for name, kind in kinds.items()})


def _parts(items: Iterable[Item], size: int) -> Iterator[list[Item]]:
    remaining = iter(items)
    while part := list(islice(remaining, size)):
        yield part
