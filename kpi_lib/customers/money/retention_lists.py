"""Tables behind revenue retention: the window's ledger, all presets side by side, what is known ahead."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import ibis
import ibis.expr.types as ir

from kpi_lib.customers.money.churn import LOST, NEW, PASSED, states
from kpi_lib.customers.money.ledger import balances
from kpi_lib.customers.money.ledger_lists import ledger_table, movements
from kpi_lib.customers.money.notices import announced
from kpi_lib.customers.money.presets import FIGURES, HEADS, MONEY, PRESETS, figures
from kpi_lib.customers.money.retention import Rule, moved, shown_periods, windows
from kpi_lib.customers.money.tenure import stops
from kpi_lib.customers.subscribed import dates, only, ratio, small
from kpi_lib.engine import run
from kpi_lib.periods import Period
from kpi_lib.schema import Tables


def _last_window(tables: Tables, rule: Rule) -> Period:
    return windows(shown_periods(tables, rule)[-1:], rule)[0]


def window_ledger(tables: Tables, rule: Rule) -> ir.Table:
    """The ledger between the two ends of the last window: window (which one, in words), `MONEY`."""
    rows = ledger_table(tables, [_last_window(tables, rule)], rule)
    said = f"{rule.window_months} months to {shown_periods(tables, rule)[-1].label}"
    return rows.select(*MONEY, window=ibis.literal(said)).relocate("window")


def who_moved(tables: Tables, rule: Rule) -> ir.Table:
    """Accounts whose amount changed over the last window; see `ledger_lists.movements`.

    New accounts are not there.
    """
    rows = movements(tables, [_last_window(tables, rule)], rule)
    rows = rows.filter(rows["movement"] != "new").drop("unit_id")
    return rows.order_by(ibis.desc(rows["change"].abs()), "account_id")


def shares(tables: Tables, rule: Rule) -> ir.Table:
    """One row per period: period, net, gross, expansion, reactivation, contraction, churn, customers.

    Ratios to what was paid before the window, under the preset of `rule`: reactivation is 0 where it
    is not counted, and net = gross + expansion + reactivation (+ contraction where net leaves that
    out). `customers` is the share of accounts kept. Null where nothing was paid.
    """
    periods, preset = shown_periods(tables, rule), PRESETS[rule.preset]
    rows = moved(tables, periods, rule)
    change = (rows["closing"] - rows["opening"]).abs()
    kinds = ("expansion", "reactivation", "contraction", "churn")
    before = rows["opening"] > 0
    sums = rows.group_by(at=rows["period"]).aggregate(
        opening=rows["opening"].sum(),
        start=rows.count(where=before),
        kept=rows.count(where=before & (rows["closing"] > 0)),
        **{kind: change.sum(where=rows["kind"] == kind).fill_null(0.0) for kind in kinds},
    )
    shown = dates({"period": [p.start for p in periods]})
    full = shown.left_join(sums, shown["period"] == sums["at"]).drop("at")
    parts = {kind: ratio(full[kind], full["opening"]) for kind in kinds}
    gross = 1 - parts["contraction"] - parts["churn"]
    if not preset.reactivation:
        parts["reactivation"] = parts["reactivation"] * 0
    left_out = parts["contraction"] * (0 if preset.contraction else 1)
    full = full.select(
        "period",
        net=gross + parts["expansion"] + parts["reactivation"] + left_out,
        gross=gross,
        **parts,
        customers=ratio(full["kept"], full["start"]),
    )
    return full.order_by("period")


def heads(tables: Tables, spans: Sequence[Period], rule: Rule) -> dict[str, float]:
    """The counts of `HEADS` over one window."""
    (one,) = spans
    rows, ended = states(tables, spans, rule), stops(tables, rule)
    inside = ended.filter(ended["stop_on"] >= one.start, ended["stop_on"] <= one.end)
    inside = inside.select(of=inside["account_id"], stopped=ibis.literal(True)).distinct()
    joined = rows.left_join(inside, rows["account_id"] == inside["of"])
    state = joined["state"]
    before = joined["opening"] > 0
    found = run(
        joined.aggregate(
            start=joined.count(where=before),
            added=joined.count(where=state == NEW),
            lost=joined.count(where=state == LOST),
            passed=joined.count(where=state == PASSED),
            returned=joined.count(
                where=before & (joined["closing"] > 0) & joined["stopped"].notnull()
            ),
        )
    )
    return {name: float(found[name].iloc[0]) for name in HEADS}


_SIDES: dict[str, Any] = {"preset": "string"} | dict.fromkeys(FIGURES, "float64")
_SIDES |= {"difference": "string"}


def presets(tables: Tables, rule: Rule) -> ir.Table:
    """All presets on the ledger of the last window: preset, `FIGURES`, difference (a sentence).

    No rows where nothing was paid before the window.
    """
    one = _last_window(tables, rule)
    money = run(ledger_table(tables, [one], rule)).iloc[0]
    sums = {name: float(money[name]) for name in MONEY} | heads(tables, [one], rule)
    if not sums["opening"]:
        return small({}, _SIDES)
    rows = [
        {"preset": name, "difference": preset.difference, **figures(preset, sums)}
        for name, preset in PRESETS.items()
    ]
    return small({name: [row[name] for row in rows] for name in _SIDES}, _SIDES)


def known_ahead(tables: Tables, rule: Rule) -> ir.Table:
    """The most that gross retention can still be, one row per month ahead: month, at_most, leaving.

    `leaving` is what customers pay today that have given notice and leave in the month (money per
    month); `at_most` is the share of today's amount that nobody has given notice for until its end.
    No rows where nobody pays.
    """
    months = announced(tables, rule)
    now = balances(tables, only(tables.as_of), rule)
    total = float(run(now.aggregate(paid=now["closing"].sum()))["paid"].fillna(0.0).iloc[0])
    frame = run(months)
    if not total:
        frame = frame.iloc[:0]
    left = 1 - frame["mrr"].cumsum() / (total or 1.0)
    kinds = {"month": "date", "at_most": "float64", "leaving": "float64"}
    columns = {
        "month": [day.date() for day in frame["month"]],
        "at_most": [float(one) for one in left],
        "leaving": [float(one) for one in frame["mrr"]],
    }
    return small(columns, kinds).order_by("month")
