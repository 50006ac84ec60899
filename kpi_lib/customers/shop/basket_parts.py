"""What a basket is made of: its measures, year on year, like for like, and what was left out."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

import ibis
import ibis.expr.types as ir
import numpy as np

from kpi_lib.customers.frames import table_of
from kpi_lib.customers.shop.goods import (
    MEASURES,
    by_account,
    entries,
    first_day,
    grid_of,
    sold_flag,
)
from kpi_lib.customers.subscribed import dates, ratio, with_account
from kpi_lib.engine import run
from kpi_lib.periods import Period, add_months
from kpi_lib.schema import Tables
from kpi_lib.stats.drivers import effects

if TYPE_CHECKING:
    import pandas as pd

YEAR = timedelta(days=365)
NO_YEAR_BEFORE = "orders begin after the first day of the same period a year before"
NO_BASKET = "no basket in one of the two periods"
WEEKS_BACK = timedelta(days=364)


def year_before(period: Period) -> Period:
    """The same months a year before; for a week, the seven days 52 weeks before."""
    if period.name == "week":
        return Period(period.start - WEEKS_BACK, period.end - WEEKS_BACK, "week")
    after = period.end + timedelta(days=1)
    last = add_months(after, -12) - timedelta(days=1)
    return Period(add_months(period.start, -12), last, period.name, period.quarter_starts_in)


def baskets(tables: Tables, periods: Sequence[Period], rule: Any) -> ir.Table:
    """One row per account and period: period, account_id, `MEASURES`; like for like where asked."""
    rows = by_account(tables, list(periods), rule)
    return like_for_like(tables, periods, rule) if rule.accounts == "like_for_like" else rows


def like_for_like(tables: Tables, periods: Sequence[Period], rule: Any) -> ir.Table:
    """The rows of accounts that also ordered in the same period a year before."""
    pairs = [(period, year_before(period)) for period in periods]
    rows = by_account(tables, list(periods), rule)
    before = by_account(tables, [earlier for _, earlier in pairs], rule)
    names = dates({"now": [p.start for p, _ in pairs], "then": [e.start for _, e in pairs]})
    there = before.filter(before["orders"] > 0)
    there = there.join(names, there["period"] == names["then"])
    there = there.select("now", who=there["account_id"])
    same = [rows["period"] == there["now"], rows["account_id"] == there["who"]]
    return rows.join(there, same).drop("now", "who")


def totals(tables: Tables, periods: Sequence[Period], rule: Any) -> ir.Table:
    """One row per period: period, accounts (with an order), `MEASURES`; zeros where nothing was."""
    return totals_of(baskets(tables, periods, rule), periods)


def totals_of(rows: ir.Table, periods: Sequence[Period]) -> ir.Table:
    """The rows of accounts added up per period."""
    sums = rows.group_by(at=rows["period"]).aggregate(
        accounts=sold_flag(rows).sum(), **{name: rows[name].sum() for name in MEASURES}
    )
    grid = grid_of(periods)
    full = grid.left_join(sums, grid["period"] == sums["at"]).drop("at", "last")
    filled = {name: full[name].fill_null(0).cast("float64") for name in ("accounts", *MEASURES)}
    return full.mutate(**filled).order_by("period")


def measures(tables: Tables, periods: Sequence[Period], rule: Any) -> ir.Table:
    """One row per period: amount, pieces and products per order, price per piece, and the counts.

    returned_share: money taken back over money sold.
    """
    rows = totals(tables, periods, rule)
    return rows.select(
        "period",
        amount_per_order=ratio(rows["amount"], rows["orders"]),
        price_per_piece=ratio(rows["amount"], rows["quantity"]),
        pieces_per_order=ratio(rows["quantity"], rows["orders"]),
        products_per_order=ratio(rows["products"], rows["orders"]),
        orders_per_account=ratio(rows["orders"], rows["accounts"]),
        returned_share=ratio(rows["taken_back"], rows["amount"] + rows["taken_back"]),
        orders=rows["orders"],
        accounts=rows["accounts"],
    ).order_by("period")


FACTORS = {"customers": "accounts", "frequency": "orders", "pieces": "quantity", "price": "amount"}
"""Each factor and the total that it adds to the one before it: amount = their product."""

_YEAR_KINDS = {"period": "date", "amount": "float64", "year_before": "float64"}
_YEAR_KINDS |= {"change": "float64"} | dict.fromkeys(
    ("by_customers", "by_frequency", "by_basket", "of_it_pieces", "of_it_price", "price_growth"),
    "float64",
)
_YEAR_KINDS |= {"reason": "string"}


def year_on_year(tables: Tables, periods: Sequence[Period], rule: Any) -> ir.Table:
    """The amount of each period against a year before, split into customers x frequency x basket.

    by_customers + by_frequency + by_basket = change, and of_it_pieces + of_it_price = by_basket
    (money). Null with the reason where the year before was not wholly on record.
    """
    frame = _compared(tables, periods, rule)
    told = frame["reason"].to_numpy() == ""
    before, now = _factors(frame, "_before"), _factors(frame, "")
    split = effects(before, now)
    grown = np.divide(now["price"], before["price"], out=np.ones(len(frame)), where=told) - 1.0
    frame = frame.assign(
        year_before=frame["amount_before"].where(told),
        change=(frame["amount"] - frame["amount_before"]).where(told),
        by_customers=np.where(told, split["customers"], np.nan),
        by_frequency=np.where(told, split["frequency"], np.nan),
        of_it_pieces=np.where(told, split["pieces"], np.nan),
        of_it_price=np.where(told, split["price"], np.nan),
        price_growth=np.where(told, grown, np.nan),
    )
    frame = frame.assign(by_basket=frame["of_it_pieces"] + frame["of_it_price"])
    return table_of(frame[list(_YEAR_KINDS)], _YEAR_KINDS).order_by("period")


def _factors(frame: pd.DataFrame, ending: str) -> dict[str, Any]:
    """Customers, orders per customer, pieces per order, price per piece."""
    found, below = {}, np.ones(len(frame))
    for factor, name in FACTORS.items():
        total = frame[f"{name}{ending}"].to_numpy(dtype=float)
        found[factor] = np.divide(total, below, out=np.zeros(len(frame)), where=below != 0)
        below = total
    return found


def _compared(tables: Tables, periods: Sequence[Period], rule: Any) -> pd.DataFrame:
    """Totals of each period beside those of the year before, with why they cannot be compared."""
    earlier = [year_before(period) for period in periods]
    now = run(totals_of(by_account(tables, list(periods), rule), periods))
    then = run(totals_of(by_account(tables, earlier, rule), earlier))
    first = begin_of(tables)
    starts_late = [first is None or first > period.start for period in earlier]
    columns = ("accounts", *MEASURES)
    frame = now.assign(**{f"{name}_before": then[name].to_numpy() for name in columns})
    none = (frame[["orders", "orders_before", "amount", "amount_before"]] <= 0).any(axis=1)
    none |= (frame[["quantity", "quantity_before"]] <= 0).any(axis=1)
    reasons = np.where(starts_late, NO_YEAR_BEFORE, np.where(none, NO_BASKET, ""))
    return frame.assign(reason=reasons)


def begin_of(tables: Tables) -> date | None:
    """The day of the first order; a week's grace, since shops do not open on 1 January."""
    import pandas as pd

    found = run(first_day(tables))["first_on"].iloc[0]
    return None if pd.isna(found) else (pd.Timestamp(found) - pd.Timedelta(days=7)).date()


