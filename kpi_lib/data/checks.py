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
from kpi_lib.data.account_rules import account_standing
from kpi_lib.data.asking import Asker, Moment, Question
from kpi_lib.data.errors import Problem
from kpi_lib.data.reach import Extent
from kpi_lib.data.rules import EMPTY, TOLERATED, RowRule, row_rules
from kpi_lib.data.set_rules import SetRule, set_rules
from kpi_lib.data.span import known_day, newest_day, row_day, to_day, whole
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
    `left_out` counts the rows that no figure uses. `newest` is the newest day known of.
    """

    problems: list[Problem] = field(default_factory=list)
    spans: dict[str, Span] = field(default_factory=dict)
    outside: set[str] = field(default_factory=set)
    left_out: dict[str, int] = field(default_factory=dict)
    newest: date | None = None


def check(asker: Asker, reach: Sequence[Extent], *, whole_file: bool) -> Checked:
    """What is wrong in the tables as known on the asker's day.

    `reach` says how far the tables reach. `whole_file` is False where the caller asked for a past
    day, so that what came later does not matter.
    """
    stock = asker.stock
    found = Checked(problems=list(stock.problems))
    unread = _check_unreadable(stock, asker.moment.day, found)
    _check_undated(reach, asker.moment, unread, found)
    for name in stock.tables:
        _check_rows(name, asker, unread, found)
    _check_sets(list(set_rules(stock.tables, whole=whole_file)), asker, found)
    for standing in account_standing(stock.tables, asker):
        found.problems += standing.problems
        if standing.left_out:
            found.left_out[standing.table] = standing.left_out
        if standing.outside:
            found.outside.add(standing.table)
    _check_future(reach if whole_file else (), found)
    found.problems.sort(key=lambda problem: problem.severity != "error")
    return found


def _check_unreadable(stock: Stock, day: date, found: Checked) -> dict[tuple[str, str], int]:
    """How many values of which column were not read."""
    unread = {}
    for (name, column), rows in stock.unreadable.items():
        told = rows.filter(rows["day"].isnull() | (rows["day"] <= day))
        count = whole(run(told.aggregate(rows=told.count()))["rows"].sum())
        if count:
            unread[name, column] = count
            first = run(told.order_by(["row", "value"]).limit(EXAMPLES))
            pairs = zip(first["row"], first["value"], strict=True)
            examples = tuple(f"{row}: {value!r}" for row, value in pairs)
            rule = f"cannot be read as {CONTRACT[name][column].kind}"
            todo = "Correct it, or name texts that mean no value under csv: {empty: [...]}"
            found.problems.append(Problem("error", name, column, rule, count, examples, todo))
    return unread


def _check_undated(
    reach: Sequence[Extent], moment: Moment, unread: Mapping[tuple[str, str], int], found: Checked
) -> None:
    """Rows that lack the date they become known on: no day would ever show them."""
    for one in reach:
        dated = CONTRACT[one.table].known_on
        rows = one.undated - unread.get((one.table, dated), 0)
        if rows > 0:
            table = moment.full[one.table]
            label = _label(one.table, without=dated)
            examples = examples_of(table.filter(table[dated].isnull()).select(*label), label)
            todo = "Fill it at the source, or leave such rows out under sql"
            found.problems.append(Problem("error", one.table, dated, EMPTY, rows, examples, todo))


def _label(name: str, without: str = "") -> list[str]:
    """The columns that tell a row of a table to a reader."""
    contract = CONTRACT[name]
    label = (
        list(contract.key)
        or [c.name for c in contract.columns if c.required and c.name != without][:2]
    )
    return label


@dataclass(frozen=True)
class _RowCounts:
    """Rows, span, newest day and broken rows per rule of one table, as one row."""

    name: str
    present: frozenset[str]
    rules: tuple[RowRule, ...]

    def __call__(self, moment: Moment) -> ir.Table:
        table, contract = moment.masked[self.name], CONTRACT[self.name]
        day = row_day(table, contract)
        newest = newest_day(table, contract, self.present)
        span = {"first": day.min(), "last": day.max()} if day is not None else {}
        broken = {f"rule_{i}": rule.broken(table).sum() for i, rule in enumerate(self.rules)}
        return table.aggregate(rows=table.count(), newest=newest, **span, **broken)


def _check_rows(
    name: str, asker: Asker, unread: Mapping[tuple[str, str], int], found: Checked
) -> None:
    """All rules of single rows, and the span of the table, in one query."""
    present = asker.stock.present[name]
    rules = tuple(row_rules(CONTRACT[name], present))
    row = asker.row(Question(f"rows {name}", _RowCounts(name, present, rules)))
    rows = whole(row["rows"])
    days = (found.newest, known_day(row["newest"]))
    found.newest = max((day for day in days if day is not None), default=None)
    found.spans[name] = Span(rows, to_day(row.get("first")), to_day(row.get("last")))
    for i, rule in enumerate(rules):
        broken = whole(row[f"rule_{i}"])
        if rule.rule == EMPTY:
            broken -= unread.get((name, rule.column), 0)
        if broken > 0:
            found.problems.append(_row_problem(name, asker.moment, rule, broken, rows))


def _row_problem(name: str, moment: Moment, rule: RowRule, broken: int, rows: int) -> Problem:
    table, label = moment.masked[name], _label(name)
    columns = list(dict.fromkeys([*label, *rule.shown]))
    examples = examples_of(table.filter(rule.broken(table)).select(*columns), label)
    severity = severity_of(broken, rows, rule.tolerated)
    return Problem(severity, name, rule.column, rule.rule, broken, examples, rule.todo)


def _check_sets(rules: Sequence[SetRule], asker: Asker, found: Checked) -> None:
    """All rules of several rows."""
    answers = asker.rows([rule.count for rule in rules])
    for rule, answer in zip(rules, answers, strict=True):
        broken, rows = whole(answer["broken"]), whole(answer["rows"])
        if not broken or (rule.only_all and broken < rows):
            continue
        if rule.left_out:
            found.left_out[rule.table] = broken
        examples = examples_of(rule.broken(asker.moment).select(*rule.shown), rule.shown)
        severity = severity_of(broken, rows, rule.tolerated)
        found.problems.append(
            Problem(severity, rule.table, rule.column, rule.rule, broken, examples, rule.todo)
        )


def _check_future(reach: Sequence[Extent], found: Checked) -> None:
    """Rows dated after today, which nobody can know yet."""
    for one in reach:
        if one.future_rows:
            share = one.future_rows / one.rows
            rule = f"lies in the future in {share:.1%} of the rows, up to {one.furthest}"
            todo = "Such rows are not known yet and not used; check the dates"
            severity = severity_of(one.future_rows, one.rows, TOLERATED)
            column = CONTRACT[one.table].known_on
            found.problems.append(
                Problem(severity, one.table, column, rule, one.future_rows, (), todo)
            )
