"""The web shop: carts, ordered or left, and the pages seen before."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from data.sample.generator.tools import (
    DAY,
    LAST_DAY,
    NEVER,
    Floats,
    Ints,
    day,
    ids,
    labels,
    moments,
    pick,
    stream,
)
from data.sample.generator.truth import TRUTH
from data.sample.generator.wholesale_accounts import account_ids
from data.sample.generator.wholesale_orders import PRODUCTS, order_ids

_SHOP_SINCE = "2025-01-01"
_LEFT_SHARE = 0.42
_SECOND = 1_000_000
_HOUR = 3600 * _SECOND
_PAGES = np.array(
    ["home", "search", "product", "cart", "delivery_cost", "checkout", "confirmation"], dtype=object
)
_IN, _OUT, _NONE = 1, 0, -1


@dataclass(frozen=True)
class Visit:
    """A kind of visit: its pages; a product page names the product (a, b) and '-' if out of stock."""

    pages: tuple[str, ...]
    anchor: str


_VISITS = {
    "ordered": Visit(("home", "search", "a", "cart", "checkout", "confirmation"), "confirmation"),
    "ordered_delivery": Visit(
        ("search", "a", "b", "cart", "delivery_cost", "checkout", "confirmation"), "confirmation"
    ),
    "ordered_scarce": Visit(("search", "b-", "a", "cart", "checkout", "confirmation"), "confirmation"),
    "ordered_later": Visit(("home", "search", "a", "cart"), "cart"),
    "out_of_stock": Visit(("home", "search", "a", "cart", "b-"), "cart"),
    "price_comparison": Visit(("search", "a", "b", "a", "cart", "b", "a"), "cart"),
    "comparison_before": Visit(("search", "b", "a", "b", "a"), "search"),
    "delivery_cost": Visit(("search", "a", "cart", "delivery_cost"), "cart"),
    "other": Visit(("home", "search", "a", "cart"), "cart"),
    "browse": Visit(("home", "search", "a", "b"), "home"),
    "browse_scarce": Visit(("search", "a-",), "search"),
}  # fmt: skip
_CAUSES = {
    "out_of_stock": TRUTH.stock_out_share,
    "price_comparison": TRUTH.price_comparison_share,
    "delivery_cost": TRUTH.delivery_cost_share,
    "other": 1 - TRUTH.stock_out_share - TRUTH.price_comparison_share - TRUTH.delivery_cost_share,
}


def make_shop(
    accounts: pd.DataFrame, orders: pd.DataFrame, channel: NDArray[np.object_], seed: int
) -> tuple[pd.DataFrame, pa.Table]:
    """Return the carts and the page views since 2025."""
    ordered = _ordered(orders, channel, stream(seed, "wholesale", "ordered carts"))
    left = _left(ordered, stream(seed, "wholesale", "left carts"))
    others = _without_cart(left, ordered, stream(seed, "wholesale", "browsing"))
    visits = pd.concat([ordered, left, others], ignore_index=True)
    visits = visits[visits["at"] < (LAST_DAY + 1) * DAY].sort_values(
        ["at", "account"], kind="stable"
    )
    visits = visits.reset_index(drop=True)
    views = _views(visits, stream(seed, "wholesale", "page views"))
    return _carts_table(accounts, orders, visits, views), _views_table(accounts, views)


def _ordered(
    orders: pd.DataFrame, channel: NDArray[np.object_], rng: np.random.Generator
) -> pd.DataFrame:
    web = (
        (channel == "web")
        & ~orders["booking"].to_numpy()
        & (orders["on"] >= day(_SHOP_SINCE)).to_numpy()
    )
    row = np.flatnonzero(web)
    kinds = {"ordered": 0.6, "ordered_delivery": 0.22, "ordered_scarce": 0.08, "ordered_later": 0.1}
    kind = pick(rng, kinds, len(row))
    later = (kind == "ordered_later") * rng.integers(1, 4, len(row)) * DAY
    return pd.DataFrame(
        {
            "account": orders["account"].to_numpy()[row],
            "at": orders["at"].to_numpy()[row] - later,
            "kind": kind,
            "order": row,
            "ordered": orders["at"].to_numpy()[row],
            "amount": orders["amount"].to_numpy()[row],
            "items": orders["units"].to_numpy()[row],
        }
    )


def _left(ordered: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """Carts nobody ordered, by the same accounts around the same time, more of them in October."""
    october = (ordered["at"] // DAY).to_numpy().astype("M8[D]").astype("M8[M]").astype(
        np.int64
    ) % 12 == 9
    weight: Floats = np.where(october, 1.6, 1.0)
    size = round(len(ordered) * _LEFT_SHARE / (1 - _LEFT_SHARE))
    like = rng.choice(len(ordered), size=size, p=weight / weight.sum())
    factor = np.exp(0.3 * rng.standard_normal(size))
    shift = rng.integers(-4, 5, size) * DAY + rng.integers(0, 3600, size) * _SECOND
    at = np.maximum(ordered["at"].to_numpy()[like] + shift, day(_SHOP_SINCE) * DAY + 9 * _HOUR)
    return pd.DataFrame(
        {
            "account": ordered["account"].to_numpy()[like],
            "at": at,
            "kind": pick(rng, _CAUSES, size),
            "order": -1,
            "ordered": NEVER * DAY,
            "amount": np.round(ordered["amount"].to_numpy()[like] * factor, 2),
            "items": np.maximum(1, np.rint(ordered["items"].to_numpy()[like] * factor)).astype(
                np.int64
            ),
        }
    )


def _without_cart(
    left: pd.DataFrame, ordered: pd.DataFrame, rng: np.random.Generator
) -> pd.DataFrame:
    """Visits that put nothing into a cart; those who compare prices came a day before, too."""
    compared = left[left["kind"] == "price_comparison"]
    before = compared.assign(kind="comparison_before", at=compared["at"] - DAY)
    like = rng.choice(len(ordered), size=round(0.7 * len(ordered)))
    browse = ordered.iloc[like].assign(
        kind=pick(rng, {"browse": 0.8, "browse_scarce": 0.2}, len(like)),
        at=ordered["at"].to_numpy()[like] - rng.integers(1, 9, len(like)) * DAY,
    )
    browse = browse.assign(account=np.where(rng.random(len(like)) < 0.1, -1, browse["account"]))
    frame = pd.concat([before, browse])
    frame = frame[frame["at"] >= day(_SHOP_SINCE) * DAY]
    return frame.assign(order=-1, ordered=NEVER * DAY, amount=np.nan, items=0)


def _views(visits: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """One row per page seen, in order of time."""
    parts = []
    for kind, visit in _VISITS.items():
        row = np.flatnonzero(visits["kind"] == kind)
        parts.append(_views_of(visits, row, visit, rng))
    frame = pd.concat(parts, ignore_index=True)
    frame = frame[frame["at"] < (LAST_DAY + 1) * DAY]
    return frame.sort_values(["at", "visit"], kind="stable").reset_index(drop=True)


def _views_of(
    visits: pd.DataFrame, row: Ints, visit: Visit, rng: np.random.Generator
) -> pd.DataFrame:
    size, length = len(row), len(visit.pages)
    gaps = rng.integers(15, 150, (size, length)) * _SECOND
    offset = np.cumsum(gaps, axis=1)
    place = visit.pages.index(visit.anchor)
    at = visits["at"].to_numpy()[row][:, None] + offset - offset[:, [place]]
    products = rng.integers(0, len(PRODUCTS), (size, 2))
    shown = np.array(
        [{"a": 0, "b": 1}.get(page[0], -1) if len(page) <= 2 else -1 for page in visit.pages]
    )
    names = [
        "product" if code >= 0 else page for code, page in zip(shown, visit.pages, strict=True)
    ]
    stock = [_NONE if code < 0 else (_OUT if page.endswith("-") else _IN)
             for code, page in zip(shown, visit.pages, strict=True)]  # fmt: skip
    pages = [list(_PAGES).index(name) for name in names]
    return pd.DataFrame(
        {
            "visit": np.repeat(row, length),
            "account": np.repeat(visits["account"].to_numpy()[row], length),
            "at": at.ravel(),
            "page": np.tile(pages, size),
            "product": np.where(shown >= 0, products[:, np.maximum(shown, 0)], -1).ravel(),
            "in_stock": np.tile(stock, size),
        }
    )


def _carts_table(
    accounts: pd.DataFrame, orders: pd.DataFrame, visits: pd.DataFrame, views: pd.DataFrame
) -> pd.DataFrame:
    """A cart is created when the page `cart` is first seen."""
    created = views[_PAGES[views["page"]] == "cart"].groupby("visit")["at"].min()
    rows = visits.loc[created.index].assign(created=created)
    rows = rows.sort_values(["created", "account"], kind="stable")
    order = rows["order"].to_numpy()
    return pd.DataFrame(
        {
            "cart_id": ids("G", np.arange(len(rows)), 5),
            "account_id": account_ids(accounts)[rows["account"]],
            "session_id": ids("V", rows.index.to_numpy(), 5),
            "created_at": moments(rows["created"].to_numpy()),
            "ordered_at": moments(rows["ordered"].to_numpy()),
            "order_id": np.where(order >= 0, order_ids(orders)[np.maximum(order, 0)], None),
            "amount": rows["amount"].to_numpy(),
            "items": rows["items"].to_numpy(),
        }
    )


def _views_table(accounts: pd.DataFrame, views: pd.DataFrame) -> pa.Table:
    stock = views["in_stock"].to_numpy()
    sessions = ids("V", np.arange(int(views["visit"].max()) + 1), 5)
    return pa.table(
        {
            "session_id": labels(views["visit"].to_numpy(), sessions),
            "account_id": labels(views["account"].to_numpy(), account_ids(accounts)),
            "at": pa.array(views["at"].to_numpy(), pa.timestamp("us")),
            "page": labels(views["page"].to_numpy(), _PAGES),
            "product_id": labels(views["product"].to_numpy(), PRODUCTS),
            "in_stock": pa.array(stock == _IN, pa.bool_(), mask=stock == _NONE),
        }
    )