_STEPS = {"step": "string", "size": "float64"}
_NAMES = {
    "by_customers": "customers",
    "by_frequency": "orders per customer",
    "of_it_pieces": "pieces per order",
    "of_it_price": "price per piece",
}


def drivers(tables: Tables, periods: Sequence[Period], rule: Any) -> ir.Table:
    """What moved the newest period against a year before: step, size (money), adding to the change."""
    import pandas as pd

    newest = run(year_on_year(tables, periods[-1:], rule))
    sizes = [newest[name].astype(float).iloc[0] for name in _NAMES]
    frame = pd.DataFrame({"step": list(_NAMES.values()), "size": sizes})
    return table_of(frame, _STEPS)


def beside_all(tables: Tables, periods: Sequence[Period], rule: Any) -> ir.Table:
    """Per period: the basket of all accounts, of those that also ordered a year before, theirs then."""
    earlier = [year_before(period) for period in periods]
    column = rule.measure
    whole = run(totals_of(by_account(tables, list(periods), rule), periods))
    same = run(totals_of(like_for_like(tables, periods, rule), periods))
    then = run(totals_of(_of_the_same(tables, periods, earlier, rule), periods))
    frame = whole[["period"]].assign(
        accounts=whole["accounts"],
        all_accounts=_basket(whole, column),
        same_accounts=same["accounts"],
        like_for_like=_basket(same, column),
        a_year_before=_basket(then, column),
    )
    frame = frame.assign(change=frame["like_for_like"] - frame["a_year_before"])
    kinds = {name: "date" if name == "period" else "float64" for name in frame.columns}
    return table_of(frame, kinds).order_by("period")


