"""What a survey score is made of, from answers that may be shown; see `surveys.answers`."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any, Protocol

import ibis
import ibis.expr.types as ir

from kpi_lib.customers.people.surveys import Rule as SurveyRule
from kpi_lib.customers.people.surveys import answers, people_asked
from kpi_lib.customers.subscribed import small
from kpi_lib.engine import run
from kpi_lib.periods import Period
from kpi_lib.schema import Tables, found_once
from kpi_lib.stats.net_promoter import (
    POINTS,
    NetPromoter,
    if_all_had_answered,
    visible_change,
)

if TYPE_CHECKING:
    import pandas as pd

POWER = 0.8
_GRID = (10, 20, 30, 50, 75, 100, 150, 200, 300, 500, 1000)
_KINDS = {100: "promoter", 0: "passive", -100: "detractor"}
_SCORE = {"score": "float64", "low": "float64", "high": "float64"}
_BOUNDS = {"at_worst": "float64", "at_best": "float64"}
_SHARES = dict.fromkeys(("promoter_share", "passive_share", "detractor_share"), "float64")


class Rule(SurveyRule, Protocol):
    """What else the lists need: the level of intervals."""

    @property
    def level(self) -> float:
        """Confidence level."""
        ...


@dataclass(frozen=True)
class Counted:
    """Counts of the answers that may be shown: of every group, of each period, and people asked."""

    groups: pd.DataFrame
    periods: pd.DataFrame
    asked: pd.DataFrame | None

    @property
    def newest(self) -> date | None:
        """The first day of the newest period with anything to show."""
        import pandas as pd

        starts = pd.to_datetime(self.periods["period"])
        return starts.max().date() if len(starts) else None

    def asked_of(self, period: Any, shown: str | None = None) -> float:
        """People asked in a period, all or those of a group; NaN where that is not known."""
        if self.asked is None:
            return float("nan")
        rows = self.asked[self.asked["period"] == period]
        every = rows.loc[rows["shown"].isna(), "people"]
        if shown is None and len(every):
            return float(every.iloc[0])
        of = rows["shown"].notna() if shown is None else rows["shown"] == shown
        return float(rows.loc[of, "people"].sum()) if of.any() else float("nan")


@found_once
def counted(tables: Tables, periods: Sequence[Period], rule: Rule) -> Counted:
    """The counts behind every list of this module, fetched in three small frames."""
    rows, one = answers(tables, periods, rule), NetPromoter()
    groups = run(one.reduce(rows, ["period", "shown"]).order_by("period", "shown"))
    whole = run(one.reduce(rows, ["period"]).order_by("period"))
    asked = people_asked(tables, periods, rule)
    return Counted(groups, whole, None if asked is None else run(asked))


def _scores(reduced: pd.DataFrame, by: str, level: float, asked: list[float]) -> pd.DataFrame:
    """The rows with score and limits, counts, and what the silent could make of it."""
    told = NetPromoter().estimate(reduced, [by], level)
    bounds = [
        if_all_had_answered(float(more), float(less), float(n), people)
        for more, less, n, people in zip(
            told["promoters"], told["detractors"], told["n"], asked, strict=True
        )
    ]
    return told.rename(columns={"value": "score", "n": "answers"}).assign(
        passives=told["n"] - told["promoters"] - told["detractors"],
        asked=asked,
        response=[
            n / people if people else math.nan for n, people in zip(told["n"], asked, strict=True)
        ],
        at_worst=[POINTS * bound.low if bound else math.nan for bound in bounds],
        at_best=[POINTS * bound.high if bound else math.nan for bound in bounds],
    )


def _table(frame: pd.DataFrame, kinds: dict[str, str]) -> ir.Table:
    columns = {}
    for name in kinds:
        values = frame[name].tolist() if name in frame else []
        columns[name] = [None if value != value else value for value in values]
    return small(columns, kinds)


def over_time(tables: Tables, periods: Sequence[Period], rule: Rule) -> ir.Table:
    """One row per period that may be shown.

    Columns: period, score, low, high (points), at_worst, at_best (points: the score if everybody who
    was asked and is silent were a detractor, or a promoter), answers, asked, response (share), and the
    shares of promoters, passives and detractors.
    """
    found = counted(tables, periods, rule)
    asked = [found.asked_of(period) for period in found.periods["period"]]
    told = _scores(found.periods, "period", rule.level, asked)
    shares = {f"{n}_share": told[f"{n}s"] / told["answers"] for n in _KINDS.values()}
    told = told.assign(period=told["period"].dt.date if len(told) else [], **shares)
    kinds = {"period": "date", **_SCORE, **_BOUNDS}
    kinds |= {"answers": "int64", "asked": "float64", "response": "float64", **_SHARES}
    return _table(told, kinds).order_by("period")


def by_group(tables: Tables, periods: Sequence[Period], rule: Rule) -> ir.Table:
    """One row per group as shown, of the newest period, the lowest score first.

    Columns: name, score, low, high, at_worst, at_best (points), answers, asked (people).
    """
    found = counted(tables, periods, rule)
    groups, newest = found.groups, found.newest
    groups = groups[groups["period"].dt.date == newest] if newest else groups.head(0)
    asked = [
        found.asked_of(at, name) for at, name in zip(groups["period"], groups["shown"], strict=True)
    ]
    told = _scores(groups, "shown", rule.level, asked).rename(columns={"shown": "name"})
    kinds = {"name": "string", **_SCORE, **_BOUNDS, "answers": "int64", "asked": "float64"}
    return _table(told, kinds).order_by("score", "name")


def questions(tables: Tables, periods: Sequence[Period], rules: Sequence[Rule]) -> ir.Table:
    """The newest score of several questions, each under its own rule.

    Columns: name (the question), score, low, high (points), answers, response (share).
    """
    import pandas as pd

    frames = []
    for rule in rules:
        frame = run(over_time(tables, periods, rule)).tail(1)
        frames.append(frame.assign(name=rule.question))
    told = pd.concat(frames) if frames else pd.DataFrame()
    kinds = {"name": "string", **_SCORE, "answers": "int64", "response": "float64"}
    return _table(told, kinds).order_by("score", "name")


def readable_change(tables: Tables, periods: Sequence[Period], rule: Rule) -> ir.Table:
    """The change that can be seen between two periods, by the number of answers in each.

    Columns: answers (the number of the newest period is among them), visible (points, with 80 %
    power at the level of the intervals, at the present shares).
    """
    found = counted(tables, periods, rule)
    if found.newest is None:
        return _table(found.periods.head(0), {"answers": "int64", "visible": "float64"})
    row = found.periods.iloc[-1]
    n, more, less = (float(row[name]) for name in ("n", "promoters", "detractors"))
    sizes = sorted({*_GRID, int(n)})
    visible = [
        POINTS * visible_change(more * size / n, less * size / n, size, rule.level, POWER)
        for size in sizes
    ]
    kinds = {"answers": "int64", "visible": "float64"}
    return small({"answers": sizes, "visible": visible}, kinds).order_by("answers")


def comments(tables: Tables, periods: Sequence[Period], rule: Rule) -> ir.Table:
    """What people wrote, the newest period first: period, name (the team), kind, comment.

    Only of groups that are shown by themselves: what people wrote in a group that is shown together
    with others would tell who they are.
    """
    rows = answers(tables, periods, rule)
    rows = rows.filter(rows["is_alone"], rows["comment"].fill_null("") != "")
    kinds = [(rows["value"] == value, name) for value, name in _KINDS.items()]
    said = rows.select("period", "comment", name=rows["shown"], kind=ibis.cases(*kinds, else_=""))
    return said.select("period", "name", "kind", "comment").order_by(
        said["period"].desc(), "name", "kind", "comment"
    )
