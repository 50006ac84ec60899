"""Behind abandoned carts: steps, causes and lost sales, signals, carts and articles to follow up."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import ibis
import ibis.expr.types as ir
import numpy as np

from kpi_lib.customers.frames import table_of
from kpi_lib.customers.shop.carts import in_periods, states, visits, with_cause
from kpi_lib.customers.subscribed import dates, ratio, with_account
from kpi_lib.engine import run
from kpi_lib.periods import Period
from kpi_lib.schema import Tables
from kpi_lib.stats.share_limits import share_limits

if TYPE_CHECKING:
    import pandas as pd

SCORE_DAYS = 180
FILLED, LEFT = "visits that fill a cart", "carts left"
STEPS = ("visit", "product seen", "cart filled", "checkout", "ordered in time")
_STEP_KINDS = {"step": "string", "of_visits": "float64", "of_step_before": "float64"}
_STEP_KINDS |= {"visits": "int64"}


def shares_left(tables: Tables, rule: Any) -> ir.Table:
    """The share of an account's carts of the last 180 days that it left: account_id, score."""
    rows = states(tables, rule)
    since = tables.as_of - timedelta(days=SCORE_DAYS)
    rows = rows.filter(rows["account_id"].notnull(), rows["is_left"].notnull(), rows["day"] > since)
    return rows.group_by("account_id").aggregate(score=rows["is_left"].mean())


def _sessions(tables: Tables, periods: Sequence[Period], rule: Any) -> ir.Table:
    """Visits of the periods with cart (0 or 1) and ordered (0 or 1, null while young)."""
    carts = states(tables, rule)
    carts = carts.group_by(of=carts["session_id"]).aggregate(kept=carts["is_left"].min())
    shown = in_periods(visits(tables, rule), periods)
    joined = shown.left_join(carts, shown["session_id"] == carts["of"])
    one = ibis.ifelse(joined["of"].notnull(), 1, 0)
    return joined.mutate(cart=one, ordered=1 - joined["kept"])


def steps(tables: Tables, periods: Sequence[Period], rule: Any) -> ir.Table:
    """How far visits get: step, of_visits, of_step_before (shares), visits (number).

    A visit is counted at a step if it got there, and at all steps before it. Without page views the
    first step on record is the cart.
    """
    if "page_views" not in tables:
        rows = in_periods(states(tables, rule), periods)
        rows = rows.filter(rows["is_left"].notnull())
        sums = run(rows.aggregate(cart=rows.count(), ordered=(1 - rows["is_left"]).sum()))
        counts = {"cart filled": sums["cart"], "ordered in time": sums["ordered"]}
        return _funnel({name: int(value.fillna(0).iloc[0]) for name, value in counts.items()})
    rows = _sessions(tables, periods, rule)
    ordered = (rows["ordered"] == 1).fill_null(False)
    checkout = ordered | ((rows["saw_checkout"] == 1) & (rows["cart"] == 1))
    cart = rows["cart"] == 1
    product = cart | (rows["saw_product"] == 1)
    flags = (product | ~product, product, cart, checkout, ordered)
    sums = run(rows.aggregate(**{f"s{n}": rows.count(where=flag) for n, flag in enumerate(flags)}))
    return _funnel({name: int(sums[f"s{n}"].iloc[0]) for n, name in enumerate(STEPS)})


def _funnel(counts: dict[str, int]) -> ir.Table:
    import pandas as pd

    numbers = np.array(list(counts.values()), dtype=float)
    before = np.append(numbers[:1], numbers[:-1])
    with np.errstate(divide="ignore", invalid="ignore"):
        frame = pd.DataFrame(
            {
                "step": list(counts),
                "of_visits": numbers / numbers[0],
                "of_step_before": numbers / before,
                "visits": numbers.astype(int),
            }
        )
    return table_of(frame, _STEP_KINDS)


