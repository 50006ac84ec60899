"""Behind early booking: prices by tier and weeks, against own orders, what only moved in time."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import ibis
import ibis.expr.types as ir

from kpi_lib.customers.frames import table_of
from kpi_lib.customers.shop.bookings import YEAR, in_periods, sold_lines
from kpi_lib.customers.shop.goods import grid_of
from kpi_lib.customers.subscribed import ratio, with_account
from kpi_lib.engine import run
from kpi_lib.periods import Period
from kpi_lib.schema import Tables
from kpi_lib.stats.moved import Moved, moved_share

if TYPE_CHECKING:
    import pandas as pd

GRACE = timedelta(days=7)
NO_BOOKING = "nothing was booked"
NO_YEAR = "the year before the first booking is not wholly on record"


def _sums(rows: ir.Table) -> dict[str, Any]:
    """The totals that every figure below is made from."""
    return {
        "pieces": rows["pieces"].sum(),
        "listed": rows["listed"].sum(),
        "realised": rows["realised"].sum(),
        "margin": rows["margin"].sum(),
        "freight": rows["freight"].sum(),
        "freighted": ibis.ifelse(rows["freight"].notnull(), rows["pieces"], ibis.literal(0.0)).sum(),
        "orders": rows["order_id"].nunique(),
    }  # fmt: skip


def _figures(sums: ir.Table) -> dict[str, Any]:
    """discount (share of list), price, freight and margin per piece."""
    return {
        "discount": 1.0 - ratio(sums["realised"], sums["listed"]),
        "price_per_piece": ratio(sums["realised"], sums["pieces"]),
        "freight_per_piece": ratio(sums["freight"], sums["freighted"]),
        "margin_per_piece": ratio(sums["margin"], sums["pieces"]),
    }


def by_period(tables: Tables, periods: Sequence[Period], rule: Any) -> ir.Table:
    """Of what was booked in each period: margin, price and freight per piece (money), discount,
    booked_share (of all pieces ordered), weeks_ahead (mean over pieces), orders, pieces."""
    rows = in_periods(tables, periods, rule)
    all_pieces = rows.group_by(on=rows["period"]).aggregate(every=rows["pieces"].sum())
    booked = rows.filter(rows["booked"])
    known = ibis.ifelse(booked["weeks"].notnull(), booked["pieces"], ibis.literal(0.0))
    sums = booked.group_by(at=booked["period"]).aggregate(
        **_sums(booked), advance=(booked["weeks"] * booked["pieces"]).sum(), known=known.sum()
    )
    grid = grid_of(periods)
    full = grid.left_join(sums, grid["period"] == sums["at"]).drop("at")
    full = full.left_join(all_pieces, full["period"] == all_pieces["on"])
    figures = _figures(full)
    return full.select(
        "period",
        margin_per_piece=figures["margin_per_piece"],
        price_per_piece=figures["price_per_piece"],
        freight_per_piece=figures["freight_per_piece"],
        discount=figures["discount"],
        booked_share=ratio(full["pieces"], full["every"]),
        weeks_ahead=ratio(full["advance"], full["known"]),
        orders=full["orders"].fill_null(0).cast("float64"),
        pieces=full["pieces"].fill_null(0.0),
    ).order_by("period")


def _tier(value: ir.NumericValue, steps: Sequence[int]) -> tuple[ir.NumericValue, dict[int, str]]:
    """The place of a value among the steps (0 is below the first), and how each place is called."""
    place: Any = ibis.literal(0)
    for step in steps:
        place = place + ibis.ifelse(value >= step, 1, 0)
    edges = [0, *steps]
    names = {0: f"below {steps[0]}"} if steps else {0: "all"}
    for n in range(1, len(edges)):
        most = f"{edges[n]} to {edges[n + 1] - 1}" if n + 1 < len(edges) else f"{edges[n]} and more"
        names[n] = most
    return place, names


_TIER = {"tier": "string"} | dict.fromkeys(
    ("beyond_own", "discount", "price_of_list", "freight_per_piece", "margin_of_list"), "float64"
)
_TIER |= {"orders": "int64", "pieces": "float64"}


def by_quantity(tables: Tables, periods: Sequence[Period], rule: Any) -> ir.Table:
    """Bookings by pieces: tier, beyond_own, discount (shares of list), price_of_list, freight_per_piece,
    margin_of_list, orders, pieces.

    beyond_own: the discount beyond that of the same accounts' other orders, null where they have none.
    """
    pieces = "pieces" if rule.tier_by == "line" else "order_pieces"
    return _by_tier(tables, periods, rule, pieces, rule.piece_steps, "")


def by_weeks(tables: Tables, periods: Sequence[Period], rule: Any) -> ir.Table:
    """The same by whole weeks from the order to the delivery agreed; orders without one are left out."""
    return _by_tier(tables, periods, rule, "weeks", rule.week_steps, " weeks")


def _by_tier(
    tables: Tables, periods: Sequence[Period], rule: Any, of: str, steps: Sequence[int], what: str
) -> ir.Table:
    rows = with_own(tables, periods, rule)
    rows = rows.filter(rows[of].notnull())
    place, names = _tier(rows[of], sorted(steps))
    rows = rows.mutate(place=place.cast("int64"))
    none = ibis.literal(0.0)
    known = rows["usual"].notnull()
    sums = rows.group_by("place").aggregate(
        **_sums(rows),
        expected=(rows["listed"] * rows["usual"]).sum(),
        compared=ibis.ifelse(known, rows["realised"], none).sum(),
        of_list=ibis.ifelse(known, rows["listed"], none).sum(),
    )
    figures = _figures(sums)
    told = sums.select(
        "place", "pieces", "orders",
        discount=figures["discount"], freight_per_piece=figures["freight_per_piece"],
        beyond_own=ratio(sums["expected"] - sums["compared"], sums["of_list"]),
        price_of_list=ratio(sums["realised"], sums["listed"]),
        margin_of_list=ratio(sums["margin"], sums["listed"]),
    )  # fmt: skip
    frame = run(told.order_by("place"))
    frame = frame.assign(tier=[f"{names[int(p)]}{what}" for p in frame["place"]])
    return table_of(frame[list(_TIER)], _TIER)


def with_own(tables: Tables, periods: Sequence[Period], rule: Any) -> ir.Table:
    """Booked lines of the periods, with `usual`: what the account's other orders realised over list."""
    rows = in_periods(tables, periods, rule)
    other = rows.filter(~rows["booked"])
    own = other.group_by(who=other["account_id"]).aggregate(
        usual=ratio(other["realised"].sum(), other["listed"].sum())
    )
    booked = rows.filter(rows["booked"])
    return booked.left_join(own, booked["account_id"] == own["who"]).drop("who")


