"""How far the tables of a data set reach, looking at all of their rows."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import ibis
import ibis.expr.types as ir

from kpi_lib.contract import CONTRACT
from kpi_lib.data.asking import Asker, Moment, Question, Row
from kpi_lib.data.span import known_day, newest_day, row_day, to_day, whole


@dataclass(frozen=True)
class Extent:
    """How far one table reaches: its newest known day up to today, its rows, those after today.

    `undated` rows lack the date that says when they became known.
    """

    table: str
    last_known: date | None
    rows: int
    undated: int
    future_rows: int
    furthest: date | None


def extents(asker: Asker) -> list[Extent]:
    """How far each table with dates of its own reaches."""
    names = [name for name in asker.stock.tables if CONTRACT[name].known_on]
    present = asker.stock.present
    answers = asker.rows([Question(f"extent {n}", _Extent(n, present[n])) for n in names])
    return [_extent(name, answer) for name, answer in zip(names, answers, strict=True)]


def _extent(name: str, answer: Row) -> Extent:
    return Extent(
        table=name,
        last_known=known_day(answer["known"]),
        rows=whole(answer["rows"]),
        undated=whole(answer["undated"]),
        future_rows=whole(answer["future"]),
        furthest=to_day(answer["furthest"]),
    )


@dataclass(frozen=True)
class _Extent:
    name: str
    present: frozenset[str]

    def __call__(self, moment: Moment) -> ir.Table:
        table, contract = moment.full[self.name], CONTRACT[self.name]
        today = ibis.literal(moment.today, type="date")
        day = row_day(table, contract)
        if day is None:
            raise ValueError(f"{self.name} has no date of its own")
        return table.aggregate(
            known=newest_day(table, contract, self.present, until=today),
            rows=table.count(),
            undated=day.isnull().sum(),
            future=(day > today).sum(),
            furthest=day.max(),
        )
