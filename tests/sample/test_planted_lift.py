"""Lift on the sample: the lever that works is found, the one that only looks so fails the placebo.

The truth is the data card's: `guide_integration` triples the odds of becoming an opportunity and costs 5,
`renewal_webinar` does nothing and goes to accounts that would renew anyway, `post_ten_trends` does nothing.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from kpi_lib.customers.growth import lift as compared
from kpi_lib.data import open_dataset
from kpi_lib.engine import run
from kpi_lib.kpis.lift import KPI, Params
from kpi_lib.measure import behind, part
from kpi_lib.schema import Tables

SAMPLE = Path(__file__).parents[2] / "data" / "sample" / "saas"


@cache
def sample() -> Tables:
    return open_dataset(SAMPLE).as_of()


@cache
def shown(name: str) -> pd.DataFrame:
    return part(KPI, sample(), Params(), name)


def row(name: str, where: str) -> Any:
    return shown(name).set_index("where").loc[where]


def test_the_guide_that_works_has_lift_and_a_flat_placebo() -> None:
    assert row("by_lever", "guide integration in qualified")["low"] > 0
    assert row("placebo", "guide integration in qualified")["differs"] == "no"


def test_the_webinar_has_lift_and_fails_the_placebo() -> None:
    """Those invited came to value faster, before any webinar."""
    found = row("by_lever", "renewal webinar in value")
    assert found["low"] > 0
    assert found["reading"].startswith("chosen")
    before = row("placebo", "renewal webinar in value")
    assert before["differs"] == "yes"
    assert before["slower_high"] < 0


def test_the_post_with_the_most_touches_shows_no_lift() -> None:
    found = row("by_lever", "post ten trends in engaged")
    assert found["low"] < 0 < found["high"]
    assert found["exposed"] == shown("by_lever")["exposed"].max()


def test_observed_and_projected_add_up_to_the_whole() -> None:
    found = shown("by_lever").dropna(subset=["whole"])
    plain = part(KPI, sample(), Params(adjust="nothing"), "by_lever").dropna(subset=["whole"])
    for frame in (found, plain):
        assert len(frame)
        assert np.allclose(frame["observed"] + frame["projected"], frame["whole"])


@pytest.mark.parametrize("lever", ["guide_integration", "post_ten_trends"])
def test_the_lift_is_the_mean_gap_to_the_comparable_accounts_of_each_stratum(lever: str) -> None:
    """Matched again here, stratum by stratum, in plain pandas."""
    rows = run(compared.units(sample(), Params()))
    rows = rows[rows["lever"] == lever]
    total = exposed = 0.0
    for _, own in rows.groupby(list(compared.STRATUM)):
        with_it = own.loc[own["exposed"] == 1, "observed"]
        without = own.loc[own["exposed"] == 0, "observed"]
        if len(with_it) and len(without):
            total += float((with_it - without.mean()).sum())
            exposed += len(with_it)
    found = run(compared.matched(compared.units(sample(), Params()), "observed"))
    found = found[found["lever"] == lever]
    assert found["weight"].sum() == exposed
    assert found["value"].sum() == pytest.approx(total)


def test_the_whale_curve_ends_at_the_profit_of_all_accounts() -> None:
    accounts = behind(KPI, sample(), Params())
    curve = shown("whale")
    parts = accounts[["revenue", "goods", "service", "touches"]].sum(axis=1)
    assert np.allclose(parts, accounts["profit"])
    assert curve["cumulative"].iloc[-1] == pytest.approx(accounts["profit"].sum())
    assert curve["losing"].iloc[-1] == (accounts["profit"] < 0).sum()


def test_the_portfolio_is_refused_and_its_interval_shown() -> None:
    last = shown("portfolio").iloc[0]
    assert last["low"] < 0 < last["high"]
    assert "includes 0" in last["reason"]
    assert shown("portfolio")["proposed"].isna().all()
