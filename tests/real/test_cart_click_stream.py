"""Click stream with three known incidents: each is a signal, in its weeks, with its cause."""

from __future__ import annotations

from datetime import date, timedelta

import pandas as pd
import pytest

from kpi_lib.data import open_dataset
from kpi_lib.engine import run
from kpi_lib.kpis.cart_abandonment import KPI, Params
from kpi_lib.measure import by_segment, measure, part
from kpi_lib.schema import Tables
from tests.real.published import HERE, needs_real_data, real_file

pytestmark = needs_real_data

PARAMS = Params(
    periods=26,
    product_pages=("product_view",),
    checkout_pages=("shipping_details", "payment_details", "purchase"),
    delivery_pages=(),
    comparison_pages=("compare",),
    trouble_pages=("payment_error", "checkout_bug"),
)
LOOP = (date(2024, 4, 9), date(2024, 5, 9))
PAYMENT = (date(2024, 5, 19), date(2024, 6, 7))
WAVE = (date(2024, 2, 29), date(2024, 3, 3))


@pytest.fixture(scope="module")
def shop() -> Tables:
    return open_dataset(HERE / "ecom_clickstream").as_of()


@pytest.fixture(scope="module")
def signals(shop: Tables) -> pd.DataFrame:
    found = part(KPI, shop, PARAMS, "signals")
    weeks = pd.to_datetime(found["period"]).dt.date
    return found.assign(period=weeks)[found["signal"] != ""]


def weeks_of(signals: pd.DataFrame, figure: str, signal: str) -> list[date]:
    chosen = (signals["figure"] == figure) & (signals["signal"] == signal)
    return sorted(signals.loc[chosen, "period"])


def overlaps(week: date, incident: tuple[date, date]) -> bool:
    return week <= incident[1] and week + timedelta(days=6) >= incident[0]


def test_counts_are_those_of_the_readme(shop: Tables) -> None:
    """README of the data: 600 users, 3,605 sessions, 1,213 with a cart, 470 purchases; 30 duplicates."""
    views = run(shop["page_views"])
    assert views["account_id"].str[:9].nunique() == 600
    assert views["session_id"].nunique() == 3_605
    rows = run(shop["carts"])
    assert len(rows) == 1_213
    assert rows["ordered_at"].notna().sum() == 470
    whole = pd.read_csv(real_file("ecom_clickstream/ecom.csv"))
    assert len(whole) - len(whole.drop_duplicates()) == 30


def test_the_share_left_is_that_of_the_file(shop: Tables) -> None:
    """Purchases follow within hours, so of all settled carts 1 - purchases / carts are left."""
    trend = measure(KPI, shop, PARAMS).trend
    rows = run(KPI.observe(shop, PARAMS))
    known = rows["value"].notna()
    carts = run(shop["carts"])
    young = carts["created_at"] > pd.Timestamp(2024, 6, 28)
    assert (~known).sum() == young.sum() > 0
    assert rows["value"].sum() == carts.loc[~young, "ordered_at"].isna().sum()
    assert trend["n"].sum() == (~young).sum()


def test_visits_get_from_step_to_step(shop: Tables) -> None:
    found = part(KPI, shop, PARAMS, "steps").set_index("step")["visits"]
    young_orders = 470 - found["ordered in time"]
    assert found["visit"] == 3_605
    assert found["cart filled"] == 1_213
    assert 0 <= young_orders < 20
    assert found.is_monotonic_decreasing


def test_the_payment_failure_is_a_signal_with_its_cause(signals: pd.DataFrame) -> None:
    expected = [date(2024, 5, 19), date(2024, 5, 26), date(2024, 6, 2)]
    assert weeks_of(signals, "left: payment_error", "above") == expected
    assert weeks_of(signals, "carts left", "above") == expected[:2]


def test_the_checkout_loop_is_a_signal_with_its_cause(shop: Tables, signals: pd.DataFrame) -> None:
    weeks = weeks_of(signals, "left: checkout_bug", "above")
    assert len(weeks) >= 2
    assert all(overlaps(week, LOOP) for week in weeks)
    # It is on mobile devices only: there the share left rises, on others it does not.
    split = by_segment(KPI, shop, PARAMS.model_copy(update={"segment": "segment"}))
    days = pd.to_datetime(split["period"]).dt.date
    during = (days >= LOOP[0]) & (days <= LOOP[1])
    left = split["value"] * split["n"]
    shares = {}
    for device in ("mobile", "desktop"):
        chosen = split["segment"] == device
        shares[device] = [
            left[chosen & when].sum() / split.loc[chosen & when, "n"].sum()
            for when in (during, days < LOOP[0])
        ]
    assert shares["mobile"][0] - shares["mobile"][1] > 0.1
    assert shares["mobile"][0] - shares["desktop"][0] > 0.1


def test_the_traffic_wave_shows_as_visits_that_fill_no_cart(signals: pd.DataFrame) -> None:
    """In this file the wave adds hardly any visits (48 in four days of about eleven each); its mark is
    that they fill no cart. It is the only week in which fewer visits do than chance explains."""
    weeks = weeks_of(signals, "visits that fill a cart", "below")
    assert len(weeks) == 1
    assert overlaps(weeks[0], WAVE)


def test_carts_without_amounts_have_no_lost_sales_in_money(shop: Tables) -> None:
    found = part(KPI, shop, PARAMS, "causes")
    assert found["lost_amount"].isna().all()
    assert found["share"].sum() == pytest.approx(1)
    assert part(KPI, shop, PARAMS, "by_period")["lost_amount"].isna().all()


def test_nothing_else_is_a_signal_of_trouble(signals: pd.DataFrame) -> None:
    trouble = signals[signals["figure"].isin(["left: payment_error", "left: checkout_bug"])]
    assert (trouble["signal"] == "above").all()
    assert all(overlaps(w, LOOP) or overlaps(w, PAYMENT) for w in trouble["period"])
