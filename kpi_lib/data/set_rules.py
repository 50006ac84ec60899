"""The rules that several rows must keep together: keys, spans, references."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass

import ibis.expr.types as ir

from kpi_lib.contract import CONTRACT
from kpi_lib.data.asking import Moment, Question
from kpi_lib.data.rules import TOLERATED
from kpi_lib.schema import Reference


@dataclass(frozen=True)
class SetRule:
    """Rows that break a rule together.

    `broken` gives those rows; `count` asks for how many they are (`broken`) of how many (`rows`).
    `only_all`: only a total failure means something. `left_out`: no figure uses such rows.
    """

    table: str
    column: str
    rule: str
    broken: Callable[[Moment], ir.Table]
    count: Question
    shown: tuple[str, ...]
    todo: str
    tolerated: float = 0.0
    only_all: bool = False
    left_out: bool = False


def set_rules(tables: Collection[str], *, whole: bool) -> Iterator[SetRule]:
    """The rules for the tables a data set has. `whole` is False where later rows are hidden."""
    for name in tables:
        contract = CONTRACT[name]
        if contract.key:
            yield _keys(name)
        if contract.no_overlap:
            yield _overlaps(name, *contract.no_overlap)
        for link in contract.references:
            if not link.strict and link.table in tables:
                yield _loose_reference(name, link)
        parent = contract.known_with
        if whole and parent is not None and parent[0] in tables:
            yield _orphans(name, *parent)


def _keys(name: str) -> SetRule:
    key = CONTRACT[name].key

    def repeated(moment: Moment) -> ir.Table:
        counted = moment.masked[name].group_by(key).aggregate(times=lambda t: t.count())
        return counted.filter(counted["times"] > 1)

    def count(moment: Moment) -> ir.Table:
        return _numbers(repeated(moment), lambda t: t["times"].sum())

    column = key[0] if len(key) == 1 else ""
    rule = f"{' + '.join(key)} stands more than once"
    return SetRule(
        name, column, rule, repeated, Question(f"keys {name}", count), key, "Keep one row for each"
    )


def _overlaps(name: str, group: str, start: str, end: str) -> SetRule:
    def broken(moment: Moment) -> ir.Table:
        table = moment.masked[name]
        before = table[end].lag().over(group_by=group, order_by=[start, end])
        spans = table.mutate(ended_before=before)
        return spans.filter(spans["ended_before"] > spans[start])

    def count(moment: Moment) -> ir.Table:
        return _numbers(broken(moment), lambda t: t.count())

    rule = f"starts before the row before it of the same {group} has ended"
    question = Question(f"overlaps {name}", count)
    return SetRule(
        name,
        start,
        rule,
        broken,
        question,
        (group, start),
        "End each row where the next one starts",
    )


def _numbers(table: ir.Table, broken: Callable[[ir.Table], ir.Scalar]) -> ir.Table:
    return table.aggregate(broken=broken(table), rows=table.count())


def _loose_reference(name: str, link: Reference) -> SetRule:
    """A reference that may point ahead (a prospect): wrong only where not one value is found."""

    def joined(moment: Moment) -> ir.Table:
        table, parent = moment.masked[name], moment.masked[link.table]
        values = table.filter(table[link.column].notnull()).select(link.column).distinct()
        return values.left_join(parent.select(found=link.target), [(link.column, "found")])

    def count(moment: Moment) -> ir.Table:
        return _numbers(joined(moment), lambda t: t["found"].isnull().sum())

    rule = f"not one value is in {link.table}"
    todo = "The two tables use different ids; map the same ids in both"
    question = Question(f"reference {name}.{link.column}", count)
    return SetRule(
        name, link.column, rule, joined, question, (link.column,), todo, 1, only_all=True
    )


def _orphans(name: str, parent: str, column: str) -> SetRule:
    """Rows whose parent does not exist; they can never be shown, since their parent dates them."""

    def joined(moment: Moment) -> ir.Table:
        found = moment.full[parent].select(found=column)
        return moment.full[name].left_join(found, [(column, "found")])

    def lost(moment: Moment) -> ir.Table:
        both = joined(moment)
        return both.filter(both["found"].isnull())

    def count(moment: Moment) -> ir.Table:
        return _numbers(joined(moment), lambda t: t["found"].isnull().sum())

    todo = f"Add the {parent}; such rows are left out"
    question = Question(f"orphans {name}", count)
    key = CONTRACT[name].key
    return SetRule(
        name, column, f"is not in {parent}", lost, question, key, todo, TOLERATED, left_out=True
    )
