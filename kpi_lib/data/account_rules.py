"""How rows stand to the accounts they belong to: unknown accounts, and rows before their time."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

import ibis
import ibis.expr.types as ir

from kpi_lib.contract import CONTRACT
from kpi_lib.data.asking import Asker, Moment, Question
from kpi_lib.data.errors import Problem
from kpi_lib.data.rules import TOLERATED
from kpi_lib.data.span import row_day, whole
from kpi_lib.data.wording import examples_of, severity_of

DATED_BY_ACCOUNT = ("usage", "subscriptions", "onboarding", "orders")
"""Tables whose rows make no sense before the account was signed."""


@dataclass(frozen=True)
class Standing:
    """What was found for one table: problems, rows left out, whether any row is ever outside."""

    table: str
    problems: tuple[Problem, ...]
    left_out: int
    outside: bool


def account_standing(tables: Collection[str], asker: Asker) -> Iterator[Standing]:
    """One per table that strictly belongs to accounts, as known on the day."""
    if "accounts" not in tables:
        return
    names = [name for name in tables if _belongs(name)]
    answers = asker.rows([Question(f"accounts {name}", _Summary(name)) for name in names])
    for name, answer in zip(names, answers, strict=True):
        yield _standing(name, {key: whole(value) for key, value in answer.items()}, asker.moment)


def _belongs(name: str) -> bool:
    return any(link.strict and link.table == "accounts" for link in CONTRACT[name].references)


def per_account(name: str, moment: Moment) -> ir.Table:
    """account_id, signed_on (null when not in accounts), rows, first_day, early_rows, is_known.

    Accounts that are signed or recorded after the day are not in accounts, as nobody knew them yet.
    A moment is early from two days on: its day is the one in UTC, the day of signing a local one.
    """
    table = moment.masked[name]
    signed = moment.masked["accounts"].select(known_id="account_id", signed_on="signed_on")
    days = table.select(account_id="account_id", row_day=row_day(table, CONTRACT[name]))
    counted = days.group_by(["account_id", "row_day"]).aggregate(rows=lambda t: t.count())
    joined = counted.left_join(signed, [("account_id", "known_id")])
    slack = ibis.interval(days=1 if CONTRACT[name][CONTRACT[name].known_on].kind == "at" else 0)
    early = joined["row_day"] + slack < joined["signed_on"]
    found = joined.group_by(["account_id", "signed_on"]).aggregate(
        rows=joined["rows"].sum(),
        first_day=joined["row_day"].min(),
        early_rows=ibis.ifelse(early, joined["rows"], 0).sum(),
    )
    return found.mutate(is_known=found["signed_on"].notnull())


@dataclass(frozen=True)
class _Summary:
    """Counts over the accounts of a table, as one row."""

    name: str

    def __call__(self, moment: Moment) -> ir.Table:
        per = per_account(self.name, moment)
        known = per["is_known"]
        return per.aggregate(
            accounts=per.count(),
            rows=per["rows"].sum(),
            unknown_rows=per["rows"].sum(where=~known),
            early_accounts=((per["early_rows"] > 0) & known).sum(),
            early_rows=per["early_rows"].sum(where=known),
            ahead=(per["first_day"] < per["signed_on"]).sum(),
        )


def _standing(name: str, numbers: Mapping[str, int], moment: Moment) -> Standing:
    problems = []
    if numbers["unknown_rows"]:
        problems.append(_unknown(name, numbers, moment))
    if numbers["early_rows"] and name in DATED_BY_ACCOUNT:
        problems.append(_early(name, numbers, moment))
    outside = bool(numbers["unknown_rows"] or numbers["ahead"])
    return Standing(name, tuple(problems), numbers["unknown_rows"], outside)


def _unknown(name: str, numbers: Mapping[str, int], moment: Moment) -> Problem:
    per, lost = per_account(name, moment), numbers["unknown_rows"]
    examples = examples_of(per.filter(~per["is_known"]).select("account_id"), ["account_id"])
    todo = "Add the accounts, or map the same ids in both; such rows are left out"
    severity = severity_of(lost, numbers["rows"], TOLERATED)
    return Problem(severity, name, "account_id", "is not in accounts", lost, examples, todo)


def _early(name: str, numbers: Mapping[str, int], moment: Moment) -> Problem:
    accounts, early = numbers["accounts"], numbers["early_accounts"]
    severity, per = severity_of(early, accounts, TOLERATED), per_account(name, moment)
    rows = per.filter(per["is_known"] & (per["early_rows"] > 0))
    examples = examples_of(rows.select("account_id", "first_day", "signed_on"), ["account_id"])
    share = f"{early:,} of {accounts:,} accounts ({early / accounts:.1%})"
    rule = f"lies before the account exists in {share}"
    todo = "Check that both tables mean the same accounts"
    todo = todo if severity == "error" else "The rows are kept; correct the day of signing"
    return Problem(
        severity, name, CONTRACT[name].known_on, rule, numbers["early_rows"], examples, todo
    )
