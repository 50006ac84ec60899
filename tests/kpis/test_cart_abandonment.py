"""Cart abandonment: the window, young carts, causes and their order, the planted truth."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from data.sample.generator.truth import TRUTH
from kpi_lib.data import open_dataset
from kpi_lib.engine import run
from kpi_lib.example import small_company
from kpi_lib.kpis.cart_abandonment import KPI, Params
from kpi_lib.measure import behind, measure, part
from kpi_lib.schema import Tables
from kpi_lib.stats.share_limits import share_limits

SAMPLE = Path(__file__).parents[2] / "data" / "sample" / "wholesale"
AS_OF = date(2026, 3, 31)
MADE = datetime(2026, 3, 20, 9)
Row = dict[str, Any]


def cart(name: str, hours: float | None = None, made: datetime = MADE, **more: Any) -> Row:
    """A cart ordered after so many hours, or never."""
    ordered = None if hours is None else made + timedelta(hours=hours)
    told = {"cart_id": name, "account_id": "ann", "session_id": f"v-{name}", "created_at": made}
    return told | {"ordered_at": ordered, "amount": 100.0, "items": 4} | more


def visit(name: str, *pages: str, made: datetime = MADE, account: str = "ann") -> list[Row]:
    """Page views a minute apart; p1 is a product, p1- one out of stock."""
    rows = []
    for place, page in enumerate(pages):
        is_product = page[0] == "p" and page[1:].rstrip("-").isdigit()
        rows.append({
            "session_id": f"v-{name}", "account_id": account, "at": made + timedelta(minutes=place),
            "page": "product" if is_product else page,
            "product_id": page.rstrip("-") if is_product else None,
            "in_stock": not page.endswith("-") if is_product else None,
        })  # fmt: skip
    return rows


def shop(carts: list[Row], views: list[Row] | None = None) -> Tables:
    tables: dict[str, list[Row]] = {"carts": carts}
    return small_company(AS_OF, **tables, **({} if views is None else {"page_views": views}))


def left(tables: Tables, **params: Any) -> dict[str, float]:
    rows = run(KPI.observe(tables, Params(periods=4, **params)))
    return {r["unit_id"]: r["value"] for r in rows.to_dict("records")}


def test_the_published_example() -> None:
    """2,500 carts abandoned and 650 ordered are an abandonment of 79.4 %."""
    carts = [cart(f"l{n}") for n in range(2_500)] + [cart(f"o{n}", 1) for n in range(650)]
    found = measure(KPI, shop(carts), Params(periods=4)).trend
    value = found.loc[found["n"] > 0, "value"].iloc[0]
    assert round(100 * value, 1) == 79.4


def test_the_window_decides() -> None:
    tables = shop([cart("soon", 1), cart("edge", 48), cart("late", 49), cart("never")])
    assert left(tables) == {"soon": 0, "edge": 0, "late": 1, "never": 1}
    assert left(tables, window_hours=24)["edge"] == 1


def test_a_young_cart_is_neither_left_nor_ordered() -> None:
    """The last day ends at midnight, so a cart of the 30th at 0:00 is just old enough."""
    edge, young = datetime(2026, 3, 30), datetime(2026, 3, 30, 0, 1)
    found = left(shop([cart("old", made=edge), cart("a", made=young), cart("b", 1, made=young)]))
    assert found["old"] == 1
    assert np.isnan(found["a"])
    assert np.isnan(found["b"])


def test_a_share_of_amounts() -> None:
    tables = shop([cart("left", amount=300.0), cart("ordered", 1, amount=100.0)])
    found = measure(KPI, tables, Params(periods=4, weight="amount")).trend["value"].dropna()
    assert found.tolist() == [0.75]


def causes(views: list[Row], names: list[str], **params: Any) -> dict[str, str]:
    tables = shop([cart(name) for name in names], views)
    found = behind(KPI, tables, Params(**params))
    return dict(zip(found["cart_id"], found["cause"], strict=True))


def test_causes_are_read_from_the_pages_of_the_visit() -> None:
    views = [
        *visit("stock", "p1", "cart", "p2-"),
        *visit("compared", "p1", "p2", "cart", "p1"),
        *visit("delivery", "p3", "cart", "delivery_cost"),
        *visit("other", "p4", "cart"),
        *visit("several", "p1-", "p2", "p1", "delivery_cost"),
        *visit("broken", "p5-", "payment_error", "checkout_bug"),
    ]
    names = ["stock", "compared", "delivery", "other", "several", "broken", "unseen"]
    found = causes(views, names, trouble_pages=("payment_error", "checkout_bug"), compare_days=0)
    assert found["stock"] == found["several"] == "out of stock"
    assert found["compared"] == "price comparison"
    assert found["delivery"] == "delivery cost shown"
    assert found["other"] == "other"
    assert found["broken"] == "payment_error"
    assert found["unseen"] == "no pages on record"


def test_an_article_of_the_visit_before_was_compared() -> None:
    views = [
        *visit("before", "p7", made=MADE - timedelta(days=2)),
        *visit("now", "p7", "cart"),
        *visit("stranger", "p7", "cart", account="bob"),
    ]
    assert causes(views, ["now"])["now"] == "price comparison"
    assert causes(views, ["now"], compare_days=1)["now"] == "other"
    assert causes(views, ["stranger"])["stranger"] == "other"


def test_reloading_an_article_is_no_comparison() -> None:
    assert causes(visit("r", "p1", "home", "p1", "cart"), ["r"])["r"] == "other"


def test_without_page_views_the_share_is_there_and_the_cause_is_not() -> None:
    tables = shop([cart("a"), cart("b", 1)])
    found = part(KPI, tables, Params(periods=4), "causes")
    assert found["cause"].tolist() == ["no pages on record"]
    assert part(KPI, tables, Params(periods=4), "steps")["visits"].tolist() == [2, 1]


def test_steps_only_fall() -> None:
    views = [*visit("a", "home"), *visit("b", "p1"), *visit("c", "p1", "cart")]
    views += visit("d", "p1", "cart", "checkout")
    tables = shop([cart("c"), cart("d", 1)], views)
    found = part(KPI, tables, Params(periods=4), "steps")
    assert found["visits"].tolist() == [4, 3, 2, 1, 1]


def test_limits_of_a_share() -> None:
    """Montgomery's form: centre +- 3 sqrt(p (1 - p) / n), here p = 0.2 and n = 100 and 400."""
    centre, low, high = share_limits([20, 80, 0], [100, 400, 0])
    assert centre == 0.2
    np.testing.assert_allclose(low[:2], [0.08, 0.14])
    np.testing.assert_allclose(high[:2], [0.32, 0.26])
    assert np.isnan(low[2])
    assert np.isnan(share_limits([], [])[0])