def causes(tables: Tables, periods: Sequence[Period], rule: Any) -> ir.Table:
    """Lost sales: cause, lost_amount (money), share (of the carts left), carts, ordered_anyway.

    The largest amount first, null where no cart has one. `ordered_anyway` is the share of the carts that met the same and were
    ordered: a cause that most carts survive is a weak one.
    """
    rows = in_periods(with_cause(tables, rule), periods)
    rows = rows.filter(rows["is_left"].notnull())
    left = rows["is_left"] == 1
    none = ibis.literal(0).cast("float64")
    sums = rows.group_by("cause").aggregate(
        lost_amount=ibis.ifelse(left, rows["amount"], none).sum(),
        amount=rows["amount"].sum(),
        carts=rows.count(where=left),
        met=rows.count(),
    )
    sums = _where_amounts_are_known(sums)
    whole = sums["carts"].sum().over(ibis.window())
    sums = sums.mutate(
        share=ratio(sums["carts"], whole), ordered_anyway=1.0 - ratio(sums["carts"], sums["met"])
    )
    shown = sums.select("cause", "lost_amount", "share", "carts", "ordered_anyway")
    return shown.order_by(ibis.desc("lost_amount"), ibis.desc("carts"), "cause")


def _where_amounts_are_known(sums: ir.Table) -> ir.Table:
    """`lost_amount` of each row, null where no cart at all has an amount: a shop that records none."""
    known = sums["amount"].sum().over(ibis.window()) > 0
    return sums.mutate(lost_amount=ibis.ifelse(known, sums["lost_amount"], ibis.null("float64")))


def by_period(tables: Tables, periods: Sequence[Period], rule: Any) -> ir.Table:
    """One row per period: left, filled_a_cart, still_young (shares), lost_amount, carts, visits."""
    rows = in_periods(states(tables, rule), periods)
    left = rows["is_left"] == 1
    none = ibis.literal(0).cast("float64")
    sums = rows.group_by(at=rows["period"]).aggregate(
        left=rows["is_left"].mean(),
        lost_amount=ibis.ifelse(left.fill_null(False), rows["amount"], none).sum(),
        amount=rows["amount"].sum(),
        carts=rows["is_left"].count(),
        still_young=ibis.ifelse(rows["is_left"].isnull(), 1, 0).cast("float64").mean(),
    )
    grid = dates({"period": [p.start for p in periods]})
    full = grid.left_join(sums, grid["period"] == sums["at"]).drop("at")
    full = full.mutate(
        **{n: full[n].fill_null(0).cast("float64") for n in ("lost_amount", "carts")}
    )
    full = _where_amounts_are_known(full)
    nothing = ibis.null("float64")
    if "page_views" not in tables:
        full = full.mutate(filled_a_cart=nothing, visits=nothing)
    else:
        seen = _sessions(tables, periods, rule)
        seen = seen.group_by(on=seen["period"]).aggregate(
            visits=seen.count().cast("float64"), cart=seen["cart"].sum()
        )
        full = full.left_join(seen, full["period"] == seen["on"])
        full = full.mutate(filled_a_cart=ratio(full["cart"], full["visits"]))
    names = ("left", "filled_a_cart", "still_young", "lost_amount", "carts", "visits")
    return full.select("period", *names).order_by("period")


_SIGNALS = {"period": "date", "figure": "string", "signal": "string"} | dict.fromkeys(
    ("share", "usual", "lower_limit", "upper_limit"), "float64"
)
_SIGNALS |= {"of": "int64"}


def signals(tables: Tables, periods: Sequence[Period], rule: Any) -> ir.Table:
    """Which figure left its limits when: period, figure, signal (above, below, ""), share, usual
    (share of all periods), lower_limit, upper_limit, of (how many visits or carts).

    Figures: visits that fill a cart, carts left, and for each cause the carts that met it and were left,
    of all carts. Limits of three standard errors (p-chart). Signals come first, the newest first.
    """
    import pandas as pd

    frame = pd.concat([_judged(*one) for one in _counted(tables, periods, rule)])
    first = frame["signal"] == ""
    frame = frame.assign(order=first.astype(int)).sort_values(
        ["order", "period", "figure"], ascending=[True, False, True]
    )
    rows = table_of(frame[list(_SIGNALS)], _SIGNALS)
    quiet = ibis.ifelse(rows["signal"] == "", 1, 0)
    return rows.order_by(quiet, ibis.desc("period"), "figure")


