"""The share within a horizon under a competing event: Aalen-Johansen, its noise, its clusters."""

from __future__ import annotations

import math
from datetime import date
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from kpi_lib.customers.subscribed import small
from kpi_lib.engine import run
from kpi_lib.stats.exact import fisher
from kpi_lib.stats.incidence import Incidence
from kpi_lib.stats.incidence_cell import influence, watched_of
from kpi_lib.stats.intervals import newcombe, wilson
from kpi_lib.stats.mix import mix_and_rate

HORIZON = 100
PERIOD = date(2026, 1, 1)
Unit = tuple[int, int]
units_of_a_cohort = st.lists(
    st.tuples(st.integers(0, 130), st.sampled_from([0, 1, 2])), min_size=2, max_size=30
)


def reduced(units: list[Unit], accounts: list[str | None] | None = None) -> pd.DataFrame:
    """The reduced frame of units given as (days, outcome), made in the engine."""
    columns: dict[str, list[Any]] = {
        "unit_id": [str(place) for place in range(len(units))],
        "account_id": list(accounts or [None] * len(units)),
        "period": [PERIOD] * len(units),
        "value": [float(days) for days, _ in units],
        "outcome": [outcome for _, outcome in units],
        "exposed": [200.0] * len(units),
    }
    kinds = {"unit_id": "string", "account_id": "string", "period": "date", "value": "float64"}
    table = small(columns, kinds | {"outcome": "int64", "exposed": "float64"})
    return run(Incidence(HORIZON).reduce(table, ["period"]))


def cell(units: list[Unit], accounts: list[str | None] | None = None) -> Any:
    return Incidence(HORIZON).estimate(reduced(units, accounts), ["period"], 0.9).iloc[0]


def followed(units: list[Unit]) -> list[Unit]:
    """The same units, those still waiting watched beyond the horizon."""
    return [(HORIZON + 30, 0) if outcome == 0 else (days, outcome) for days, outcome in units]


def by_hand(units: list[Unit], weights: np.ndarray) -> float:
    """Aalen-Johansen's share at the horizon, one day after the other."""
    share, waiting = 0.0, 1.0
    for day in range(HORIZON + 1):
        at_risk = sum(w for (d, _), w in zip(units, weights, strict=True) if d >= day)
        won, lost = (
            sum(w for (d, o), w in zip(units, weights, strict=True) if d == day and o == cause)
            for cause in (1, 2)
        )
        if at_risk > 0:
            share += waiting * won / at_risk
            waiting *= 1 - (won + lost) / at_risk
    return share


@settings(max_examples=60, deadline=None)
@given(units_of_a_cohort)
def test_without_censoring_it_is_the_plain_share(units: list[Unit]) -> None:
    """Then Wilson's interval of the plain share, too."""
    watched = followed(units)
    hits = sum(outcome == 1 and days <= HORIZON for days, outcome in watched)
    found = cell(watched)
    assert found["value"] == pytest.approx(hits / len(units), abs=1e-12)
    assert found["effective"] == pytest.approx(len(units))
    low, high = wilson(hits, len(units), 0.9)
    assert (found["low"], found["high"]) == pytest.approx((low, high), abs=1e-9)


@settings(max_examples=60, deadline=None)
@given(units_of_a_cohort)
def test_it_is_aalen_johansen_by_hand(units: list[Unit]) -> None:
    units = [*units, (HORIZON + 5, 0)]
    assert cell(units)["value"] == pytest.approx(by_hand(units, np.ones(len(units))), abs=1e-12)


@settings(max_examples=60, deadline=None)
@given(units_of_a_cohort)
def test_one_minus_kaplan_meier_is_larger_whenever_somebody_was_lost(units: list[Unit]) -> None:
    """Strictly so when somebody was lost before another one was won."""
    units = [*units, (HORIZON + 5, 0)]
    found = cell(units)
    assert found["as_if_nobody_left"] >= found["value"] - 1e-12
    lost = [days for days, outcome in units if outcome == 2]
    won = [days for days, outcome in units if outcome == 1 and days <= HORIZON]
    if lost and won and min(lost) < max(won):
        assert found["as_if_nobody_left"] > found["value"] + 1e-9
    if not [days for days in lost if days <= HORIZON]:
        assert found["as_if_nobody_left"] == pytest.approx(found["value"], abs=1e-12)


@settings(max_examples=40, deadline=None)
@given(units_of_a_cohort)
def test_an_open_unit_is_no_loss(units: list[Unit]) -> None:
    """Counting the censored as lost on their last day can only make the share smaller."""
    censored = [*units, (HORIZON + 5, 0)]
    as_lost = [(days, outcome or 2) for days, outcome in censored]
    assert cell(as_lost)["value"] <= cell(censored)["value"] + 1e-12


@settings(max_examples=40, deadline=None)
@given(units_of_a_cohort)
def test_influence_is_the_derivative_of_the_share(units: list[Unit]) -> None:
    """Against a numeric derivative in the weight of each unit."""
    units = [*units, (HORIZON + 5, 0)]
    rows = watched_of(reduced(units))
    ours = influence(rows, rows.risk())
    step = 1e-6
    for days, outcome, mine in zip(rows.durations, rows.outcomes, ours, strict=True):
        plain = [(min(d, HORIZON), o if d <= HORIZON else 0) for d, o in units]
        weights = np.ones(len(units))
        place = plain.index((int(days), int(outcome)))
        up, down = weights.copy(), weights.copy()
        up[place] += step
        down[place] -= step
        slope = (by_hand(plain, up) - by_hand(plain, down)) / (2 * step)
        assert mine == pytest.approx(slope, abs=1e-6)


