"""Answers to one survey question: one per person and period, grouped so that nobody can be told."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, Protocol

import ibis
import ibis.expr.types as ir

from kpi_lib.customers.people.anonymity import protected, shown_as
from kpi_lib.customers.subscribed import ratio
from kpi_lib.periods import Period, period_of
from kpi_lib.schema import Tables, kept

_TEN = 10.0
NOT_STATED = "not stated"


class Rule(Protocol):
    """The parameters that say which answers count, and how."""

    @property
    def question(self) -> str:
        """Name of the question."""
        ...

    @property
    def segment(self) -> str:
        """The column of accounts that groups answers without a team, or empty."""
        ...

    @property
    def promoter_from(self) -> int:
        """Lowest score of a promoter, on a scale that ends at 10."""
        ...

    @property
    def passive_from(self) -> int:
        """Lowest score of a passive, on a scale that ends at 10."""
        ...

    @property
    def scale_from(self) -> int:
        """Lowest score of the scale: 0 or 1."""
        ...

    @property
    def repeated(self) -> Literal["last", "first"]:
        """Which answer of a person counts where there are several in a period."""
        ...

    @property
    def anonymity_floor(self) -> int:
        """Answers below which nothing of a group is shown."""
        ...


@kept
def scored(tables: Tables, periods: Sequence[Period], rule: Rule) -> ir.Table:
    """One row per person and period, whole groups unprotected: never to be shown.

    Columns: period, group (the team; without one the account's `segment`; else "not stated"), value
    (100 promoter, 0 passive, -100 detractor), comment. Scores outside the scale are left out; scales
    that end elsewhere than at 10 are cut at the same shares of their end. A person of two teams
    belongs to that of the last answer, whichever answer counts, so that no definition has other
    groups than the next.
    """
    rows = tables["answers"]
    rows = rows.filter(
        rows["question"] == rule.question,
        rows["score"] >= rule.scale_from,
        rows["score"] <= rows["scale_max"],
    )
    rows = rows.mutate(period=period_of(rows["answered_on"], list(periods)))
    rows = _grouped(tables, rows.filter(rows["period"].notnull()), rule.segment)
    rows = _one_per_person(rows, rule.repeated)
    ten = ratio(rows["score"] * _TEN, rows["scale_max"])
    value = ibis.cases((ten >= rule.promoter_from, 100), (ten >= rule.passive_from, 0), else_=-100)
    return rows.select("period", "group", "comment", value=value.cast("float64"))


def _grouped(tables: Tables, rows: ir.Table, segment: str) -> ir.Table:
    """The rows with `group`. Raises ValueError when `segment` is neither team nor of accounts."""
    if segment in ("", "team"):
        return rows.mutate(group=rows["team"].fill_null(NOT_STATED))
    accounts = tables.get("accounts")
    if accounts is None or segment not in accounts.columns:
        raise ValueError(f"segment {segment!r} is not a column of accounts, nor team")
    known = accounts.select(of=accounts["account_id"], split=accounts[segment].cast("string"))
    joined = rows.left_join(known, rows["account_id"] == known["of"]).drop("of")
    group = ibis.coalesce(joined["team"], joined["split"], ibis.literal(NOT_STATED))
    return joined.mutate(group=group).drop("split")


def _one_per_person(rows: ir.Table, repeated: str) -> ir.Table:
    """The first or the last answer of each person in a period, in the group of the last one."""
    order = [rows["answered_on"], rows["answer_id"]]
    newest = [one.desc() for one in order]
    person = ["period", "respondent_id"]
    last = ibis.window(group_by=person, order_by=newest)
    rows = rows.mutate(from_last=ibis.row_number().over(last))
    home = rows.filter(rows["from_last"] == 0).select("group", at="period", who="respondent_id")
    keys = [rows["period"] == home["at"], rows["respondent_id"] == home["who"]]
    chosen = ibis.window(group_by=person, order_by=newest if repeated == "last" else order)
    rows = rows.drop("group").join(home, keys).drop("at", "who", "from_last")
    rows = rows.mutate(place=ibis.row_number().over(chosen))
    return rows.filter(rows["place"] == 0).drop("place")


def asked(tables: Tables, periods: Sequence[Period], rule: Rule) -> ir.Table | None:
    """How many people were asked: period, group (null: everybody), people; None without the table."""
    if "invited" not in tables:
        return None
    rows = tables["invited"]
    rows = rows.filter(rows["question"] == rule.question)
    rows = rows.select(
        "people", group=rows["team"], period=period_of(rows["period"], list(periods))
    )
    rows = rows.filter(rows["period"].notnull())
    sums = rows.group_by("period", "group").aggregate(people=rows["people"].sum())
    return sums.mutate(people=sums["people"].cast("float64"))


def teams(invited: ir.Table | None) -> ir.Table | None:
    """The teams that were asked: period, group; None without the table."""
    return None if invited is None else invited.filter(invited["group"].notnull())


@kept
def answers(tables: Tables, periods: Sequence[Period], rule: Rule) -> ir.Table:
    """The answers that may be shown: period, shown (group), is_alone, value, comment."""
    rows = scored(tables, periods, rule)
    return protected(rows, teams(asked(tables, periods, rule)), rule.anonymity_floor)


def people_asked(tables: Tables, periods: Sequence[Period], rule: Rule) -> ir.Table | None:
    """People asked per group as shown: period, shown (null: everybody, in one number), people."""
    invited = asked(tables, periods, rule)
    if invited is None:
        return None
    names = shown_as(scored(tables, periods, rule), teams(invited), rule.anonymity_floor)
    names = names.select("shown", at="period", of="group")
    whole = invited.filter(invited["group"].isnull())
    whole = whole.filter(whole["period"].isin(names["at"]))
    keys = [invited["period"] == names["at"], invited["group"] == names["of"]]
    parts = invited.join(names, keys)
    sums = parts.group_by("period", "shown").aggregate(people=parts["people"].sum())
    every = whole.select("period", "people", shown=ibis.null("string"))
    return sums.union(every.select(*sums.columns))
