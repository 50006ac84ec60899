"""The rules that several rows must keep together: keys, spans, references, accounts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date

import ibis
import ibis.expr.types as ir

from kpi_lib.contract import CONTRACT
from kpi_lib.data.span import row_day

DATED_BY_ACCOUNT = ("usage", "subscriptions", "onboarding", "orders")
"""Tables whose rows make no sense before the account was signed."""


@dataclass(frozen=True)
class SetRule:
    """Rows that break a rule together. `counted` gives one row: rows broken, of how many."""

    table: str
    column: str
    rule: str
    broken: ir.Table
    counted: ir.Table
    shown: tuple[str, ...]
    todo: str
    tolerated: float = 0.0
    only_all: bool = False
    """True where only a total failure means something."""
    left_out: bool = False


def set_rules(
    masked: Mapping[str, ir.Table], full: Mapping[str, ir.Table], *, whole: bool
) -> Iterator[SetRule]:
    """The rules for all tables as known on a day. `whole` is False where later rows are hidden."""
    for name, table in masked.items():
        if CONTRACT[name].key:
            yield _keys(name, table)
        if CONTRACT[name].no_overlap:
            yield _overlaps(name, table)
        yield from _loose_references(name, masked)
        parent = CONTRACT[name].known_with
        if whole and parent is not None and parent[0] in full:
            yield _orphans(name, full, *parent)


def _keys(name: str, table: ir.Table) -> SetRule:
    key = CONTRACT[name].key
    repeated = table.group_by(key).aggregate(times=lambda t: t.count())
    repeated = repeated.filter(repeated["times"] > 1)
    counted = repeated.aggregate(broken=repeated["times"].sum(), rows=ibis.literal(0, type="int64"))
    column = key[0] if len(key) == 1 else ""
    rule = f"{' + '.join(key)} stands more than once"
    return SetRule(name, column, rule, repeated, counted, key, "Keep one row for each")


def _overlaps(name: str, table: ir.Table) -> SetRule:
    group, start, end = CONTRACT[name].no_overlap or ("", "", "")
    before = table[end].lag().over(group_by=group, order_by=[start, end])
    spans = table.mutate(ended_before=before)
    broken = spans.filter(spans["ended_before"] > spans[start])
    rule = f"starts before the row before it of the same {group} has ended"
    return SetRule(
        name,
        start,
        rule,
        broken,
        _count(broken),
        (group, start),
        "End each row where the next one starts",
    )


def _count(broken: ir.Table) -> ir.Table:
    return broken.aggregate(broken=broken.count(), rows=ibis.literal(0, type="int64"))


def _loose_references(name: str, masked: Mapping[str, ir.Table]) -> Iterator[SetRule]:
    """References that may point ahead (a prospect): wrong only where not one of them is found."""
    for link in CONTRACT[name].references:
        if link.strict or link.table not in masked:
            continue
        table = masked[name]
        values = table.filter(table[link.column].notnull()).select(link.column).distinct()
        targets = masked[link.table].select(found=link.target)
        joined = values.left_join(targets, [(link.column, "found")])
        counted = joined.aggregate(broken=joined["found"].isnull().sum(), rows=joined.count())
        rule = f"not one value is in {link.table}"
        todo = "The two tables use different ids; map the same ids in both"
        missing = joined.filter(joined["found"].isnull())
        yield SetRule(
            name, link.column, rule, missing, counted, (link.column,), todo, 1, only_all=True
        )


def _orphans(name: str, full: Mapping[str, ir.Table], parent: str, column: str) -> SetRule:
    """Rows whose parent does not exist; they can never be shown, since their parent dates them."""
    table = full[name]
    joined = table.left_join(full[parent].select(found=column), [(column, "found")])
    lost = joined.filter(joined["found"].isnull())
    counted = joined.aggregate(broken=joined["found"].isnull().sum(), rows=joined.count())
    todo = f"Add the {parent}; such rows are left out"
    return SetRule(
        name,
        column,
        f"is not in {parent}",
        lost,
        counted,
        CONTRACT[name].key,
        todo,
        0.05,
        left_out=True,
    )


@dataclass(frozen=True)
class AccountRule:
    """How the rows of one table stand to the accounts.

    `per_account`: account_id, rows, first_day, early_rows, signed_on (null when not in accounts),
    is_known. `summary`: one row of counts.
    """

    table: str
    per_account: ir.Table
    summary: ir.Table


def account_rules(
    masked: Mapping[str, ir.Table], full: Mapping[str, ir.Table], day: date
) -> Iterator[AccountRule]:
    """One per table that strictly belongs to accounts, as known on `day`."""
    if "accounts" not in full:
        return
    signed = full["accounts"].select(known_id="account_id", signed_on="signed_on")
    for name, table in masked.items():
        if any(link.strict and link.table == "accounts" for link in CONTRACT[name].references):
            yield _account_rule(name, table, signed, day)


def _account_rule(name: str, table: ir.Table, signed: ir.Table, day: date) -> AccountRule:
    own_day = row_day(table, CONTRACT[name])
    rows = table.select(account_id="account_id", row_day=own_day)
    counted = rows.group_by(["account_id", "row_day"]).aggregate(rows=lambda t: t.count())
    joined = counted.left_join(signed, [("account_id", "known_id")])
    early = joined["row_day"] < joined["signed_on"]
    per_account = joined.group_by(["account_id", "signed_on"]).aggregate(
        rows=joined["rows"].sum(),
        first_day=joined["row_day"].min(),
        early_rows=ibis.ifelse(early, joined["rows"], 0).sum(),
    )
    is_known = (per_account["signed_on"] <= day).fill_null(False)
    per_account = per_account.mutate(is_known=is_known)
    known = per_account["is_known"]
    summary = per_account.aggregate(
        accounts=per_account.count(),
        rows=per_account["rows"].sum(),
        unknown_rows=per_account["rows"].sum(where=~known),
        early_accounts=((per_account["early_rows"] > 0) & known).sum(),
        early_rows=per_account["early_rows"].sum(where=known),
        ahead=(per_account["first_day"] < per_account["signed_on"]).sum(),
    )
    return AccountRule(name, per_account, summary)
