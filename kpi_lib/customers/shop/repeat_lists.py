"""Behind repeat orders: who ordered again and when, who is still alive, and who is overdue."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import ibis.expr.types as ir
import numpy as np

from kpi_lib.customers.frames import stacked, table_of
from kpi_lib.customers.shop.repeats import YEAR, order_days
from kpi_lib.customers.subscribed import with_account
from kpi_lib.engine import run
from kpi_lib.periods import Period
from kpi_lib.schema import Tables
from kpi_lib.stats import purchases
from kpi_lib.stats.curves import kaplan_meier
from kpi_lib.stats.future_orders import residual_orders
from kpi_lib.stats.intervals import clopper_pearson
from kpi_lib.stats.rhythm import allowed_silence, usual_gaps

if TYPE_CHECKING:
    import pandas as pd

LEAST_ORDERS = 4
"""Order days from which an account has a rhythm of its own."""

ALL = "all"


def days_of(tables: Tables, rule: Any) -> pd.DataFrame:
    """Order days as a frame sorted by account and day: account_id, day, amount."""
    import pandas as pd

    rows = order_days(tables, rule)
    frame = run(rows.select("account_id", "day", "amount").order_by("account_id", "day"))
    return frame.assign(day=pd.to_datetime(frame["day"]).astype("datetime64[us]"))


_HISTORY = (
    *("first_on", "last_on", "order_days", "repeats", "recency", "age", "usual_days"),
    *("days_since", "amount_year"),
)


def histories_of(tables: Tables, rule: Any) -> pd.DataFrame:
    """One row per account that ordered: account_id, first_on, last_on, repeats, recency, age,
    usual_days, days_since, amount_year (money of the 365 days up to its last order)."""
    import pandas as pd

    days = days_of(tables, rule)
    if days.empty:
        return days.assign(**dict.fromkeys(_HISTORY, 0.0))
    by_account = days.groupby("account_id")["day"]
    rows = by_account.agg(first_on="min", last_on="max", order_days="size")
    rows["usual_days"] = usual_gaps(days, ["account_id"], "day")
    last = days["account_id"].map(rows["last_on"])
    recent = days[days["day"] > last - pd.Timedelta(days=365)]
    rows["amount_year"] = recent.groupby("account_id")["amount"].sum()
    today = pd.Timestamp(tables.as_of)
    return rows.reset_index().assign(
        repeats=rows["order_days"].to_numpy() - 1.0,
        recency=(rows["last_on"] - rows["first_on"]).dt.days.to_numpy(dtype=float),
        age=(today - rows["first_on"]).dt.days.to_numpy(dtype=float),
        days_since=(today - rows["last_on"]).dt.days.to_numpy(dtype=float),
    )


def with_chances(accounts: pd.DataFrame) -> pd.DataFrame:
    """The accounts with chance_alive and expected_orders (of the next year), null without a model.

    BG/NBD: see `stats/purchases.py`.
    """
    x, last, age = (accounts[n].to_numpy(dtype=float) for n in ("repeats", "recency", "age"))
    fitted = purchases.fit(purchases.histories(x, last, age))
    if fitted.reason:
        return accounts.assign(chance_alive=np.nan, expected_orders=np.nan)
    chances = purchases.chance_alive(fitted.parameters, x, last, age)
    orders = residual_orders(fitted.parameters, x, last, age, 0.0, YEAR)
    return accounts.assign(chance_alive=chances, expected_orders=orders)


_CALL = {"account_id": "string", "last_order_on": "date"} | dict.fromkeys(
    ("days_since", "usual_days", "overdue", "chance_alive", "amount_year", "at_stake"), "float64"
)


def overdue(tables: Tables, rule: Any) -> ir.Table:
    """The call list: accounts silent for more than so many of their own usual gaps.

    Columns: account_id, account, owner, last_order_on, days_since, usual_days, overdue (usual gaps
    since the last order), chance_alive, amount_year, at_stake (chance times amount of a year), by which
    it is sorted. An account needs four order days to have a rhythm.
    """
    accounts = with_chances(histories_of(tables, rule))
    known = accounts[accounts["order_days"] >= LEAST_ORDERS]
    late = known["days_since"] > allowed_silence(known["usual_days"], rule.overdue_multiple)
    found = known[late].assign(last_order_on=known["last_on"])
    found = found.assign(
        overdue=found["days_since"] / found["usual_days"],
        at_stake=found["chance_alive"] * found["amount_year"],
    )
    rows = with_account(tables, table_of(found[list(_CALL)], _CALL))
    rows = rows.order_by(rows["at_stake"].desc(), "account_id")
    shown = ["account_id", "account", "owner", *list(_CALL)[1:]]
    return rows.select(*shown)


BANDS = (
    (0.9, "surely (90 % and more)"),
    (0.5, "rather yes (50 to 90 %)"),
    (0.1, "rather not (10 to 50 %)"),
    (0.0, "hardly (below 10 %)"),
)
UNKNOWN = "cannot be told"
_ALIVE = {"still_a_customer": "string", "amount_year": "float64", "expected_orders": "float64"}
_ALIVE |= {"accounts": "int64"}


def alive(tables: Tables, rule: Any) -> ir.Table:
    """Accounts by the chance that they are still customers: still_a_customer (band), amount_year
    (money of the 365 days up to the last order), expected_orders (next year), accounts."""
    import pandas as pd

    accounts = with_chances(histories_of(tables, rule))
    if accounts.empty:
        return table_of(None, _ALIVE)
    chance = accounts["chance_alive"].to_numpy(dtype=float)
    bands = np.full(len(accounts), UNKNOWN, dtype=object)
    for least, name in reversed(BANDS):
        bands[chance >= least] = name
    grouped = accounts.assign(band=bands).groupby("band")
    sums = grouped.agg(
        amount_year=("amount_year", "sum"),
        expected_orders=("expected_orders", "sum"),
        accounts=("account_id", "size"),
    )
    names = [name for _, name in BANDS] + [UNKNOWN]
    sums = sums.reindex([name for name in names if name in sums.index])
    rows = sums.rename_axis("still_a_customer").reset_index()
    return table_of(pd.DataFrame(rows)[list(_ALIVE)], _ALIVE)


def waits_of(days: pd.DataFrame, as_of: Any) -> pd.DataFrame:
    """Every order day with the days until the next one: account_id, day, wait, again (0 or 1), number.

    Without a next one the wait is as long as it has been watched, to `as_of`.
    """
    import pandas as pd

    by_account = days.groupby("account_id")["day"]
    after = by_account.shift(-1)
    until = after.fillna(pd.Timestamp(as_of))
    return days.assign(
        wait=(until - days["day"]).dt.days.astype("float64"),
        again=after.notna().astype("int64"),
        number=by_account.cumcount(),
    )


_CURVE = {"cohort": "string", "day": "float64", "reordered_share": "float64"}
_CURVE |= {"low": "float64", "high": "float64", "at_risk": "int64"}


def between(tables: Tables, rule: Any) -> ir.Table:
    """Share of orders followed by another within so many days, per year of the order, then of all.

    Kaplan-Meier: an order without a next one yet is watched to `as_of`, not lost. Columns: cohort,
    day, reordered_share, low, high, at_risk.
    """
    waits = waits_of(days_of(tables, rule), tables.as_of)
    if waits.empty:
        return table_of(None, _CURVE)
    parts = [(str(year), part) for year, part in waits.groupby(waits["day"].dt.year)]
    return stacked(
        [_curve(name, part, rule.level) for name, part in [*parts, (ALL, waits)]], _CURVE
    )


def _curve(name: str, part: pd.DataFrame, level: float) -> pd.DataFrame:
    curve = kaplan_meier(part["wait"], part["again"] == 1, level=level)
    curve = curve[curve["events"] > 0]
    return curve.rename(columns={"time": "day"}).assign(
        cohort=name,
        reordered_share=1.0 - curve["survival"],
        low=1.0 - curve["high"],
        high=1.0 - curve["low"],
        at_risk=curve["at_risk"].astype("int64"),
    )


_RATE = {"period": "date", "repeat_rate": "float64", "low": "float64", "high": "float64"}
_RATE |= {"accounts": "int64", "ordered_again": "int64", "still_young": "int64"}


def repeat_rate(tables: Tables, periods: Sequence[Period], rule: Any) -> ir.Table:
    """Accounts by the period of their first order: the share that ordered again within the horizon.

    Kaplan-Meier, so that young accounts are watched and not lost; null where none was watched so long.
    A cohort without young accounts is a plain share (limits by Clopper and Pearson).
    Columns: period, repeat_rate, low, high, accounts, ordered_again (in time), still_young.
    """
    import pandas as pd

    waits = waits_of(days_of(tables, rule), tables.as_of)
    first = waits[waits["number"] == 0]
    starts = np.array([np.datetime64(p.start) for p in periods])
    ends = np.array([np.datetime64(p.end) for p in periods])
    rows = []
    for start, end, period in zip(starts, ends, periods, strict=True):
        cohort = first[(first["day"] >= start) & (first["day"] <= end)]
        rows.append({"period": period.start, **_rate(cohort, rule)})
    return table_of(pd.DataFrame(rows), _RATE).order_by("period")


def _rate(cohort: pd.DataFrame, rule: Any) -> dict[str, Any]:
    horizon = float(rule.horizon_days)
    in_time = (cohort["again"] == 1) & (cohort["wait"] <= horizon)
    young = (cohort["again"] == 0) & (cohort["wait"] < horizon)
    counts = {
        "accounts": len(cohort),
        "ordered_again": int(in_time.sum()),
        "still_young": int(young.sum()),
    }
    nothing = dict.fromkeys(("repeat_rate", "low", "high"), float("nan"))
    if cohort.empty or (not (cohort["wait"].to_numpy() >= horizon).any() and not in_time.all()):
        return counts | nothing
    if not counts["still_young"]:
        # All were watched to the end, so it is a plain share, with exact limits at 0 and 1 too.
        limits = clopper_pearson(counts["ordered_again"], len(cohort), rule.level)
        rate = counts["ordered_again"] / len(cohort)
        return counts | {"repeat_rate": rate, "low": limits.low, "high": limits.high}
    curve = kaplan_meier(cohort["wait"], cohort["again"] == 1, level=rule.level)
    seen = curve[curve["time"] <= horizon]
    if seen.empty:
        return counts | {"repeat_rate": 0.0, "low": float("nan"), "high": float("nan")}
    last = seen.iloc[-1]
    return counts | {
        "repeat_rate": 1 - last["survival"], "low": 1 - last["high"], "high": 1 - last["low"]
    }  # fmt: skip