_OWN = {"orders_of": "string"} | dict.fromkeys(
    ("amount_per_order", "pieces_per_order", "price_per_piece", "freight_per_piece"), "float64"
)
_OWN |= {"margin_per_piece": "float64", "discount": "float64", "orders": "int64"}
_OWN |= {"accounts": "int64"}
_KINDS = {2: "bookings", 1: "other orders of the same accounts", 0: "accounts that book nothing"}


def against_own(tables: Tables, periods: Sequence[Period], rule: Any) -> ir.Table:
    """Bookings, the same accounts' other orders, and orders of accounts that book nothing: orders_of,
    amount and pieces per order, price, freight and margin per piece, discount, orders, accounts."""
    rows = in_periods(tables, periods, rule)
    who = rows.filter(rows["booked"]).select(who="account_id").distinct()
    joined = rows.left_join(who, rows["account_id"] == who["who"])
    kind = ibis.ifelse(joined["booked"], 2, ibis.ifelse(joined["who"].notnull(), 1, 0))
    joined = joined.mutate(kind=kind.cast("int64"))
    sums = joined.group_by("kind").aggregate(
        **_sums(joined), accounts=joined["account_id"].nunique()
    )
    told = sums.select(
        "kind", "orders", "accounts",
        amount_per_order=ratio(sums["realised"], sums["orders"]),
        pieces_per_order=ratio(sums["pieces"], sums["orders"]), **_figures(sums),
    )  # fmt: skip
    frame = run(told.order_by(ibis.desc("kind")))
    frame = frame.assign(orders_of=[_KINDS[int(k)] for k in frame["kind"]])
    return table_of(frame[list(_OWN)], _OWN)