@settings(max_examples=40, deadline=None)
@given(units_of_a_cohort)
def test_every_unit_twice_in_one_account_tells_no_more(units: list[Unit]) -> None:
    """Two copies that share an account have the error of one; as strangers they would have less."""
    watched = followed(units)
    names: list[str | None] = [f"a{place}" for place in range(len(units))]
    once, twice = cell(watched), cell(watched * 2, names * 2)
    assert twice["value"] == pytest.approx(once["value"], abs=1e-12)
    assert twice["standard_error"] == pytest.approx(once["standard_error"], abs=1e-12)
    assert twice["n"] == 2 * once["n"]
    assert twice["effective"] == pytest.approx(once["effective"])
    assume(0 < once["value"] < 1)
    strangers = cell(watched * 2)
    assert strangers["standard_error"] == pytest.approx(once["standard_error"] / math.sqrt(2))


def test_not_followed_to_the_horizon_is_null_with_a_reason() -> None:
    found = cell([(20, 1), (30, 2), (40, 0)])
    assert math.isnan(found["value"])
    assert found["reason"] == "followed for 40 of 100 days only"
    assert found["resolved"] == 0


def test_a_curve_that_ends_before_the_horizon_is_none() -> None:
    """Watched for 60 days only: that the last one was won says nothing about day 100."""
    rows = reduced([(20, 0), (30, 0), (40, 1)]).assign(followed=0)
    found = Incidence(HORIZON).estimate(rows, ["period"], 0.9).iloc[0]
    assert math.isnan(found["value"])
    assert found["reason"] == "followed for 40 of 100 days only"


def test_nobody_won_shows_an_upper_bound() -> None:
    """Wilson's at 0 of 12: .24249 at 95 %, from the published table of R's binom."""
    units = [(20, 2)] * 12
    found = Incidence(HORIZON).estimate(reduced(units), ["period"], 0.95).iloc[0]
    assert (found["value"], found["low"]) == (0, 0)
    assert found["high"] == pytest.approx(0.24249, abs=5e-6)


def test_days_after_the_horizon_do_not_count() -> None:
    found = cell([(HORIZON, 1), (HORIZON + 1, 1), (HORIZON + 20, 2), (-2, 1)])
    assert (found["value"], found["events"], found["left"]) == (0.5, 2, 0)


def test_two_followed_cohorts_differ_as_two_shares_do() -> None:
    first = reduced([(10, 1)] * 3 + [(20, 2)] * 17)
    second = reduced([(10, 1)] * 12 + [(20, 2)] * 18)
    change = Incidence(HORIZON).difference(first, second, level=0.9, power=0.8)
    assert change.value == pytest.approx(12 / 30 - 3 / 20)
    assert change.p_value == pytest.approx(fisher((3, 20), (12, 30)))
    assert (change.low, change.high) == pytest.approx(newcombe((3, 20), (12, 30), 0.9))


def test_cohorts_pool_by_adding_their_rows() -> None:
    one, two = [(10, 1), (20, 2), (HORIZON + 1, 0)], [(15, 1), (30, 0), (HORIZON + 1, 0)]
    together = pd.concat([reduced(one), reduced(two)])
    pooled = Incidence(HORIZON).estimate(together, [], 0.9).iloc[0]
    assert pooled["value"] == pytest.approx(by_hand(one + two, np.ones(6)), abs=1e-12)


def test_no_units_is_an_answer() -> None:
    nothing = reduced([(10, 1)]).iloc[:0]
    assert Incidence(HORIZON).estimate(nothing, ["period"], 0.9).empty
    alone = Incidence(HORIZON).estimate(nothing, [], 0.9).iloc[0]
    assert (alone["n"], alone["reason"]) == (0, "no units")
    change = Incidence(HORIZON).difference(nothing, nothing, level=0.9, power=0.8)
    assert change.value is None
    assert change.reason
    assert Incidence(HORIZON).units_needed(nothing, 0.1, level=0.9, power=0.8) is None


def test_units_needed_grow_when_accounts_hang_together() -> None:
    units = [(10, 1)] * 6 + [(20, 2)] * 34
    names: list[str | None] = [f"a{place // 2}" for place in range(40)]
    alone, together = (
        Incidence(HORIZON).units_needed(rows, 0.1, level=0.9, power=0.8)
        for rows in (reduced(units), reduced(units, names))
    )
    assert alone is not None
    assert together is not None
    assert together == pytest.approx(2 * alone, abs=2)


@given(
    st.lists(
        st.tuples(st.integers(1, 50), st.integers(1, 50), st.floats(0, 1), st.floats(0, 1)),
        min_size=1,
        max_size=4,
    )
)
def test_mix_and_rate_add_up_to_the_change(groups: list[tuple[int, int, float, float]]) -> None:
    """Kitagawa (1955): the two components of every group together are the change of the whole."""
    rows = [
        {"group": f"g{place}", "half": half, "n": group[side], "value": group[2 + side]}
        for place, group in enumerate(groups)
        for side, half in enumerate(("then", "now"))
    ]
    found: Any = mix_and_rate(
        pd.DataFrame(rows), "group", "half", ("then", "now"), count="n", rate="value"
    )
    totals = [
        sum(g[side] * g[2 + side] for g in groups) / sum(g[side] for g in groups) for side in (0, 1)
    ]
    both = found["from_mix"].sum() + found["from_rate"].sum()
    assert both == pytest.approx(totals[1] - totals[0], abs=1e-12)
