"""Checks a data set in the engine: every problem is one line, and nothing is dropped in silence.

All rules look at the data as known on the day it is read for, so that what is recorded later never
changes a report of that day. Two need all rows and are skipped where later ones are hidden: rows
dated in the future, and order lines without an order.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

import ibis.expr.types as ir

from kpi_lib.contract import CONTRACT
from kpi_lib.data.errors import Problem
from kpi_lib.data.rules import TOLERATED, RowRule, row_rules
from kpi_lib.data.set_rules import DATED_BY_ACCOUNT, AccountRule, SetRule, account_rules, set_rules
from kpi_lib.data.span import Extent, row_day, single_rows, to_day, whole
from kpi_lib.data.stock import Stock
from kpi_lib.data.wording import EXAMPLES, examples_of, severity_of
from kpi_lib.engine import run


@dataclass(frozen=True)
class Span:
    """What a table holds as known on the day: rows, first and last day."""

    rows: int
    first: date | None = None
    last: date | None = None


@dataclass
class Checked:
    """What the checks found.

    `outside` names tables with rows of accounts that are not known, now or on an earlier day.
    `left_out` counts the rows that no figure uses.
    """

    problems: list[Problem] = field(default_factory=list)
    spans: dict[str, Span] = field(default_factory=dict)
    outside: set[str] = field(default_factory=set)
    left_out: dict[str, int] = field(default_factory=dict)


def check(
    stock: Stock, masked: Mapping[str, ir.Table], day: date, reach: Sequence[Extent] | None
) -> Checked:
    """What is wrong in `masked`, the tables as known on `day`.

    `reach` says how far the tables reach; None where the caller asked for a past day, so that what
    came later does not matter.
    """
    found = Checked(problems=list(stock.problems))
    _check_unreadable(stock, day, found)
    for name, table in masked.items():
        _check_rows(name, table, stock.present[name], found)
    _check_sets(list(set_rules(masked, stock.tables, whole=reach is not None)), found)
    _check_accounts(list(account_rules(masked, stock.tables, day)), found)
    _check_future(reach or (), found)
    found.problems.sort(key=lambda problem: problem.severity != "error")
    return found


def _check_unreadable(stock: Stock, day: date, found: Checked) -> None:
    for (name, column), rows in stock.unreadable.items():
        told = rows.filter(rows["day"].isnull() | (rows["day"] <= day))
        count = whole(run(told.aggregate(rows=told.count()))["rows"].sum())
        if count:
            first = run(told.order_by(["row", "value"]).limit(EXAMPLES))
            examples = tuple(
                f"{row}: {value!r}" for row, value in zip(first["row"], first["value"], strict=True)
            )
            rule = f"cannot be read as {CONTRACT[name][column].kind}"
            todo = "Correct it, or name texts that mean no value under csv: {empty: [...]}"
            found.problems.append(Problem("error", name, column, rule, count, examples, todo))


def _check_rows(name: str, table: ir.Table, present: frozenset[str], found: Checked) -> None:
    """All rules of single rows, and the span of the table, in one query."""
    rules = list(row_rules(table, CONTRACT[name], present))
    day = row_day(table, CONTRACT[name])
    span = {"first": day.min(), "last": day.max()} if day is not None else {}
    broken = {f"rule_{i}": rule.broken.sum() for i, rule in enumerate(rules)}
    row = run(table.aggregate(rows=table.count(), **span, **broken)).iloc[0]
    rows = int(row["rows"])
    found.spans[name] = Span(rows, to_day(row.get("first")), to_day(row.get("last")))
    for i, rule in enumerate(rules):
        if broken_rows := whole(row[f"rule_{i}"]):
            found.problems.append(_row_problem(name, table, rule, broken_rows, rows))


def _row_problem(name: str, table: ir.Table, rule: RowRule, broken: int, rows: int) -> Problem:
    contract = CONTRACT[name]
    label = (
        list(contract.key) or [column.name for column in contract.columns if column.required][:2]
    )
    columns = list(dict.fromkeys([*label, *rule.shown]))
    examples = examples_of(table.filter(rule.broken).select(*columns), label)
    return Problem(
        severity_of(broken, rows, rule.tolerated),
        name,
        rule.column,
        rule.rule,
        broken,
        examples,
        rule.todo,
    )


def _check_sets(rules: Sequence[SetRule], found: Checked) -> None:
    """All rules of several rows, counted in one query."""
    counted = single_rows([rule.counted for rule in rules])
    for rule, count in zip(rules, counted, strict=True):
        broken, rows = whole(count["broken"]), whole(count["rows"])
        if not broken or (rule.only_all and broken < rows):
            continue
        if rule.left_out:
            found.left_out[rule.table] = broken
        severity = severity_of(broken, rows, rule.tolerated)
        examples = examples_of(rule.broken.select(*rule.shown), rule.shown)
        found.problems.append(
            Problem(severity, rule.table, rule.column, rule.rule, broken, examples, rule.todo)
        )


def _check_accounts(rules: Sequence[AccountRule], found: Checked) -> None:
    """Rows without an account, and rows before their account was signed, counted in one query."""
    for rule, count in zip(rules, single_rows([rule.summary for rule in rules]), strict=True):
        numbers = {name: whole(value) for name, value in count.items()}
        if numbers["unknown_rows"]:
            found.left_out[rule.table] = numbers["unknown_rows"]
            found.problems.append(_unknown_accounts(rule, numbers))
        if numbers["unknown_rows"] or numbers["ahead"]:
            found.outside.add(rule.table)
        if numbers["early_rows"] and rule.table in DATED_BY_ACCOUNT:
            found.problems.append(_early(rule, numbers))


def _unknown_accounts(rule: AccountRule, numbers: Mapping[str, int]) -> Problem:
    severity = severity_of(numbers["unknown_rows"], numbers["rows"], TOLERATED)
    lost = rule.per_account.filter(~rule.per_account["is_known"]).select("account_id")
    todo = "Add the accounts, or map the same ids in both; such rows are left out"
    return Problem(
        severity,
        rule.table,
        "account_id",
        "is not in accounts",
        numbers["unknown_rows"],
        examples_of(lost, ["account_id"]),
        todo,
    )


def _early(rule: AccountRule, numbers: Mapping[str, int]) -> Problem:
    accounts, early = numbers["accounts"], numbers["early_accounts"]
    severity = severity_of(early, accounts, TOLERATED)
    per = rule.per_account
    rows = per.filter(per["is_known"] & (per["early_rows"] > 0)).select(
        "account_id", "first_day", "signed_on"
    )
    text = f"lies before the account exists in {early:,} of {accounts:,} accounts ({early / accounts:.1%})"
    todo = (
        "Check that both tables mean the same accounts"
        if severity == "error"
        else "The rows are kept"
    )
    return Problem(
        severity,
        rule.table,
        CONTRACT[rule.table].known_on,
        text,
        numbers["early_rows"],
        examples_of(rows, ["account_id"]),
        todo,
    )


def _check_future(reach: Sequence[Extent], found: Checked) -> None:
    """Rows dated after today, which nobody can know yet."""
    for one in reach:
        if one.future_rows:
            share = one.future_rows / one.rows
            text = f"lies in the future in {share:.1%} of the rows, up to {one.furthest}"
            todo = "Such rows are not known yet and not used; check the dates"
            severity = severity_of(one.future_rows, one.rows, TOLERATED)
            column = CONTRACT[one.table].known_on
            found.problems.append(
                Problem(severity, one.table, column, text, one.future_rows, (), todo)
            )