@cache
def sample() -> Tables:
    return open_dataset(SAMPLE).as_of()


def test_the_planted_causes_are_found() -> None:
    """Planted: 42 % of carts are left; stock 40 %, prices 25 %, delivery cost 20 %, other 15 %.

    Orders that came after more than two days make a few more carts left, all with the cause other.
    """
    params = Params(period="quarter", periods=6, window_hours=120)
    found = part(KPI, sample(), params, "causes").set_index("cause")["share"]
    assert found["out of stock"] == pytest.approx(TRUTH.stock_out_share, abs=0.04)
    assert found["price comparison"] == pytest.approx(TRUTH.price_comparison_share, abs=0.04)
    assert found["delivery cost shown"] == pytest.approx(TRUTH.delivery_cost_share, abs=0.04)
    assert found.sum() == pytest.approx(1)
    rows = run(KPI.observe(sample(), params))["value"]
    assert rows.mean() == pytest.approx(0.42, abs=0.02)


def test_the_parts_are_the_same_carts() -> None:
    params = Params(period="quarter", periods=6)
    rows = run(KPI.observe(sample(), params))
    found = part(KPI, sample(), params, "causes")
    assert found["carts"].sum() == rows["value"].sum()
    by = part(KPI, sample(), params, "by_period")
    assert by["carts"].sum() == rows["value"].notna().sum()
    settled = by["carts"] / (1 - by["still_young"])
    assert (settled - by["carts"]).sum() == pytest.approx(rows["value"].isna().sum())
    assert by["lost_amount"].sum() == pytest.approx(found["lost_amount"].sum())


@pytest.mark.parametrize(("by_cart", "fires"), [(1, True), (2, False)])
def test_where_orders_come_by_telephone_carts_say_little(by_cart: int, fires: bool) -> None:
    """Ten orders since the first cart, one or two of which came out of a cart."""
    carts = [cart(f"c{n}", 1 if n < by_cart else None) for n in range(4)]
    orders = [{"order_id": f"o{n}", "account_id": "ann", "ordered_at": MADE} for n in range(10)]
    rule = next(rule for rule in KPI.fit_rules if rule.name == "few orders by cart")
    outcome = rule.check(small_company(AS_OF, carts=carts, orders=orders), Params())
    assert outcome is not None
    assert outcome.fires is fires
    assert outcome.substitute == ("repeat_orders" if fires else "")
