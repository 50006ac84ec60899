"""Lift on a randomised experiment: it must agree with the plain difference of the arm means.

Hillstrom's MineThatData e-mail experiment (half of it, 32,000 customers). Arms are drawn by lot, so nothing is
to be adjusted for, and the placebo (spending of the year before) must be flat.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from kpi_lib.customers.growth import lift, lift_parts
from kpi_lib.data import open_dataset
from kpi_lib.engine import run
from kpi_lib.kpis.lift import Params
from kpi_lib.schema import Tables
from kpi_lib.stats.exposed import Lift, is_flat
from tests.real.published import HERE, needs_real_data, real_file

pytestmark = needs_real_data

ARMS = ("Mens E-Mail", "Womens E-Mail")
ASKED = Params(horizon_days=14)


@pytest.fixture(scope="module")
def tables() -> Tables:
    return open_dataset(HERE / "hillstrom").as_of()


@pytest.fixture(scope="module")
def arms() -> dict[str, pd.Series]:
    rows = pd.read_csv(real_file("hillstrom/hillstrom.csv"))
    return {str(name): own["spend"] for name, own in rows.groupby("segment")}


def emails(tables: Tables, arms: dict[str, pd.Series], **asked: Any) -> Lift:
    """The lift of any e-mail: both arms against none."""
    rule = ASKED.model_copy(update={"lever_by": "channel", **asked})
    return lift_parts.lifts(tables, rule, "observed", ("lever",))[("email",)]


def difference(arms: dict[str, pd.Series]) -> tuple[float, float]:
    """E-mail less none, and its standard error, by hand."""
    one, other = pd.concat([arms[name] for name in ARMS]), arms["No E-Mail"]
    error = np.sqrt(one.var() / len(one) + other.var() / len(other))
    return float(one.mean() - other.mean()), float(error)


def test_without_adjustment_it_is_the_difference_of_the_arm_means(
    tables: Tables, arms: dict[str, pd.Series]
) -> None:
    plain, error = difference(arms)
    found = emails(tables, arms, adjust="nothing")
    assert found.value == pytest.approx(plain, abs=1e-9)
    assert (found.high - found.low) / 2 == pytest.approx(1.6449 * error, rel=0.01)
    assert (found.exposed, found.comparable) == (
        sum(len(arms[name]) for name in ARMS),
        len(arms["No E-Mail"]),
    )


def test_adjusted_for_the_year_before_it_agrees_within_the_interval(
    tables: Tables, arms: dict[str, pd.Series]
) -> None:
    plain, error = difference(arms)
    found = emails(tables, arms)
    assert found.low <= plain <= found.high
    assert abs(found.value - plain) < error


def test_the_placebo_of_an_experiment_is_flat(tables: Tables) -> None:
    rule = ASKED.model_copy(update={"lever_by": "channel"})
    before = lift_parts.lifts(tables, rule, "money_before", ("lever",))[("email",)]
    assert is_flat(before) is True


def test_nothing_is_projected_where_there_are_no_contracts(tables: Tables) -> None:
    rows = lift.units(tables, ASKED)
    assert run(rows.aggregate(n=rows["projected"].count()))["n"].iloc[0] == 0