def _counted(
    tables: Tables, periods: Sequence[Period], rule: Any
) -> list[tuple[str, pd.DataFrame]]:
    """Per figure a frame of period, hits, of."""
    import pandas as pd

    rows = in_periods(with_cause(tables, rule), periods)
    rows = rows.filter(rows["is_left"].notnull())
    sums = rows.group_by("period", "cause").aggregate(hits=rows["is_left"].sum(), of=rows.count())
    frame = run(sums)
    starts = [p.start for p in periods]
    frame = frame.assign(period=pd.to_datetime(frame["period"]).dt.date)
    whole = frame.groupby("period")[["hits", "of"]].sum().reindex(starts, fill_value=0)
    found = [(LEFT, whole)]
    for cause, some in frame.groupby("cause"):
        hits = some.set_index("period")["hits"].reindex(starts, fill_value=0)
        found.append((f"left: {cause}", whole.assign(hits=hits)))
    if "page_views" in tables:
        seen = _sessions(tables, periods, rule)
        seen = seen.group_by("period").aggregate(hits=seen["cart"].sum(), of=seen.count())
        visits_frame = run(seen)
        days = pd.to_datetime(visits_frame["period"]).dt.date
        visits_frame = visits_frame.assign(period=days).set_index("period")
        found.append((FILLED, visits_frame.reindex(starts, fill_value=0)))
    return found


def _judged(figure: str, counts: pd.DataFrame) -> pd.DataFrame:
    hits, units = (counts[n].to_numpy(dtype=float) for n in ("hits", "of"))
    usual, lower, upper = share_limits(hits, units)
    share = np.divide(hits, units, out=np.full(len(units), np.nan), where=units > 0)
    signal = np.where(share > upper, "above", np.where(share < lower, "below", ""))
    return counts.reset_index(names="period").assign(
        figure=figure, signal=signal, share=share, usual=usual, lower_limit=lower,
        upper_limit=upper, of=units.astype(int),
    )  # fmt: skip


def _recent(tables: Tables, rule: Any) -> ir.Table:
    rows = with_cause(tables, rule)
    since = tables.as_of - timedelta(days=rule.recent_days)
    return rows.filter((rows["is_left"] == 1).fill_null(False), rows["day"] > since)


def left_carts(tables: Tables, rule: Any) -> ir.Table:
    """Carts left in the last `recent_days`, the largest amount first: account_id, account, owner,
    cart_id, created_on, amount, items, cause."""
    rows = with_account(tables, _recent(tables, rule))
    rows = rows.mutate(created_on=rows["day"]).order_by(ibis.desc("amount"), "cart_id")
    shown = ("account_id", "account", "owner", "cart_id", "created_on", "amount", "items", "cause")
    return rows.select(*shown)


def articles(tables: Tables, rule: Any) -> ir.Table:
    """Articles seen in the visits of carts left lately, for a tailored offer: account_id, account,
    owner, product_id, seen (times), carts_left, out_of_stock (yes, no), last_seen_on.

    The account with the largest amount left comes first.
    """
    kinds = {"account_id": "string", "account": "string", "owner": "string"}
    kinds |= {"product_id": "string", "seen": "int64", "carts_left": "int64"}
    kinds |= {"out_of_stock": "string", "last_seen_on": "date"}
    left = _recent(tables, rule)
    if "page_views" not in tables:
        return table_of(None, kinds)
    left = left.filter(left["account_id"].notnull())
    whole = left["amount"].sum().over(ibis.window(group_by="account_id"))
    left = left.mutate(stake=whole).select("account_id", "stake", "cart_id", of="session_id")
    views = tables["page_views"]
    views = views.filter(views["product_id"].notnull())
    rows = views.select("session_id", "product_id", "at", "in_stock")
    rows = rows.join(left, rows["session_id"] == left["of"])
    sums = rows.group_by("account_id", "stake", "product_id").aggregate(
        seen=rows.count(),
        carts_left=rows["cart_id"].nunique(),
        gone=ibis.ifelse((~rows["in_stock"]).fill_null(False), 1, 0).max(),
        last_seen_on=rows["at"].date().max(),
    )
    sums = sums.mutate(out_of_stock=ibis.ifelse(sums["gone"] == 1, "yes", "no"))
    named = with_account(tables, sums)
    named = named.order_by(ibis.desc("stake"), "account_id", ibis.desc("seen"), "product_id")
    return named.select(*kinds)
