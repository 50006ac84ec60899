"""Lift by account and by person: whose money the headline is made of, both views with the same total."""

from __future__ import annotations

from typing import Protocol

import ibis
import ibis.expr.types as ir

from kpi_lib.customers.growth import lift
from kpi_lib.customers.growth.lever_effects import stay_touches
from kpi_lib.customers.growth.lever_lists import with_role
from kpi_lib.customers.subscribed import ratio, with_account
from kpi_lib.periods import PeriodName, complete_periods
from kpi_lib.schema import Tables

FIGURES = ("whole", "observed", "projected")


class Rule(lift.Rule, Protocol):
    """What the lists need besides: which lever is judged, which periods are shown."""

    @property
    def lever(self) -> str:
        """The lever judged; empty means all."""
        ...

    @property
    def period(self) -> PeriodName:
        """Length of one period."""
        ...

    @property
    def periods(self) -> int:
        """How many periods are shown."""
        ...


def exposures(tables: Tables, rule: Rule) -> ir.Table:
    """One row per exposed account, lever and stay in the periods shown: lever, stay, account_id, landmark
    (days since entering), and `FIGURES` (money more than the comparable accounts of its stratum)."""
    rows = lift.units(tables, rule)
    seen, expected = (_more(tables, rule, rows, name) for name in FIGURES[1:])
    expected = expected.select("projected", of="stay", what="lever")
    both = [seen["stay"] == expected["of"], seen["lever"] == expected["what"]]
    rows = seen.left_join(expected, both).drop("of", "what")
    return rows.mutate(whole=rows["observed"] + rows["projected"])


def _more(tables: Tables, rule: Rule, rows: ir.Table, outcome: str) -> ir.Table:
    """The exposed rows of the periods shown, with what the outcome is more than that of comparable ones."""
    rows = lift.matched(rows, outcome, rule.adjust)
    rows = rows.filter(rows["lever"] == rule.lever) if rule.lever else rows
    periods = complete_periods(tables.as_of, rule.period, rule.periods, tables.quarter_starts_in)
    rows = lift.in_periods(rows.filter(rows["weight"] > 0), periods)
    landmark = (rows["closes"] - rule.horizon_days).cast("float64")
    return rows.select("lever", "stay", "account_id", landmark=landmark, **{outcome: rows["value"]})


def by_account(tables: Tables, rule: Rule) -> ir.Table:
    """One row per account exposed, the largest lift first: account_id, account, owner, whole, observed and
    projected (money more than comparable accounts, its exposures together), exposures."""
    rows = exposures(tables, rule)
    sums = rows.group_by("account_id").aggregate(
        **{name: rows[name].sum() for name in FIGURES}, exposures=rows.count()
    )
    rows = with_account(tables, sums)
    shown = ("account_id", "account", "owner", *FIGURES, "exposures")
    order = (_largest(rows["observed"]), "account_id")
    return rows.order_by(*order).select(*shown)


def by_person(tables: Tables, rule: Rule) -> ir.Table:
    """The same money by the person touched, the largest lift first: contact_id, account_id, account, role,
    whole, observed, projected, touches (before the landmark).

    What an exposure is worth is shared equally among its touches. Touches of nobody known stand together per
    account ("" as contact_id), so that the money adds up to that of the accounts.
    """
    rows = exposures(tables, rule)
    hits = stay_touches(tables, rule.lever_by, rule.states)
    hits = hits.select("contact_id", "after", of="stay", what="lever")
    met = rows.join(hits, [rows["stay"] == hits["of"], rows["lever"] == hits["what"]])
    met = met.filter(met["after"] < met["landmark"])
    whole = ibis.window(group_by=["stay", "lever"])
    many = met.count().over(whole)
    met = met.mutate(
        contact_id=met["contact_id"].fill_null(""),
        **{name: ratio(met[name], many) for name in FIGURES},
    )
    sums = met.group_by("contact_id", "account_id").aggregate(
        **{name: met[name].sum() for name in FIGURES}, touches=met.count()
    )
    rows = with_role(tables, with_account(tables, sums))
    shown = ("contact_id", "account_id", "account", "role", *FIGURES, "touches")
    order = (_largest(rows["observed"]), "account_id", "contact_id")
    return rows.order_by(*order).select(*shown)


def _largest(amount: ir.Column) -> ir.Value:
    """The largest first. Sums that differ only in their last bits, by the order of adding, are equal."""
    return ibis.desc(amount.cast("float64").round(6))
