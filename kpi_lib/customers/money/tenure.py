"""How long customers stay: from the first day they paid to the day they first stopped."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import ibis
import ibis.expr.types as ir

from kpi_lib.customers.money.ledger import Rule, spans
from kpi_lib.customers.money.terms import months_between
from kpi_lib.customers.subscribed import ratio, small
from kpi_lib.engine import run
from kpi_lib.schema import Tables
from kpi_lib.stats.curves import kaplan_meier
from kpi_lib.stats.intervals import wilson_limits

if TYPE_CHECKING:
    import pandas as pd

YEARS = 8
"""Years of tenure looked at."""

SHOWN_YEARS = (1, 2, 3)
"""Years after which a cohort is looked at again."""

FEWEST = 5
"""Customers that must have begun a year of tenure before its share is told."""

ALL = "all"


def stops(tables: Tables, rule: Rule) -> ir.Table:
    """Every day by `as_of` on which an account stopped paying altogether: account_id, stop_on.

    A span that another one takes over on its last day, or before, is no stop.
    """
    rows = spans(tables, rule)
    ends = rows.select(of=rows["account_id"], stop_on=rows["until_day"])
    ends = ends.filter(ends["stop_on"] <= tables.as_of).distinct()
    takes_over = [
        rows["account_id"] == ends["of"],
        rows["from_day"] <= ends["stop_on"],
        rows["until_day"] > ends["stop_on"],
    ]
    covered = ends.join(rows, takes_over)
    covered = covered.select(
        who=covered["of"], on=covered["stop_on"], covered=ibis.literal(True)
    ).distinct()
    keys = [ends["of"] == covered["who"], ends["stop_on"] == covered["on"]]
    joined = ends.left_join(covered, keys)
    return joined.filter(joined["covered"].isnull()).select("stop_on", account_id=joined["of"])


def lives(tables: Tables, rule: Rule) -> ir.Table:
    """One row per account that ever paid, its first time only.

    Columns: account_id, first_on, cohort (year of it, as text), days (float64, to the first stop or
    to `as_of`), stopped (1 or 0), year_left (year of tenure in which it stopped: the renewal at the
    end of a year belongs to it; null while it pays), full_years (whole years since its start).
    """
    rows, today = spans(tables, rule), ibis.literal(tables.as_of)
    rows = rows.filter(rows["from_day"] <= tables.as_of)
    firsts = rows.group_by("account_id").aggregate(first_on=rows["from_day"].min())
    ended = stops(tables, rule)
    ended = ended.group_by(of=ended["account_id"]).aggregate(stop_on=ended["stop_on"].min())
    joined = firsts.left_join(ended, firsts["account_id"] == ended["of"]).drop("of")
    until = ibis.coalesce(joined["stop_on"], today)
    stopped = joined["stop_on"].notnull()
    months = months_between(joined["first_on"], until)
    years = (months.cast("float64") / 12).ceil().cast("int64")
    so_far = months_between(joined["first_on"], today)
    return joined.select(
        "account_id",
        "first_on",
        cohort=joined["first_on"].year().cast("string"),
        days=until.delta(joined["first_on"], unit="day").cast("float64"),
        stopped=ibis.ifelse(stopped, 1, 0).cast("int64"),
        year_left=ibis.ifelse(stopped, ibis.greatest(years, 1), ibis.null("int64")),
        full_years=(so_far.cast("float64") / 12).floor().cast("int64"),
    )


_CURVE = {"cohort": "string", "day": "float64", "stayed_share": "float64"}
_CURVE |= {"low": "float64", "high": "float64", "at_risk": "int64"}


def survival(tables: Tables, rule: Any) -> ir.Table:
    """Kaplan-Meier curves per cohort, then of all: cohort, day, stayed_share, low, high, at_risk.

    Limits at the level of `rule`, on the log(-log) scale.
    """
    rows = lives(tables, rule)
    counts = run(rows.group_by("cohort", "days", "stopped").aggregate(units=rows.count()))
    if counts.empty:
        return small({}, _CURVE)
    parts = [(str(cohort), part) for cohort, part in counts.groupby("cohort")]
    found = [_curve(name, part, rule.level) for name, part in [*parts, (ALL, counts)]]
    columns = {name: [v for frame in found for v in _plain(frame[name])] for name in _CURVE}
    return small(columns, _CURVE)


def _curve(cohort: str, part: pd.DataFrame, level: float) -> pd.DataFrame:
    import pandas as pd

    curve = kaplan_meier(part["days"], part["stopped"] == 1, part["units"], level=level)
    frame = curve.rename(columns={"time": "day", "survival": "stayed_share"})
    start = {"day": 0.0, "stayed_share": 1.0, "low": 1.0, "high": 1.0}
    first = pd.DataFrame([start | {"at_risk": part["units"].sum()}])
    whole = pd.concat([first, frame[frame["day"] > 0][list(_CURVE)[1:]]], ignore_index=True)
    return whole.assign(cohort=cohort, at_risk=whole["at_risk"].astype("int64"))


def _plain(column: pd.Series[Any]) -> list[Any]:
    return column.astype(object).where(column.notna(), None).tolist()


def _years(rows: ir.Table) -> ir.Table:
    """Accounts by year of tenure, if they came long enough ago for the year to be over."""
    years = small({"year": range(1, YEARS + 1)}, {"year": "int64"})
    return rows.join(years, rows["full_years"] >= years["year"])


def by_year(tables: Tables, rule: Any) -> ir.Table:
    """Churn by year of tenure: year, share, low, high, at_risk, left.

    Only accounts whose year is over count, so that nobody is at risk for a part of it; years that
    fewer than five of them began are left out. Wilson's limits at the level of `rule`.
    """
    rows = _years(lives(tables, rule))
    there = rows["year_left"].isnull() | (rows["year_left"] >= rows["year"])
    counts = rows.filter(there)
    counts = counts.group_by("year").aggregate(
        at_risk=counts.count(), left=counts.count(where=counts["year_left"] == counts["year"])
    )
    counts = counts.filter(counts["at_risk"] >= FEWEST)
    return with_wilson(counts.order_by("year"), "year", "left", "at_risk", rule.level)


def with_wilson(counts: ir.Table, name: str, part: str, whole: str, level: float) -> ir.Table:
    """Counts as a small table of name, share, low, high, whole, part; null where `whole` is 0."""
    frame = run(counts)
    hits, units = (frame[n].to_numpy(dtype=float) for n in (part, whole))
    low, high = wilson_limits(hits, units, level)
    known = units > 0
    frame = frame.assign(low=low, high=high, share=low)
    frame.loc[known, "share"] = hits[known] / units[known]
    kinds = {name: "date" if name == "period" else "int64"}
    kinds |= dict.fromkeys(("share", "low", "high"), "float64")
    kinds |= {n: "int64" for n in frame.columns if n not in kinds}
    columns = {n: _plain(frame[n]) for n in kinds}
    if name == "period":
        columns[name] = [moment.date() for moment in frame[name]]
    return small(columns, kinds).order_by(name)


def cohorts(tables: Tables, rule: Rule) -> ir.Table:
    """Cohorts by the year of their first payment: cohort, accounts, after_1_year ... (shares).

    Each share is of the accounts that came so many years ago; null where none did.
    """
    rows = lives(tables, rule)
    shares = {}
    for year in SHOWN_YEARS:
        old = rows["full_years"] >= year
        stayed = rows["year_left"].isnull() | (rows["year_left"] > year)
        name = f"after_{year}_year{'s' if year > 1 else ''}"
        shares[name] = ratio(rows.count(where=old & stayed), rows.count(where=old))
    sums = rows.group_by("cohort").aggregate(accounts=rows.count(), **shares)
    return sums.order_by("cohort")
