"""Planned looks: which day is one, what it asks for, and what the page says of it."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kpi_lib.evidence.looks import (
    LATE_DAYS,
    Standing,
    look_on,
    planned,
    planned_days,
    standing,
)
from kpi_lib.kpi import Difference, KpiParams
from kpi_lib.measure import Measurement, measure
from kpi_lib.sections.looks import NOTHING_PLANNED, looks
from kpi_lib.stats.spending import boundaries, nominal
from tests.evidence.worlds import LAST_DAY, Plan, make_world, signal_kpi, signal_params

AUTUMN, WINTER = date(2026, 9, 30), date(2026, 12, 31)
REGISTERED = KpiParams(looks=(AUTUMN, WINTER), decide_on=WINTER)


def test_the_day_of_the_decision_is_the_last_look() -> None:
    assert planned_days(REGISTERED) == (AUTUMN, WINTER)
    assert planned_days(KpiParams(looks=(AUTUMN,), decide_on=WINTER)) == (AUTUMN, WINTER)
    assert planned_days(KpiParams(looks=(WINTER, AUTUMN, AUTUMN))) == (AUTUMN, WINTER)
    assert planned_days(KpiParams(looks=(AUTUMN, WINTER), decide_on=AUTUMN)) == (AUTUMN,)
    assert planned_days(KpiParams(decide_on=WINTER)) == (WINTER,)
    assert planned_days(KpiParams()) == ()


def test_the_time_runs_by_the_calendar() -> None:
    """92 days from the first look to the second, so the time starts 92 days before the first."""
    first, second = planned(REGISTERED)
    assert (first.fraction, second.fraction) == (0.5, 1.0)
    assert second.given_out == pytest.approx(0.1)
    limits = boundaries((0.5, 1.0), 0.9)
    assert (first.below, second.below) == tuple(nominal(limit) for limit in limits)
    third = planned(KpiParams(looks=(date(2026, 1, 1), date(2026, 1, 11), date(2026, 1, 31))))
    assert [look.fraction for look in third] == [15 / 45, 25 / 45, 1.0]


def test_one_look_may_use_the_whole_chance() -> None:
    (only,) = planned(KpiParams(decide_on=WINTER))
    assert only.fraction == 1.0
    assert only.given_out == pytest.approx(0.1)
    assert only.below == pytest.approx(0.1)
    assert planned(KpiParams()) == ()


@given(st.integers(-400, 400))
def test_a_day_is_a_look_when_it_is_at_most_a_week_late(days: int) -> None:
    day = AUTUMN + timedelta(days=days)
    first, second = (0 <= (day - look).days <= LATE_DAYS for look in (AUTUMN, WINTER))
    assert look_on((AUTUMN, WINTER), day) == (1 if first else 2 if second else None)


def measured(params: KpiParams, change: Difference | None = None) -> Measurement:
    found = measure(signal_kpi(), make_world(Plan(accounts=30)).as_of(LAST_DAY), params)
    return replace(found, change=change) if change else found


def change(p_value: float | None, reason: str = "") -> Difference:
    return Difference(1.0, 0.1, 1.9, p_value, 0.5, "", reason)


def at_look(number: int, p_value: float | None, reason: str = "") -> tuple[Measurement, Standing]:
    """A measurement on the first or second of two planned looks."""
    days = [LAST_DAY + timedelta(days=80 * (place - number)) for place in (1, 2)]
    params = signal_params(looks=tuple(days), decide_on=days[-1])
    known = measured(params, change(p_value, reason))
    return known, standing(known)


@pytest.mark.parametrize(
    ("number", "p_value", "counts"),
    [(1, 0.05, False), (1, 0.005, True), (2, 0.05, True), (2, 0.099, False), (1, None, None)],
)
def test_an_early_look_asks_for_more(number: int, p_value: float | None, counts: bool) -> None:
    """At two equally spaced looks z is 2.538 and 1.662, so p is 0.0111 and 0.0965."""
    known, found = at_look(number, p_value, "7 accounts" if p_value is None else "")
    assert found.number == number
    assert found.counts is counts
    said = looks(known, found).said
    assert f"This is planned look {number} of 2" in said
    assert "0.011" in said
    assert "0.096" in said
    if counts is None:
        assert "cannot be told: 7 accounts." in said


def test_the_page_explains_the_sharing_in_words() -> None:
    known, found = at_look(1, 0.05)
    said = looks(known, found).said
    assert "does not count: its p-value is 0.050, and a value below 0.011 is asked for" in said
    assert "2 looks are planned" in said
    assert "the 10 % of false alarms that we accept are shared out" in said
    assert "at most 10.7 % in all" in said
    view = looks(known, found)
    assert view.frame is not None
    assert list(view.frame["look"]) == [1, 2]
    assert view.shown()


def test_a_look_that_was_not_planned_describes() -> None:
    later = LAST_DAY + timedelta(days=90)
    known = measured(signal_params(decide_on=later, looks=(later,)), change(0.0001))
    found = standing(known)
    assert (found.number, found.counts) == (None, None)
    said = looks(known, found).said
    assert "is no planned look; the next is on" in said
    assert "describes, and decides nothing" in said
    assert "One look is planned" in said


def test_without_a_plan_every_look_is_descriptive() -> None:
    known = measured(signal_params())
    assert looks(known, standing(known)).said == NOTHING_PLANNED
    assert standing(known).looks == ()
