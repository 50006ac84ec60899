"""Orders and their lines: seasons, prices that rise, and a booking programme."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from data.sample.generator.tools import (
    DAY,
    LAST_DAY,
    MINUTE,
    NEVER,
    Flags,
    Floats,
    Ints,
    add_months,
    dates,
    day,
    ids,
    labels,
    moments,
    pick,
    stream,
    within_group,
    year_of,
)
from data.sample.generator.truth import TRUTH
from data.sample.generator.wholesale_accounts import account_ids

FIRST_ORDER_DAY = "2023-01-01"
_BOOKING_SINCE = "2024-05-01"
# Weight of each month, January first: tyres are changed in April and in October.
_SEASON = (0.5, 0.5, 1.0, 1.9, 1.4, 0.7, 0.5, 0.6, 1.0, 2.0, 1.5, 0.6)
_WINTER_PRODUCTS, _SUMMER_PRODUCTS, _WHEELS = 50, 45, 25
PRODUCTS = ids("T", np.arange(_WINTER_PRODUCTS + _SUMMER_PRODUCTS + _WHEELS), 3)
_UNIT_TIERS = ((96, 0.08), (48, 0.05), (24, 0.03))
_WEEK_TIERS = ((18, 0.06), (14, 0.04), (10, 0.02))


@dataclass(frozen=True)
class Orders:
    """Orders (one row each) and lines (`order` = row of the order)."""

    orders: pd.DataFrame
    lines: pd.DataFrame


def make_orders(accounts: pd.DataFrame, seed: int) -> Orders:
    """Return all orders up to the last day; what is booked replaces orders of the season."""
    drawn = _drawn_orders(accounts, stream(seed, "wholesale", "orders"))
    lines = _drawn_lines(drawn, stream(seed, "wholesale", "lines"))
    booked = _book(drawn, accounts, stream(seed, "wholesale", "booking"))
    moved = booked["booking"].to_numpy()[booked["order_of"].to_numpy()[lines["order"]]]
    added = np.where(moved, lines["quantity"] * 5 // 4, lines["quantity"])
    lines = lines.assign(order=booked["order_of"].to_numpy()[lines["order"]], quantity=added)
    return _known(booked, lines, accounts)


def _drawn_orders(accounts: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """Orders as they would come without the booking programme, half a year past the last day."""
    months = np.arange(np.datetime64(FIRST_ORDER_DAY, "M"), np.datetime64("2027-01", "M"))
    first = months.astype("M8[D]").astype(np.int64)
    weight = np.array(_SEASON)[months.astype(np.int64) % 12] / np.sum(_SEASON)
    counts = rng.poisson(accounts["rate"].to_numpy()[:, None] * weight)
    account, month = np.nonzero(counts)
    repeat = counts[account, month]
    account, month = np.repeat(account, repeat), np.repeat(month, repeat)
    length = np.diff(np.append(first, add_months(first[-1:], 1)))
    on = first[month] + (rng.random(len(month)) * length[month]).astype(np.int64)
    there = (on > accounts["signed"].to_numpy()[account]) & (
        on <= accounts["gone"].to_numpy()[account]
    )
    frame = pd.DataFrame({"account": account, "on": on})[there]
    frame = frame.sort_values(["on", "account"], kind="stable").reset_index(drop=True)
    minute = rng.integers(8 * 60, 18 * 60, len(frame)) * MINUTE
    return frame.assign(at=frame["on"] * DAY + minute, month=_month(frame["on"].to_numpy()))


def _drawn_lines(orders: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """Items per order do not change over the years; list prices rise each January."""
    counts = 1 + rng.poisson(1.2, len(orders))
    order = np.repeat(np.arange(len(orders)), counts)
    winter = orders["month"].isin([8, 9, 10, 11, 12]).to_numpy()[order]
    tyre = np.where(
        winter,
        rng.integers(0, _WINTER_PRODUCTS, len(order)),
        _WINTER_PRODUCTS + rng.integers(0, _SUMMER_PRODUCTS, len(order)),
    )
    wheel = len(PRODUCTS) - 1 - rng.integers(0, _WHEELS, len(order))
    product = np.where(rng.random(len(order)) < 0.2, wheel, tyre)
    base = np.round(rng.uniform(90, 260, len(PRODUCTS)), 0)
    year = year_of(orders["on"].to_numpy())[order]
    return pd.DataFrame(
        {
            "order": order,
            "product": product,
            "quantity": 4 * (1 + rng.poisson(0.8, len(order))),
            "list_price": np.round(base[product] * (1 + TRUTH.price_growth) ** (year - 2023), 2),
        }
    )


def _book(orders: pd.DataFrame, accounts: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """Accounts that book place half of a season's orders as one, months ahead.

    `order_of` is the row that stands for the order: itself, or the booking it is part of. A booked
    quantity is a quarter larger than what it replaces: 80 % moved in time, 20 % added.
    """
    season = np.select(
        [orders["month"].isin([9, 10, 11]), orders["month"].isin([3, 4, 5])],
        ["winter", "summer"],
        "",
    )
    year = year_of(orders["on"].to_numpy())
    deliver = np.array(
        [_deliver_on(name, number) for name, number in zip(season, year, strict=True)]
    )
    books = accounts["books"].to_numpy()[orders["account"]]
    picked = (season != "") & books & (rng.random(len(orders)) < 0.5)
    picked &= deliver > day(_BOOKING_SINCE) + 60
    key = np.where(picked, orders["account"] * 10_000 + year * 2 + (season == "winter"), -1)
    first = pd.Series(np.arange(len(orders))).groupby(key).transform("min").to_numpy()
    order_of = np.where(picked, first, np.arange(len(orders)))
    is_booking = picked & (order_of == np.arange(len(orders)))
    deliver = deliver + rng.integers(0, 30, len(orders))
    placed = deliver - 7 * rng.integers(8, 21, len(orders)) - rng.integers(0, 7, len(orders))
    clock = orders["at"].to_numpy() - orders["on"].to_numpy() * DAY
    on = np.where(is_booking, placed, orders["on"])
    return orders.assign(
        on=on,
        at=on * DAY + clock,
        booking=is_booking,
        order_of=order_of,
        deliver=np.where(is_booking, deliver, NEVER),
    )


def _deliver_on(season: str, year: int) -> int:
    return day(f"{year}-09-05") if season == "winter" else day(f"{year}-03-05")


def _known(orders: pd.DataFrame, lines: pd.DataFrame, accounts: pd.DataFrame) -> Orders:
    """Keep what was ordered by the last day and put it in order of time."""
    itself = orders["order_of"].to_numpy() == np.arange(len(orders))
    signed = accounts["signed"].to_numpy()[orders["account"]]
    kept = orders[itself & (orders["on"] <= LAST_DAY) & (orders["on"] > signed)]
    kept = kept.sort_values(["at", "account"], kind="stable")
    place = pd.Series(np.arange(len(kept)), index=kept.index)
    lines = lines[lines["order"].isin(kept.index)]
    lines = lines.assign(order=lines["order"].map(place)).sort_values("order", kind="stable")
    kept = kept.reset_index(drop=True)
    units = lines.groupby("order")["quantity"].sum()
    kept["units"] = units.to_numpy()
    kept["discount"] = accounts["discount"].to_numpy()[kept["account"]] + _booking_discount(kept)
    price = lines["list_price"] * (1 - kept["discount"].to_numpy()[lines["order"]])
    lines = lines.assign(unit_price=np.round(price, 2)).reset_index(drop=True)
    amount = (lines["quantity"] * lines["unit_price"]).groupby(lines["order"]).sum()
    return Orders(kept.assign(amount=np.round(amount.to_numpy(), 2)), lines)


def _booking_discount(orders: pd.DataFrame) -> Floats:
    weeks = (orders["deliver"] - orders["on"]) // 7
    by_units = np.select(
        [orders["units"] >= least for least, _ in _UNIT_TIERS], [r for _, r in _UNIT_TIERS], 0.0
    )
    by_weeks = np.select(
        [weeks >= least for least, _ in _WEEK_TIERS], [r for _, r in _WEEK_TIERS], 0.0
    )
    return np.asarray(np.where(orders["booking"], by_units + by_weeks, 0.0), dtype=np.float64)


def _month(days: Ints) -> Ints:
    return np.asarray(days.astype("M8[D]").astype("M8[M]").astype(np.int64) % 12 + 1)


def order_ids(orders: pd.DataFrame) -> NDArray[np.object_]:
    """Return B00001, B00002, ... in order of time."""
    return ids("B", np.arange(len(orders)), 5)


def fates(orders: pd.DataFrame, seed: int) -> tuple[Flags, Flags]:
    """Return which orders are cancelled and which are sent back."""
    rng = stream(seed, "wholesale", "fates")
    cancelled = rng.random(len(orders)) < 0.025
    return cancelled, ~cancelled & (rng.random(len(orders)) < 0.02)


def orders_table(
    accounts: pd.DataFrame, orders: pd.DataFrame, channel: NDArray[np.object_], seed: int
) -> pd.DataFrame:
    """Return the orders as known on the last day."""
    rng = stream(seed, "wholesale", "shipping")
    on, booking = orders["on"].to_numpy(), orders["booking"].to_numpy()
    cancelled, returned = fates(orders, seed)
    shipped = np.where(booking, orders["deliver"], on + 1 + rng.integers(0, 3, len(on)))
    returned_on = shipped + rng.integers(4, 20, len(on))
    freight = np.where(booking, 60 + 0.9 * orders["units"], 18 + 2.6 * orders["units"])
    return pd.DataFrame(
        {
            "order_id": order_ids(orders),
            "account_id": account_ids(accounts)[orders["account"]],
            "ordered_at": moments(orders["at"].to_numpy()),
            "shipped_on": dates(np.where(cancelled, NEVER, shipped), hide_after=LAST_DAY),
            "cancelled_on": dates(
                np.where(cancelled, on + rng.integers(0, 3, len(on)), NEVER), hide_after=LAST_DAY
            ),
            "returned_on": dates(np.where(returned, returned_on, NEVER), hide_after=LAST_DAY),
            "channel": channel,
            "booking": booking,
            "deliver_on": dates(orders["deliver"].to_numpy()),
            "freight": np.round(freight, 2),
        }
    )


def channels(orders: pd.DataFrame, seed: int) -> NDArray[np.object_]:
    """Return how each order came in: the web shop's share grows."""
    rng = stream(seed, "wholesale", "channels")
    web = 0.5 + 0.05 * (year_of(orders["on"].to_numpy()) - 2023)
    other = pick(rng, {"phone": 0.65, "sales rep": 0.35}, len(orders))
    return np.where(rng.random(len(orders)) < web, "web", other).astype(object)


def lines_table(orders: pd.DataFrame, lines: pd.DataFrame) -> pa.Table:
    """Return the order lines."""
    order = lines["order"].to_numpy()
    counts = np.bincount(order, minlength=len(orders))
    return pa.table(
        {
            "order_id": pa.array(order_ids(orders)[order], pa.string()),
            "line_no": pa.array(within_group(counts) + 1, pa.int64()),
            "product_id": labels(lines["product"].to_numpy(), PRODUCTS),
            "quantity": pa.array(lines["quantity"].to_numpy().astype(np.float64)),
            "list_price": pa.array(lines["list_price"].to_numpy()),
            "unit_price": pa.array(lines["unit_price"].to_numpy()),
        }
    )


def revenue_by_year(orders: pd.DataFrame, accounts: pd.DataFrame) -> dict[int, Floats]:
    """Return the sales per account of each full calendar year."""
    year = year_of(orders["on"].to_numpy())
    return {
        number: np.asarray(
            np.bincount(
                orders["account"][year == number],
                weights=orders["amount"][year == number],
                minlength=len(accounts),
            ),
            dtype=np.float64,
        )
        for number in (2023, 2024, 2025)
    }
