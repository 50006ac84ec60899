"""Revenue retention: what accounts pay now against what they paid when the window began."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Protocol

import ibis
import ibis.expr.types as ir

from kpi_lib.customers.money import ledger
from kpi_lib.customers.money.churn_lists import window
from kpi_lib.customers.money.presets import PRESETS, Preset, PresetName
from kpi_lib.customers.subscribed import dates, ratio, with_segment
from kpi_lib.periods import Period, PeriodName, complete_periods
from kpi_lib.schema import Tables


class Rule(ledger.Rule, Protocol):
    """The parameters of revenue retention."""

    @property
    def period(self) -> PeriodName:
        """Length of one period of the trend."""
        ...

    @property
    def periods(self) -> int:
        """How many are shown."""
        ...

    @property
    def window_months(self) -> int:
        """How long ago the accounts paid."""
        ...

    @property
    def preset(self) -> PresetName:
        """Whose way of counting."""
        ...

    @property
    def retention(self) -> str:
        """Which headline: net, gross."""
        ...


def shown_periods(tables: Tables, rule: Rule) -> list[Period]:
    """The periods of the trend, oldest first."""
    return complete_periods(tables.as_of, rule.period, rule.periods, tables.quarter_starts_in)


def windows(periods: Sequence[Period], rule: Rule) -> list[Period]:
    """The window that ends with each period."""
    return [window(p.end, rule.window_months) for p in periods]


def moved(tables: Tables, periods: Sequence[Period], rule: Rule) -> ir.Table:
    """One row per account and period: what it paid before the window that ends with it, and at its end.

    Columns: period (of the trend), account_id, opening, closing (money per month), first_on, kind
    (of movement, "none" where the amount stayed).
    """
    spans = windows(periods, rule)
    rows = ledger.balances(tables, spans, rule)
    rows = rows.mutate(kind=ledger.movement(rows))
    names = dates({"since": [w.start for w in spans], "shown": [p.start for p in periods]})
    joined = rows.join(names, rows["period"] == names["since"])
    columns = ("account_id", "opening", "closing", "first_on", "kind")
    return joined.select(*columns, period=joined["shown"])


def kept_of(rows: ir.Table, preset: Preset, retention: str) -> ir.FloatingValue:
    """What an account adds to the numerator: of gross, or of net retention under a preset."""
    opening, closing = rows["opening"], rows["closing"]
    if retention == "gross":
        return ibis.least(opening, closing)
    stays = closing if preset.contraction else ibis.greatest(opening, closing)
    return ibis.cases((closing == 0, closing), (opening == 0, closing), else_=stays)


def observed(tables: Tables, rule: Rule, segment: str) -> ir.Table:
    """The observations: unit_id, account_id, period, value (kept), weight (opening), segment.

    Accounts that paid before the window, and those that came back in it where net retention adds
    reactivation (weight 0).
    """
    preset = PRESETS[rule.preset]
    rows = moved(tables, shown_periods(tables, rule), rule)
    counted = rows["opening"] > 0
    if preset.reactivation and rule.retention == "net":
        counted = counted | (rows["kind"] == "reactivation")
    rows = rows.filter(counted)
    rows = rows.select(
        "period",
        "account_id",
        unit_id=rows["account_id"],
        value=kept_of(rows, preset, rule.retention),
        weight=rows["opening"],
    )
    return with_segment(tables, rows, segment)


def scores(tables: Tables, rule: Rule) -> ir.Table:
    """What an account pays on `as_of` over what it paid `window_months` before: account_id, score."""
    today: date = tables.as_of
    rows = ledger.balances(tables, [window(today, rule.window_months)], rule)
    rows = rows.filter(rows["opening"] > 0)
    return rows.select("account_id", score=ratio(rows["closing"], rows["opening"]))