_MOVED = {"year_to": "string"} | dict.fromkeys(
    ("moved_share", "at_least", "at_most", "growth_of_others", "booked", "added"), "float64"
)
_MOVED |= {"accounts_that_book": "int64", "others": "int64", "reason": "string"}


def moved(tables: Tables, rule: Any) -> ir.Table:
    """In one row, what bookings only moved in time: year_to (last day), moved_share (of the pieces
    booked), at_least, at_most (its interval), growth_of_others (share), booked, added (pieces), accounts, reason."""
    import pandas as pd

    frame, reason = years_of(tables, rule)
    books = frame["booked"] > 0
    found = (
        Moved(reason=reason)
        if reason
        else moved_share(frame["before"], frame["after"], frame["booked"], rule.level)
    )
    row = {
        "year_to": tables.as_of.isoformat(), "moved_share": found.share, "at_least": found.low,
        "at_most": found.high, "growth_of_others": found.growth,
        "booked": float(frame["booked"].sum()), "added": found.added,
        "accounts_that_book": int(books.sum()), "others": int((~books).sum()),
        "reason": found.reason,
    }  # fmt: skip
    return table_of(pd.DataFrame([row]), _MOVED)


def years_of(tables: Tables, rule: Any) -> tuple[pd.DataFrame, str]:
    """Accounts that bought in both years: account_id, before, after, booked (pieces), and why not.

    Pieces count on the day on which they are due. The year before ends on the day before the first
    booking was placed, the year after on `as_of`: both hold each season once. Accounts that booked, but
    nothing that was due in the year after, are in neither kind and left out.
    """
    import pandas as pd

    rows = sold_lines(tables, rule)
    edges = run(
        rows.aggregate(begin=rows["day"].min(), first=rows["day"].min(where=rows["booked"]))
    )
    none = pd.DataFrame({"account_id": [], "before": [], "after": [], "booked": []}, dtype=float)
    if pd.isna(edges["first"].iloc[0]):
        return none, NO_BOOKING
    begin, first = (pd.Timestamp(edges[n].iloc[0]).date() for n in ("begin", "first"))
    if begin > first - YEAR + GRACE:
        return none, NO_YEAR
    due, today = rows["due_on"], tables.as_of
    early = (due >= first - YEAR) & (due < first)
    late = (due > today - YEAR) & (due <= today)
    zero = ibis.literal(0.0)
    sums = rows.group_by("account_id").aggregate(
        before=ibis.ifelse(early, rows["pieces"], zero).sum(),
        after=ibis.ifelse(late, rows["pieces"], zero).sum(),
        booked=ibis.ifelse(late & rows["booked"], rows["pieces"], zero).sum(),
        ever=ibis.ifelse(rows["booked"], 1, 0).max(),
    )
    both = sums.filter((sums["before"] > 0) & (sums["after"] > 0))
    both = both.filter((both["booked"] > 0) | (both["ever"] == 0))
    return run(both.drop("ever").order_by("account_id")), ""


_WHO = ("bookings", "pieces", "discount", "given", "basket", "own_basket", "margin_per_piece")


def who_books(tables: Tables, rule: Any) -> ir.Table:
    """Accounts that booked in the last 365 days, the largest discount first: account_id, account, owner,
    bookings, pieces, discount (share of list), given (money off list), basket, own_basket (amount per
    booking and per other order), margin_per_piece."""
    rows = sold_lines(tables, rule)
    rows = rows.filter(rows["day"] > tables.as_of - YEAR, rows["day"] <= tables.as_of)
    booked, other = rows.filter(rows["booked"]), rows.filter(~rows["booked"])
    own = other.group_by(who=other["account_id"]).aggregate(
        own_basket=ratio(other["realised"].sum(), other["order_id"].nunique())
    )
    sums = booked.group_by("account_id").aggregate(**_sums(booked))
    joined = sums.left_join(own, sums["account_id"] == own["who"]).drop("who")
    figures = _figures(joined)
    told = joined.mutate(
        bookings=joined["orders"], discount=figures["discount"],
        given=joined["listed"] - joined["realised"],
        basket=ratio(joined["realised"], joined["orders"]),
        margin_per_piece=figures["margin_per_piece"],
    )  # fmt: skip
    shown = with_account(tables, told.select("account_id", *_WHO))
    shown = shown.order_by(ibis.desc("given"), "account_id")
    return shown.select("account_id", "account", "owner", *_WHO)
