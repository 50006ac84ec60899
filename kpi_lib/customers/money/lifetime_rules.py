"""When lifetime value is a poor KPI for a business, found from its data."""

from __future__ import annotations

from datetime import timedelta

from kpi_lib.customers.money.families import available, family_of, yearly_amounts
from kpi_lib.customers.money.lifetimes import CONTRACT, ORDERS, standing_orders
from kpi_lib.customers.money.outlooks import Choice, base_of
from kpi_lib.engine import run
from kpi_lib.kpi import RuleOutcome
from kpi_lib.schema import Tables

_YEAR = timedelta(days=365)
_MOST = 0.5
_WAY = {CONTRACT: "contracts", ORDERS: "orders"}
_MODEL = {
    CONTRACT: "retention by renewals (shifted-beta-geometric)",
    ORDERS: "repeat orders (BG/NBD with Gamma-Gamma)",
}


def other_family(tables: Tables, params: Choice) -> RuleOutcome | None:
    """Fires when the family asked for is not the one that brings most of the money."""
    found = yearly_amounts(tables, params) if available(tables) else {}
    total = sum(amount for _, amount in found.values())
    if not total > 0:
        return None
    family = family_of(tables, params)
    share = found[family][1] / total
    sentence = (
        f"{share:.0%} of the last 12 months came by {_WAY[family]}, so {_MODEL[family]} is used."
    )
    if share >= _MOST:
        return RuleOutcome(False, sentence)
    return RuleOutcome(
        True,
        f"Only {share:.0%} of the last 12 months came by {_WAY[family]}: set family to detect.",
        "`family` detect",
    )


def few_renewals(tables: Tables, params: Choice) -> RuleOutcome | None:
    """Fires when only first renewals have been seen, or no value can be told at all."""
    if not available(tables):
        return None
    base = base_of(tables, params)
    if base.accounts.empty:
        return None
    if base.valued.value is None:
        return RuleOutcome(True, f"No value can be told: {base.valued.reason}.")
    if base.family == ORDERS:
        again = int((base.accounts["repeats"] > 0).sum())
        return RuleOutcome(False, f"{again} of {len(base.accounts)} customers have ordered again.")
    renewals = base.renewals
    if renewals.only_first:
        return RuleOutcome(
            True,
            "Only first renewals have been seen, so one constant churn is assumed: of all values "
            "that fit, the lowest.",
        )
    seen = int((renewals.at_risk > 0).sum())
    lost = int(renewals.lost.sum())
    return RuleOutcome(False, f"{seen} renewals have been seen, and {lost} accounts that left.")


def late_start(tables: Tables, params: Choice) -> RuleOutcome | None:
    """Fires when most customers by orders were customers long before the first order in the data."""
    if not {"accounts", "orders", "order_lines"} <= set(tables):
        return None
    if family_of(tables, params) != ORDERS:
        return None
    orders = standing_orders(tables)
    first = orders.group_by(of=orders["account_id"]).aggregate(first_on=orders["day"].min())
    accounts = tables["accounts"].select("account_id", "signed_on")
    rows = run(first.join(accounts, first["of"] == accounts["account_id"]))
    if rows.empty:
        return None
    older = int((rows["first_on"] - rows["signed_on"] > _YEAR).sum())
    sentence = (
        f"{older} of {len(rows)} customers signed more than a year before their first order in the "
        "data: their life is counted from that order, and those who left before are not seen."
    )
    return RuleOutcome(older > _MOST * len(rows), sentence)
