"""CDNOW, 2,357 customers: the published BG/NBD and Gamma-Gamma figures."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kpi_lib.stats import purchases, spend
from kpi_lib.stats.future_orders import expected_orders, residual_orders
from tests.real.published import needs_real_data, real_file

pytestmark = needs_real_data

PRINTED = (0.243, 4.414, 0.793, 2.426)
TIMES = [0.1429, 1, 3, 31.8571, 32, 78]


@pytest.fixture(scope="module")
def customers() -> purchases.Histories:
    rows = pd.read_csv(real_file("lifetimes_cdnow/cdnow_customers_summary.csv"))
    assert len(rows) == 2_357
    return purchases.histories(rows["frequency"], rows["recency"], rows["T"])


@pytest.fixture(scope="module")
def repeat_spend() -> pd.DataFrame:
    """Repeat orders and their mean amount, from the transactions to 30 September 1997.

    The summary file rounds the means to cents, which moves the third parameter by a digit.
    """
    names = ["master", "customer", "day", "discs", "amount"]
    path = real_file("lifetimes_cdnow/CDNOW_sample.txt")
    rows = pd.read_csv(path, sep=r"\s+", header=None, names=names)
    rows = rows[rows["day"] <= 19970930]
    days = rows.groupby(["customer", "day"], as_index=False)["amount"].sum()
    first = days.groupby("customer")["day"].transform("min")
    again = days[days["day"] > first].groupby("customer")["amount"]
    found: pd.DataFrame = again.agg(["size", "mean"])
    return found


def test_published_fit(customers: purchases.Histories) -> None:
    """Fader, Hardie and Lee (2005), table 2."""
    found = purchases.fit(customers)
    assert found.r == pytest.approx(0.243, abs=0.0005)
    assert found.alpha == pytest.approx(4.414, abs=0.0005)
    assert found.a == pytest.approx(0.793, abs=0.0005)
    assert found.b == pytest.approx(2.426, abs=0.0005)
    assert found.log_likelihood == pytest.approx(-9582.4, abs=0.05)
    assert not found.on_edge


starts = st.tuples(*[st.floats(-5, 5)] * 4).map(lambda logs: tuple(np.exp(logs)))


@settings(
    max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(start=starts)
def test_the_fit_is_the_same_from_any_start(customers: purchases.Histories, start: Any) -> None:
    usual, other = purchases.fit(customers), purchases.fit(customers, start)
    np.testing.assert_allclose(other.parameters, usual.parameters, rtol=1e-6)


def test_published_expectations(customers: purchases.Histories) -> None:
    """E[X(t)] of the authors' spreadsheet; its last figure is tested below."""
    found = expected_orders(purchases.fit(customers).parameters, TIMES)
    np.testing.assert_allclose(found[:-1], [0.0078, 0.0532, 0.1506, 1.0405, 1.0437], atol=0.00005)


def test_the_published_1_8576_is_a_series_cut_off_after_150_terms(
    customers: purchases.Histories,
) -> None:
    """E[X(78)]: the spreadsheet prints 1.8576, the sum of 150 terms; the whole series is 1.8580."""
    parameters = purchases.fit(customers).parameters
    assert series(parameters, 78, 150) == pytest.approx(1.8576, abs=0.00005)
    whole = series(parameters, 78, 5_000)
    assert whole == pytest.approx(1.8580, abs=0.00005)
    assert expected_orders(parameters, 78) == pytest.approx(whole, rel=1e-9)


def series(parameters: Any, time: float, terms: int) -> float:
    """Equation 9 of Fader, Hardie and Lee (2005) with so many terms of its series."""
    r, alpha, a, b = parameters
    j = np.arange(1, terms + 1)
    z = time / (alpha + time)
    steps = (r + j - 1) * (b + j - 1) / ((a + b + j - 2) * j) * z
    whole = 1 + np.cumprod(steps).sum()
    return float((a + b - 1) / (a - 1) * (1 - (alpha / (alpha + time)) ** r * whole))


def test_published_conditional_expectation(customers: purchases.Histories) -> None:
    """Customer 1 (x 2, t_x 30.43, T 38.86) in the next 39 weeks: 1.226."""
    for parameters in (PRINTED, purchases.fit(customers).parameters):
        found = residual_orders(parameters, 2, 30.43, 38.86, 0.0, 39)
        assert found[0] == pytest.approx(1.226, abs=0.0005)


def test_published_chance_of_no_order() -> None:
    """P(X(39) = 0) at the printed parameters: .5737864."""
    assert purchases.chance_of_none(PRINTED, 39) == pytest.approx(0.5737864, abs=0.00000005)


def test_published_amounts(repeat_spend: pd.DataFrame) -> None:
    """Fader and Hardie, note 025: 946 customers with repeat orders."""
    assert len(repeat_spend) == 946
    data = spend.spending(repeat_spend["size"], repeat_spend["mean"])
    found = spend.fit(data)
    assert found.p == pytest.approx(6.25, abs=0.005)
    assert found.q == pytest.approx(3.74, abs=0.005)
    assert found.gamma == pytest.approx(15.44, abs=0.005)
    assert found.log_likelihood == pytest.approx(-4055.92, abs=0.005)
    gap = float(spend.mean_amount(found.parameters)) - repeat_spend["mean"].mean()
    assert gap == pytest.approx(0.09, abs=0.005)
