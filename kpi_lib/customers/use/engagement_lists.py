"""What the engagement score is made of, who stands behind it, and whether its weights earn their place."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Protocol

import ibis
import ibis.expr.types as ir

from kpi_lib.customers.money.decisions import Tested, asked, compared, month_ends
from kpi_lib.customers.money.terms import standing
from kpi_lib.customers.subscribed import only, small, with_account
from kpi_lib.customers.use.engagement import PARTS, scored, with_points
from kpi_lib.customers.use.engagement import Rule as EngagementRule
from kpi_lib.engine import run
from kpi_lib.periods import Period
from kpi_lib.schema import Tables, found_once
from kpi_lib.stats.composite import composite

if TYPE_CHECKING:
    import pandas as pd

BANDS = ((0, 20), (20, 40), (40, 60), (60, 80), (80, 101))
_TESTED = ("auc", "low", "high", "ahead", "ahead_low", "ahead_high")


class Rule(EngagementRule, Protocol):
    """What else the lists need."""

    @property
    def level(self) -> float:
        """Confidence level."""
        ...

    @property
    def months_ahead(self) -> int:
        """How long before a renewal decision the weights are tested."""
        ...


def by_part(tables: Tables, periods: Sequence[Period], rule: Rule) -> ir.Table:
    """Mean points of each part per period: period, then one column per part."""
    rows = with_points(tables, periods, rule)
    rows = rows.filter(~rows["is_api"])
    means = {name: rows[name].mean() for name in PARTS}
    return rows.group_by("period").aggregate(**means).order_by("period")


def by_band(tables: Tables, rule: Rule) -> ir.Table:
    """Paying accounts by score today: band (0-19 ... 80-100), accounts, mrr (money per month)."""
    rows = scored(tables, only(tables.as_of), rule)
    rows = rows.filter(~rows["is_api"], rows["score"].notnull())
    names = [f"{low}-{min(high - 1, 100)} points" for low, high in BANDS]
    branches = [
        ((rows["score"] < high), name) for (_, high), name in zip(BANDS, names, strict=True)
    ]
    rows = rows.mutate(band=ibis.cases(*branches, else_=names[-1]))
    sums = rows.group_by("band").aggregate(mrr=rows["amount"].sum(), accounts=rows.count())
    return sums.select("band", "mrr", "accounts").order_by("band")


def lowest(tables: Tables, rule: Rule) -> ir.Table:
    """Paying accounts today, the lowest score first.

    Columns: account_id, account, owner, mrr (money per month), score and its parts (points),
    months_to_renewal.
    """
    rows = scored(tables, only(tables.as_of), rule)
    rows = rows.filter(~rows["is_api"], rows["score"].notnull()).drop("amount")
    terms = standing(tables).rename(of="account_id")
    rows = rows.join(terms, rows["account_id"] == terms["of"]).drop("of")
    rows = with_account(tables, rows).order_by("score", ibis.desc("mrr"), "account_id")
    shown = ["account_id", "account", "owner", "mrr", "score", *PARTS]
    return rows.select(*shown, "months_to_renewal")


@found_once
def back_test(tables: Tables, rule: Rule) -> pd.DataFrame:
    """The rows that the weights are tested on: one per decision of an account that had a score.

    Columns: account_id, is_lost, period, tenure_months, the points of each part, chosen and equal
    (the score with the weights chosen, and with equal ones).
    """
    wanted = asked(tables, rule.months_ahead)
    points = run(with_points(tables, month_ends(tables), rule))
    points = points[~points["is_api"].astype(bool)]
    days = {name: frame["period"].astype(str) for name, frame in (("w", wanted), ("p", points))}
    rows = wanted.assign(period=days["w"]).merge(
        points.assign(period=days["p"]), on=["account_id", "period"]
    )
    parts = {name: rows[name] for name in PARTS}
    as_zero = rule.missing == "zero"
    equal = dict.fromkeys(PARTS, 1.0)
    weighted = {"chosen": rule.weights, "equal": equal}
    scores = {
        name: composite(parts, weights, missing_as_zero=as_zero, rounded=rule.rounded)
        for name, weights in weighted.items()
    }
    return rows.assign(**scores)


def weights_tested(tables: Tables, rule: Rule) -> ir.Table:
    """How well the chosen weights, equal weights, and tenure alone tell losses before a renewal.

    Columns: name, auc (0.5 is a coin), low, high, ahead (AUC of the chosen weights minus this one),
    ahead_low, ahead_high, decisions, losses. Null below ten losses or ten renewals.
    """
    rows = back_test(tables, rule)
    scores = {"chosen weights": "chosen", "equal weights": "equal", "tenure alone": "tenure_months"}
    return _table(compared(rows, scores, rule.level), rows)


def parts_tested(tables: Tables, rule: Rule) -> ir.Table:
    """The same for each part of the score alone, against the chosen weights."""
    rows = back_test(tables, rule)
    told = []
    for name in PARTS:
        pair = compared(rows, {"chosen": "chosen", name: name}, rule.level)
        told.append(pair[1])
    return _table(told, rows)


def _table(told: Sequence[Tested], rows: pd.DataFrame) -> ir.Table:
    columns = {name: [asdict(one)[name] for one in told] for name in ("name", *_TESTED)}
    columns["decisions"] = [len(rows)] * len(told)
    columns["losses"] = [int(rows["is_lost"].sum())] * len(told)
    kinds = {"name": "string", **dict.fromkeys(_TESTED, "float64")}
    made = small(columns, {**kinds, "decisions": "int64", "losses": "int64"})
    return made.order_by(ibis.desc("auc"), "name")