def _of_the_same(
    tables: Tables, periods: Sequence[Period], earlier: Sequence[Period], rule: Any
) -> ir.Table:
    """What accounts that order now ordered a year before, under the name of the period of now."""
    names = dates({"now": [p.start for p in periods], "then": [e.start for e in earlier]})
    then = by_account(tables, list(earlier), rule)
    then = then.join(names, then["period"] == names["then"])
    then = then.drop("period", "then").rename(period="now")
    now = by_account(tables, list(periods), rule)
    now = now.filter(now["orders"] > 0).select(at=now["period"], who=now["account_id"])
    same = [then["period"] == now["at"], then["account_id"] == now["who"]]
    return then.filter(then["orders"] > 0).join(now, same).drop("at", "who")


def _basket(frame: pd.DataFrame, column: str) -> pd.Series[float]:
    return frame[column] / frame["orders"].where(frame["orders"] > 0)


def by_year(tables: Tables, rule: Any) -> ir.Table:
    """Accounts by the last 365 days against the 365 before, the largest amount first.

    Columns: account_id, account, owner, amount (money), orders, basket, basket_before, change. The
    last two are null where the year before is not wholly on record.
    """
    today = tables.as_of
    spans = [
        Period(today - 2 * YEAR + timedelta(days=1), today - YEAR, "week"),
        Period(today - YEAR + timedelta(days=1), today, "week"),
    ]
    rows = by_account(tables, spans, rule)
    earlier = rows["period"] == ibis.literal(spans[0].start)
    none = ibis.literal(0).cast("float64")
    sums = rows.group_by("account_id").aggregate(
        **{
            f"{name}{ending}": ibis.ifelse(chosen, rows[name], none).sum()
            for name in dict.fromkeys(("amount", "orders", rule.measure))
            for ending, chosen in (("", ~earlier), ("_before", earlier))
        }
    )
    first, before = begin_of(tables), ratio(sums[f"{rule.measure}_before"], sums["orders_before"])
    is_whole = first is not None and first <= spans[0].start
    sums = sums.mutate(
        basket=ratio(sums[rule.measure], sums["orders"]),
        basket_before=before if is_whole else ibis.null("float64"),
    )
    sums = with_account(tables, sums.mutate(change=sums["basket"] - sums["basket_before"]))
    shown = ["account_id", "account", "owner", "amount", "orders", "basket", "basket_before"]
    return sums.order_by(ibis.desc("amount"), "account_id").select(*shown, "change")


def baskets_of_year(tables: Tables, rule: Any) -> ir.Table:
    """The basket of each account over the last 365 days: account_id, score."""
    rows = entries(tables, rule)
    recent = rows.filter(rows["day"] > tables.as_of - YEAR, rows["day"] <= tables.as_of)
    sums = recent.group_by("account_id").aggregate(
        total=recent[rule.measure].sum(), orders=recent["orders"].sum()
    )
    sums = sums.filter(sums["orders"] > 0)
    return sums.select("account_id", score=ratio(sums["total"], sums["orders"]))
