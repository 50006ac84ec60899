"""Where goods are ordered: at the end of an ordering month, does the account order again in time?

An account's own rhythm is the median of the gaps between its order days. It is silent once
`rhythm_multiple` such gaps (a month at least) have passed since its last order. Each silence counts
once, and every look uses only the orders known on its day.
"""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

import ibis
import ibis.expr.types as ir
import numpy as np
import numpy.typing as npt

from kpi_lib.engine import run
from kpi_lib.evidence.finding import DEFAULTS, Settings
from kpi_lib.evidence.outcomes import History, Words, decisions_of
from kpi_lib.schema import Tables
from kpi_lib.stats.rhythm import allowed_silence, usual_gaps

if TYPE_CHECKING:
    import pandas as pd

AMOUNT_DAYS = 365
"""The amount of an account on a day is that of its orders in so many days, per month."""

SILENCE = Words(
    account="silent account",
    loss="silence",
    decision="ordering month",
    kept="reorder",
    size="order volume",
)


def reorder_history(tables: Tables, settings: Settings = DEFAULTS) -> History:
    """The looks at ordering accounts known in `tables`. Raises KeyError without `orders`."""
    return reorders_of(_orders(tables), tables.as_of, settings)


def reorders_of(orders: pd.DataFrame, as_of: date, settings: Settings = DEFAULTS) -> History:
    """What orders show by the end of `as_of`.

    `orders`: account_id, ordered_on, known_on, cancelled_on (null if not), amount. One decision per
    account and month in which it ordered, taken at the month's end (`acted_on` is the day after)
    once the account has `least_orders` order days. `decision_on` is the day on which its rhythm runs
    out; is_lost: no order came by then. What is not settled by `as_of` is left out, reordered or
    not, so that quick reorders are no more likely to be in.
    """
    import pandas as pd

    looks = _answered(_looks(orders, settings), orders)
    settled = looks[looks["decision_on"] <= pd.Timestamp(as_of)]
    return History(_as_contracts(orders), decisions_of(settled), 0, as_of, SILENCE)


def _looks(orders: pd.DataFrame, settings: Settings) -> pd.DataFrame:
    """account_id, on (the end of a month with an order), first_paid_on, last_on, decision_on."""
    import pandas as pd

    ends = (orders["ordered_on"] + pd.offsets.MonthEnd(0)).astype("datetime64[us]")
    asked = orders[["account_id"]].assign(on=ends).drop_duplicates()
    known = asked.merge(orders, on="account_id")
    days = known[_is_known(known, known["on"])][["account_id", "on", "ordered_on"]]
    days = days.drop_duplicates().sort_values(["account_id", "on", "ordered_on"])
    by_look = days.groupby(["account_id", "on"])["ordered_on"]
    looks = pd.DataFrame(
        by_look.agg(first_paid_on="min", last_on="max", order_days="size"),
    )
    looks["usual_days"] = usual_gaps(days, ["account_id", "on"])
    looks = looks[looks["order_days"] >= settings.least_orders].reset_index()
    looks = looks[looks["last_on"].dt.to_period("M") == looks["on"].dt.to_period("M")]
    wait = allowed_silence(looks["usual_days"], settings.rhythm_multiple)
    ends_on = (looks["last_on"] + pd.to_timedelta(wait, unit="D")).astype("datetime64[us]")
    answer: pd.DataFrame = looks.assign(decision_on=ends_on)
    return answer


def _answered(looks: pd.DataFrame, orders: pd.DataFrame) -> pd.DataFrame:
    """The looks with is_lost, and since when the account has not been silent."""
    import pandas as pd

    ordered = looks.sort_values(["account_id", "on"], ignore_index=True)
    later = ordered.reset_index(names="look").merge(orders, on="account_id")
    in_time = (later["ordered_on"] > later["last_on"]) & _is_known(later, later["decision_on"])
    is_lost = ~ordered.index.isin(later.loc[in_time, "look"])
    return ordered.assign(
        is_lost=is_lost,
        acted_on=ordered["on"] + pd.Timedelta(days=1),
        notice_on=pd.Series(pd.NaT, index=ordered.index, dtype="datetime64[us]"),
        spell_from=_spell_from(ordered, is_lost),
    )


def _spell_from(looks: pd.DataFrame, is_lost: npt.NDArray[np.bool_]) -> pd.Series[pd.Timestamp]:
    """The first order, or the month in which the account came back after its last silence."""
    silences = looks["account_id"].to_frame().assign(lost=is_lost.astype("int64"))
    before = silences.groupby("account_id")["lost"].cumsum() - silences["lost"]
    months = looks["on"].dt.to_period("M").dt.start_time.astype("datetime64[us]")
    back = months.groupby([looks["account_id"], before]).transform("min")
    found: pd.Series[pd.Timestamp] = looks["first_paid_on"].where(before == 0, back)
    return found


def _is_known(orders: pd.DataFrame, day: pd.Series[pd.Timestamp]) -> pd.Series[bool]:
    """Whether an order was known on a day, and not cancelled by then."""
    stands = orders["cancelled_on"].isna() | (orders["cancelled_on"] > day)
    return (orders["known_on"] <= day) & stands


def _as_contracts(orders: pd.DataFrame) -> pd.DataFrame:
    """Orders as price periods of a `History`: each counts for a year with a twelfth of its amount."""
    import pandas as pd

    over = orders["known_on"] + pd.Timedelta(days=AMOUNT_DAYS)
    never = pd.Series(pd.NaT, index=orders.index, dtype="datetime64[us]")
    return pd.DataFrame(
        {
            "account_id": orders["account_id"],
            "started_on": orders["known_on"],
            "ended_on": pd.concat([over, orders["cancelled_on"]], axis=1).min(axis=1),
            "cancelled_on": never,
            "term_ends_on": never,
            "monthly_amount": orders["amount"] / 12,
        }
    )


def _orders(tables: Tables) -> pd.DataFrame:
    """Orders with the amount of their lines; an order counts 1 where there are no lines."""
    import pandas as pd

    orders = tables["orders"]
    known = orders["ordered_at"].date()
    if "recorded_at" in orders.columns:
        known = ibis.greatest(known, orders["recorded_at"].fill_null(orders["ordered_at"]).date())
    rows = orders.select(
        "account_id",
        "order_id",
        "cancelled_on",
        ordered_on=orders["ordered_at"].date(),
        known_on=known,
    )
    frame = run(_with_amount(tables, rows).order_by("account_id", "ordered_on", "order_id"))
    days = ["ordered_on", "known_on", "cancelled_on"]
    return frame.assign(
        **{name: pd.to_datetime(frame[name]).astype("datetime64[us]") for name in days}
    )


def _with_amount(tables: Tables, rows: ir.Table) -> ir.Table:
    if "order_lines" not in tables:
        return rows.mutate(amount=ibis.literal(1).cast("float64"))
    lines = tables["order_lines"]
    sums = lines.group_by(of=lines["order_id"]).aggregate(
        amount=(lines["quantity"] * lines["unit_price"]).cast("float64").sum()
    )
    joined = rows.left_join(sums, rows["order_id"] == sums["of"]).drop("of")
    return joined.mutate(amount=joined["amount"].fill_null(0.0))
